package group

import (
	"testing"

	"github.com/lessor-dhcp/lessor/internal/config/version"
)

const reserved = `hosts: {pc: {hardware: 02:00:00:00:00:01, address: 10.0.0.5}}
`
const another = `hosts: {other: {hardware: 02:00:00:00:00:02, address: 10.0.0.5}}
`

// clears says of members that all they gave away before what is agreed is known to the other one.
func clears(all ...*member) {
	for _, m := range all {
		m.do(m.Clear(m.state.Agreed, false))
	}
}

// goesBy returns for whom an address is kept by what is agreed, and by what is settled.
func goesBy(m *member) (kept [2]string) {
	m.t.Helper()
	for i, id := range []version.ID{m.state.Agreed, m.state.Settled} {
		d, err := m.open(id)
		if err != nil {
			m.t.Fatal(err)
		}
		if kept[i] = "nobody"; len(d.Hosts) > 0 {
			kept[i] = d.Hosts[0].Name
		}
	}
	return kept
}

// An address that is kept for another client from now on is given by that when each knows that the other one gives it by nothing else,
// and has told all that it gave.
func TestAReservationHoldsWhenBothHaveToldAll(t *testing.T) {
	a, b := together(t)
	if err := a.apply(first + reserved); err != nil {
		t.Fatal(err)
	}
	settled(t, a, b)
	for _, m := range []*member{a, b} {
		if goesBy(m) != [2]string{"pc", "nobody"} {
			t.Fatalf("%s goes by %v before it has told all", m.name, goesBy(m))
		}
	}
	clears(a)
	settled(t, a, b)
	if goesBy(a) != [2]string{"pc", "nobody"} || goesBy(b) != [2]string{"pc", "nobody"} {
		t.Fatalf("one has told all: %v, %v", goesBy(a), goesBy(b))
	}
	clears(b)
	settled(t, a, b)
	if goesBy(a) != [2]string{"pc", "pc"} || goesBy(b) != [2]string{"pc", "pc"} {
		t.Fatalf("both have told all: %v, %v", goesBy(a), goesBy(b))
	}

	// The next one does not begin before this one has ended with both.
	if err := a.apply(first + another); err != nil {
		t.Fatal(err)
	}
	settled(t, a, b)
	if err := b.apply(first); err != nil {
		t.Fatal(err)
	}
	settled(t, a, b)
	if a.state.Head != b.state.Head || goesBy(a) != [2]string{"other", "pc"} || goesBy(b) != [2]string{"other", "pc"} {
		t.Fatalf("%v, %v", goesBy(a), goesBy(b))
	}
	clears(a, b)
	settled(t, a, b)
	if goesBy(a) != [2]string{"nobody", "other"} || goesBy(b) != [2]string{"nobody", "other"} {
		t.Fatalf("%v, %v", goesBy(a), goesBy(b))
	}
	clears(a, b)
	settled(t, a, b)
	if goesBy(a) != [2]string{"nobody", "nobody"} || goesBy(b) != goesBy(a) {
		t.Fatalf("%+v, %+v", a.state, b.state)
	}
}

// The last word is lost: who has not heard it goes on by what holds for both in any case, also after it was begun anew.
func TestTheLastWordOfASettlementIsLost(t *testing.T) {
	a, b := together(t)
	if err := a.apply(first + reserved); err != nil {
		t.Fatal(err)
	}
	settled(t, a, b)
	clears(a)
	settled(t, a, b)
	b.do(b.Clear(b.state.Agreed, false)) // it ends here, and what it says of that is lost
	if goesBy(b) != [2]string{"pc", "pc"} || goesBy(a) != [2]string{"pc", "nobody"} {
		t.Fatalf("%v, %v", goesBy(a), goesBy(b))
	}
	link(Away, a, b)
	a.start()
	link(Lost, a, b)
	if goesBy(a) != [2]string{"pc", "nobody"} {
		t.Fatalf("apart it goes by %v", goesBy(a))
	}
	link(Away, a, b)
	link(Up, a, b)
	settled(t, a, b)
	if goesBy(a) != [2]string{"pc", "pc"} || goesBy(b) != [2]string{"pc", "pc"} {
		t.Fatalf("in touch again: %v, %v", goesBy(a), goesBy(b))
	}
}

// Alone, when all is over that the partner can have promised, a member need not wait for it.
func TestAMemberThatIsAloneSettles(t *testing.T) {
	a, b := together(t)
	if err := a.apply(first + reserved); err != nil {
		t.Fatal(err)
	}
	settled(t, a, b)
	link(Away, a, b)
	link(Lost, a)
	a.do(a.Clear(b.state.Head, false))
	if goesBy(a) != [2]string{"pc", "nobody"} {
		t.Fatalf("it has told all, and the other has not: %v", goesBy(a))
	}
	a.do(a.Clear(a.state.Agreed, true))
	if goesBy(a) != [2]string{"pc", "pc"} {
		t.Fatalf("alone: %v", goesBy(a))
	}
}

// What changes no reservation is settled at once.
func TestWithoutAReservationNothingIsToBeSettled(t *testing.T) {
	a, b := together(t)
	if err := a.apply(edit(first, "root-path: v0", "root-path: v1")); err != nil {
		t.Fatal(err)
	}
	settled(t, a, b)
	if a.state.Settled != a.state.Head || a.state.Agreed != a.state.Head {
		t.Fatalf("%+v, %+v", a.state, b.state)
	}
}

// A member whose store went back into the middle of a settlement that is long over comes to where the other one is.
func TestAStoreThatWentBackIntoASettlement(t *testing.T) {
	a, b := together(t)
	if err := a.apply(first + reserved); err != nil {
		t.Fatal(err)
	}
	settled(t, a, b)
	records, state := b.records, b.state
	clears(a, b)
	settled(t, a, b)
	for _, text := range []string{first + another, first, first + reserved} {
		if err := a.apply(text); err != nil {
			t.Fatal(err)
		}
		settled(t, a, b)
		clears(a, b)
		settled(t, a, b)
	}
	if goesBy(a) != [2]string{"pc", "pc"} || a.state.Settled != a.state.Head {
		t.Fatalf("%v", goesBy(a))
	}
	link(Away, a, b)
	b.records, b.state, b.mayGoBack = records, state, true
	b.start()
	link(Up, a, b)
	settled(t, a, b)
	clears(b)
	settled(t, a, b)
	if a.state.Agreed != b.state.Agreed || b.state.Settled != a.state.Settled {
		t.Errorf("west %+v\neast %+v", a.state, b.state)
	}
}
