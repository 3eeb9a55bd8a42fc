package e2e

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/lessor-dhcp/lessor/test/world"
)

// relayAgent is a scripted relay: a UDP socket of the host that sends what it likes.
type relayAgent struct {
	*lab
	conn *net.UDPConn
}

// newRelayAgent makes a server on 10.9.0.1 and a relay with the address 10.9.0.2 that sends from that port.
func newRelayAgent(t *testing.T, port int, document string) *relayAgent {
	t.Helper()
	w := world.New(t)
	r := &relayAgent{lab: &lab{World: w, server: w.Host("server"), host: w.Host("relay"), segment: w.Segment()}}
	r.segment.Attach(r.server, "eth0", "10.9.0.1/24")
	r.segment.Attach(r.host, "eth0", "10.9.0.2/24")
	r.wire = r.server.Capture("eth0")
	r.lessor = r.server.Serve(world.Setup{Document: document})
	err := r.host.Do(func() (err error) {
		r.conn, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(10, 9, 0, 2), Port: port})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.conn.Close() })
	return r
}

// ask relays a message of a client and returns the answer.
func (r *relayAgent) ask(m *dhcpv4.DHCPv4) *dhcpv4.DHCPv4 {
	r.T().Helper()
	buf := make([]byte, 2048)
	for range 5 {
		r.conn.WriteTo(m.ToBytes(), &net.UDPAddr{IP: net.IPv4(10, 9, 0, 1), Port: 67})
		r.conn.SetReadDeadline(time.Now().Add(time.Second))
		n, _, err := r.conn.ReadFrom(buf)
		if err != nil {
			continue
		}
		answer, err := dhcpv4.FromBytes(buf[:n])
		if err != nil {
			r.T().Fatal(err)
		}
		return answer
	}
	r.T().Fatalf("the relay got no answer to %v", m.Summary())
	return nil
}

func relayed(giaddr string, mac net.HardwareAddr, more ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	m, err := dhcpv4.NewDiscovery(mac, append(more, dhcpv4.WithRelay(net.ParseIP(giaddr)))...)
	if err != nil {
		panic(err)
	}
	return m
}

func relayInformation(parts ...dhcpv4.Option) dhcpv4.Modifier {
	return dhcpv4.WithOption(dhcpv4.OptRelayAgentInfo(parts...))
}

var twoFloorsAway = behindRelay + "  floor8: {subnets: {10.8.0.0/24: {pools: [{range: 10.8.0.50-10.8.0.99}]}}}\n"

// A relay says where the client is by giaddr, by link selection where giaddr is only where to answer to (RFC 3527), and a
// client by subnet selection (RFC 3011).
func TestWhereTheClientIs(t *testing.T) {
	t.Parallel()
	r := newRelayAgent(t, 67, twoFloorsAway)
	r.server.IP("route", "add", "10.0.0.0/8", "via", "10.9.0.2")
	for i, c := range []struct {
		what string
		more []dhcpv4.Modifier
		want string
	}{
		{"giaddr on a subnet without a pool", nil, ""},
		{"link selection", []dhcpv4.Modifier{relayInformation(dhcpv4.OptGeneric(dhcpv4.LinkSelectionSubOption, []byte{10, 8, 0, 0}))}, "10.8.0.0/24"},
		{"link selection of the other floor", []dhcpv4.Modifier{relayInformation(dhcpv4.OptGeneric(dhcpv4.LinkSelectionSubOption, []byte{10, 7, 0, 0}))}, "10.7.0.0/24"},
		{"subnet selection", []dhcpv4.Modifier{dhcpv4.WithGeneric(dhcpv4.OptionSubnetSelection, []byte{10, 8, 0, 0})}, "10.8.0.0/24"},
	} {
		m := relayed("10.9.0.2", world.MAC(400+i), c.more...)
		if c.want == "" {
			r.conn.WriteTo(m.ToBytes(), &net.UDPAddr{IP: net.IPv4(10, 9, 0, 1), Port: 67})
			r.conn.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
			if n, _, err := r.conn.ReadFrom(make([]byte, 2048)); err == nil {
				t.Errorf("%s: answered with %d octets", c.what, n)
			}
			continue
		}
		a, _ := netip.AddrFromSlice(r.ask(m).YourIPAddr.To4())
		if !netip.MustParsePrefix(c.want).Contains(a) {
			t.Errorf("%s: %v was offered", c.what, a)
		}
	}
}

// A relay may want to be named as the server, so that renewals pass it too (RFC 5107).
func TestServerIdentifierOverride(t *testing.T) {
	t.Parallel()
	r := newRelayAgent(t, 67, twoFloorsAway)
	r.server.IP("route", "add", "10.7.0.0/24", "via", "10.9.0.2")
	r.host.IP("addr", "add", "10.7.0.1/24", "dev", "lo")
	agent := relayInformation(dhcpv4.OptGeneric(dhcpv4.ServerIdentifierOverrideSubOption, []byte{10, 7, 0, 1}))
	var answer *dhcpv4.DHCPv4
	err := r.host.Do(func() error { // answers go to giaddr, which this one has as well
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(10, 7, 0, 1), Port: 67})
		if err == nil {
			r.conn.Close()
			r.conn = c
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	mac := world.MAC(7)
	answer = r.ask(relayed("10.7.0.1", mac, agent))
	if id := answer.ServerIdentifier(); id.String() != "10.7.0.1" {
		t.Errorf("the server identifier is %v", id)
	}
	// What the client then says to "its server" is for us.
	m, _ := dhcpv4.NewRequestFromOffer(answer, agent, dhcpv4.WithRelay(net.IPv4(10, 7, 0, 1)))
	if ack := r.ask(m); ack.MessageType() != dhcpv4.MessageTypeAck {
		t.Errorf("the REQUEST that names the relay was answered with %v", ack.Summary())
	}
}

// A relay that says so is answered on the port that it sends from (RFC 8357).
func TestRelaySourcePort(t *testing.T) {
	t.Parallel()
	r := newRelayAgent(t, 1067, twoFloorsAway)
	r.server.IP("route", "add", "10.7.0.0/24", "via", "10.9.0.2")
	agent := relayInformation(dhcpv4.OptGeneric(dhcpv4.LinkSelectionSubOption, []byte{10, 7, 0, 0}), dhcpv4.OptGeneric(dhcpv4.GenericOptionCode(19), nil))
	m := relayed("10.9.0.2", world.MAC(7), agent)
	answer := r.ask(m)
	if got, want := answer.Options.Get(dhcpv4.OptionRelayAgentInformation), m.Options.Get(dhcpv4.OptionRelayAgentInformation); !bytes.Equal(got, want) {
		t.Errorf("the relay sent %x, and got back %x", want, got)
	}
}
