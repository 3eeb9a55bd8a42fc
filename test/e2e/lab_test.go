package e2e

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/lessor-dhcp/lessor/test/world"
)

func TestMain(m *testing.M) { world.Main(m) }

// patience is how long a client may take to get an address on a busy machine.
const patience = 30 * time.Second

var floor1 = netip.MustParsePrefix("10.1.0.0/24")

// short is a document with one subnet and leases of 20 s, in which a client renews at 10 s and rebinds at 17.5 s.
const short = `
enterprise:
  lease: {default: 20s, min: 10s, max: 1h}
  authoritative: true
  conflict-probe: 0s
  options: {domain-name: example.org, domain-name-servers: [10.1.0.1, 10.1.0.2]}
networks:
  floor1:
    subnets:
      10.1.0.0/24:
        options: {routers: [10.1.0.1]}
        pools: [{range: 10.1.0.50-10.1.0.99}]
accept: {host-name: true}
`

// lab is the smallest world: a server and a client on one segment, and a capture at the server.
type lab struct {
	*world.World
	server, host *world.Namespace
	segment      *world.Segment
	port         *world.Port
	wire         *world.Capture
	lessor       *world.Lessor
	mac          net.HardwareAddr
	first        netip.Addr // of the pool
}

func newLab(t *testing.T, document string) *lab {
	t.Helper()
	w := world.New(t)
	l := &lab{World: w, server: w.Host("server"), host: w.Host("client")}
	l.segment, l.first = w.Segment(), netip.MustParseAddr("10.1.0.50")
	l.segment.Attach(l.server, "eth0", "10.1.0.1/24")
	l.port = l.segment.Attach(l.host, "eth0")
	l.mac = l.host.Hardware("eth0")
	l.wire = l.server.Capture("eth0")
	l.lessor = l.server.Serve(world.Setup{Document: document})
	return l
}

// eachClient runs the test once with each real client.
func eachClient(t *testing.T, test func(t *testing.T, kind string)) {
	t.Parallel()
	for _, kind := range world.Clients {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(t, kind)
		})
	}
}

// is returns what holds for messages of that type of that client.
func is(t dhcpv4.MessageType, mac net.HardwareAddr) func(world.Packet) bool {
	return func(p world.Packet) bool { return p.Is(t) && p.From(mac) }
}

// and joins conditions.
func and(all ...func(world.Packet) bool) func(world.Packet) bool {
	return func(p world.Packet) bool {
		for _, holds := range all {
			if !holds(p) {
				return false
			}
		}
		return true
	}
}

func unicast(p world.Packet) bool   { return p.Unicast() }
func broadcast(p world.Packet) bool { return !p.Unicast() }

// initReboot tells a REQUEST in INIT-REBOOT: it names an address, and neither a server nor an address in use (RFC 2131
// table 4).
func initReboot(p world.Packet) bool {
	return p.Message.RequestedIPAddress() != nil && p.Message.ServerIdentifier() == nil && p.Message.ClientIPAddr.IsUnspecified()
}

// inUse tells a REQUEST in RENEWING or REBINDING: it has the address in ciaddr and names none.
func inUse(a netip.Addr) func(world.Packet) bool {
	return func(p world.Packet) bool {
		return p.Message.ClientIPAddr.Equal(world.IP4(a)) && p.Message.RequestedIPAddress() == nil && p.Message.ServerIdentifier() == nil
	}
}

// acked waits for the ACK that answers a request, and fails the test if it comes from or goes where it should not.
func (l *lab) acked(request world.Packet, mark int) world.Packet {
	l.T().Helper()
	ack := l.See(l.wire, mark, 5*time.Second, "the ACK", func(p world.Packet) bool {
		return p.Is(dhcpv4.MessageTypeAck) && p.Message.TransactionID == request.Message.TransactionID && !p.At.Before(request.At)
	})
	if ack.Source != netip.MustParseAddrPort("10.1.0.1:67") {
		l.T().Errorf("the ACK came from %v, not from the server's address on the link", ack.Source)
	}
	if id := ack.Message.ServerIdentifier(); !id.Equal(net.IPv4(10, 1, 0, 1)) {
		l.T().Errorf("the server identifier is %v", id)
	}
	return ack
}
