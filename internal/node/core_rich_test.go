package node

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// richDocument has something to say in each of the fourteen layers, to every client of rich.
const richDocument = `server: {name: west, data: /nowhere}
group: {name: campus, members: {west: {peer: "10.0.0.2:647", class: core}}}
enterprise: {lease: {default: 1h}, rapid-commit: true, conflict-probe: 0s, options: {domain-name: corp.example, domain-name-servers: [10.0.0.53], classless-static-route: [{to: 10.60.0.0/16, via: 10.9.0.254}]}}
intranets: {lab: {networks: [all], options: {ntp-servers: [10.9.0.123], domain-name-servers: {prepend: [10.9.7.53]}}}}
server-classes: {core: {options: {log-servers: [10.9.0.5]}}}
servers: {west: {next-server: 10.9.0.1, options: {tftp-server-name: west.corp.example}}}
networks:
  all:
    options: {domain-search: [floor.corp.example, corp.example]}
    subnets:
      10.0.0.0/8:
        options: {routers: [10.0.0.1], classless-static-route: {merge: [{to: 10.60.0.0/16, via: 10.0.0.3}]}}
        pools: [{range: 10.16.0.0-10.31.255.255, options: {time-offset: 3600}}]
classes:
  kiosk: {kind: user, match: 'user_class == "kiosk"', options: {log-servers: {unset: true}}}
  phones: {kind: vendor, match: 'vendor_class.startsWith("Phone") && option[93] == 7', options: {vivso: {merge: {4491: {2: 10.9.0.3}}}}}
  port: {kind: vendor, match: 'circuit_id.matches("^ge-[0-9]+/[0-9]$")', boot-file-name: grubx64.efi}
  kit: {kind: hardware, match: {hardware: "02:0c:00:00:00:00/16"}, lease: {default: 30m}}
domains: {guests.example: {options: {domain-search: [guests.example]}}}
hosts: {lobby: {hardware: "02:0c:00:00:00:01", options: {host-name: lobby}}}
accept: {host-name: true, lease-time: {max: 12h}}
`

// rich are clients that say as much as any do, behind a relay that does, too.
type rich struct {
	*traffic
	rapid   bool
	circuit []byte
}

// say has client n say a message: about the address a, in ciaddr where it has it.
func (x *rich) say(typ dhcpv4.MessageType, n uint32, a netip.Addr, has, selecting bool) {
	h := dhcpv4.Header{Op: 1, HType: 1, HLen: 6, XID: n, GIAddr: netip.AddrFrom4([4]byte{10, 0, 0, 1}), CHAddr: [16]byte{2, 12}}
	binary.BigEndian.PutUint32(h.CHAddr[2:], n)
	if has {
		h.CIAddr = a
	}
	x.builder.Begin(x.octets[:0], &h, 1400)
	x.builder.Add(option.CodeMessageType, []byte{byte(typ)})
	ip := [4]byte{}
	if a.IsValid() {
		ip = a.As4()
	}
	if a.IsValid() && (!has || typ == dhcpv4.Decline) {
		x.builder.Add(option.CodeRequestedAddress, ip[:])
	}
	if selecting {
		x.builder.Add(option.CodeServerIdentifier, serverIdentifier)
	}
	for _, o := range muchSaid {
		if o.code != option.CodeRapidCommit || x.rapid {
			x.builder.Add(o.code, o.value)
		}
	}
	x.circuit = append(x.circuit[:0], "\x01\x06ge-0/0\x02\x04abcd\x97\x05\x00vrf1\x0b\x04\x0a\x00\x00\x02"...)
	x.circuit[5], x.circuit[7] = '0'+byte(n/10%10), '0'+byte(n%10)
	b, _ := x.builder.Finish(x.circuit)
	if err := x.msg.Parse(b); err != nil {
		panic(err)
	}
	x.packet = Packet{Msg: &x.msg, From: netip.AddrPortFrom(h.GIAddr, 67), To: netip.AddrFrom4([4]byte{10, 0, 0, 2}), Unicast: true, Interface: 1}
	x.out.Reset()
	x.core.Handle(x.now, &x.packet, &x.out)
}

var serverIdentifier = []byte{10, 0, 0, 2}

var muchSaid = []struct {
	code  uint8
	value []byte
}{
	{12, []byte("desk-7")}, {15, []byte("guests.example")}, {51, []byte{0, 0, 14, 16}}, {55, []byte{1, 28, 2, 3, 15, 6, 12, 42, 66, 67, 119, 121, 125, 7}},
	{57, []byte{5, 220}}, {60, []byte("Phone:17")}, {77, []byte("kiosk")}, {80, nil}, {81, append([]byte{4, 0, 0}, "\x06desk-7\x00"...)},
	{93, []byte{0, 7}}, {97, append([]byte{0}, make([]byte, 16)...)}, {124, []byte{0, 0, 17, 139, 3, 2, 'h', 'i'}},
}

// What a client says, and how much there is to say to it, costs no allocation either.
func TestThePacketPathAllocatesNothingForWhoSaysALot(t *testing.T) {
	doc, problems := config.Parse("rich.yaml", []byte(richDocument))
	if doc == nil {
		t.Fatal(problems)
	}
	x := &rich{traffic: trafficOf(t, policy.Compile(doc))}
	var addrs [2048]netip.Addr
	for n := range addrs {
		x.say(dhcpv4.Discover, uint32(n), netip.Addr{}, false, false)
		addrs[n] = x.yours()
		x.say(dhcpv4.Request, uint32(n), addrs[n], false, true)
	}
	var ack dhcpv4.Message
	if err := ack.Parse(x.out.Octets(&x.out.Replies[0])); err != nil {
		t.Fatal(err)
	}
	for _, code := range []uint16{2, 3, 6, 15, 42, 66, 82, 119, 121, 125} { // of what layers there are
		if _, ok := ack.Option(code); !ok {
			t.Fatalf("option %d is not in the answer: the layers do not meet\n%s", code, ack.String())
		}
	}
	n, fresh := 0, uint32(1<<20)
	next := func() (uint32, netip.Addr) { n = (n + 1) % 1000; return uint32(n), addrs[n] }
	gone := 1000
	for _, c := range []struct {
		name  string
		say   func()
		reply dhcpv4.MessageType
	}{
		{"DISCOVER", func() { c, _ := next(); x.say(dhcpv4.Discover, c, netip.Addr{}, false, false) }, dhcpv4.Offer},
		{"DISCOVER of a new client", func() { fresh++; x.say(dhcpv4.Discover, fresh, netip.Addr{}, false, false) }, dhcpv4.Offer},
		{"DISCOVER with rapid commit", func() {
			x.rapid = true
			fresh++
			x.say(dhcpv4.Discover, fresh, netip.Addr{}, false, false)
			x.rapid = false
		}, dhcpv4.Ack},
		{"SELECTING", func() { c, a := next(); x.say(dhcpv4.Request, c, a, false, true) }, dhcpv4.Ack},
		{"INIT-REBOOT", func() { c, a := next(); x.say(dhcpv4.Request, c, a, false, false) }, dhcpv4.Ack},
		{"REBINDING", func() { c, a := next(); x.say(dhcpv4.Request, c, a, true, false) }, dhcpv4.Ack},
		{"NAK", func() { c, _ := next(); x.say(dhcpv4.Request, c, addrs[c+1], false, false) }, dhcpv4.Nak},
		{"INFORM", func() { c, a := next(); x.say(dhcpv4.Inform, c, a, true, false) }, dhcpv4.Ack},
		{"RELEASE", func() { gone++; x.say(dhcpv4.Release, uint32(gone), addrs[gone], true, true) }, 0},
		{"DECLINE", func() { gone++; x.say(dhcpv4.Decline, uint32(gone), addrs[gone], false, true) }, 0},
	} {
		before := slices.Clone(x.core.counts.Drops)
		if allocs := testing.AllocsPerRun(400, c.say); allocs >= 1 {
			t.Errorf("%s: %v allocations", c.name, allocs)
		}
		if !slices.Equal(before, x.core.counts.Drops) {
			t.Errorf("%s is dropped: %v", c.name, x.core.answer.Drop)
		}
		if got := x.out.Replies; c.reply == 0 && len(got) != 0 || c.reply != 0 && (len(got) != 1 || got[0].Type != c.reply) {
			t.Errorf("%s is answered with %+v", c.name, got)
		}
	}
}

// One of two that are in touch has more to do with each lease, and allocates nothing for it.
func TestThePacketPathOfAPairAllocatesNothing(t *testing.T) {
	p := newPair(t)
	p.link()
	p.pass(30 * time.Second)
	if got := p.states(); got != "NORMAL NORMAL" {
		t.Fatal(got)
	}
	west := p.sides[0]
	x := &traffic{core: west.core, now: p.now, octets: make([]byte, 0, 1500)}
	var has []uint32
	var addrs []netip.Addr
	for n := uint32(0); len(has) < 16; n++ {
		if x.hear(dhcpv4.Discover, n, netip.Addr{}, nil); len(x.out.Replies) == 0 {
			continue // east's
		}
		a := x.yours()
		x.selecting(n, a)
		has, addrs = append(has, n), append(addrs, a)
	}
	i := 0
	next := func() (uint32, netip.Addr) { i = (i + 1) % len(has); return has[i], addrs[i] }
	// A message to the other server, which carries what many clients got, costs as many as it has parts; the clients' own cost none.
	updates := 0
	told := testing.AllocsPerRun(50, func() { // fewer than may be on their way
		c, a := next()
		x.hear(dhcpv4.Request, c, a, nil)
		x.core.Handle(x.now, Tick{}, &x.out)
		updates += len(x.out.ToPartner)
	})
	if told > 4 || updates < 50 {
		t.Errorf("%d messages to the partner, %v allocations each", updates, told)
	}
	for _, c := range []struct {
		name string
		say  func()
	}{
		{"DISCOVER", func() { c, _ := next(); x.hear(dhcpv4.Discover, c, netip.Addr{}, nil) }},
		{"SELECTING", func() { c, a := next(); x.selecting(c, a) }},
		{"RENEWING", func() { c, a := next(); x.hear(dhcpv4.Request, c, a, nil) }},
		{"INIT-REBOOT", func() { c, a := next(); x.hear(dhcpv4.Request, c, netip.Addr{}, a.AsSlice()) }},
		{"INFORM", func() { c, a := next(); x.hear(dhcpv4.Inform, c, a, nil) }},
	} {
		if allocs := testing.AllocsPerRun(400, c.say); allocs >= 1 {
			t.Errorf("%s: %v allocations", c.name, allocs)
		}
		if len(x.out.Replies) != 1 {
			t.Errorf("%s: %d replies, %v", c.name, len(x.out.Replies), x.core.answer.Drop)
		}
	}
	for _, a := range addrs {
		if b, ok := west.table.Get(netip.PrefixFrom(a, 32)); !ok || b.State != binding.Active {
			t.Errorf("%v is not granted", a)
		}
	}
}

// selecting has client number n, on the link, ask for the address a that it was offered.
func (t *traffic) selecting(n uint32, a netip.Addr) {
	h := dhcpv4.Header{Op: 1, HType: 1, HLen: 6, XID: n, CHAddr: [16]byte{2, 12}}
	binary.BigEndian.PutUint32(h.CHAddr[2:], n)
	t.builder.Begin(t.octets[:0], &h, 1400)
	t.builder.Add(option.CodeMessageType, []byte{byte(dhcpv4.Request)})
	ip := a.As4()
	t.builder.Add(option.CodeRequestedAddress, ip[:])
	t.builder.Add(option.CodeServerIdentifier, pairIdentifier)
	t.builder.Add(option.CodeParameterRequestList, asked)
	b, _ := t.builder.Finish(nil)
	if err := t.msg.Parse(b); err != nil {
		panic(err)
	}
	t.packet = Packet{Msg: &t.msg, From: netip.AddrPortFrom(netip.IPv4Unspecified(), 68), To: netip.AddrFrom4([4]byte{10, 0, 0, 1}), Interface: 1}
	t.out.Reset()
	t.core.Handle(t.now, &t.packet, &t.out)
}

var pairIdentifier = []byte{10, 0, 0, 1}
