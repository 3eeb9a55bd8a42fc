package ledger

import "github.com/lessor-dhcp/lessor/internal/binding"

// Lineage says which version of the configuration comes from which, as far as a group's history is known.
type Lineage struct {
	of map[binding.Digest]*ancestor
}

type ancestor struct {
	generation int // above that of each parent
	parents    []*ancestor
}

// NewLineage returns a lineage without a version.
func NewLineage() *Lineage { return &Lineage{of: map[binding.Digest]*ancestor{}} }

// Len returns how many names it knows.
func (l *Lineage) Len() int { return len(l.of) }

// Add adds a version whose parents were added before; those that were not are left out. A server without a history knows it by the
// digest of its document: of several versions that say the same that stands for the first.
func (l *Lineage) Add(id, document binding.Digest, parents ...binding.Digest) {
	if l.of[id] != nil {
		return
	}
	a := &ancestor{}
	for _, p := range parents {
		if x := l.of[p]; x != nil {
			a.parents = append(a.parents, x)
			a.generation = max(a.generation, x.generation+1)
		}
	}
	l.of[id] = a
	if l.of[document] == nil {
		l.of[document] = a
	}
}

// Follows reports whether version v is of, or comes from it. What is not known of v is for others to say: an unknown v follows
// everything; a known one does not follow what is unknown.
func (l *Lineage) Follows(v, of binding.Digest) bool {
	from, to := l.of[v], l.of[of]
	switch {
	case v == of || from == nil || from == to:
		return true
	case to == nil:
		return false
	}
	seen := map[*ancestor]bool{from: true}
	for next := []*ancestor{from}; len(next) > 0; {
		a := next[len(next)-1]
		next = next[:len(next)-1]
		for _, p := range a.parents {
			if p == to {
				return true
			}
			if !seen[p] && p.generation > to.generation {
				seen[p] = true
				next = append(next, p)
			}
		}
	}
	return false
}
