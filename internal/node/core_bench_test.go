package node

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/policy"
	"github.com/lessor-dhcp/lessor/internal/responder"
)

const benchDocument = `server: {name: west, data: /nowhere}
enterprise: {lease: {default: 1h}, options: {domain-name: corp.example, domain-name-servers: [10.0.0.53, 10.0.1.53]}}
networks:
  all: {subnets: {10.0.0.0/8: {options: {routers: [10.0.0.1]}, pools: [{range: 10.16.0.0-10.31.255.255}]}}}
hosts: {printer: {hardware: 02:ff:00:00:00:01, address: 10.0.0.9}}
`

var benchPolicy = sync.OnceValue(func() *policy.Policy {
	doc, problems := config.Parse("bench.yaml", []byte(benchDocument))
	if doc == nil {
		panic(problems)
	}
	return policy.Compile(doc)
})

// traffic makes the packets of clients behind a relay, as a reader hands them on.
type traffic struct {
	core    *Core
	now     time.Time
	out     Effects
	builder dhcpv4.Builder
	octets  []byte
	msg     dhcpv4.Message
	packet  Packet
	// model returns the vendor class of client number n; nil: clients say none.
	model func(n uint32, dst []byte) []byte
	said  []byte
}

func newTraffic(tb testing.TB) *traffic { return trafficOf(tb, benchPolicy()) }

func trafficOf(tb testing.TB, p *policy.Policy) *traffic {
	tb.Helper()
	t := &traffic{core: NewCore("west", p, binding.NewTable(), 0), now: epoch, octets: make([]byte, 0, 1500)}
	t.core.Handle(t.now, LinksChanged{Links: []Link{{Index: 1, Name: "eth0", Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.2/8")}, Up: true}}}, &t.out)
	return t
}

var asked = []byte{1, 28, 2, 3, 15, 6, 12}

// say has client number n say a message of type typ: about the address a (ciaddr if renew).
func (t *traffic) say(typ dhcpv4.MessageType, n uint32, a netip.Addr, renew bool) {
	if err := t.msg.Parse(t.octetsOf(typ, n, a, renew)); err != nil {
		panic(err)
	}
	t.packet = t.packetOf(&t.msg)
	t.out.Reset()
	t.core.Handle(t.now, &t.packet, &t.out)
}

// packetOf returns the packet of m, from the relay of all clients.
func (t *traffic) packetOf(m *dhcpv4.Message) Packet {
	return Packet{Msg: m, From: netip.AddrPortFrom(m.GIAddr, 67), To: netip.AddrFrom4([4]byte{10, 0, 0, 2}), Unicast: true, Interface: 1}
}

// octetsOf returns what client number n says, until it is called again.
func (t *traffic) octetsOf(typ dhcpv4.MessageType, n uint32, a netip.Addr, renew bool) []byte {
	h := dhcpv4.Header{Op: 1, HType: 1, HLen: 6, XID: n, GIAddr: netip.AddrFrom4([4]byte{10, 0, 0, 1}), CHAddr: [16]byte{2, 12}}
	binary.BigEndian.PutUint32(h.CHAddr[2:], n)
	if renew {
		h.CIAddr = a
	}
	t.builder.Begin(t.octets[:0], &h, 1400)
	t.builder.Add(option.CodeMessageType, []byte{byte(typ)})
	if typ == dhcpv4.Request && !renew {
		ip := a.As4()
		t.builder.Add(option.CodeRequestedAddress, ip[:])
		t.builder.Add(option.CodeServerIdentifier, []byte{10, 0, 0, 2})
	}
	if (typ == dhcpv4.Release || typ == dhcpv4.Decline) && renew {
		ip := a.As4()
		t.builder.Add(option.CodeServerIdentifier, []byte{10, 0, 0, 2})
		t.builder.Add(option.CodeRequestedAddress, ip[:])
	}
	t.builder.Add(option.CodeParameterRequestList, asked)
	if t.model != nil {
		t.said = t.model(n, t.said[:0])
		t.builder.Add(option.CodeVendorClass, t.said)
		t.builder.Add(option.CodeClientSystem, []byte{0, byte(n % 12)})
	}
	b, _ := t.builder.Finish(nil)
	return b
}

// hear has client number n say a message itself, by unicast from its address a if it has one, and ask for the address with the octets
// want if there are any.
func (t *traffic) hear(typ dhcpv4.MessageType, n uint32, a netip.Addr, want []byte) {
	h := dhcpv4.Header{Op: 1, HType: 1, HLen: 6, XID: n, CHAddr: [16]byte{2, 12}}
	binary.BigEndian.PutUint32(h.CHAddr[2:], n)
	from := netip.IPv4Unspecified()
	if a.IsValid() {
		h.CIAddr, from = a, a
	}
	t.builder.Begin(t.octets[:0], &h, 1400)
	if typ != 0 {
		t.builder.Add(option.CodeMessageType, []byte{byte(typ)})
	}
	if len(want) > 0 {
		t.builder.Add(option.CodeRequestedAddress, want)
	}
	t.builder.Add(option.CodeParameterRequestList, asked)
	b, _ := t.builder.Finish(nil)
	if err := t.msg.Parse(b); err != nil {
		panic(err)
	}
	t.packet = Packet{Msg: &t.msg, From: netip.AddrPortFrom(from, 68), To: netip.AddrFrom4([4]byte{10, 0, 0, 2}), Unicast: a.IsValid(), Interface: 1}
	t.out.Reset()
	t.core.Handle(t.now, &t.packet, &t.out)
}

// yours returns the address in the reply to the last message.
func (t *traffic) yours() netip.Addr {
	if len(t.out.Replies) != 1 {
		panic(fmt.Sprint("no reply: ", t.core.answer.Drop))
	}
	b := t.out.Octets(&t.out.Replies[0])
	return netip.AddrFrom4([4]byte(b[16:20]))
}

func (t *traffic) lease(n uint32) netip.Addr {
	t.say(dhcpv4.Discover, n, netip.Addr{}, false)
	a := t.yours()
	t.say(dhcpv4.Request, n, a, false)
	return a
}

// TestThePacketPathAllocatesNothing runs every kind of message on a core that has seen such messages before.
func TestThePacketPathAllocatesNothing(t *testing.T) {
	x := newTraffic(t)
	var addrs [4096]netip.Addr
	for n := range addrs {
		addrs[n] = x.lease(uint32(n))
	}
	n := 0
	next := func() (uint32, netip.Addr) { n = (n + 1) % 1000; return uint32(n), addrs[n] }
	fresh := uint32(1 << 20)
	for _, c := range []struct {
		name string
		say  func()
	}{
		{"DISCOVER of a known client", func() { c, _ := next(); x.say(dhcpv4.Discover, c, netip.Addr{}, false) }},
		{"REQUEST, SELECTING", func() { c, a := next(); x.say(dhcpv4.Request, c, a, false) }},
		{"REQUEST, REBINDING", func() { c, a := next(); x.say(dhcpv4.Request, c, a, true) }},
		{"DISCOVER of a new client", func() { fresh++; x.say(dhcpv4.Discover, fresh, netip.Addr{}, false) }},
		{"DORA of a new client", func() { fresh++; x.lease(fresh) }},
		{"INFORM", func() { c, a := next(); x.say(dhcpv4.Inform, c, a, true) }},
		{"NAK", func() { c, _ := next(); x.say(dhcpv4.Request, c+1, addrs[c], true) }},
		{"RELEASE", func() { n++; x.say(dhcpv4.Release, uint32(n), addrs[n], true) }},
		{"DECLINE", func() { n++; x.say(dhcpv4.Decline, uint32(n), addrs[n], true) }},
		{"REQUEST, RENEWING", func() { c, a := next(); x.hear(dhcpv4.Request, c, a, nil) }},
		{"REQUEST, INIT-REBOOT", func() { c, a := next(); x.hear(dhcpv4.Request, c, netip.Addr{}, a.AsSlice()) }},
		{"DISCOVER, not relayed", func() { c, _ := next(); x.hear(dhcpv4.Discover, c, netip.Addr{}, nil) }},
		{"DISCOVER that waits for a probe", func() {
			fresh++
			x.hear(dhcpv4.Discover, fresh, netip.Addr{}, nil)
			if len(x.out.Probes) != 1 || len(x.out.Replies) != 0 {
				t.Fatalf("a new client's DISCOVER does not wait: %+v", x.out)
			}
			x.now = x.now.Add(400 * time.Millisecond)
			if x.core.Handle(x.now, Tick{}, &x.out); len(x.out.Replies) != 1 {
				t.Fatalf("and is not answered: %v", x.core.answer.Drop)
			}
		}},
		{"BOOTP", func() { c, _ := next(); x.hear(0, c, netip.Addr{}, nil) }},
		{"BOOTP of who has a reserved address", func() {
			h := dhcpv4.Header{Op: 1, HType: 1, HLen: 6, CHAddr: [16]byte{2, 255, 0, 0, 0, 1}}
			x.builder.Begin(x.octets[:0], &h, 1400)
			b, _ := x.builder.Finish(nil)
			if err := x.msg.Parse(b); err != nil {
				t.Fatal(err)
			}
			x.packet = Packet{Msg: &x.msg, From: netip.AddrPortFrom(netip.IPv4Unspecified(), 68), To: netip.AddrFrom4([4]byte{255, 255, 255, 255}), Interface: 1}
			x.out.Reset()
			if x.core.Handle(x.now, &x.packet, &x.out); len(x.out.Replies) != 1 {
				t.Fatalf("it is not answered: %v", x.core.answer.Drop)
			}
		}},
		{"a server's", func() { c, a := next(); x.hear(dhcpv4.Offer, c, a, nil) }},
		{"malformed", func() { x.packet.Malformed = "bad-op"; x.core.Handle(x.now, &x.packet, &x.out) }},
		{"shed", func() {
			fresh++
			x.say(dhcpv4.LeaseQuery, fresh, netip.Addr{}, false)
			x.packet.Shed = responder.TooBusy
			x.core.Handle(x.now, &x.packet, &x.out)
		}},
		{"dropped", func() { x.say(dhcpv4.LeaseQuery, 1, netip.Addr{}, false) }},
	} {
		if c.name == "RELEASE" {
			n = 1500
		}
		if allocs := testing.AllocsPerRun(500, c.say); allocs >= 1 {
			t.Errorf("%s: %v allocations", c.name, allocs)
		}
	}
}

func BenchmarkCore(b *testing.B) {
	b.Run("discover-new", func(b *testing.B) {
		x := newTraffic(b)
		n := uint32(0)
		for b.Loop() {
			if n++; n%100000 == 0 {
				b.StopTimer()
				x.core.pools.ExpireOffers(x.now.Add(time.Hour))
				b.StartTimer()
			}
			x.say(dhcpv4.Discover, n, netip.Addr{}, false)
		}
	})
	b.Run("dora-new", func(b *testing.B) {
		x := newTraffic(b)
		n := uint32(0)
		for b.Loop() {
			if n++; n == 1000000 {
				b.StopTimer()
				x, n = newTraffic(b), 0
				b.StartTimer()
			}
			x.lease(n)
		}
	})
	b.Run("renew", func(b *testing.B) {
		x := newTraffic(b)
		var addrs [100000]netip.Addr
		for n := range addrs {
			addrs[n] = x.lease(uint32(n))
		}
		n := 0
		for b.Loop() {
			n = (n + 7919) % len(addrs)
			x.say(dhcpv4.Request, uint32(n), addrs[n], true)
		}
	})
}
