package group

import "testing"

// At the first contact the connection may break at any message: no member then takes what safety stands on for its own to
// change, though the other serves by the version that both have.
func TestTheFirstContactBreaksAtAnyMessage(t *testing.T) {
	for _, founded := range []bool{false, true} {
		for until := range 12 {
			a, b := newPair(t, first, first)
			if founded {
				out, err := a.Found()
				if err != nil {
					t.Fatal(err)
				}
				a.do(out)
			}
			link(Up, a, b)
			for n := 0; n < until; n++ {
				if !a.deliver() {
					b.deliver()
				}
			}
			link(Lost, a, b)
			if a.state.Head.IsZero() || b.state.Head.IsZero() {
				continue
			}
			for _, m := range []*member{a, b} {
				if m.state.Agreed.IsZero() {
					t.Errorf("founded %v, %d messages: %s serves, as the other does, and nothing is agreed", founded, until, m.name)
				}
				if err := m.apply(edit(first, "networks:", "hosts: {printer: {hardware: 02:00:00:00:00:07, address: 10.0.0.10}}\nnetworks:")); err != nil {
					t.Fatal(err)
				}
				if p, err := m.Pending(); err != nil || len(p) != 1 {
					t.Errorf("founded %v, %d messages: of %s's change there waits %v, %v", founded, until, m.name, p, err)
				}
			}
		}
	}
}

// A member that met its partner, and had not begun to serve when that was gone for good, is founded with what both had.
func TestAMemberIsFoundedWhosePartnerIsGoneSinceTheyMet(t *testing.T) {
	a, b := newPair(t, first, first)
	link(Up, a, b)
	b.deliver()
	a.start()
	if a.state.Tip.IsZero() || !a.state.Head.IsZero() {
		t.Fatalf("it has met nobody, or serves: %+v", a.state)
	}
	out, err := a.Found()
	if err != nil {
		t.Fatal(err)
	}
	a.do(out)
	if a.state.Head != a.state.Tip {
		t.Errorf("%+v", a.state)
	}
}
