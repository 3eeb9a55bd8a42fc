package story

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Both sides are edited, and the edits do not fit together. The bridge heals, the leases become the same, the conflict stays
// open; the bridge fails again, and each server tells the other's clients what they were told. Then a person decides.
func TestBothSidesEditedNotMergeable(t *testing.T) {
	t.Parallel()
	l := newLessors(t, first)
	l.settle(61, 2, lifetime)
	l.asleep(true)
	l.pair.Converged(20 * time.Second)
	root := l.oneHead(5 * time.Second)

	l.cut()
	l.lost(west)
	l.lost(east)
	routers := [2]string{"198.51.100.1", "198.51.100.254"}
	var heads [2]string
	var theirs [2][]*guest
	for _, s := range []side{west, east} {
		a := l.apply(s, with(func(p *paper) { p.router = routers[s] }), "a router, by "+s.String())
		if !a.Adopted || a.Head != a.Version {
			t.Errorf("%v is alone, and does not serve by its change: %+v", s, a)
		}
		heads[s] = a.Version
		theirs[s] = l.guestsOf(s, 12)
		for g, h := range l.told(s.String()+"'s clients ask", rebinding, theirs[s]) {
			if h.options["routers"] != routers[s] {
				t.Errorf("%s asked %v and was told %v", g.Name(), s, h)
			}
		}
	}

	l.heal()
	l.pair.Normal(30 * time.Second)
	l.pair.Converged(30 * time.Second)
	l.say("the bridge is whole, and both have the same leases")
	for _, s := range []side{west, east} {
		l.conflictIsShown(s, heads, root)
	}
	l.faithful("while the conflict is open", theirs, routers)
	for s, gs := range theirs { // as they were, for what comes
		for _, g := range gs {
			g.move(side(s))
		}
	}
	l.pair.Converged(30 * time.Second)

	l.cut()
	l.lost(west)
	l.lost(east)
	l.faithful("the bridge has failed again", theirs, routers)
	l.heal()
	l.pair.Normal(30 * time.Second)
	l.pair.Converged(30 * time.Second)
	for _, s := range []side{west, east} {
		l.conflictIsShown(s, heads, root)
	}

	ask[applied](l, east, "config", "resolve", "--take", "west", "--yes")
	head := l.oneHead(5 * time.Second)
	l.say("somebody takes west's side: %.12s", head)
	for _, s := range []side{west, east} {
		if st := l.standing(s); st.Conflict != nil {
			t.Errorf("%v still shows a conflict: %+v", s, st.Conflict)
		}
		l.sameLedger(s, 10*time.Second, "those who do not have west's router", func(x client) bool {
			h, ok := last(t, x)
			return ok && in198(l, x) && h.options["routers"] != routers[west]
		})
	}
	l.drains(cell{change: change{option: "routers", is: routers[west], concerns: in198}})
}

// guestsOf are guests of the subnet that changes, on a segment.
func (l *lessors) guestsOf(s side, n int) (some []*guest) {
	for _, g := range l.guests.all {
		if g.Side() == s && in198(l, g) && len(some) < n {
			some = append(some, g)
		}
	}
	if len(some) < 6 {
		l.t.Fatalf("only %d guests of %v on %v's segment", len(some), subnet198, s)
	}
	return some
}

// conflictIsShown fails the test unless the member shows the conflict with its key, both values, both authors, and how many
// clients it concerns.
func (l *lessors) conflictIsShown(s side, heads [2]string, root string) {
	l.t.Helper()
	var st standing
	l.eventually(10*time.Second, func() string {
		return fmt.Sprintf("%v shows the conflict, and counts its clients: %+v", s, st.Conflict)
	}, func() bool {
		st = l.standing(s)
		return st.Conflict != nil && st.Conflict.Clients > 0
	})
	c := st.Conflict
	if len(c.Conflicts) != 1 || !strings.HasSuffix(c.Conflicts[0].Key, "198.51.100.0/24.options.routers") || c.Remedy == "" ||
		c.Ours.Author == "" || c.Theirs.Author == "" || c.Ours.Version != heads[s] || c.Theirs.Version != heads[s.other()] {
		l.t.Errorf("%v shows the conflict as %+v", s, c)
	}
	if want := len(l.in(subnet198, l.everybody())); c.Clients != want {
		l.t.Errorf("%v says that the conflict concerns %d clients, and %d have an address there", s, c.Clients, want)
	}
	if st.Head != heads[s] {
		l.t.Errorf("%v serves by %s while the conflict is open, not by its own %s", s, st.Head, heads[s])
	}
	l.say("%v shows the conflict: %+v", s, *c)
}

// faithful has the clients of either server go to the other one, where they rebind or reboot: they must be told what they had
// been told, which the other knows by what was stored with their leases alone.
func (l *lessors) faithful(when string, theirs [2][]*guest, routers [2]string) {
	l.t.Helper()
	for s, gs := range theirs {
		to := side(s).other()
		l.walk(gs, to)
		for q, some := range map[question][]*guest{rebinding: gs[:len(gs)/2], reboot: gs[len(gs)/2:]} {
			for g, h := range l.told(when+", "+side(s).String()+"'s clients ask "+to.String()+" by "+q.String(), q, some) {
				if h.options["routers"] != routers[s] {
					l.t.Errorf("%s: %s had been told %s by %v, and was told %v", when, g.Name(), routers[s], side(s), h)
				}
			}
		}
	}
}

// Both sides are edited while the bridge is gone, each something else. When they meet both serve by both.
func TestBothSidesEditedAndMerged(t *testing.T) {
	t.Parallel()
	l := newLessors(t, first)
	l.settle(61, 2, lifetime)
	l.asleep(true)
	l.pair.Converged(20 * time.Second)

	l.cut()
	l.lost(west)
	l.lost(east)
	w := l.apply(west, with(func(p *paper) { p.router = "198.51.100.1" }), "a router")
	e := l.apply(east, with(func(p *paper) { p.domain = "new.example" }), "another domain")
	heard := map[side][]*guest{west: l.guestsOf(west, 8), east: l.guestsOf(east, 8)}
	for s, gs := range heard {
		for g, h := range l.told(s.String()+"'s clients rebind", rebinding, gs) {
			router, domain := h.options["routers"] != "", h.options["domain-name"] == `"new.example"`
			if router != (s == west) || domain != (s == east) {
				t.Errorf("%s asked %v and was told %v", g.Name(), s, h)
			}
		}
	}

	l.heal()
	l.pair.Normal(30 * time.Second)
	head := l.oneHead(10 * time.Second)
	if head == w.Version || head == e.Version {
		t.Errorf("they serve by %s, which is one of the two", head)
	}
	var merged struct{ Parents []string }
	for _, v := range rows[struct {
		Version string
		Parents []string
	}](l, east, "config", "history") {
		if v.Version == head {
			merged.Parents = v.Parents
		}
	}
	if len(merged.Parents) != 2 {
		t.Errorf("the merge comes from %v", merged.Parents)
	}
	both := func(x client) bool {
		h, ok := last(t, x)
		return ok && (in198(l, x) && h.options["routers"] != "198.51.100.1" || h.options["domain-name"] != `"new.example"`)
	}
	l.pair.Converged(20 * time.Second)
	for _, s := range []side{west, east} {
		l.sameLedger(s, 10*time.Second, "those who do not have both", both)
	}
	for s, gs := range heard { // whoever asks the other one is told both
		l.walk(gs, s.other())
		for g, h := range l.told(s.String()+"'s clients reboot with "+s.other().String(), reboot, gs) {
			if both(g) {
				t.Errorf("%s was told %v", g.Name(), h)
			}
		}
	}
	l.asleep(false)
	l.drained(lifetime + 20*time.Second)
	for _, x := range l.everybody() {
		if both(x) {
			h, _ := last(t, x)
			t.Errorf("the ledgers are empty, and %s has %v", x.Name(), h)
		}
	}
	l.sameAddresses()
}
