package story

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

// East is an ISC dhcpd. A change at west holds at once, since there is no other Lessor. What dhcpd tells clients is its own
// file's, and does not travel: of whom it answered last it is not known what they have, and that is what Lessor says.
func TestEastIsADhcpd(t *testing.T) {
	t.Parallel()
	l := &lessors{floor: newFloor(t)}
	isc := &iscPair{}
	isc.conf[east] = l.Write("east.dhcpd/dhcpd.conf", iscConf(east, asEast))
	l.Write("east.dhcpd/leases", "")
	isc.start(l.floor, east)
	document := func(p paper) string {
		return strings.Replace(p.document(), "east: {peer: 198.51.100.3:647}", "east: {peer: 198.51.100.3:647, protocol: isc-dhcpd}", 1)
	}
	l.lessor[west] = l.servers[west].Serve(world.Setup{Document: document(first), Interfaces: []string{"eth0"}})
	l.reports()
	normal := func() {
		t.Helper()
		l.eventually(time.Minute, func() string { return "Lessor and dhcpd are in NORMAL" }, func() bool {
			return l.relation() == "NORMAL" && isc.state(l.floor, east) == "normal"
		})
		l.say("Lessor and dhcpd serve as a pair")
	}
	normal()
	l.settle(61, 2, lifetime)
	l.asleep(true)

	root := l.standing(west).Head
	file := l.Write("changed.yaml", document(aRouter.to))
	began := time.Now()
	a := ask[applied](l, west, "config", "apply", file, "--comment", aRouter.comment)
	if !a.Adopted || a.Head == root {
		t.Errorf("there is no other Lessor, and the change is not served by: %+v", a)
	}
	l.say("the change holds after %v", time.Since(began).Round(time.Millisecond))
	l.cut()
	l.eventually(30*time.Second, func() string { return "both are alone" }, func() bool {
		return l.relation() == "COMMUNICATIONS-INTERRUPTED" && isc.state(l.floor, east) == "communications-interrupted"
	})
	c := cell{change: aRouter}
	heard := l.concerned(c, west, 12)
	l.tells("west's clients rebind", c, rebinding, heard, west)
	moved := heard[:6]
	l.walk(moved, east)
	for g, h := range l.told("those who moved rebind with dhcpd", rebinding, moved) {
		if h.options["routers"] != "" || h.options["tftp-server-name"] != `"boot-east"` {
			t.Errorf("docs/story.md says that dhcpd tells everybody what its own file says; %s was told %v", g.Name(), h)
		}
	}

	l.heal()
	normal()
	// Whoever dhcpd answered last may have anything: Lessor does not pretend to know.
	l.eventually(20*time.Second, func() string { return fmt.Sprintf("those %d are not known; %+v", len(moved), l.summary()) }, func() bool {
		return l.summary().Unknown >= len(moved)
	})
	for _, g := range moved {
		if e, is := l.stale(west, "")[g.Hardware()]; is {
			t.Errorf("dhcpd answered %s last, and the ledger says what it has: %+v", g.Name(), e)
		}
	}
	l.say("of %d clients it is not known what they have", l.summary().Unknown)
	// Back on west's segment, or answered by west, they are told what the configuration says.
	l.walk(moved, west)
	l.cut()
	l.eventually(30*time.Second, func() string { return "west is alone" }, func() bool { return l.relation() == "COMMUNICATIONS-INTERRUPTED" })
	l.tells("those who moved are back, and rebind with west", c, rebinding, moved, west)
	for _, g := range moved {
		if e, is := l.stale(west, "")[g.Hardware()]; is {
			t.Errorf("%s has what it should, and is in the ledger: %+v", g.Name(), e)
		}
	}
	l.heal()
	normal()
	l.sameAddresses()
}

// relation is the state that west is in.
func (l *lessors) relation() string {
	l.t.Helper()
	all := ask[struct{ Partners []struct{ State string } }](l, west, "status").Partners
	if len(all) != 1 {
		l.t.Fatalf("west has %d partners", len(all))
	}
	return all[0].State
}

// summary is how many clients have not what they should, by `lessor status`.
type summary struct{ Clients, Unknown int }

func (l *lessors) summary() summary {
	l.t.Helper()
	return ask[struct{ Stale summary }](l, west, "status").Stale
}
