package ledger

import (
	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// Drift adds up where two members would treat clients differently. Clients with a lease are shown to it one by one: what each
// would get by either head, as its home's client; and what it would get from either member, if it had no lease yet.
type Drift struct {
	ours, theirs Judge
	self, with   binding.Member
	heads, apart bool // whether the heads, and the environments of the two, are looked at

	// Total counts the leases, Unknown those of which is not known what their client said.
	Total, Unknown int
	// Clients counts those that the two heads would tell different things; NewClients those that the two members would.
	Clients, NewClients int
	Groups              map[DriftKey]*DriftGroup

	mine, other []byte
	room        heads
}

// DriftKey is one thing that clients of one class would get otherwise.
type DriftKey struct {
	Class string // empty: of none
	Code  uint16 // as Difference has it; binding.ReasonAddress: whether they keep their address
	Heads bool   // because the heads differ; else because the environments of the members do
}

// DriftGroup is the clients for whom that is so.
type DriftGroup struct {
	Clients  int
	Examples []Example // Has: from us, Would: from the other
}

// driftExamples is how many clients are named in a group.
const driftExamples = 20

// NewDrift returns one for the member self, which serves by ours and what was agreed (Judge.Use), and the member with, which serves
// by theirs; nil: that is not known, or the same.
func NewDrift(self, with binding.Member, ours, agreed, theirs *policy.Policy) *Drift {
	d := &Drift{self: self, with: with, Groups: map[DriftKey]*DriftGroup{}, heads: theirs != nil && theirs.Version != ours.Version}
	d.ours.Use(self, ours, agreed)
	if d.heads {
		d.theirs.Use(self, theirs, nil)
	}
	d.apart = len(ours.Document.Servers) > 0 || len(ours.Document.ServerClasses) > 0
	return d
}

// Heads reports whether the two heads are compared, Apart whether the environments of the two members are: the document has layers
// of servers.
func (d *Drift) Heads() bool { return d.heads }

// Apart is said at Heads.
func (d *Drift) Apart() bool { return d.apart }

// Add takes a lease into account. What is no lease is not.
func (d *Drift) Add(b *binding.Binding) {
	if b.State != binding.Active {
		return
	}
	d.Total++
	ours := d.ours.give(b)
	if ours == givenUnknown {
		d.Unknown++
		return
	}
	if d.heads && d.compareHeads(b, ours) {
		d.Clients++
	}
	if d.apart && ours == givenResult && d.compareMembers(b) {
		d.NewClients++
	}
}

// compareHeads compares what the client would get by either head, and reports whether that differs.
func (d *Drift) compareHeads(b *binding.Binding, ours given) (differs bool) {
	theirs := d.theirs.give(b)
	note := func(code uint16, has, would []byte) {
		differs = true
		d.note(b, code, true, has, would)
	}
	switch {
	case ours != theirs:
		a := b.Addr().As4()
		if !b.Addr().Is4() {
			return true
		}
		if ours == givenResult {
			note(binding.ReasonAddress, a[:], nil)
		} else {
			note(binding.ReasonAddress, nil, a[:])
		}
	case ours == givenResult:
		d.room.each(d.ours.would, d.theirs.would, note)
	}
	return differs
}

// compareMembers compares what the client would get from either member if it had no lease, and reports whether that differs.
func (d *Drift) compareMembers(b *binding.Binding) (differs bool) {
	newcomer := binding.Binding{Prefix: b.Prefix, Home: d.self}
	d.mine = d.ours.answer(d.self, &newcomer, d.mine[:0])
	newcomer.Home = d.with
	d.other = d.ours.answer(d.with, &newcomer, d.other[:0])
	d.room.each(d.mine, d.other, func(code uint16, has, would []byte) {
		differs = true
		d.note(b, code, false, has, would)
	})
	return differs
}

// note counts a difference in each of the client's classes.
func (d *Drift) note(b *binding.Binding, code uint16, heads bool, has, would []byte) {
	none := true
	d.ours.Classes(func(name string) {
		none = false
		d.count(DriftKey{name, code, heads}, b, has, would)
	})
	if none {
		d.count(DriftKey{"", code, heads}, b, has, would)
	}
}

func (d *Drift) count(k DriftKey, b *binding.Binding, has, would []byte) {
	g := d.Groups[k]
	if g == nil {
		g = &DriftGroup{}
		d.Groups[k] = g
	}
	if g.Clients++; len(g.Examples) < driftExamples {
		g.Examples = append(g.Examples, example(b, has, would, ""))
	}
}
