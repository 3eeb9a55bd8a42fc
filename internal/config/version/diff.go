package version

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/lessor-dhcp/lessor/internal/config"
)

// Kind says what became of a key. The zero value is invalid.
type Kind uint8

const (
	_       Kind = iota
	Added        // there was nothing
	Removed      // there is nothing any more
	Changed      // there is another value
	Moved        // it says the same, and is stronger or weaker than it was
)

var kindNames = [...]string{Added: "added", Removed: "removed", Changed: "changed", Moved: "moved"}

// String returns the kind's name.
func (k Kind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return "invalid"
}

// MarshalText makes a Kind its name in JSON.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (k *Kind) UnmarshalText(b []byte) error {
	i := named(kindNames[:], string(b))
	if i == 0 {
		return fmt.Errorf("%q is no kind of change", b)
	}
	*k = Kind(i)
	return nil
}

// named returns which of the names name is; 0 if none.
func named(names []string, name string) int {
	if name == "" {
		return 0
	}
	return max(slices.Index(names, name), 0)
}

// Change is one thing that one document says and another does not.
type Change struct {
	// Key is the operator's: networks.floor1.subnets.198.51.100.0/24.options.routers.
	Key  string `json:"key"`
	Kind Kind   `json:"kind"`
	// Before and After are what the two documents say, on one line: of a Moved, behind what it stands. Empty where they
	// say nothing.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	// BeforeLine and AfterLine are the lines of the two documents where that stands, of a version as `lessor config show` prints it; 0: it is
	// not written there.
	BeforeLine int `json:"before_line,omitempty"`
	AfterLine  int `json:"after_line,omitempty"`
	// Safety says that the change is one that safety stands on: it waits until both members have it.
	Safety bool `json:"safety,omitempty"`

	at            path
	before, after *config.Element
}

// Diff returns what differs between the group's parts of two documents, in the order of the canonical form. An object
// that only one of them has is one change.
func Diff(before, after *config.Document) []Change {
	if before.Digest == after.Digest {
		return nil
	}
	return diff(before.Outline(), after.Outline())
}

func diff(before, after *config.Element) []Change {
	x := differ{}
	x.entries(nil, before, after)
	x.reservations()
	return x.changes
}

// Pending returns what of Diff waits until both members have it, since safety stands on it.
func Pending(before, after *config.Document) []Change { return waiting(Diff(before, after)) }

// SameReservations reports whether two documents keep the same addresses for the same clients.
func SameReservations(a, b *config.Document) bool {
	for _, c := range Diff(a, b) {
		if c.Safety && c.at[0] == "hosts" {
			return false
		}
	}
	return true
}

func waiting(changes []Change) (all []Change) {
	for _, c := range changes {
		if c.Safety {
			all = append(all, c)
		}
	}
	return all
}

type differ struct {
	changes []Change
	// kept are the changes that may be about whom an address is kept for.
	kept []kept
}

// kept is a host of which a document says that an address is kept for it.
type kept struct {
	before, after string // who it is, and the address; "" if no address was kept
	from, to      int    // its changes
}

func (x *differ) entries(at path, before, after *config.Element) {
	both(before, after, func(key string, b, a *config.Element) {
		if !same(b, a) {
			x.entry(at.under(key), b, a)
		}
	})
	if before != nil && after != nil && before.Kind.IsOrdered() {
		x.moves(at, before, after)
	}
}

func (x *differ) entry(at path, before, after *config.Element) {
	if at.isHost() {
		k := kept{before: keptFor(before), after: keptFor(after), from: len(x.changes)}
		x.content(at, before, after)
		if k.to = len(x.changes); k.before != k.after {
			x.kept = append(x.kept, k)
		}
		return
	}
	x.content(at, before, after)
}

func (x *differ) content(at path, before, after *config.Element) {
	one := after
	if one == nil {
		one = before
	}
	switch {
	case before == nil && one.Kind != config.Object && one.Kind != config.Leaf, after == nil && one.Kind != config.Object && one.Kind != config.Leaf:
		x.entries(at, before, after) // a section is what is in it
	case before == nil:
		x.add(at, Added, before, after)
	case after == nil:
		x.add(at, Removed, before, after)
	case before.Kind != after.Kind || before.Kind == config.Leaf:
		x.add(at, Changed, before, after)
	default:
		x.entries(at, before, after)
	}
}

func (x *differ) add(at path, kind Kind, before, after *config.Element) {
	c := Change{Key: at.String(), Kind: kind, Safety: at.isSafety(), at: at, before: before, after: after}
	if before != nil {
		c.Before, c.BeforeLine = before.Flow(), before.Position.Line
	}
	if after != nil {
		c.After, c.AfterLine = after.Flow(), after.Position.Line
	}
	x.changes = append(x.changes, c)
}

// moves adds the entries that both have and that stand in another order: as few as make the one order the other.
func (x *differ) moves(at path, before, after *config.Element) {
	where := make(map[string]int, len(before.Children))
	for i := range before.Children {
		where[before.Children[i].Key] = i
	}
	var common []int // places in before, in the order of after
	var places []int // and in after
	for i := range after.Children {
		if j, ok := where[after.Children[i].Key]; ok {
			common, places = append(common, j), append(places, i)
		}
	}
	stays := ascending(common)
	for n, j := range common {
		if stays[n] {
			continue
		}
		b, a := &before.Children[j], &after.Children[places[n]]
		x.changes = append(x.changes, Change{
			Key: at.under(a.Key).String(), at: at.under(a.Key), Kind: Moved, Before: behind(before, j), After: behind(after, places[n]),
			BeforeLine: b.Position.Line, AfterLine: a.Position.Line,
		})
	}
}

func behind(e *config.Element, i int) string {
	if i == 0 {
		return "first"
	}
	return "behind " + e.Children[i-1].Key
}

// ascending says which elements of a list of different numbers belong to the longest run of ascending ones.
func ascending(list []int) []bool {
	var ends []int                   // ends[n] is the place of the lowest number that a run of n+1 ends with
	before := make([]int, len(list)) // the place of the number before it in its run
	for i, v := range list {
		n, _ := slices.BinarySearchFunc(ends, v, func(end, v int) int { return cmp.Compare(list[end], v) })
		before[i] = -1
		if n > 0 {
			before[i] = ends[n-1]
		}
		if n == len(ends) {
			ends = append(ends, i)
		} else {
			ends[n] = i
		}
	}
	in := make([]bool, len(list))
	if len(ends) > 0 {
		for i := ends[len(ends)-1]; i >= 0; i = before[i] {
			in[i] = true
		}
	}
	return in
}

// keptFor returns which client an address is kept for by a host, and which address; "" if it keeps none.
func keptFor(host *config.Element) string {
	if host == nil {
		return ""
	}
	x := entriesOf(host)
	if x.find("address") == nil {
		return ""
	}
	return reservation(host)
}

// reservations marks the changes by which an address is kept for another client than before. A host that only gets
// another name is none of them.
func (x *differ) reservations() {
	count := map[string]int{}
	for _, k := range x.kept {
		count[k.before]--
		count[k.after]++
	}
	for _, k := range x.kept {
		if k.before != "" && count[k.before] != 0 || k.after != "" && count[k.after] != 0 {
			for i := k.from; i < k.to; i++ {
				at := x.changes[i].at
				x.changes[i].Safety = len(at) == 2 || identity(at[2])
			}
		}
	}
}

// String returns the change on one line.
func (c Change) String() string {
	switch c.Kind {
	case Added:
		return fmt.Sprintf("+ %s: %s", c.Key, clip(c.After))
	case Removed:
		return fmt.Sprintf("- %s: %s", c.Key, clip(c.Before))
	case Moved:
		return fmt.Sprintf("> %s: %s → %s", c.Key, clip(c.Before), clip(c.After))
	}
	return fmt.Sprintf("~ %s: %s → %s", c.Key, clip(c.Before), clip(c.After))
}
