package pair

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/lessor-dhcp/lessor/test/world"
)

// switches is two servers that share fifty addresses, and a relay on their clients' segments that says at which port each client is.
type switches struct {
	*world.Pair
	t     *testing.T
	conn  *net.UDPConn
	last  int
	ports map[string][]tenant // who has an address, by port
}

// tenant is a client with an address.
type tenant struct {
	mac  net.HardwareAddr
	addr netip.Addr
	by   netip.Addr // the server that gave it
}

const relayAddress = "10.1.0.9"

func newSwitches(t *testing.T, mclt time.Duration, quota string) *switches {
	t.Helper()
	w := world.New(t)
	s := &switches{t: t, ports: map[string][]tenant{}}
	s.Pair = w.Pair(world.PairSetup{MCLT: mclt, Guard: 2 * time.Second, Lease: 10 * time.Minute, Pool: "10.1.16.1-10.1.16.50" + quota})
	relay := w.Host("relay")
	s.West.Segment.Attach(relay, "eth0", relayAddress+"/16")
	relay.Plain("eth0")
	err := relay.Do(func() (err error) {
		s.conn, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(relayAddress), Port: 67})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.conn.Close() })
	s.shared()
	return s
}

// shared waits until each server has half of what is free.
func (s *switches) shared() {
	s.t.Helper()
	s.Eventually(30*time.Second, "the two share what is free", func() bool {
		for _, m := range s.Both() {
			if p := m.Pools()[0]; p.Free < p.PartnerFree-1 || p.PartnerFree < p.Free-1 {
				return false
			}
		}
		return true
	})
}

// says has the relay send a client's message to these servers, and returns the first answer to it; nil if none comes in that
// time.
func (s *switches) says(m *dhcpv4.DHCPv4, patience time.Duration, servers []*world.Member) *dhcpv4.DHCPv4 {
	s.t.Helper()
	for _, server := range servers {
		if _, err := s.conn.WriteTo(m.ToBytes(), &net.UDPAddr{IP: server.Address.AsSlice(), Port: 67}); err != nil {
			s.t.Fatal(err)
		}
	}
	buf := make([]byte, 2048)
	s.conn.SetReadDeadline(time.Now().Add(patience))
	for {
		n, _, err := s.conn.ReadFrom(buf)
		if err != nil {
			return nil
		}
		answer, err := dhcpv4.FromBytes(buf[:n])
		if err == nil && answer.TransactionID == m.TransactionID && (answer.MessageType() == dhcpv4.MessageTypeOffer) == (m.MessageType() == discover) {
			return answer
		}
	}
}

// at returns what the relay adds to a message of a client at a port.
func at(port string) []dhcpv4.Modifier {
	circuit := dhcpv4.OptRelayAgentInfo(dhcpv4.OptGeneric(dhcpv4.AgentCircuitIDSubOption, []byte(port)))
	return []dhcpv4.Modifier{dhcpv4.WithRelay(net.ParseIP(relayAddress)), dhcpv4.WithOption(circuit)}
}

// joins gives a new client at a port an address of one of these servers, and reports whether it has one. It says that it has asked for
// long, so that each answers that would.
func (s *switches) joins(port string, patience time.Duration, servers ...*world.Member) bool {
	s.t.Helper()
	s.last++
	mac := world.MAC(s.last)
	look, err := dhcpv4.NewDiscovery(mac, at(port)...)
	if err != nil {
		s.t.Fatal(err)
	}
	look.NumSeconds = 10
	offer := s.says(look, patience, servers)
	if offer == nil {
		return false
	}
	request, err := dhcpv4.NewRequestFromOffer(offer, at(port)...)
	if err != nil {
		s.t.Fatal(err)
	}
	ack := s.says(request, 5*time.Second, servers)
	if ack == nil || ack.MessageType() != dhcpv4.MessageTypeAck {
		s.t.Fatalf("client %d took its offer and was answered %v", s.last, ack)
	}
	addr, _ := netip.AddrFromSlice(ack.YourIPAddr.To4())
	by, _ := netip.AddrFromSlice(ack.ServerIdentifier().To4())
	s.ports[port] = append(s.ports[port], tenant{mac, addr, by})
	return true
}

// crowd has clients come to a port until three in a row are not answered, and returns how many have an address.
func (s *switches) crowd(port string, servers ...*world.Member) (n int) {
	s.t.Helper()
	for refused := 0; refused < 3; {
		if s.joins(port, 300*time.Millisecond, servers...) {
			n, refused = n+1, 0
		} else {
			refused++
		}
	}
	return n
}

// others have a client at each of some other ports join, and fail the test unless these servers have an address for want of them.
func (s *switches) others(want int, servers ...*world.Member) {
	s.t.Helper()
	for i := range want {
		if !s.joins(fmt.Sprintf("other-%d", s.last), 5*time.Second, servers...) {
			s.t.Errorf("%v: client %d at another port is not answered", names(servers), i)
		}
	}
}

// renew has all clients renew, who are answered by one of these servers at least.
func (s *switches) renew(servers ...*world.Member) {
	s.t.Helper()
	for port, tenants := range s.ports {
		for _, x := range tenants {
			m, err := dhcpv4.New(append(at(port), dhcpv4.WithHwAddr(x.mac), dhcpv4.WithMessageType(dhcpv4.MessageTypeRequest), dhcpv4.WithClientIP(x.addr.AsSlice()))...)
			if err != nil {
				s.t.Fatal(err)
			}
			if a := s.says(m, 5*time.Second, servers); a == nil || a.MessageType() != dhcpv4.MessageTypeAck {
				s.t.Fatalf("%v: who has %v renews it and is answered %v", names(servers), x.addr, a)
			}
		}
	}
}

// has fails the test unless clients at the port have so many addresses, each another one.
func (s *switches) has(port string, want int) {
	s.t.Helper()
	seen := map[netip.Addr]bool{}
	for _, x := range s.ports[port] {
		if seen[x.addr] {
			s.t.Errorf("%v is given twice", x.addr)
		}
		seen[x.addr] = true
	}
	if len(seen) != want {
		s.t.Errorf("%s has %d addresses, want %d", port, len(seen), want)
	}
}

// alarmed fails the test unless the server says, or does not, that a place has all that it may.
func (s *switches) alarmed(m *world.Member, want bool) {
	s.t.Helper()
	got := false
	for _, a := range m.Status().Alarms {
		got = got || a.Code == "quota-reached"
	}
	if got != want {
		out, _ := m.Command("status")
		s.t.Errorf("%s: an alarm: %v\n%s", m.Host.Role, got, out)
	}
}

func names(servers []*world.Member) (all []string) {
	for _, m := range servers {
		all = append(all, m.Host.Role)
	}
	return all
}

const eater = "ge-0/0/1"

// Clients are made up at one port, and ask both servers: they get nine of ten addresses of the two together, and others one of either.
// It is so after a restart, and when one server was away.
func TestOnePortEatsNoPoolOfAPair(t *testing.T) {
	t.Parallel()
	s := newSwitches(t, 10*time.Minute, "")
	s.crowd(eater, s.West, s.East)
	s.has(eater, 45)
	s.others(1, s.West)
	s.others(1, s.East)
	s.alarmed(s.West, true)
	s.West.Kill()
	s.West.Begin(true)
	s.Normal(30 * time.Second)
	s.crowd(eater, s.West, s.East)
	s.has(eater, 45)
	s.East.Kill()
	s.West.Becomes(20*time.Second, "COMMUNICATIONS-INTERRUPTED")
	s.crowd(eater, s.West)
	s.has(eater, 45)
	s.others(1, s.West)
	s.renew(s.West)
	s.East.Begin(true)
	s.Normal(30 * time.Second)
	s.crowd(eater, s.West, s.East)
	s.has(eater, 45)
	s.others(2, s.West, s.East)
	s.Converged(20 * time.Second)
}

// They ask one server: it leaves its part of its share to others, and raises no alarm, since the other one has more for that port.
func TestOnePortEatsNoShareOfOneServer(t *testing.T) {
	t.Parallel()
	s := newSwitches(t, 10*time.Minute, "")
	n := s.crowd(eater, s.West)
	if free := s.West.Pools()[0].Free; n < 22 || free < 3 { // more than 22 where the two have shared out what is free again
		t.Errorf("west gives it %d, and has %v for others", n, free)
	}
	s.alarmed(s.West, false)
	s.others(2, s.West)
	s.crowd(eater, s.West, s.East)
	s.has(eater, 45)
	s.others(1, s.East)
}

// They ask both servers, which do not hear each other: by default they have no more than together; where a quota is less, no more than
// that of each. When the two hear each other they get nothing more.
func TestOnePortEatsNoPoolOfTwoServersApart(t *testing.T) {
	for name, c := range map[string]struct {
		quota      string
		west, east int
	}{"by default": {"", 22, 23}, "twelve": {", quota: {port: 12}", 12, 12}, "half": {", quota: {port: 50%}", 22, 23}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSwitches(t, 10*time.Minute, c.quota)
			s.Link.Cut()
			for _, m := range s.Both() {
				m.Becomes(20*time.Second, "COMMUNICATIONS-INTERRUPTED")
			}
			if n := s.crowd(eater, s.West); n != c.west {
				t.Errorf("west gives it %d, want %d", n, c.west)
			}
			if n := s.crowd(eater, s.East); n != c.east {
				t.Errorf("east gives it %d, want %d", n, c.east)
			}
			for _, m := range s.Both() {
				s.alarmed(m, true)
			}
			s.others(2, s.West)
			s.others(2, s.East)
			s.Link.Heal()
			s.Converged(30 * time.Second)
			s.crowd(eater, s.West, s.East)
			s.has(eater, c.west+c.east)
			s.others(1, s.West, s.East)
		})
	}
}

// One server is declared down: of the other's share they get what is not left to others, and of its own, when it is free to give, what
// is missing to nine of ten. Back together, they get nothing more.
func TestOnePortEatsNoPoolOfASurvivor(t *testing.T) {
	t.Parallel()
	s := newSwitches(t, 15*time.Second, "")
	s.West.Kill()
	s.East.Becomes(20*time.Second, "COMMUNICATIONS-INTERRUPTED")
	command("partner-down", "west", "--force", "--reason", "a drill")(t, s.East)
	s.East.Becomes(5*time.Second, "PARTNER-DOWN")
	s.crowd(eater, s.East)
	s.has(eater, 23)
	s.others(1, s.East)
	alone, err := s.East.Relation()
	if err != nil {
		t.Fatal(err)
	}
	for from := alone.PartnerShareFrom; !time.Now().After(from.Add(time.Second)); time.Sleep(time.Second) {
		s.renew(s.East)
	}
	s.crowd(eater, s.East)
	s.has(eater, 45)
	s.renew(s.East)
	s.others(2, s.East)
	s.alarmed(s.East, true)
	s.West.Begin(true)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Second) {
		s.renew(s.East)
		if r, err := s.East.Relation(); err == nil && r.State == "NORMAL" && r.PartnerState == "NORMAL" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the two do not come together")
		}
	}
	s.crowd(eater, s.West, s.East)
	s.has(eater, 45)
	s.others(2, s.West, s.East)
}
