package e2e

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/lessor-dhcp/lessor/test/world"
)

// sends is ask of a message that may get no answer: nil then.
func (r *relayAgent) sends(m *dhcpv4.DHCPv4, patience time.Duration) *dhcpv4.DHCPv4 {
	r.T().Helper()
	if _, err := r.conn.WriteTo(m.ToBytes(), &net.UDPAddr{IP: net.IPv4(10, 9, 0, 1), Port: 67}); err != nil {
		r.T().Fatal(err)
	}
	buf := make([]byte, 2048)
	for deadline := time.Now().Add(patience); ; {
		r.conn.SetReadDeadline(deadline)
		n, _, err := r.conn.ReadFrom(buf)
		if err != nil {
			return nil
		}
		if answer, err := dhcpv4.FromBytes(buf[:n]); err == nil && answer.TransactionID == m.TransactionID {
			return answer
		}
	}
}

// joins gives a client at a circuit an address; an invalid one if nobody answers it.
func (r *relayAgent) joins(n int, circuit string, patience time.Duration) (a netip.Addr) {
	r.T().Helper()
	at := relayInformation(dhcpv4.OptGeneric(dhcpv4.AgentCircuitIDSubOption, []byte(circuit)))
	offer := r.sends(relayed("10.7.0.1", world.MAC(n), at), patience)
	if offer == nil {
		return a
	}
	request, err := dhcpv4.NewRequestFromOffer(offer, at, dhcpv4.WithRelay(net.IPv4(10, 7, 0, 1)))
	if err != nil {
		r.T().Fatal(err)
	}
	ack := r.sends(request, 5*time.Second)
	if ack == nil || ack.MessageType() != dhcpv4.MessageTypeAck {
		r.T().Fatalf("client %d took its offer and was answered %v", n, ack)
	}
	a, _ = netip.AddrFromSlice(ack.YourIPAddr.To4())
	return a
}

// Whoever makes up clients at one port of a switch has so much of a pool and no more: by default nine of ten addresses, and what quota
// says. The others are served, and the server says which port it is.
func TestOnePortOfASwitchEatsNoPool(t *testing.T) {
	for name, c := range map[string]struct {
		quota string
		want  int
	}{"by default": {"", 45}, "as quota has it": {"quota: {port: 12}, ", 12}} { // of 50
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRelayAgent(t, 67, strings.Replace(behindRelay, "pools: [{", "pools: [{"+c.quota, 1))
			r.server.IP("route", "add", "10.7.0.0/24", "via", "10.9.0.2")
			r.host.IP("addr", "add", "10.7.0.1/32", "dev", "lo") // where answers to the relay go
			answers, err := r.listen("10.7.0.1")
			if err != nil {
				t.Fatal(err)
			}
			r.conn.Close()
			r.conn = answers
			for n := range c.want {
				if !r.joins(1000+n, "ge-0/0/1", 5*time.Second).IsValid() {
					t.Fatalf("client %d of %d is not answered", n, c.want)
				}
			}
			for n := range 3 {
				if a := r.joins(2000+n, "ge-0/0/1", 300*time.Millisecond); a.IsValid() {
					t.Errorf("one more client at that port has %v", a)
				}
			}
			if !r.joins(1, "ge-0/0/2", 5*time.Second).IsValid() {
				t.Error("a client at another port is not answered")
			}
			if !r.joins(1000, "ge-0/0/1", 5*time.Second).IsValid() {
				t.Error("a client with a lease is not answered")
			}
			text, _ := r.lessor.Command("status")
			for _, want := range []string{"quota-reached", fmt.Sprintf(`circuit-id "ge-0/0/1", relay 10.7.0.1: %d addresses held`, c.want)} {
				if !strings.Contains(text, want) {
					t.Errorf("lessor status does not say %s:\n%s", want, text)
				}
			}
		})
	}
}

// listen opens another socket of the relay.
func (r *relayAgent) listen(addr string) (conn *net.UDPConn, err error) {
	err = r.host.Do(func() (err error) {
		conn, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(addr), Port: 67})
		return err
	})
	if err == nil {
		r.T().Cleanup(func() { conn.Close() })
	}
	return conn, err
}
