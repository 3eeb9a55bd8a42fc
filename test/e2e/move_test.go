package e2e

import (
	"net/netip"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/lessor-dhcp/lessor/test/world"
)

// twoFloors has a network on each of two interfaces.
const twoFloors = `
enterprise: {lease: {default: 20s, min: 10s, max: 1h}, conflict-probe: 0s}
networks:
  floor1: {subnets: {10.1.0.0/24: {options: {routers: [10.1.0.1]}, pools: [{range: 10.1.0.50-10.1.0.99}]}}}
  floor2: {subnets: {10.2.0.0/24: {options: {routers: [10.2.0.1]}, pools: [{range: 10.2.0.50-10.2.0.99}]}}}
`

var floor2 = netip.MustParsePrefix("10.2.0.0/24")

// A client that is carried to another network is told that its address is of no use there (RFC 2131 §4.3.2), also by a
// server that is not authoritative for addresses which it does not know.
func TestClientIsToldNoAfterAMove(t *testing.T) {
	eachClient(t, func(t *testing.T, kind string) {
		w := world.New(t)
		server, host := w.Host("server"), w.Host("client")
		one, two := w.Segment(), w.Segment()
		one.Attach(server, "eth0", "10.1.0.1/24")
		two.Attach(server, "eth1", "10.2.0.1/24")
		port := one.Attach(host, "eth0")
		mac := host.Hardware("eth0")
		wire := server.Capture("eth1")
		lessor := server.Serve(world.Setup{Document: twoFloors})
		c := host.Client(kind, "eth0", world.Options{})
		c.Start()
		host.LeasedIn("eth0", floor1, patience)

		switch kind {
		case "dhclient": // looks at its lease file only when it begins
			c.Crash()
			port.Move(two)
			c.Start()
		case "udhcpc": // does not watch the carrier: it finds out when it rebinds
			port.Move(two)
		default:
			port.Replug(two)
		}
		moved := host.LeasedIn("eth0", floor2, patience)
		w.See(wire, 0, patience, "a NAK", is(dhcpv4.MessageTypeNak, mac))
		lessor.HasActive(moved, mac)
		for _, p := range host.Addresses("eth0") {
			if floor1.Contains(p.Addr()) {
				t.Errorf("%s still has %v", kind, p)
			}
		}
		nak := w.See(wire, 0, 0, "a NAK", is(dhcpv4.MessageTypeNak, mac))
		if nak.Unicast() {
			t.Errorf("the NAK went to %v; a client without a usable address hears broadcasts only", nak.Destination)
		}
	})
}

func TestServerOnSeveralInterfaces(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	server := w.Host("server")
	one, two, three := w.Segment(), w.Segment(), w.Segment()
	one.Attach(server, "eth0", "10.1.0.1/24")
	two.Attach(server, "eth1", "10.2.0.1/24")
	// The third is not configured; what is heard there is nobody's business.
	three.Attach(server, "eth2", "10.3.0.1/24")
	lessor := server.Serve(world.Setup{Document: twoFloors, Interfaces: []string{"eth0", "eth1"}})
	for i, seg := range []*world.Segment{one, two} {
		host := w.Host([]string{"a", "b"}[i])
		seg.Attach(host, "eth0")
		host.Client("udhcpc", "eth0", world.Options{}).Start()
		addr := host.LeasedIn("eth0", []netip.Prefix{floor1, floor2}[i], patience)
		lessor.HasActive(addr, host.Hardware("eth0"))
	}
	stranger := w.Host("c")
	three.Attach(stranger, "eth0")
	s := stranger.Scripted("eth0", nil)
	s.Unanswered(s.Message(dhcpv4.MessageTypeDiscover), 2e9)
}

func TestAnInterfaceAppearsAndGoes(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	server := w.Host("server")
	one, two := w.Segment(), w.Segment()
	one.Attach(server, "eth0", "10.1.0.1/24")
	server.Serve(world.Setup{Document: twoFloors, Interfaces: []string{"eth0", "eth1"}})

	for range 2 {
		two.Attach(server, "eth1", "10.2.0.1/24")
		host := w.Host("late")
		two.Attach(host, "eth0")
		s := host.Scripted("eth0", nil)
		if a := s.Acquire(); !floor2.Contains(a.Address()) {
			t.Fatalf("on the new interface %v was given", a.Address())
		}
		server.IP("link", "del", "eth1")
		host.Remove()
	}
	// The interface that stayed is served as before.
	host := w.Host("client")
	one.Attach(host, "eth0")
	if a := host.Scripted("eth0", nil).Acquire(); !floor1.Contains(a.Address()) {
		t.Errorf("on the interface that stayed %v was given", a.Address())
	}
}
