package group

import "testing"

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
