package e2e

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/lessor-dhcp/lessor/test/world"
)

// behindRelay serves a subnet on which the server itself is not.
const behindRelay = `
enterprise: {lease: {default: 20s, min: 10s, max: 1h}, authoritative: true}
networks:
  backbone: {subnets: {10.9.0.0/24: {}}}
  floor7: {subnets: {10.7.0.0/24: {options: {routers: [10.7.0.1]}, pools: [{range: 10.7.0.50-10.7.0.99}]}}}
`

var floor7 = netip.MustParsePrefix("10.7.0.0/24")

func isRelayed(p world.Packet) bool { return !p.Message.GatewayIPAddr.IsUnspecified() }

// Relay information comes back as it came, octet by octet, as the last option (RFC 3046 §2.2).
func echoesRelayInformation(t *testing.T, ask, answer world.Packet) {
	t.Helper()
	sent, got := ask.Message.Options.Get(dhcpv4.OptionRelayAgentInformation), answer.Message.Options.Get(dhcpv4.OptionRelayAgentInformation)
	if len(sent) == 0 || !bytes.Equal(sent, got) {
		t.Errorf("the relay sent %x, and got back %x", sent, got)
	}
	last := append([]byte{82, byte(len(sent))}, sent...)
	end := bytes.LastIndex(answer.Payload, last)
	if end < 0 || len(answer.Payload) <= end+len(last) || answer.Payload[end+len(last)] != 255 {
		t.Errorf("the relay information is not the last option: %x", answer.Payload)
	}
}

func TestClientBehindARelay(t *testing.T) {
	eachClient(t, func(t *testing.T, kind string) {
		w := world.New(t)
		server, relay, host := w.Host("server"), w.Host("relay"), w.Host("client")
		backbone, floor := w.Segment(), w.Segment()
		backbone.Attach(server, "eth0", "10.9.0.1/24")
		backbone.Attach(relay, "up0", "10.9.0.2/24")
		floor.Attach(relay, "down0", "10.7.0.1/24")
		floor.Attach(host, "eth0")
		relay.Forward()
		server.IP("route", "add", "10.7.0.0/24", "via", "10.9.0.2")
		mac := host.Hardware("eth0")
		wire := server.Capture("eth0")
		lessor := server.Serve(world.Setup{Document: behindRelay})
		relay.Relay([]string{"down0"}, "up0", "10.9.0.1")

		c := host.Client(kind, "eth0", world.Options{})
		c.Start()
		addr := host.LeasedIn("eth0", floor7, patience)
		request := w.See(wire, 0, time.Second, "a relayed REQUEST", and(is(dhcpv4.MessageTypeRequest, mac), isRelayed))
		ack := w.See(wire, 0, time.Second, "the ACK to the relay", and(is(dhcpv4.MessageTypeAck, mac), isRelayed))
		if ack.Destination != netip.MustParseAddrPort("10.7.0.1:67") {
			t.Errorf("the ACK went to %v, not to the relay's giaddr", ack.Destination)
		}
		echoesRelayInformation(t, request, ack)
		lessor.HasActive(addr, mac)

		// A renewal goes to the server past the relay.
		mark := wire.Mark()
		c.Renew()
		renewal := w.See(wire, mark, 20*time.Second, "a renewal", and(is(dhcpv4.MessageTypeRequest, mac), inUse(addr)))
		if isRelayed(renewal) {
			t.Logf("the renewal passed the relay: %v", renewal)
		}
		w.See(wire, mark, 3*time.Second, "the ACK of the renewal", is(dhcpv4.MessageTypeAck, mac))
		lessor.HasActive(addr, mac)
	})
}

// Two routers on one segment both relay. The server hears everything twice, and the client must be one client.
func TestTwoRelaysOnOneSegment(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	server, host := w.Host("server"), w.Host("client")
	backbone, floor := w.Segment(), w.Segment()
	backbone.Attach(server, "eth0", "10.9.0.1/24")
	server.IP("route", "add", "10.7.0.0/24", "via", "10.9.0.2")
	server.IP("route", "add", "10.7.0.2/32", "via", "10.9.0.3")
	floor.Attach(host, "eth0")
	mac := host.Hardware("eth0")
	wire := server.Capture("eth0")
	lessor := server.Serve(world.Setup{Document: behindRelay})
	for i, role := range []string{"relay1", "relay2"} {
		r := w.Host(role)
		backbone.Attach(r, "up0", []string{"10.9.0.2/24", "10.9.0.3/24"}[i])
		floor.Attach(r, "down0", []string{"10.7.0.1/24", "10.7.0.2/24"}[i])
		r.Forward()
		r.Relay([]string{"down0"}, "up0", "10.9.0.1")
	}
	host.Client("dhclient", "eth0", world.Options{}).Start()
	addr := host.LeasedIn("eth0", floor7, patience)
	lessor.HasActive(addr, mac)
	w.Eventually(5*time.Second, "both relays have asked", func() bool {
		from := map[string]bool{}
		for _, p := range wire.Since(0, is(dhcpv4.MessageTypeRequest, mac)) {
			from[p.Message.GatewayIPAddr.String()] = true
		}
		return from["10.7.0.1"] && from["10.7.0.2"]
	})
	given := map[netip.Addr]bool{}
	for _, p := range wire.Since(0, is(dhcpv4.MessageTypeAck, mac)) {
		given[p.Address()] = true
		if to := p.Message.GatewayIPAddr.String(); p.Destination.Addr().String() != to {
			t.Errorf("an answer for the relay %s went to %v", to, p.Destination)
		}
	}
	if len(given) != 1 {
		t.Errorf("the client was given %v", given)
	}
	if rows := lessor.Leases(); len(rows) != 1 {
		t.Errorf("the server has %d bindings: %v", len(rows), rows)
	}
}

// The outer relay of a chain leaves giaddr as the inner one set it, and the answer goes to the inner one.
func TestTwoRelaysInARow(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	server, outer, inner, host := w.Host("server"), w.Host("outer"), w.Host("inner"), w.Host("client")
	backbone, middle, floor := w.Segment(), w.Segment(), w.Segment()
	backbone.Attach(server, "eth0", "10.9.0.1/24")
	backbone.Attach(outer, "up0", "10.9.0.2/24")
	middle.Attach(outer, "down0", "10.8.0.1/24")
	middle.Attach(inner, "up0", "10.8.0.2/24")
	floor.Attach(inner, "down0", "10.7.0.1/24")
	floor.Attach(host, "eth0")
	outer.Forward()
	inner.Forward()
	server.IP("route", "add", "10.0.0.0/8", "via", "10.9.0.2")
	outer.IP("route", "add", "10.7.0.0/24", "via", "10.8.0.2")
	inner.IP("route", "add", "default", "via", "10.8.0.1")
	wire := server.Capture("eth0")
	lessor := server.Serve(world.Setup{Document: behindRelay})
	// The inner relay knows the outer one as its server, as small switches do.
	outer.Relay([]string{"down0"}, "up0", "10.9.0.1")
	inner.Relay([]string{"down0"}, "up0", "10.8.0.1")
	host.Client("udhcpc", "eth0", world.Options{}).Start()
	addr := host.LeasedIn("eth0", floor7, patience)
	mac := host.Hardware("eth0")
	ack := w.See(wire, 0, time.Second, "the ACK", is(dhcpv4.MessageTypeAck, mac))
	if ack.Message.GatewayIPAddr.String() != "10.7.0.1" {
		t.Errorf("giaddr of the ACK is %v", ack.Message.GatewayIPAddr)
	}
	lessor.HasActive(addr, mac)
}

func TestPerfdhcpLosesNothing(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	server, load := w.Host("server"), w.Host("load")
	seg := w.Segment()
	seg.Attach(server, "eth0", "10.9.0.1/16")
	seg.Attach(load, "eth0", "10.9.0.2/16")
	lessor := server.Serve(world.Setup{Document: `
enterprise: {lease: {default: 1h}}
networks: {plant: {subnets: {10.9.0.0/16: {pools: [{range: 10.9.16.0-10.9.63.255}]}}}}
`})
	const clients = 2000
	r := load.Perfdhcp("10.9.0.2", "10.9.0.1", clients, 400)
	t.Log(r)
	for i := range r.Asked { // a perfdhcp that wakes up late asks for a client more than it was told to, from the first on
		if r.Asked[i] < clients || r.Answered[i] != r.Asked[i] {
			t.Fatalf("%v\n%s", r, r.Output)
		}
	}
	if n := len(lessor.Leases("--state", "active")); n != clients {
		t.Errorf("%d clients were told that they have an address, and the server has %d bindings", clients, n)
	}
	if p := lessor.Status().Pools[0]; p.Active != clients || p.Free+p.Offered != p.Size-clients {
		t.Errorf("the pool counts %+v", p)
	}
}
