package node

import (
	"context"
	"slices"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config/version"
)

// descent returns all versions that are here, parents first.
func (k *keeper) descent() (all []Descendant) {
	s := &k.machine.State
	for _, tip := range [...]version.ID{s.Head, s.Tip, s.Rival} {
		log := k.history.Log(tip, version.MaxVersions)
		slices.Reverse(log)
		for _, id := range log {
			if v := k.history.Get(id); v != nil {
				all = append(all, descendant(id, v))
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
		all = append(all, descendant(v.ID(), v))
	}
	return n.doOpen(context.Background(), func(e *Effects) { n.core.Handle(n.clock.now(), Descent{all}, e) })
}

func descendant(id version.ID, v *version.Version) Descendant {
	d := Descendant{ID: binding.Digest(id), Document: v.Meaning}
	for _, p := range v.Parents {
		d.Parents = append(d.Parents, binding.Digest(p))
	}
	return d
}
