package e2e

import (
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/lessor-dhcp/lessor/test/world"
)

// guard is how long after its end a lease's address is withheld, since clocks disagree.
const guard = time.Minute

// The only address of a pool goes to the next client when the time that the first was told is over, also where the
// server was killed meanwhile, and not a moment before.
func TestAnAddressIsAnothersOnlyWhenItsTimeIsOver(t *testing.T) {
	t.Parallel()
	l := newLab(t, `
enterprise: {lease: {default: 10s, min: 10s, max: 10s}, conflict-probe: 0s}
networks: {floor1: {subnets: {10.1.0.0/24: {pools: [{range: 10.1.0.50-10.1.0.50}]}}}}
`)
	asked := time.Now()
	first := l.host.Scripted("eth0", world.MAC(7)).Acquire()
	until := asked.Add(first.Message.IPAddressLeaseTime(0))
	l.lessor.Kill()
	l.lessor.Begin(false)

	second := l.host.Scripted("eth0", world.MAC(8))
	m := second.Message(dhcpv4.MessageTypeDiscover)
	for {
		second.Send(m)
		offer, ok := second.Hear(m, time.Second)
		if !ok {
			if time.Since(until) > guard+15*time.Second {
				t.Fatal("the address is not given away, long after its time was over")
			}
			continue
		}
		if !time.Now().After(until) {
			t.Fatalf("%v was offered %v before the first client's time was over", offer.Address(), time.Until(until))
		}
		if ack := second.Ask(second.Select(offer)); !ack.Is(dhcpv4.MessageTypeAck) || ack.Address() != first.Address() {
			t.Fatalf("the second client got %v", ack)
		}
		break
	}
	// The first comes back, and is told no: its address is another's now.
	back := l.host.Scripted("eth0", world.MAC(7))
	nak := back.Ask(back.Message(dhcpv4.MessageTypeRequest, dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(world.IP4(first.Address())))))
	if !nak.Is(dhcpv4.MessageTypeNak) {
		t.Errorf("the first client was answered with %v", nak)
	}
}

// Whoever watches a client sees each of its packets, and what became of it.
func TestEventsShowOneClientsPackets(t *testing.T) {
	t.Parallel()
	l := newLab(t, short)
	watched, other := l.host.Scripted("eth0", world.MAC(7)), l.host.Scripted("eth0", world.MAC(8))
	events := l.host.Start("events", world.Binary, "events", "--json", "--client", watched.MAC.String(), "--socket", l.lessor.Socket())
	// The stream is open once anything comes; until then the client begins again.
	l.Eventually(10*time.Second, "an event", func() bool {
		watched.Acquire()
		return events.Log() != ""
	})
	other.Acquire()
	mark := len(events.Log())
	watched.Acquire()
	for _, what := range []string{`"DHCPDISCOVER"`, `"DHCPOFFER"`, `"DHCPREQUEST"`, `"DHCPACK"`} {
		events.SaysAfter(mark, 5*time.Second, what)
	}
	if world.HasLine(events.Log(), other.MAC.String()) {
		t.Errorf("another client's packets are shown:\n%s", events.Log())
	}
}
