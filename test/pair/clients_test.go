package pair

import (
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/lessor-dhcp/lessor/test/world"
)

const (
	ack      = dhcpv4.MessageTypeAck
	nak      = dhcpv4.MessageTypeNak
	discover = dhcpv4.MessageTypeDiscover
)

// patience is how long a real client may take to get an address on a busy machine.
const patience = 30 * time.Second

// Every real client has an address of one server. That server is killed: the client renews or rebinds at the other one and
// keeps its address; it reboots, and keeps it. Then the first one is back and the other is killed.
func TestRealClientsKeepTheirAddresses(t *testing.T) {
	t.Parallel()
	for _, kind := range world.Clients {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			seeded(t)
			w := world.New(t)
			p := w.Pair(world.PairSetup{MCLT: 20 * time.Second, Lease: 20 * time.Second})
			wires := map[*world.Member]*world.Capture{}
			for _, m := range p.Both() {
				wires[m] = m.Host.Capture("eth0")
			}
			host := w.Host("client")
			p.West.Segment.Attach(host, "eth0")
			mac := host.Hardware("eth0")
			c := host.Client(kind, "eth0", world.Options{})
			c.Start()
			addr := host.Leased("eth0", patience).Addr()
			holder := p.West
			if len(wires[p.East].Since(0, func(q world.Packet) bool { return q.Out && q.Is(ack) && q.From(mac) })) > 0 {
				holder = p.East
			}
			told := p.Other(holder)
			p.Eventually(5*time.Second, "the other server knows of it", func() bool {
				r, ok := told.Lease(addr)
				return ok && r.State == "active"
			})
			for _, m := range []*world.Member{holder, told} {
				other := p.Other(m)
				mark := wires[other].Mark()
				m.Kill()
				killed := time.Now()
				c.Renew()
				w.See(wires[other], mark, 25*time.Second, "an ACK of "+other.Host.Role, func(q world.Packet) bool {
					return q.Out && q.Is(ack) && q.From(mac) && q.Address() == addr
				})
				if again := wires[other].Since(mark, func(q world.Packet) bool { return q.Is(discover) && q.From(mac) }); len(again) > 0 {
					t.Errorf("%s was killed, and %s had to begin again: %v", m.Host.Role, kind, again)
				}
				t.Logf("%s was killed; %s renewed with %s after %v", m.Host.Role, kind, other.Host.Role, time.Since(killed).Round(time.Millisecond))
				if now := host.Leased("eth0", 2*time.Second).Addr(); now != addr {
					t.Fatalf("%s had %v and has %v", kind, addr, now)
				}
				other.HasActive(addr, mac)

				c.Crash()
				c.Start()
				if now := host.Leased("eth0", patience).Addr(); now != addr {
					t.Fatalf("%s had %v before its reboot and has %v", kind, addr, now)
				}
				for _, wire := range wires {
					if naks := wire.Since(0, func(q world.Packet) bool { return q.Out && q.Is(nak) }); len(naks) > 0 {
						t.Errorf("there was a NAK: %v", naks)
					}
				}
				m.Begin(true)
				p.Normal(20 * time.Second)
			}
			c.Release()
			p.Converged(20 * time.Second)
		})
	}
}
