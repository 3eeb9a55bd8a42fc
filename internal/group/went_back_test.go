package group

import (
	"testing"

	"github.com/lessor-dhcp/lessor/internal/config/version"
)

// A member whose store went back behind what both had agreed on, and that was changed before the two met again, hears from the other
// what was agreed: safety stands on that on both sides while the conflict is open, and after it.
func TestAMemberWhoseStoreWentBackHearsWhatWasAgreed(t *testing.T) {
	a, b := together(t)
	records, state := b.records, b.state
	longer := edit(first, "west: {peer", "west: {class: core, peer", "name: campus,", "name: campus, failover: {mclt: 2h},")
	if err := a.apply(longer); err != nil {
		t.Fatal(err)
	}
	settled(t, a, b)
	agreed := a.state.Agreed
	if agreed != a.state.Head || b.state.Agreed != agreed || agreed == state.Agreed {
		t.Fatalf("%v and %v are agreed", agreed, b.state.Agreed)
	}
	link(Away, a, b)
	link(Lost, a)
	if err := a.apply(edit(longer, "root-path: v0", "root-path: v1")); err != nil {
		t.Fatal(err)
	}
	b.records, b.state, b.mayGoBack = records, state, true // its store is put back
	b.start()
	link(Lost, b)
	if err := b.apply(edit(first, "root-path: v0", "root-path: v2")); err != nil {
		t.Fatal(err)
	}
	link(Away, a, b)
	link(Up, a, b)
	settled(t, a, b)
	if x, y := a.Status(), b.Status(); len(x.Conflicts) != 1 || len(y.Conflicts) != 1 {
		t.Fatalf("no conflict: %+v, %+v", x, y)
	}
	if a.state.Agreed != agreed || b.state.Agreed != agreed {
		t.Errorf("agreed is %v here and %v there, and was %v", a.state.Agreed, b.state.Agreed, agreed)
	}
	out, err := b.Resolve("east", by("ann"))
	if b.do(out); err != nil {
		t.Fatal(err)
	}
	settled(t, a, b)
	if a.state.Head != b.state.Head || a.state.Agreed != a.state.Head || b.state.Agreed != b.state.Head {
		t.Errorf("west %+v\neast %+v", a.state, b.state)
	}
}

// wipe gives a member an empty store, and begins it anew.
func (m *member) wipe() {
	m.records, m.state, m.adopted, m.mayGoBack = nil, State{}, nil, true
	m.start()
}

// A conflict one side of which is lost with its member's disk is over, and the other member says which version that was, until somebody
// changes something. When that disk is put back the conflict is there again.
func TestAConflictIsOverWhenItsOtherSideIsLost(t *testing.T) {
	a, b := together(t)
	link(Away, a, b)
	link(Lost, a, b)
	if a.apply(edit(first, "root-path: v0", "root-path: v1")) != nil || b.apply(edit(first, "root-path: v0", "root-path: v2")) != nil {
		t.Fatal("a change is refused")
	}
	link(Away, a, b)
	link(Up, a, b)
	settled(t, a, b)
	side, served := a.state.Head, b.state.Head
	if b.state.Rival != side || len(b.Status().Lost) != 0 {
		t.Fatalf("%+v", b.Status())
	}
	link(Away, b)
	records, state := a.records, a.state
	a.wipe()
	link(Up, a, b)
	settled(t, a, b)
	if a.state.Head != served || b.state.Head != served || !b.state.Rival.IsZero() {
		t.Errorf("west %+v\neast %+v", a.state, b.state)
	}
	if lost := b.Status().Lost; len(lost) != 1 || lost[0].Version != side || !lost[0].Conflict || len(a.Status().Lost) != 0 {
		t.Errorf("lost: %+v, west says %+v", lost, a.Status().Lost)
	}

	link(Away, b)
	a.records, a.state = records, state
	a.start()
	link(Up, a, b)
	settled(t, a, b)
	if x, y := a.Status(), b.Status(); len(x.Conflicts) != 1 || len(y.Conflicts) != 1 || len(y.Lost) != 0 {
		t.Errorf("the disk is put back: west %+v\neast %+v", x, y)
	}

	link(Away, b)
	a.wipe()
	link(Up, a, b)
	settled(t, a, b)
	if lost := b.Status().Lost; len(lost) != 1 {
		t.Errorf("lost again: %+v", lost)
	}
	if err := b.apply(edit(first, "root-path: v0", "root-path: v3")); err != nil || len(b.Status().Lost) != 0 {
		t.Errorf("%v, and after a change: %+v", err, b.Status().Lost)
	}
}

// By which versions clients were told that the head does not come from, the other member is asked. What it has is not lost.
func TestAVersionIsLostThatNeitherHas(t *testing.T) {
	a, b := together(t)
	nobodys := version.ID{9}
	link(Away, a, b)
	link(Lost, a)
	if err := a.apply(edit(first, "root-path: v0", "root-path: v1")); err != nil {
		t.Fatal(err)
	}
	branch := a.state.Head
	b.do(b.ToldBy([]version.ID{nobodys, branch, b.state.Head}))
	link(Away, a, b)
	link(Up, a, b)
	settled(t, a, b)
	if !a.MayAsk() || !b.MayAsk() {
		t.Error("they serve by one version, and cannot ask each other")
	}
	if gone := b.LostVersions(); len(gone) != 1 || gone[0] != nobodys || len(a.LostVersions()) != 0 {
		t.Errorf("gone: %v, west says %v", gone, a.LostVersions())
	}
	if lost := b.Status().Lost; len(lost) != 1 || lost[0].Version != nobodys || lost[0].Conflict {
		t.Errorf("%+v", lost)
	}
	// More than can be asked about at a time are asked about one after the other.
	var many []version.ID
	for i := range 3 * maxAsked {
		many = append(many, version.ID{8, byte(i)})
	}
	for range 3 {
		b.do(b.ToldBy(many))
		settled(t, a, b)
	}
	if gone := b.LostVersions(); len(gone) != 1+len(many) {
		t.Errorf("%d are gone", len(gone))
	}
	// While they do not serve by one version nothing is.
	link(Away, a, b)
	b.do(b.ToldBy([]version.ID{{7}}))
	if b.MayAsk() || len(b.LostVersions()) != 1+len(many) {
		t.Errorf("apart, %d are gone", len(b.LostVersions()))
	}
}

// Who is alone need not ask.
func TestAMemberAloneAsksNobody(t *testing.T) {
	d := parsed(t, first)
	m, err := New(Config{Self: "west", History: &version.History{}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.File(d, version.ID{}, by("file")); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Found(); err != nil {
		t.Fatal(err)
	}
	m.ToldBy([]version.ID{{1}, m.State.Head})
	if gone := m.LostVersions(); len(gone) != 1 || gone[0] != (version.ID{1}) {
		t.Errorf("%v", gone)
	}
}
