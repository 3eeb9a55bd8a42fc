package node

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/policy"
	"github.com/lessor-dhcp/lessor/internal/responder"
)

// One pool of 254 addresses behind two relays, of which one is an address of the pool, and a small one that some may use as well.
const quotaDocument = `server: {name: west, data: /nowhere}
enterprise: {conflict-probe: 0s, authoritative: true}
networks:
  lan:
    subnets:
      10.1.0.0/24: {relays: [10.9.0.1, 10.9.0.2], pools: [{range: 10.1.0.1-10.1.0.254}]}
  other:
    subnets:
      10.2.0.0/24:
        quota: {port: 5}
        pools: [{range: 10.2.0.10-10.2.0.19}, {range: 10.2.0.20-10.2.0.29, allow: [phones], quota: {port: 50%}}]
classes: {phones: {kind: vendor, match: 'vendor_class == "phone"', lease: {default: 1h}}}
hosts:
  desk: {hardware: 02:0c:00:00:0f:ff, address: 10.1.0.254}
`

func policyOf(tb testing.TB, text string) *policy.Policy {
	tb.Helper()
	doc, problems := config.Parse("quota.yaml", []byte(text))
	if doc == nil {
		tb.Fatal(problems)
	}
	return policy.Compile(doc)
}

// switched is clients that speak through relays that say at which port they are.
type switched struct {
	*traffic
	t       *testing.T
	relay   netip.Addr
	circuit string
	vendor  string
	rapid   bool
}

func newSwitched(t *testing.T, text string) *switched {
	x := trafficOf(t, policyOf(t, text))
	x.core.Handle(x.now, LinksChanged{Links: []Link{{Index: 1, Name: "eth0", Addrs: []netip.Prefix{netip.MustParsePrefix("10.9.0.100/24")}, Up: true}}}, &x.out)
	return &switched{traffic: x, t: t, relay: netip.MustParseAddr("10.9.0.1"), circuit: "ge-0/0/1"}
}

func (s *switched) at(relay, circuit string) *switched {
	c := *s
	c.relay, c.circuit = netip.MustParseAddr(relay), circuit
	return &c
}

// ask says a message of client n with these options, through the relay or, with a ciaddr, past it; it returns what the answer is.
func (s *switched) ask(typ dhcpv4.MessageType, n uint32, ciaddr, wanted netip.Addr, server, past bool) string {
	h := dhcpv4.Header{Op: 1, HType: 1, HLen: 6, XID: n, GIAddr: s.relay, CHAddr: [16]byte{2, 12}}
	binary.BigEndian.PutUint32(h.CHAddr[2:], n)
	from := netip.AddrPortFrom(s.relay, 67)
	if ciaddr.IsValid() {
		h.CIAddr = ciaddr
	}
	if past {
		h.GIAddr, from = netip.IPv4Unspecified(), netip.AddrPortFrom(ciaddr, 68)
	}
	b := &s.builder
	b.Begin(s.octets[:0], &h, 1400)
	b.Add(option.CodeMessageType, []byte{byte(typ)})
	if wanted.IsValid() {
		b.Add(option.CodeRequestedAddress, wanted.AsSlice())
	}
	if server {
		b.Add(option.CodeServerIdentifier, []byte{10, 9, 0, 100})
	}
	if s.vendor != "" {
		b.Add(option.CodeVendorClass, []byte(s.vendor))
	}
	if s.rapid {
		b.Add(option.CodeRapidCommit, nil)
	}
	var info []byte
	if s.circuit != "" {
		info = append([]byte{option.RelayCircuitID, byte(len(s.circuit))}, s.circuit...)
	}
	octets, _ := b.Finish(info)
	var m dhcpv4.Message
	if err := m.Parse(octets); err != nil {
		s.t.Fatal(err)
	}
	s.packet = Packet{Msg: &m, From: from, To: netip.AddrFrom4([4]byte{10, 9, 0, 100}), Unicast: true, Interface: 1}
	s.out.Reset()
	s.core.Handle(s.now, &s.packet, &s.out)
	if len(s.out.Replies) == 0 {
		return s.core.answer.Drop.String()
	}
	return s.out.Replies[0].Type.String()
}

var nowhere netip.Addr

// join gives client n an address, invalid if it is not answered.
func (s *switched) join(n uint32) netip.Addr {
	if got := s.ask(dhcpv4.Discover, n, nowhere, nowhere, false, false); got == "DHCPACK" && s.rapid {
		return s.yours()
	} else if got != "DHCPOFFER" {
		return nowhere
	}
	a := s.yours()
	if got := s.ask(dhcpv4.Request, n, nowhere, a, true, false); got != "DHCPACK" {
		s.t.Errorf("client %d: its offer of %v was answered by %s", n, a, got)
	}
	return a
}

// crowd has clients join until some are refused, and returns the addresses of those that were not.
func (s *switched) crowd(first uint32, clients int) (addrs []netip.Addr) {
	for n := range clients {
		if a := s.join(first + uint32(n)); a.IsValid() {
			addrs = append(addrs, a)
		}
	}
	return addrs
}

func TestOnePortFillsNoPool(t *testing.T) {
	for name, rapid := range map[string]bool{"in four messages": false, "in two": true} {
		t.Run(name, func(t *testing.T) {
			s := newSwitched(t, quotaDocument)
			s.rapid = rapid
			addrs := s.crowd(1000, 1000)
			if got := s.core.counts.Drops[responder.QuotaReached]; len(addrs) != 228 || got != 772 { // of 253: one is the host's
				t.Fatalf("%d have an address, %d are refused", len(addrs), got)
			}
			a := s.core.quotaAlarms()
			if len(a) != 1 || !strings.Contains(a[0].Text, `pool 10.1.0.1-10.1.0.254: circuit-id "ge-0/0/1", relay 10.9.0.1: 228 addresses held and 0 on offer, of 228 that may be (quota), of 253 in all`) {
				t.Errorf("alarms %+v", a)
			}
			if len(s.core.short) > 0 {
				t.Error("the pool counts as exhausted")
			}
			if a := s.at("10.9.0.1", "ge-0/0/2").join(1); !a.IsValid() {
				t.Error("a client at another port is not answered")
			}
			if a := s.at("10.9.0.2", "ge-0/0/1").join(2); !a.IsValid() {
				t.Error("a client at a port of that name behind another relay is not answered")
			}
			if a := s.join(0x0fff); a != netip.MustParseAddr("10.1.0.254") {
				t.Errorf("the host at that port has %v", a)
			}
			for _, past := range []bool{true, false} {
				if got := s.ask(dhcpv4.Request, 1000, addrs[0], nowhere, false, past); got != "DHCPACK" {
					t.Errorf("who has an address renews it (%v): %s", past, got)
				}
			}
			if got := s.ask(dhcpv4.Request, 1001, nowhere, addrs[1], false, false); got != "DHCPACK" {
				t.Errorf("who has an address and starts anew: %s", got)
			}
			if got := s.ask(dhcpv4.Discover, 1002, nowhere, nowhere, false, false); got != "DHCPOFFER" && got != "DHCPACK" {
				t.Errorf("who has an address and forgot it: %s", got)
			}
			for n := range 2 { // the second relay's client made the first one's limit 228, and it had 229
				s.ask(dhcpv4.Release, 1000+uint32(n), addrs[n], nowhere, true, true)
			}
			if a := s.join(5000); !a.IsValid() {
				t.Error("where an address was given back there is room for none")
			}
			if a := s.join(5001); a.IsValid() {
				t.Errorf("and for more than one: %v", a)
			}
		})
	}
}

// Ways to an address, or to keep one from others, that a port at its limit does not have.
func TestAPortAtItsLimitFindsNoOtherWay(t *testing.T) {
	s := newSwitched(t, quotaDocument)
	addrs := s.crowd(1000, 240)
	free := netip.MustParseAddr("10.1.0.250")
	if b, had := s.core.table.Get(host(free)); had {
		t.Fatalf("%v is not free: %v", free, b.State)
	}
	for name, got := range map[string]string{
		"it asks for an address that it was not offered":            s.ask(dhcpv4.Request, 9000, nowhere, free, true, false),
		"so, past the relay, from an address that it does not have": s.ask(dhcpv4.Request, 9000, netip.MustParseAddr("10.1.0.249"), free, true, true),
		"so, past the relay, from its own":                          s.ask(dhcpv4.Request, 1000, addrs[0], free, true, true),
		"it says that it has one":                                   s.ask(dhcpv4.Request, 9000, nowhere, free, false, false),
		"it wants an address":                                       s.ask(dhcpv4.Discover, 9000, nowhere, free, false, false),
		"it declines an address that is nobody's":                   s.ask(dhcpv4.Decline, 9000, nowhere, free, true, false),
		"it declines one past the relay that it was not offered":    s.ask(dhcpv4.Decline, 9000, nowhere, free, true, true),
	} {
		if got == "DHCPACK" || got == "DHCPOFFER" || len(s.core.changesOf(free)) > 0 {
			t.Errorf("%s: %s", name, got)
		}
	}
	if b, had := s.core.table.Get(host(free)); had {
		t.Errorf("%v is %v", free, b.State)
	}
}

// changesOf returns the states that a has had, none if nobody ever had it.
func (c *Core) changesOf(a netip.Addr) (states []binding.State) {
	if b, had := c.table.Get(host(a)); had {
		states = append(states, b.State)
	}
	return states
}

// Who takes an address, gives it back and takes the next one under another name has had them all in the end. It may not take them all up
// again: none by what it was called before.
func TestFormerLeasesDoNotPassTheLimit(t *testing.T) {
	s := newSwitched(t, quotaDocument)
	had := map[uint32]netip.Addr{}
	for n := uint32(1000); n < 1253; n++ {
		a := s.join(n)
		if !a.IsValid() {
			t.Fatalf("client %d: %v", n, s.core.answer.Drop)
		}
		had[n] = a
		s.ask(dhcpv4.Release, n, a, nowhere, true, true)
	}
	active := func() int { return s.core.states[binding.Active] }
	if active() != 0 || len(had) != 253 {
		t.Fatalf("%d active, %d had one", active(), len(had))
	}
	for _, way := range []struct {
		name string
		ask  func(n uint32, a netip.Addr) string
	}{
		{"INIT-REBOOT", func(n uint32, a netip.Addr) string { return s.ask(dhcpv4.Request, n, nowhere, a, false, false) }},
		{"RENEWING", func(n uint32, a netip.Addr) string { return s.ask(dhcpv4.Request, n, a, nowhere, false, true) }},
		{"RENEWING as somebody else's port", func(n uint32, a netip.Addr) string {
			return s.at("10.9.0.1", "ge-0/0/"+string(rune('a'+n%26))).ask(dhcpv4.Request, n, a, nowhere, false, true)
		}},
		{"REBINDING", func(n uint32, a netip.Addr) string { return s.ask(dhcpv4.Request, n, a, nowhere, false, false) }},
		{"SELECTING", func(n uint32, a netip.Addr) string { return s.ask(dhcpv4.Request, n, nowhere, a, true, false) }},
		{"DISCOVER", func(n uint32, a netip.Addr) string {
			if s.join(n).IsValid() {
				return "DHCPACK"
			}
			return "nothing"
		}},
	} {
		refused := 0
		for n, a := range had {
			if way.ask(n, a) != "DHCPACK" {
				refused++
			}
		}
		if active() != 228 || refused != 25 {
			t.Errorf("%s: %d are active, %d were refused", way.name, active(), refused)
		}
		for n, a := range had {
			s.ask(dhcpv4.Release, n, a, nowhere, true, true)
		}
		if active() != 0 {
			t.Fatalf("%s: %d are still active", way.name, active())
		}
	}
}

// Whoever says past its relay that it is at another port stays where it was heard.
func TestAClientDoesNotSayItselfWhereItIs(t *testing.T) {
	s := newSwitched(t, quotaDocument)
	addrs := s.crowd(1000, 300)
	for n, a := range addrs {
		elsewhere := s.at("10.9.0.1", "made-up-"+a.String())
		if got := elsewhere.ask(dhcpv4.Request, 1000+uint32(n), a, nowhere, false, true); got != "DHCPACK" {
			t.Fatalf("client %d: %s", n, got)
		}
	}
	if a := s.join(9999); a.IsValid() {
		t.Errorf("one more has %v", a)
	}
	// A client that is heard at another port is there now.
	if got := s.at("10.9.0.1", "ge-0/0/2").ask(dhcpv4.Request, 1000, addrs[0], nowhere, false, false); got != "DHCPACK" {
		t.Fatal(got)
	}
	if a := s.join(9999); !a.IsValid() {
		t.Error("where a client left there is no room")
	}
}

// Addresses that clients at a port decline are withheld from all, and count there: after an ACK, and while they are on offer.
func TestWhatAPortDeclinesItHas(t *testing.T) {
	for name, accept := range map[string]bool{"granted": true, "on offer": false} {
		t.Run(name, func(t *testing.T) {
			s := newSwitched(t, quotaDocument)
			for n := uint32(1000); n < 2000; n++ {
				if accept {
					if a := s.join(n); a.IsValid() {
						s.ask(dhcpv4.Decline, n, nowhere, a, true, false)
					}
				} else if s.ask(dhcpv4.Discover, n, nowhere, nowhere, false, false) == "DHCPOFFER" {
					s.ask(dhcpv4.Decline, n, nowhere, s.yours(), true, false)
				}
			}
			if got := s.core.states[binding.Abandoned]; got != 228 {
				t.Errorf("%d addresses are withheld", got)
			}
			if a := s.at("10.9.0.2", "ge-0/0/1").join(1); !a.IsValid() {
				t.Error("a client elsewhere is not answered")
			}
			s.now = s.now.Add(2 * time.Hour)
			for s.core.states[binding.Abandoned] > 0 {
				s.core.Handle(s.now, Tick{}, &s.out)
			}
			if a := s.join(1); !a.IsValid() {
				t.Error("when the quarantine is over there is no room")
			}
		})
	}
}

// A client that may use a further pool has an address of that when its port has all that it may of the first.
func TestAnotherPoolIsTakenWhereThereIsRoom(t *testing.T) {
	s := newSwitched(t, quotaDocument).at("10.2.0.1", "p1")
	if got := s.crowd(1, 9); len(got) != 5 {
		t.Errorf("%d have an address where five may", len(got))
	}
	s.vendor = "phone"
	got := s.crowd(100, 9)
	if len(got) != 5 {
		t.Fatalf("%d phones have an address where half of ten may", len(got))
	}
	for _, a := range got {
		if a.Less(netip.MustParseAddr("10.2.0.20")) {
			t.Errorf("a phone has %v, of the pool that was full", a)
		}
	}
	if alarms := s.core.quotaAlarms(); len(alarms) != 2 {
		t.Errorf("%+v", alarms)
	}
}

// One relay may use all of a pool alone, and nine of ten with another; other limits may be set, and hold at once.
func TestARelayHasAPoolAloneOrMostOfIt(t *testing.T) {
	s := newSwitched(t, quotaDocument)
	s.circuit = ""
	if got := s.crowd(1000, 100); len(got) != 100 {
		t.Fatalf("%d have an address", len(got))
	}
	if !s.at("10.9.0.2", "").join(1).IsValid() {
		t.Fatal("a client behind the second relay is not answered")
	}
	if got := s.crowd(2000, 200); len(got) != 128 {
		t.Errorf("%d more have an address", len(got))
	}
	s.core.Handle(s.now, Adopt{Policy: policyOf(t, strings.Replace(quotaDocument, "10.1.0.254}", "10.1.0.254, quota: {relay: 230}}", 1))}, &s.out)
	if got := s.crowd(3000, 9); len(got) != 2 {
		t.Errorf("with two more allowed: %d", len(got))
	}
	s.core.Handle(s.now, Adopt{Policy: policyOf(t, strings.Replace(quotaDocument, "10.1.0.254}", "10.1.0.253, quota: {relay: 100%}}", 1))}, &s.out)
	if got := s.crowd(4000, 50); len(got) != 22 || len(s.core.short) != 1 {
		t.Errorf("without a limit: %d, %d shortages", len(got), len(s.core.short))
	}
}

// The alarm says so while clients are refused, and goes some time after the last one.
func TestTheAlarmOfAFullPlaceGoes(t *testing.T) {
	s := newSwitched(t, quotaDocument).at("10.2.0.1", "\x00\x04\xff")
	s.core.Observe(ObservePackets)
	s.crowd(1, 6)
	var reached, dropped *Event
	for i := range s.out.Events {
		switch e := &s.out.Events[i]; e.Kind {
		case QuotaReached:
			reached = e
		case PacketDropped:
			dropped = e
		}
	}
	const want = `pool 10.2.0.10-10.2.0.19: circuit-id {hex: "0004ff"}, relay 10.2.0.1: 5 addresses held and 0 on offer, of 5 that may be (quota), of 10 in all`
	if reached == nil || reached.Detail != want || dropped == nil || !strings.HasSuffix(dropped.Detail, want) {
		t.Errorf("%+v\n%+v", reached, dropped)
	}
	s.now = s.now.Add(fullFor - time.Second)
	s.join(7)
	if len(s.core.quotaAlarms()) != 1 {
		t.Error("no alarm")
	}
	at, ok := s.core.Wake()
	for ; ok && len(s.core.quotaAlarms()) > 0; at, ok = s.core.Wake() {
		s.now = at
		s.core.Handle(s.now, Tick{}, &s.out)
	}
	if len(s.core.quotaAlarms()) > 0 || s.now.Sub(epoch) < 2*fullFor-time.Second || s.now.Sub(epoch) > 3*fullFor {
		t.Errorf("%v later: %+v", s.now.Sub(epoch), s.core.quotaAlarms())
	}
	for n := range 3 * maxFullPlaces {
		s.at("10.2.0.1", string(rune('A'+n))).crowd(100*uint32(n), 12)
	}
	if got := len(s.core.quotaAlarms()); got > maxFullPlaces {
		t.Errorf("%d alarms", got)
	}
}
