package version

import (
	"cmp"
	"container/heap"
	"errors"
	"fmt"
	"slices"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// MaxVersions is how many versions a history may have. Each question about one takes time in proportion to them.
const MaxVersions = 100_000

// ErrUnrelated is that of two histories without a common ancestor: those of two groups.
var ErrUnrelated = errors.New("the two configurations have no common ancestor: they belong to two different groups")

// History is a set of versions in which every parent is there too, and one root. The documents of its versions need not
// be at hand. The zero value is an empty history.
type History struct {
	versions map[ID]*known
	of       map[binding.Digest][]ID
	root     ID
}

// known is a version in its history.
type known struct {
	id ID
	*Version
	// generation is one more than those of its parents, so that an ancestor has a lower one.
	generation int
}

// Load returns the history of encoded versions, in which parents stand before their children and head is. It says what
// is wrong with one that is damaged, forged or incomplete.
func Load(records [][]byte, head ID) (*History, error) {
	h := &History{}
	for i, b := range records {
		v, err := Decode(b)
		if err == nil {
			_, err = h.Add(v)
		}
		if err != nil {
			return nil, fmt.Errorf("version %d of %d: %w", i+1, len(records), err)
		}
	}
	if !head.IsZero() && h.versions[head] == nil {
		return nil, fmt.Errorf("the head, version %s, is not in the history: it is incomplete", head.Short())
	}
	return h, nil
}

// Add adds a version, whose parents must be there, and returns its name. One that is there already stays as it is, but
// gets the document if it had none.
func (h *History) Add(v *Version) (ID, error) {
	if err := v.check(); err != nil {
		return ID{}, err
	}
	id := v.ID()
	if old := h.versions[id]; old != nil {
		if old.Document == nil && v.Document != nil {
			old.Version = v
		}
		return id, nil
	}
	n := &known{id: id, Version: v}
	for _, p := range v.Parents {
		parent := h.versions[p]
		if parent == nil {
			return ID{}, fmt.Errorf("version %s names a parent, %s, that is not in the history: it is incomplete or forged", id.Short(), p.Short())
		}
		n.generation = max(n.generation, parent.generation+1)
	}
	switch {
	case len(h.versions) >= MaxVersions:
		return ID{}, fmt.Errorf("the history has %d versions: no more fit", MaxVersions)
	case v.IsRoot() && len(h.versions) > 0:
		return ID{}, fmt.Errorf("version %s is a second root: %w", id.Short(), ErrUnrelated)
	case v.IsRoot():
		h.versions, h.of, h.root = map[ID]*known{}, map[binding.Digest][]ID{}, id
	}
	h.versions[id] = n
	h.of[v.Meaning] = append(h.of[v.Meaning], id)
	return id, nil
}

// Release forgets the document of a version, so that a history costs memory for what it is and not for what it says. The
// version stays, and can have its document again (Add).
func (h *History) Release(id ID) {
	if n := h.versions[id]; n != nil {
		v := *n.Version
		v.Document, v.Source, v.read = nil, nil, nil
		n.Version = &v
	}
}

// Drop takes out a version that was never made durable, and from which no other comes; others stay.
func (h *History) Drop(id ID) {
	n := h.versions[id]
	if n == nil {
		return
	}
	for _, other := range h.versions {
		if slices.Contains(other.Parents, id) {
			return
		}
	}
	delete(h.versions, id)
	h.of[n.Meaning] = slices.DeleteFunc(h.of[n.Meaning], func(other ID) bool { return other == id })
	if id == h.root {
		*h = History{}
	}
}

// Len returns how many versions there are.
func (h *History) Len() int { return len(h.versions) }

// Root returns the version that all others come from; zero if the history is empty.
func (h *History) Root() ID { return h.root }

// Get returns a version; nil if it is not there.
func (h *History) Get(id ID) *Version {
	if n := h.versions[id]; n != nil {
		return n.Version
	}
	return nil
}

// Of returns the versions whose document has that digest, those that were added first before the others.
func (h *History) Of(meaning binding.Digest) []ID { return slices.Clone(h.of[meaning]) }

// Descends reports whether id is of, or comes from it. Neither need be in the history; what is not descends from nothing.
func (h *History) Descends(id, of ID) bool {
	from, to := h.versions[id], h.versions[of]
	if from == nil || to == nil {
		return false
	}
	seen := map[ID]bool{id: true}
	for next := []*known{from}; len(next) > 0; {
		n := next[len(next)-1]
		next = next[:len(next)-1]
		if n == to {
			return true
		}
		for _, p := range n.Parents {
			if parent := h.versions[p]; !seen[p] && parent.generation >= to.generation {
				seen[p] = true
				next = append(next, parent)
			}
		}
	}
	return false
}

// Relation says how two versions of one history stand to each other. The zero value is invalid.
type Relation uint8

const (
	_        Relation = iota
	Same              // they are one
	Ahead             // the first comes from the second
	Behind            // the second comes from the first
	Diverged          // neither comes from the other
)

// Relate returns how a stands to b. Both must be in the history.
func (h *History) Relate(a, b ID) Relation {
	switch {
	case a == b:
		return Same
	case h.Descends(a, b):
		return Ahead
	case h.Descends(b, a):
		return Behind
	}
	return Diverged
}

// Bases returns the best common ancestors of two versions, in ascending order: those from which no other common ancestor
// comes. There is one, unless branches were merged crosswise; none if one of the two is not in the history.
func (h *History) Bases(a, b ID) (bases []ID) {
	if h.versions[a] == nil || h.versions[b] == nil {
		return nil
	}
	const ofA, ofB, stale = 1, 2, 4
	marks := map[ID]int{}
	var q queue
	mark := func(id ID, m int) {
		if marks[id] == 0 {
			heap.Push(&q, h.versions[id])
		}
		marks[id] |= m
	}
	mark(a, ofA)
	mark(b, ofB)
	// Generations fall, so what is taken off the queue has all the marks that it can get.
	for q.Len() > 0 {
		n := heap.Pop(&q).(*known)
		m := marks[n.id]
		if m == ofA|ofB {
			bases = append(bases, n.id)
			m |= stale
		}
		for _, p := range n.Parents {
			mark(p, m)
		}
	}
	slices.SortFunc(bases, ID.Compare)
	return bases
}

// Missing returns what of the history of want is not in that of have, parents before their children; all of it if have
// is not in the history.
func (h *History) Missing(have, want ID) []ID {
	seen := map[ID]bool{}
	h.walk(have, func(n *known) bool { seen[n.id] = true; return true })
	var all []ID
	h.walk(want, func(n *known) bool {
		if !seen[n.id] {
			all = append(all, n.id)
		}
		return true
	})
	slices.Reverse(all)
	return all
}

// Log returns up to limit versions that head comes from, itself first, every version before its parents, and else the
// latest first.
func (h *History) Log(head ID, limit int) (all []ID) {
	h.walk(head, func(n *known) bool {
		if len(all) < limit {
			all = append(all, n.id)
		}
		return len(all) < limit
	})
	return all
}

// walk calls each with head and everything that it comes from, every version before its parents, until it returns false.
func (h *History) walk(head ID, each func(*known) bool) {
	if h.versions[head] == nil {
		return
	}
	seen := map[ID]bool{head: true}
	q := queue{h.versions[head]}
	for q.Len() > 0 {
		n := heap.Pop(&q).(*known)
		if !each(n) {
			return
		}
		for _, p := range n.Parents {
			if !seen[p] {
				seen[p] = true
				heap.Push(&q, h.versions[p])
			}
		}
	}
}

// queue has the version of the highest generation first.
type queue []*known

func (q queue) Len() int      { return len(q) }
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q queue) Less(i, j int) bool {
	a, b := q[i], q[j]
	return cmp.Or(cmp.Compare(b.generation, a.generation), b.Time.Compare(a.Time), b.id.Compare(a.id)) < 0
}
func (q *queue) Push(x any) { *q = append(*q, x.(*known)) }
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}
