package version

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/lessor-dhcp/lessor/internal/config"
)

// Reason says why a merge needs a person. The zero value is invalid.
type Reason uint8

const (
	_ Reason = iota
	// BothChanged: both sides say something else than the base, and not the same.
	BothChanged
	// RemovedAndChanged: one side took an object out in which the other changed something.
	RemovedAndChanged
	// Order: no order of the entries is that which both sides want.
	Order
	// Crossed: the branches were merged crosswise before, and what is to be kept depends on where one begins.
	Crossed
	// Invalid: each side is right by itself, and both together are not.
	Invalid
)

var reasonNames = [...]string{
	BothChanged: "both changed it", RemovedAndChanged: "one took it out, the other changed it", Order: "no order is what both want",
	Crossed: "the branches were merged crosswise", Invalid: "the two do not fit together",
}

// String returns the reason in words.
func (r Reason) String() string {
	if int(r) < len(reasonNames) && reasonNames[r] != "" {
		return reasonNames[r]
	}
	return "invalid"
}

// MarshalText makes a Reason its words in JSON.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (r *Reason) UnmarshalText(b []byte) error {
	i := named(reasonNames[:], string(b))
	if i == 0 {
		return fmt.Errorf("%q is no reason of a conflict", b)
	}
	*r = Reason(i)
	return nil
}

// Conflict is one thing that a person must decide before two branches are one again.
type Conflict struct {
	Key    string `json:"key"`
	Reason Reason `json:"reason"`
	// Base, A and B are what the three documents say there, on one line; empty where they say nothing. Of an Order they
	// are the names in order.
	Base string `json:"base,omitempty"`
	A    string `json:"a,omitempty"`
	B    string `json:"b,omitempty"`
	// ALine and BLine are where the two documents say it, in lines of the text that they were read from; 0: nowhere.
	ALine int `json:"a_line,omitempty"`
	BLine int `json:"b_line,omitempty"`
	// Problem is what is wrong with both together, where the reason is Invalid.
	Problem *config.Problem `json:"problem,omitempty"`

	at path
}

// Take says whose value is taken where a merge would be a conflict.
type Take uint8

const (
	TakeNone Take = iota // nobody's: it is a conflict
	TakeA
	TakeB
)

// Merged is what a merge gives: a document, or what keeps it from being one.
type Merged struct {
	// Document is nil if there are conflicts.
	Document *config.Document
	// Conflicts are in ascending order of key.
	Conflicts []Conflict
	// PendingA and PendingB are the changes that the document makes to those of the two sides and that wait until both
	// members have them, since safety stands on them.
	PendingA, PendingB []Change
}

// Merge joins two documents that come from the same bases; there are several only where branches were merged crosswise.
// Its keys are those of Diff: what only one side changed is taken, what both changed to the same also, and an object's
// identity (which client a host is, and which address is kept for it) is one value. The order of classes and of pools is
// merged as relative order.
//
// It is a function of the sets of what the documents say: Merge(bases, b, a) gives the same document, and the same
// conflicts with A and B exchanged.
func Merge(bases []*config.Document, a, b *config.Document, take Take) Merged {
	switch {
	case a.Digest == b.Digest:
		return Merged{Document: a}
	case len(bases) == 0:
		return Merged{Conflicts: []Conflict{{Reason: Crossed}}}
	}
	inA, inB := a.Outline(), b.Outline()
	tree, conflicts := mergeAll(bases, inA, inB, take)
	if len(conflicts) > 0 {
		return Merged{Conflicts: conflicts}
	}
	d, conflicts := document(tree, a, b, inA, inB)
	if d == nil {
		return Merged{Conflicts: conflicts}
	}
	merged := d.Outline()
	return Merged{Document: d, PendingA: waiting(diff(inA, merged)), PendingB: waiting(diff(inB, merged))}
}

// mergeAll merges from each of the bases. Where that does not give the same, it depends on the base what is a change and
// what is its undoing, and nobody but a person knows.
func mergeAll(bases []*config.Document, a, b *config.Element, take Take) (*config.Element, []Conflict) {
	var first *config.Element
	var conflicts []Conflict
	for i, base := range bases {
		m := merger{take: take}
		tree := m.entry(nil, base.Outline(), a, b)
		conflicts = append(conflicts, m.conflicts...)
		if i == 0 {
			first = tree
			continue
		}
		for _, c := range diff(first, tree) {
			if take == TakeNone {
				conflicts = append(conflicts, crossed(c.at, a, b))
			}
		}
	}
	if take != TakeNone {
		return first, nil
	}
	slices.SortStableFunc(conflicts, func(a, b Conflict) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Reason, b.Reason))
	})
	return first, slices.CompactFunc(conflicts, func(a, b Conflict) bool { return a.Key == b.Key })
}

func crossed(at path, a, b *config.Element) Conflict {
	c := Conflict{Key: at.String(), Reason: Crossed, at: at}
	c.A, c.ALine = show(lookup(a, at))
	c.B, c.BLine = show(lookup(b, at))
	return c
}

// lookup returns the element at a path; nil if there is none.
func lookup(e *config.Element, at path) *config.Element {
	for _, key := range at {
		x := entriesOf(e)
		if e = x.find(key); e == nil {
			return nil
		}
	}
	return e
}

func show(e *config.Element) (text string, line int) {
	if e == nil {
		return "", 0
	}
	return e.Flow(), e.Position.Line
}

type merger struct {
	take      Take
	conflicts []Conflict
}

// conflict records one, and returns the side that is taken. Where none is, it is nobody's: the rest of the merge must not
// depend on which side is A.
func (m *merger) conflict(at path, reason Reason, base, a, b *config.Element) *config.Element {
	c := Conflict{Key: at.String(), Reason: reason, at: at}
	c.Base, _ = show(base)
	c.A, c.ALine = show(a)
	c.B, c.BLine = show(b)
	m.conflicts = append(m.conflicts, c)
	switch m.take {
	case TakeA:
		return a
	case TakeB:
		return b
	}
	return nil
}

// entry returns what is to stand at a path; nil: nothing.
func (m *merger) entry(at path, base, a, b *config.Element) *config.Element {
	kind := kindOf(base, a, b)
	switch {
	case same(a, b), same(base, b):
		return a
	case same(base, a):
		return b
	case kind == config.Leaf:
		return m.conflict(at, BothChanged, base, a, b)
	case kind == config.Object && base != nil && (a == nil || b == nil):
		return m.conflict(at, RemovedAndChanged, base, a, b)
	}
	return m.entries(at, kind, base, a, b)
}

// kindOf returns what the elements are that are there; Leaf, if they are not all alike: then each is one value.
func kindOf(all ...*config.Element) (kind config.ElementKind) {
	for _, e := range all {
		switch {
		case e == nil:
		case kind == 0:
			kind = e.Kind
		case kind != e.Kind:
			return config.Leaf
		}
	}
	return kind
}

// entries merges maps key by key. A section that is not there is an empty one.
func (m *merger) entries(at path, kind config.ElementKind, base, a, b *config.Element) *config.Element {
	merged := &config.Element{Kind: kind}
	if len(at) > 0 {
		merged.Key = at[len(at)-1]
	}
	whole := m.identity(at, base, a, b)
	inBase := entriesOf(base)
	both(a, b, func(key string, a, b *config.Element) {
		e := (*config.Element)(nil)
		if was := inBase.find(key); whole != nil && identity(key) {
			e = whole(a, b)
		} else {
			e = m.entry(at.under(key), was, a, b)
		}
		if e != nil && (e.Kind == config.Object || e.Kind == config.Leaf || len(e.Children) > 0) {
			merged.Children = append(merged.Children, *e)
		}
	})
	if kind.IsOrdered() {
		m.order(at, merged, base, a, b)
	} else {
		// So that what is said of the text does not depend on which side is A.
		slices.SortFunc(merged.Children, byKey)
	}
	return merged
}

// identity returns which side's values of the keys are to be taken that say who a host is: all of one side, or each by
// itself (nil) where it makes no difference or the path is none of a host.
func (m *merger) identity(at path, base, a, b *config.Element) func(a, b *config.Element) *config.Element {
	if !at.isHost() || a == nil || b == nil {
		return nil
	}
	was, isA, isB := reservation(base), reservation(a), reservation(b)
	takeA := func(a, _ *config.Element) *config.Element { return a }
	takeB := func(_, b *config.Element) *config.Element { return b }
	switch {
	case isA == isB, isB == was:
		return takeA
	case isA == was:
		return takeB
	}
	m.conflicts = append(m.conflicts, Conflict{
		Key: at.String(), Reason: BothChanged, Base: was, A: isA, B: isB, ALine: a.Position.Line, BLine: b.Position.Line, at: at,
	})
	if m.take == TakeB {
		return takeB
	}
	return takeA
}

// document reads a merged outline as a document, which one of the sides may have already. If both together are wrong,
// each error is a conflict.
func document(tree *config.Element, a, b *config.Document, inA, inB *config.Element) (*config.Document, []Conflict) {
	switch {
	case same(tree, inA):
		return a, nil
	case same(tree, inB):
		return b, nil
	}
	const name = "merged configuration"
	if d, _ := config.Parse(name, tree.AppendText(nil)); d != nil {
		return d, nil
	}
	text, lines := tree.Expanded()
	_, problems := config.Parse(name, text)
	var conflicts []Conflict
	for i := range problems {
		p := &problems[i]
		if p.Severity != config.Error {
			continue
		}
		p.Message = otherLine.ReplaceAllStringFunc(p.Message, func(s string) string {
			n, _ := strconv.Atoi(otherLine.FindStringSubmatch(s)[1])
			if n < 1 || n > len(lines) {
				return ""
			}
			return "at " + path(lines[n-1]).String()
		})
		c := Conflict{Reason: Invalid, Problem: p}
		if p.Line > 0 && p.Line <= len(lines) {
			c.at = lines[p.Line-1]
			c.Key = c.at.String()
			c.A, c.ALine = show(lookup(inA, c.at))
			c.B, c.BLine = show(lookup(inB, c.at))
		}
		conflicts = append(conflicts, c)
	}
	slices.SortStableFunc(conflicts, func(a, b Conflict) int { return cmp.Compare(a.Key, b.Key) })
	return nil, conflicts
}

// otherLine is how a problem tells of another line of its document, which nobody has seen where it is a merge.
var otherLine = regexp.MustCompile(`on line ([0-9]+)`)

func byKey(a, b config.Element) int { return cmp.Compare(a.Key, b.Key) }
