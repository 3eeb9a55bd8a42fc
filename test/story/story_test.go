package story

import (
	"math/rand/v2"
	"testing"
	"time"
)

// change is what west's administrator does, as clients see it.
type change struct {
	comment string
	to      paper
	// option is what changes, by its name in lease files; was and is are its values there; empty: not told.
	option, was, is string
	// concerns says whose it is, by what the client has.
	concerns func(*lessors, client) bool
}

// in198 concerns the clients of that subnet.
func in198(l *lessors, c client) bool {
	has, ok := last(l.t, c)
	return ok && subnet198.Contains(has.address)
}

// ofWest concerns those who had their first answer from west, and so are its own.
func ofWest(l *lessors, c client) bool {
	all := history(l.t, c)
	return len(all) > 0 && all[0].by() == west
}

// The three changes: a router, which is harmless; what an encapsulated vendor option says of a boot server, which is not; and
// an option of which the other member has a value of its own.
var (
	aRouter = change{comment: "a router for 198.51.100.0/24", to: with(func(p *paper) { p.router = "198.51.100.1" }),
		option: "routers", is: "198.51.100.1", concerns: in198}
	aBootServer = change{comment: "another boot server in the vendor's option", to: with(func(p *paper) { p.vendor = "10.9.0.4" }),
		option: "vendor-encapsulated-options", was: oldVendor, is: newVendor, concerns: in198}
	aServersOwn = change{comment: "another value of west's own", to: with(func(p *paper) { p.boots[west] = "boot-new" }),
		option: "tftp-server-name", was: `"boot-west"`, is: `"boot-new"`, concerns: ofWest}
)

func with(edit func(*paper)) paper {
	p := first
	edit(&p)
	return p
}

// cell is one way to play the story.
type cell struct {
	change
	clients, dhclients int
	// before says that the change is made in the moment when the bridge fails, and not just after.
	before bool
	// restart says that east is killed and started again while it is alone.
	restart bool
	// third is made while the ledger drains.
	third *change
}

func TestTheStory(t *testing.T) {
	t.Parallel()
	play(t, cell{change: aRouter, clients: leases, dhclients: 12})
}

func TestTheBridgeFailsWhileTheChangeIsMade(t *testing.T) {
	t.Parallel()
	play(t, cell{change: aRouter, clients: 61, dhclients: 2, before: true})
}

func TestEastHasAnotherValueForTheOption(t *testing.T) {
	t.Parallel()
	play(t, cell{change: aServersOwn, clients: 61, dhclients: 2})
}

func TestABootServerInAVendorOption(t *testing.T) {
	t.Parallel()
	play(t, cell{change: aBootServer, clients: 61, dhclients: 2})
}

func TestTheSurvivorRestartsMeanwhile(t *testing.T) {
	t.Parallel()
	play(t, cell{change: aRouter, clients: 61, dhclients: 2, restart: true})
}

func TestAThirdChangeWhileTheLedgerDrains(t *testing.T) {
	t.Parallel()
	third := change{comment: "another router", to: with(func(p *paper) { p.router = "198.51.100.254" }),
		option: "routers", is: "198.51.100.254", concerns: in198}
	play(t, cell{change: aRouter, clients: 61, dhclients: 2, third: &third})
}

// play plays the story, and looks at each clause of it.
func play(t *testing.T, c cell) {
	l := newLessors(t, first)
	l.settle(c.clients, c.dhclients, lifetime)
	l.asleep(true)
	l.pair.Converged(20 * time.Second)
	root := l.oneHead(5 * time.Second)
	l.nobodyIsStale()

	made := l.changeAndCut(c, root)
	if l.knows(east)[made] {
		l.say("the change had reached east")
		l.eastKnows(c, made)
		l.drains(c)
		return
	}
	heard := l.westServesByIt(c, made, root)
	moved := l.someMove(c, heard, made, root)
	movedReal := l.someDhclientsMove(c)
	l.eastKnowsNothing(made, root)
	l.eastGoesOn(c, root)
	if c.restart {
		l.restartEast()
		l.eastGoesOn(c, root)
		l.tellsWhatTheyHave("those who moved, by the east that was restarted", c, rebinding, moved)
	}
	all := movedReal
	for _, g := range moved {
		all = append(all, g)
	}
	l.theyMeet(c, made, root, all)
	if c.third != nil {
		c.change = l.thirdChange(c)
	}
	l.drains(c)
}

// nobodyIsStale fails the test unless both ledgers are empty.
func (l *lessors) nobodyIsStale() {
	l.t.Helper()
	for _, s := range []side{west, east} {
		if has := l.stale(s, ""); len(has) > 0 {
			l.t.Fatalf("%v's ledger has %v before anything was changed", s, has)
		}
	}
}

// changeAndCut makes the change at west, while the bridge fails or just after, and returns its version. West does not serve by
// it yet.
func (l *lessors) changeAndCut(c cell, root string) string {
	l.t.Helper()
	if c.before {
		return l.changeWhileItFails(c)
	}
	l.cut()
	a := l.apply(west, c.to, c.comment)
	// On a machine that is busy west may have noticed already.
	if (a.Adopted || a.Waits == "" || a.Head != root) && l.standing(west).Link != "lost" {
		l.t.Errorf("west serves by a change that the other cannot have, or does not say what it waits for: %+v", a)
	}
	return a.Version
}

// changeWhileItFails makes the change at the moment when the bridge fails: east may have it, or not.
func (l *lessors) changeWhileItFails(c cell) string {
	l.t.Helper()
	wait := time.Duration(rand.IntN(60)) * time.Millisecond
	failed := make(chan struct{})
	time.AfterFunc(wait, func() { l.bridge.Cut(); close(failed) })
	a := l.apply(west, c.to, c.comment)
	<-failed
	l.say("the bridge fails %v after somebody began to make the change", wait)
	return a.Version
}

// westServesByIt waits until west serves by the change, which it must not do before it has declared the link lost, and has
// west's clients on its segment hear it.
func (l *lessors) westServesByIt(c cell, made, root string) []*guest {
	l.t.Helper()
	early := l.concerned(c, west, 4)
	answers := l.ask(rebinding, 2*time.Second, early...)
	s := l.standing(west)
	if s.Head == root && s.Link != "lost" { // else the machine was too slow to see this
		for g, h := range answers {
			if h.options[c.option] != c.was {
				l.t.Errorf("%s was told %v while west had not declared the link lost", g.Name(), h)
			}
		}
		l.say("%d clients that ask before the link is declared lost are told what they were told before", len(answers))
	}
	l.eventually(20*time.Second, func() string { return "west serves by the change" }, func() bool {
		s := l.standing(west)
		if s.Head == made && s.Link != "lost" {
			l.t.Fatalf("west serves by the change, and the link is not declared lost: %+v", s)
		}
		return s.Head == made
	})
	r, err := l.pair.West.Relation()
	if err != nil || r.State != "COMMUNICATIONS-INTERRUPTED" {
		l.t.Errorf("west serves by the change in %v %v", r, err)
	}
	l.say("west has declared the link lost, and serves by the change")
	heard := l.concerned(c, west, 20)
	l.tells("west's clients renew with west", c, renewal, l.by(west, heard), west)
	l.tells("clients on west's segment rebind with west", c, rebinding, l.by(east, heard), west)
	return heard
}

// concerned are guests on a segment whom the change concerns; at most n.
func (l *lessors) concerned(c cell, s side, n int) (some []*guest) {
	for _, g := range l.guests.all {
		if g.Side() == s && c.concerns(l, g) && len(some) < n {
			some = append(some, g)
		}
	}
	if len(some) < min(n, 2) {
		l.t.Fatalf("only %d guests on %v's segment are concerned: the test shows nothing", len(some), s)
	}
	return some
}

// told is ask for guests that all must be answered.
func (l *lessors) told(what string, q question, all []*guest) map[*guest]told {
	l.t.Helper()
	answers := l.ask(q, 8*time.Second, all...)
	if len(answers) != len(all) {
		l.t.Errorf("%s: %d of %d are answered", what, len(answers), len(all))
	}
	l.say("%s: %d are answered", what, len(answers))
	return answers
}

// someMove has some of those who heard the new answer move to east's segment, where they rebind or reboot. East cannot know
// better than to tell them what it was told of: they hear something older, and nothing else than they had heard before.
func (l *lessors) someMove(c cell, heard []*guest, made, root string) []*guest {
	l.t.Helper()
	moved := heard[:10]
	l.walk(moved, east)
	l.say("%d of them move to east's segment", len(moved))
	l.tellsWhatTheyHave("those who moved rebind with east", c, rebinding, moved[:5])
	l.tellsWhatTheyHave("those who moved reboot with east", c, reboot, moved[5:])
	return moved
}

// someDhclientsMove does the same with real clients, up to two: they reboot on west's segment and hear the new answer, are
// carried to the other one, and reboot there. Two that were always there reboot as well.
func (l *lessors) someDhclientsMove(c cell) (moved []client) {
	l.t.Helper()
	stayed := 0
	for _, r := range l.real {
		before, _ := last(l.t, r)
		switch {
		case r.side == west && len(moved) < 2 && c.concerns(l, r):
			if h := r.reboots(); h.options[c.option] != c.is || h.by() != west {
				l.t.Errorf("%s rebooted on west's segment and was told %v", r.Name(), h)
			}
			time.Sleep(1100 * time.Millisecond)
			r.move(east)
			moved = append(moved, r)
		case r.side == east && stayed < 2:
			stayed++
		default:
			continue
		}
		h := r.reboots()
		if h.by() != east {
			l.t.Errorf("%s rebooted on east's segment and was told %v", r.Name(), h)
		}
		l.otherwiseSame("reboot with east", r, before, h, "")
	}
	l.say("%d dhclient heard the change and then rebooted on east's segment, and %d that were always there: each is told what it had", len(moved), stayed)
	return moved
}

// walk takes guests to a segment. It takes them a moment: servers order what two of them told a client by whole seconds.
func (l *lessors) walk(all []*guest, to side) {
	time.Sleep(1100 * time.Millisecond)
	for _, g := range all {
		g.move(to)
	}
}

// tellsWhatTheyHave has guests ask east, who must tell them all that east can know that they have: the old value of the
// option, and of all others what they had.
func (l *lessors) tellsWhatTheyHave(what string, c cell, q question, all []*guest) {
	l.t.Helper()
	before := map[*guest]told{}
	for _, g := range all {
		before[g], _ = last(l.t, g)
	}
	for g, h := range l.told(what, q, all) {
		if h.options[c.option] != c.was || h.by() != east {
			l.t.Errorf("%s: %s was told %v; had %v", what, g.Name(), h, before[g])
		}
		l.otherwiseSame(what, g, before[g], h, c.option)
	}
}

// otherwiseSame fails the test if a client was told anything else than before, but for one option and what is the answering
// server's own.
func (l *lessors) otherwiseSame(what string, g client, before, now told, but string) {
	l.t.Helper()
	for _, name := range []string{"routers", "domain-name", "tftp-server-name", "vendor-encapsulated-options"} {
		if name != but && before.options[name] != now.options[name] {
			l.t.Errorf("%s: %s had %s %q, and was told %q by %v", what, g.Name(), name, before.options[name], now.options[name], now.by())
		}
	}
	if before.address != now.address {
		l.t.Errorf("%s: %s had %v, and was told %v", what, g.Name(), before.address, now.address)
	}
}

// eastKnowsNothing fails the test if anything of the change has reached east.
func (l *lessors) eastKnowsNothing(made, root string) {
	l.t.Helper()
	if l.knows(east)[made] {
		l.t.Errorf("east has version %s, though the bridge failed before", made)
	}
	for a, r := range l.leases(east) {
		if r.State == "active" && r.Version != root {
			l.t.Errorf("east has %v as told by version %s, and only %s could have reached it", a, r.Version, root)
		}
	}
	l.say("nothing of the change is on record at east")
}

// eastGoesOn has east's clients that were always there renew, rebind and reboot: each is told what it has.
func (l *lessors) eastGoesOn(c cell, root string) {
	l.t.Helper()
	var stayed []*guest
	for _, g := range l.guests.all {
		if g.Side() == east && g.mac[5]%2 == 1 { // those with odd numbers began there
			stayed = append(stayed, g)
		}
	}
	third := len(stayed) / 3
	l.tellsWhatTheyHad("on east's segment rebind", c, rebinding, stayed[:third])
	l.tellsWhatTheyHad("on east's segment reboot", c, reboot, stayed[third:2*third])
	l.tellsWhatTheyHad("on east's segment renew", c, renewal, l.by(east, stayed))
}

// by are those that have their lease from that server.
func (l *lessors) by(s side, all []*guest) (some []*guest) {
	for _, g := range all {
		if h, ok := last(l.t, g); ok && h.by() == s {
			some = append(some, g)
		}
	}
	return some
}

func (l *lessors) tellsWhatTheyHad(what string, c cell, q question, all []*guest) {
	l.t.Helper()
	before := map[*guest]told{}
	for _, g := range all {
		before[g], _ = last(l.t, g)
	}
	for g, h := range l.told(what, q, all) {
		if h.by() != east {
			l.t.Errorf("%s: %s was told %v", what, g.Name(), h)
		}
		l.otherwiseSame(what, g, before[g], h, "")
	}
}

// eastKnows is the story where the change reached east before the bridge failed: east serves by it, and so does west, at the
// latest when it has declared the link lost. Nobody is told anything older, wherever he goes.
func (l *lessors) eastKnows(c cell, made string) {
	l.t.Helper()
	for _, s := range []side{east, west} {
		l.eventually(20*time.Second, func() string { return s.String() + " serves by the change" }, func() bool { return l.standing(s).Head == made })
	}
	heard := l.concerned(c, west, 20)
	l.tells("clients on west's segment rebind with west", c, rebinding, heard, west)
	moved := heard[:10]
	l.walk(moved, east)
	l.tells("those who moved rebind with east", c, rebinding, moved[:5], east)
	l.tells("those who moved reboot with east", c, reboot, moved[5:], east)
	l.heal()
	l.pair.Normal(30 * time.Second)
	if head := l.oneHead(5 * time.Second); head != made {
		l.t.Errorf("they serve by %s, not by %s", head, made)
	}
	for _, s := range []side{west, east} {
		if has := l.stale(s, "told older while apart"); len(has) > 0 {
			l.t.Errorf("%v says that these were told something older: %v", s, has)
		}
	}
}

// tells has guests ask, who must all be told the change by that server.
func (l *lessors) tells(what string, c cell, q question, all []*guest, by side) {
	l.t.Helper()
	for g, h := range l.told(what, q, all) {
		if h.options[c.option] != c.is || h.by() != by {
			l.t.Errorf("%s: %s was told %v", what, g.Name(), h)
		}
	}
}

// restartEast kills east while it is alone, and starts it again.
func (l *lessors) restartEast() {
	l.t.Helper()
	l.pair.East.Kill()
	l.pair.East.Begin(true)
	l.pair.East.Becomes(30*time.Second, "COMMUNICATIONS-INTERRUPTED")
	l.say("east was killed, and is back")
}

// theyMeet heals the bridge. Both serve by the change; those who moved are named; the ledger has exactly those who have not
// heard of it by their own lease files.
func (l *lessors) theyMeet(c cell, made, root string, moved []client) {
	l.t.Helper()
	l.heal()
	l.pair.Normal(30 * time.Second)
	if head := l.oneHead(5 * time.Second); head != made {
		l.t.Errorf("they serve by %s, not by %s", head, made)
	}
	l.pair.Converged(20 * time.Second)
	for _, s := range []side{west, east} {
		has := l.sameLedger(s, 10*time.Second, "those who have not heard of the change", func(x client) bool {
			h, ok := last(l.t, x)
			return ok && c.concerns(l, x) && h.options[c.option] != c.is
		})
		exactly(l.t, s.String()+"'s clients that were told something older while apart", l.stale(s, "told older while apart"), moved)
		for mac, e := range has {
			if e.Cause != "told older while apart" && e.Cause != "configuration changed" {
				l.t.Errorf("%v's ledger has %s for the cause %q", s, mac, e.Cause)
			}
		}
	}
	l.sameAddresses()
}

// thirdChange makes another change while the ledger still has clients of the one before, and returns it.
func (l *lessors) thirdChange(c cell) change {
	l.t.Helper()
	l.told("some renew", renewal, l.concerned(c, west, 6))
	a := l.apply(east, c.third.to, c.third.comment)
	if !a.Adopted && a.Waits == "" {
		l.t.Errorf("the change neither holds nor waits: %+v", a)
	}
	if head := l.oneHead(2 * time.Second); head != a.Version {
		l.t.Errorf("they serve by %s, not by %s", head, a.Version)
	}
	for _, s := range []side{west, east} {
		l.sameLedger(s, 10*time.Second, "those who have not heard of the third change", func(x client) bool {
			h, ok := last(l.t, x)
			return ok && c.third.concerns(l, x) && h.options[c.third.option] != c.third.is
		})
	}
	return *c.third
}

// drains lets everybody go on as they would: the ledger empties, and everybody has what the configuration says.
func (l *lessors) drains(c cell) {
	l.t.Helper()
	l.asleep(false)
	l.drained(lifetime + 20*time.Second)
	for _, x := range l.everybody() {
		if h, _ := last(l.t, x); c.concerns(l, x) && h.options[c.option] != c.is {
			l.t.Errorf("the ledgers are empty, and %s has %v", x.Name(), h)
		}
	}
	l.sameAddresses()
	for _, m := range l.pair.Both() {
		r, err := m.Relation()
		if err != nil || len(r.Conflicts) > 0 || r.State != "NORMAL" {
			l.t.Errorf("%s at the end: %v, conflicts %v, %v", m.Host.Role, r, r.Conflicts, err)
		}
	}
}
