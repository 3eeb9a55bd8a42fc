package version

import (
	"fmt"

	"github.com/lessor-dhcp/lessor/internal/config"
)

// Joined is what becomes of two heads of one history.
type Joined struct {
	// A and B are the two, in ascending order, so that both members see the same.
	A, B ID
	// Head is the version that both are to have: the later of the two where one comes from the other, or their merge. It
	// is zero while there is a conflict.
	Head ID
	// Merge is the version that joins them, which is not in the history yet; nil if none is needed, or there is a conflict.
	Merge *Version
	// Document is that of Merge.
	Document *config.Document
	// Conflicts are what keeps them apart; A and B in them are those above.
	Conflicts []Conflict
	// PendingA and PendingB are the changes of Merge to A and to B that wait until both members have them.
	PendingA, PendingB []Change
}

// Join returns what becomes of two heads, both in the history. open reads a version's document. Whoever computes it, and
// in whatever order the two are given, it is the same, the merge's name included; and a merge descends from both, so the
// next Join of it with either gives it again.
func (h *History) Join(a, b ID, open func(ID) (*config.Document, error)) (Joined, error) {
	if b.Compare(a) < 0 {
		a, b = b, a
	}
	j := Joined{A: a, B: b}
	for _, id := range []ID{a, b} {
		if h.Get(id) == nil {
			return j, fmt.Errorf("version %s is not in the history", id.Short())
		}
	}
	switch h.Relate(a, b) {
	case Same, Ahead:
		j.Head = a
		return j, nil
	case Behind:
		j.Head = b
		return j, nil
	}
	m, err := h.merge(a, b, TakeNone, open)
	if err != nil {
		return j, err
	}
	j.Conflicts, j.PendingA, j.PendingB = m.Conflicts, m.PendingA, m.PendingB
	if m.Document == nil {
		return j, nil
	}
	v, err := Child(m.Document, mergedBy(h.Get(a), h.Get(b)), a, b)
	if err != nil {
		return j, err
	}
	v.Source = nil // it is nobody's file
	j.Merge, j.Head = v, v.ID()
	j.Document, err = v.Read()
	return j, err
}

// Resolve returns the document that joins two heads where one side is taken wherever both changed the same; a is A, and b
// is B. It is nil where even so the two do not fit together.
func (h *History) Resolve(a, b ID, take Take, open func(ID) (*config.Document, error)) (*config.Document, []Conflict, error) {
	m, err := h.merge(a, b, take, open)
	return m.Document, m.Conflicts, err
}

func (h *History) merge(a, b ID, take Take, open func(ID) (*config.Document, error)) (Merged, error) {
	bases := h.Bases(a, b)
	if len(bases) == 0 || len(bases) > mostBases {
		return Merged{Conflicts: []Conflict{{Reason: Crossed}}}, nil
	}
	documents := make([]*config.Document, 0, 2+mostBases)
	for _, id := range append([]ID{a, b}, bases...) {
		d, err := open(id)
		if err != nil {
			return Merged{}, fmt.Errorf("version %s: %w", id.Short(), err)
		}
		documents = append(documents, d)
	}
	return Merge(documents[2:], documents[0], documents[1], take), nil
}

// mostBases is how many best common ancestors two heads may have. There are more than one only after branches were
// merged crosswise by hand.
const mostBases = 4
