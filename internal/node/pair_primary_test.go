package node

import (
	"net/netip"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/failover"
)

// The primary becomes the secondary: the two are started again one after the other, in either order, with clients that come
// all the while. No address is given to two.
func TestThePrimaryIsAnotherOne(t *testing.T) {
	for _, order := range [][2]int{{0, 1}, {1, 0}} {
		p := newNormalPair(t)
		holder := map[netip.Addr]byte{}
		next := byte(1)
		// come has n new clients served, each by the one that offers first, once by each server.
		come := func(when string, n int) {
			t.Helper()
			for range n {
				client := next
				next++
				ack, ok := p.takeFrom(client, p.sides[next%2].name)
				if !ok {
					continue
				}
				if other, taken := holder[ack.YIAddr]; taken {
					t.Fatalf("%s: %v is given to client %d, and client %d has it", when, ack.YIAddr, client, other)
				}
				holder[ack.YIAddr] = client
			}
		}
		come("before", 10)
		p.pass(10 * time.Second)
		p.cut("cut")
		p.pass(time.Minute)
		come("apart", 10)
		for _, i := range order {
			m := p.sides[i]
			m.core, m.role = nil, failover.Primary+failover.Secondary-m.role
			p.start(m)
			p.pass(10 * time.Second)
			come("after a start", 12)
		}
		if len(holder) < 30 {
			t.Errorf("only %d clients were served", len(holder))
		}
		p.link()
		p.pass(30 * time.Second)
		if got := p.states(); got != "NORMAL NORMAL" {
			t.Fatal(got)
		}
		p.same()
		come("after all", 10)
		for a, client := range holder {
			for _, m := range p.sides {
				if b, ok := m.table.Get(host(a)); !ok || b.State != binding.Active || b.Client.Hardware.Addr[5] != client {
					t.Errorf("%s does not know that client %d has %v", m.name, client, a)
				}
			}
		}
	}
}

// takeFrom gets a client an address from one server, if that gives it one.
func (p *pair) takeFrom(client byte, server binding.Member) (*dhcpv4.Message, bool) {
	for _, offer := range p.ask(client, dhcpv4.Discover, netip.Addr{}, nil) {
		if serverOf(offer) != string(server) {
			continue
		}
		sid, _ := offer.Option(54)
		a := offer.YIAddr.As4()
		for _, ack := range p.ask(client, dhcpv4.Request, netip.Addr{}, map[uint8][]byte{54: append([]byte(nil), sid...), 50: a[:]}) {
			if ack.Type() == dhcpv4.Ack {
				return ack, true
			}
		}
	}
	return nil, false
}
