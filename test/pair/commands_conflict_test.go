package pair

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/lessor-dhcp/lessor/test/world"
)

// An operator declares a server down that serves, and the wait is over: two clients hold one address. Nobody can prevent
// that, but both servers say it when they meet, with both clients, and the one that lost is told no.
func TestAConflictIsNamed(t *testing.T) {
	t.Parallel()
	const mclt, guard = 8 * time.Second, 2 * time.Second
	o := &office{t: t, Pair: world.New(t).Pair(world.PairSetup{MCLT: mclt, Guard: guard, Pool: "10.1.16.0-10.1.16.3"})}
	events := o.West.Host.Start("lessor", world.Binary, "events", "--socket", o.West.Socket(), "--kind", "failover-state,binding-conflict")
	events.Says(5*time.Second, "listening")
	o.Trunk.Cut()
	o.Link.Cut()
	for _, m := range o.Both() {
		m.Becomes(10*time.Second, "COMMUNICATIONS-INTERRUPTED")
	}
	o.says(o.West, []string{"east is declared down"}, "partner-down", "east", "--reason", "a wrong word")
	western, eastern := map[netip.Addr]*world.Scripted{}, map[netip.Addr]*world.Scripted{}
	for range 2 { // each server gives the whole of its own share
		c, d := o.client(o.West), o.client(o.East)
		western[c.Acquire().Address()], eastern[d.Acquire().Address()] = c, d
	}
	renew := func(server string, clients map[netip.Addr]*world.Scripted) {
		t.Helper()
		for a, c := range clients {
			m := c.Message(dhcpv4.MessageTypeRequest, dhcpv4.WithClientIP(a.AsSlice()))
			c.Send(m)
			if p, ok := c.Hear(m, time.Second); !ok || !p.Is(dhcpv4.MessageTypeAck) {
				t.Fatalf("%s does not renew %v: %v", server, a, p)
			}
		}
	}
	waiting := o.client(o.West)
	var both netip.Addr
	for end := time.Now().Add(mclt + guard + 20*time.Second); !both.IsValid(); time.Sleep(time.Second) {
		renew("west", western)
		renew("east", eastern)
		offer := waiting.Message(dhcpv4.MessageTypeDiscover)
		waiting.Send(offer)
		if p, ok := waiting.Hear(offer, 300*time.Millisecond); ok {
			if ack := waiting.Ask(waiting.Select(p)); ack.Is(dhcpv4.MessageTypeAck) {
				both = ack.Address()
			}
		}
		if time.Now().After(end) {
			t.Fatal("west never gives of east's share")
		}
	}
	if eastern[both] == nil {
		t.Fatalf("west gives %v, which is not one of east's: %v", both, eastern)
	}

	o.Link.Heal()
	o.Normal(30 * time.Second)
	clients := []string{waiting.MAC.String(), eastern[both].MAC.String()}
	kept, ok := o.West.Lease(both)
	if !ok || kept.Hardware != clients[0] && kept.Hardware != clients[1] {
		t.Fatalf("west has %+v", kept)
	}
	if other, ok := o.East.Lease(both); !ok || other.Hardware != kept.Hardware {
		t.Errorf("west has %+v, and east %+v", kept, other)
	}
	o.says(o.West, []string{"critical: Addresses that two clients may hold (address-conflict)", "STAYS WITH", both.String(), clients[0], clients[1]}, "status")
	events.Says(3*time.Second, "binding-conflict .*addr="+both.String()+".*client="+kept.Hardware+`(.*\n)+.*who comes first`)
	if log := events.Log(); !strings.Contains(log, clients[0]) || !strings.Contains(log, clients[1]) {
		t.Errorf("the event does not name both: %s", log)
	}
	events.Says(time.Second, `POTENTIAL-CONFLICT`)

	lost, server := waiting, o.West
	if kept.Hardware == clients[0] {
		lost, server = eastern[both], o.East
	}
	m := lost.Message(dhcpv4.MessageTypeRequest, dhcpv4.WithClientIP(both.AsSlice()))
	lost.Send(m)
	if p, ok := lost.Hear(m, 10*time.Second); !ok {
		t.Errorf("%s tells the client that lost nothing", server.Host.Role)
	} else if !p.Is(dhcpv4.MessageTypeNak) {
		t.Errorf("%s tells the client that lost %v", server.Host.Role, p)
	}
}
