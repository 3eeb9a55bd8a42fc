package isc

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

// The two files do not fit each other, as files do that are written by hand on two machines. Whatever it is, dhcpd lives, clients
// are served or silence has a reason that is shown, and the right file mends it.
func TestMisfits(t *testing.T) {
	t.Parallel()
	right := func(p *pair) (string, world.DhcpdPeer) {
		return document(p.primary), dhcpdAt(!p.primary, eastPeer, westPeer)
	}
	for _, c := range []struct {
		name string
		// wrong makes one of the two files wrong.
		wrong func(p *pair) (string, world.DhcpdPeer)
		// shown is what `lessor status` must say of it; | stands between what either of two roles says.
		shown []string
		only  string // role, where it is of one alone
	}{
		{name: "relationship", wrong: func(p *pair) (string, world.DhcpdPeer) {
			doc, there := right(p)
			there.Relationship = "campus-1"
			return doc, there
		}, shown: []string{"no connection", "relationship name|relationship is named"}},
		{name: "both are primary", only: "primary", wrong: func(p *pair) (string, world.DhcpdPeer) {
			doc, _ := right(p)
			return doc, dhcpdAt(true, eastPeer, westPeer)
		}, shown: []string{"each server takes itself for the primary"}},
		{name: "both are secondary", only: "secondary", wrong: func(p *pair) (string, world.DhcpdPeer) {
			doc, _ := right(p)
			return doc, dhcpdAt(false, eastPeer, westPeer)
		}, shown: []string{"nothing heard", "silent"}},
		{name: "dhcpd knows another address of Lessor", wrong: func(p *pair) (string, world.DhcpdPeer) {
			doc, there := right(p)
			there.Partner = netip.MustParseAddrPort("10.9.0.7:647")
			return doc, there
		}, shown: []string{"no connection"}},
	} {
		for _, role := range []string{"primary", "secondary"} {
			if c.only != "" && c.only != role {
				continue
			}
			t.Run(c.name+"/Lessor is "+role, func(t *testing.T) {
				t.Parallel()
				p := &pair{floor: newFloor(t), t: t, primary: role == "primary"}
				p.expected = []string{"unknown failover", "rejected", "shutdown", "invalid", "illegal", "missing", "doesn't match"}
				doc, there := c.wrong(p)
				p.setup = there
				p.isc = p.east.Peer("eth0", &p.setup)
				p.lessorBy(doc)
				p.did("both started, wrongly")
				time.Sleep(12 * time.Second)
				out, _ := p.lessor.Command("status")
				for _, word := range c.shown {
					if !slices.ContainsFunc(strings.Split(word, "|"), func(w string) bool { return strings.Contains(out, w) }) {
						t.Errorf("status does not say %q:\n%s", word, out)
					}
				}
				if state := p.status().Partners[0].State; strings.EqualFold(state, "NORMAL") {
					t.Errorf("Lessor is in %s", state)
				}

				doc, p.setup = right(p)
				p.lessor.Configure(world.Setup{Document: doc, Interfaces: []string{"eth0"}})
				p.isc.Kill()
				p.isc.Configure(&p.setup)
				p.isc.Begin()
				p.normal()
				c, d := p.mine(), p.theirs()
				p.known(c, p.acquire(c, westLan))
				p.known(d, p.acquire(d, eastLan))
				p.agree()
				p.finish()
			})
		}
	}
}

// A range that only Lessor has is refused by dhcpd, address by address; that is shown, and the rest goes on.
func TestARangeThatDhcpdDoesNotHave(t *testing.T) {
	t.Parallel()
	p := &pair{floor: newFloor(t), t: t, primary: true}
	p.setup = dhcpdAt(false, eastPeer, westPeer)
	p.isc = p.east.Peer("eth0", &p.setup)
	p.lessorBy(strings.Replace(document(true), nth(size-1).String(), nth(size+9).String(), 1))
	p.normal()
	// What it does not know of is told when it is leased, and never known to both.
	var c *world.Scripted
	var ack world.Packet
	for range size {
		c = p.mine()
		if ack = p.acquire(c, westLan); !inPool(ack.Address()) {
			break
		}
	}
	if inPool(ack.Address()) {
		t.Fatalf("no client has an address that dhcpd does not know; the last has %v", ack.Address())
	}
	p.eventually(15*time.Second, "the refusal is shown", func() bool {
		out, _ := p.lessor.Command("status")
		return strings.Contains(out, ack.Address().String()) && strings.Contains(out, "unknown IP address")
	})
	d := p.theirs()
	p.known(d, p.acquire(d, eastLan))
	time.Sleep(3 * time.Second)
	if got := p.renewAt(c, ack.Address(), westLan).Message.IPAddressLeaseTime(0); got != mclt {
		t.Errorf("a lease that dhcpd does not know grew to %v", got)
	}
	for _, wrong := range ledger(p.wire.Packets()) {
		t.Error(wrong)
	}
	if p.isc.Ended() {
		t.Error("dhcpd does not run any more")
	}
}
