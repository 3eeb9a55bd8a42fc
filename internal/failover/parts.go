package failover

import (
	"cmp"
	"crypto/sha256"
	"slices"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Part is a piece of the configuration.
type Part struct {
	// Name is the operator's key of it, for people; at most MaxPartText octets.
	Name string
	// Digest names what the part says: two parts with one digest say the same, whatever they are called.
	Digest binding.Digest
	// Vital says that safety stands on it: where it differs, the two do not serve together.
	Vital bool
	// Says is what it says, for people, where that is short; at most MaxPartText octets.
	Says string
}

// MaxPartText is the longest name, and the longest value, of a part, in octets.
const MaxPartText = 255

// Parts are all parts of a configuration. They are immutable; nil has none.
type Parts struct{ vital, other set }

// set is the parts of one kind.
type set struct {
	all  []Part // in ascending order of digest; each digest once
	told Summary
}

// PartsOf returns these parts, ready to be compared. It costs time n log n, and is called where a configuration is read.
func PartsOf(all []Part) *Parts {
	var vital, other []Part
	for _, p := range all {
		if p.Vital {
			vital = append(vital, p)
		} else {
			other = append(other, p)
		}
	}
	return &Parts{newSet(vital), newSet(other)}
}

func newSet(all []Part) set {
	s := set{all: ordered(all)}
	s.told = Summary{Count: len(s.all), Digest: sum(s.all)}
	switch {
	case size(s.all, true) <= listBudget:
		s.told.Parts = s.all
	case size(s.all, false) <= listBudget:
		s.told.Parts = make([]Part, len(s.all))
		for i, p := range s.all {
			p.Says = ""
			s.told.Parts[i] = p
		}
	default:
		s.told.Sketch = sketchOf(s.all).octets()
	}
	return s
}

// ordered sorts by digest, and leaves one of equal ones: that whose name sorts first.
func ordered(all []Part) []Part {
	slices.SortFunc(all, func(a, b Part) int {
		return cmp.Or(slices.Compare(a.Digest[:], b.Digest[:]), cmp.Compare(a.Name, b.Name))
	})
	return slices.CompactFunc(all, func(a, b Part) bool { return a.Digest == b.Digest })
}

// sum names a set of parts by what they say; zero if there are none.
func sum(all []Part) (d binding.Digest) {
	if len(all) == 0 {
		return d
	}
	h := sha256.New()
	for i := range all {
		h.Write(all[i].Digest[:])
	}
	return binding.Digest(h.Sum(nil)[:len(d)])
}

// listBudget is how much room a list of parts may take at a greeting, in octets; two of them leave room in a message of
// 65535 for everything else. PartOverhead is what a part takes beside its two texts.
const (
	listBudget   = 24 << 10
	PartOverhead = 1 + 1 + len(binding.Digest{}) + 1
)

func size(all []Part, says bool) (n int) {
	for i := range all {
		if n += PartOverhead + len(all[i].Name); says {
			n += len(all[i].Says)
		}
	}
	return n
}

// Told is what a server tells of its configuration at the greeting: at most 50 KiB, however large it is.
type Told struct{ Vital, Other Summary }

// Summary tells of the parts of one kind.
type Summary struct {
	Count int
	// Digest names them all: equal in both servers exactly when the parts say the same.
	Digest binding.Digest
	// Parts are all of them, where they are few; Sketch stands for them where they are many.
	Parts  []Part
	Sketch []byte
}

// Told returns what the partner is told. It must not be changed.
func (p *Parts) Told() Told {
	if p == nil {
		return Told{}
	}
	return Told{p.vital.told, p.other.told}
}

// Compare returns what differs between these parts and those that the partner told of: of the vital ones, and of the
// others. Both servers find the same kinds to differ.
func (p *Parts) Compare(t *Told) (vital, others Difference) {
	if p == nil {
		p = new(Parts)
	}
	return p.vital.compare(&t.Vital), p.other.compare(&t.Other)
}

// Changed returns what differs between these parts, which are in force now, and those that were before.
func (p *Parts) Changed(before *Parts) Difference {
	if p == nil {
		p = new(Parts)
	}
	if before == nil {
		before = new(Parts)
	}
	here, there := apart(p.vital.all, before.vital.all)
	h, t := apart(p.other.all, before.other.all)
	return matched(append(here, h...), append(there, t...))
}
