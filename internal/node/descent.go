package node

import (
	"context"
	"slices"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/group"
)

// descent returns all versions that are here, parents first.
func (k *keeper) descent() []Descendant { return DescentOf(k.history, k.machine.State) }

// DescentOf returns all versions from which those that a member's state names come, parents first.
func DescentOf(h *version.History, s group.State) (all []Descendant) {
	for _, tip := range [...]version.ID{s.Head, s.Tip, s.Rival} {
		log := h.Log(tip, version.MaxVersions)
		slices.Reverse(log)
		for _, id := range log {
			if v := h.Get(id); v != nil {
				all = append(all, DescendantOf(v))
			}
		}
	}
	return all
}

// tellDescent has the decider know from where new versions come, before anything is done by them or told of what was.
func (k *keeper) tellDescent(added []*version.Version) error {
	n := k.n
	if n.core == nil || len(added) == 0 { // a new core is told of all
		return nil
	}
	var all []Descendant
	for _, v := range added {
		all = append(all, DescendantOf(v))
	}
	return n.doOpen(context.Background(), func(e *Effects) { n.core.Handle(n.clock.now(), Descent{all}, e) })
}

// DescendantOf returns from what a version comes.
func DescendantOf(v *version.Version) Descendant {
	d := Descendant{ID: binding.Digest(v.ID()), Document: v.Meaning}
	for _, p := range v.Parents {
		d.Parents = append(d.Parents, binding.Digest(p))
	}
	return d
}
