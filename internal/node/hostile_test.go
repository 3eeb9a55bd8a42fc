package node

import (
	"encoding/binary"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
)

// TestAFloodOfStrangersCostsBoundedMemoryAndNoRenewal has a million clients that nobody ever saw ask for an address, at
// 10,000 a second, while a thousand known ones renew.
func TestAFloodOfStrangersCostsBoundedMemoryAndNoRenewal(t *testing.T) {
	const strangers, perSecond, friends = 1_000_000, 10_000, 1000
	x := newTraffic(t)
	var known [friends]netip.Addr
	for n := range known {
		known[n] = x.lease(uint32(n))
	}
	before := heap()
	renewed := 0
	for n := range strangers {
		if n%perSecond == 0 {
			x.now = x.now.Add(time.Second)
			x.core.Handle(x.now, Tick{}, &x.out)
		}
		x.say(dhcpv4.Discover, uint32(1<<24+n*7919), netip.Addr{}, false)
		if n%1000 == 0 {
			c := n / 1000 % friends
			x.say(dhcpv4.Request, uint32(c), known[c], true)
			if len(x.out.Replies) != 1 || x.out.Replies[0].Type != dhcpv4.Ack || x.yours() != known[c] {
				t.Fatalf("after %d strangers client %d was not renewed", n, c)
			}
			renewed++
		}
	}
	if grown := heap() - before; grown > 64<<20 {
		t.Errorf("%d strangers cost %d MiB", strangers, grown>>20)
	} else {
		t.Logf("%d strangers cost %d KiB, %d renewals went on; the table holds %d KiB", strangers, grown>>10, renewed, x.core.table.Memory()>>10)
	}
	x.now = x.now.Add(2 * time.Minute)
	for at, ok := x.core.Wake(); ok && !at.After(x.now); at, ok = x.core.Wake() {
		x.core.Handle(x.now, Tick{}, &x.out)
	}
	if k := x.core.pools.Counts(0); k.Offered != 0 || k.Active != friends {
		t.Errorf("two minutes later: %+v", k)
	}
}

// heap returns how many octets are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// FuzzAnyDatagram has a server that serves, and is watched closely, handle a datagram of any content.
func FuzzAnyDatagram(f *testing.F) {
	for _, d := range hostile() {
		f.Add(d, false)
		f.Add(d, true)
	}
	f.Fuzz(func(t *testing.T, datagram []byte, unicast bool) {
		x := newTraffic(t)
		a := x.lease(1)
		x.core.Observe(ObserveLeases | ObserveTroubles | ObservePackets)
		x.handOver(datagram, unicast)
		for i := range x.out.Replies {
			r := &x.out.Replies[i]
			var m dhcpv4.Message
			if err := m.Parse(x.out.Octets(r)); err != nil {
				t.Fatalf("the reply cannot be read: %v", err)
			}
			if len(x.out.Octets(r)) > 1472 || !r.To.To.IsValid() || m.Op != dhcpv4.BootReply || m.XID != x.msg.XID {
				t.Fatalf("a reply of %d octets to %v: %+v", len(x.out.Octets(r)), r.To, m.Op)
			}
		}
		for i := range x.out.Events {
			if e := &x.out.Events[i]; len(e.Detail) > 64<<10 {
				t.Fatalf("an event of %d octets", len(e.Detail))
			}
		}
		x.say(dhcpv4.Request, 1, a, true)
		if m := x.msg; m.Type() == dhcpv4.Request && len(x.out.Replies) != 1 {
			t.Fatal("afterwards the client was not renewed")
		}
	})
}

// handOver hands a datagram to the core as a reader does.
func (t *traffic) handOver(datagram []byte, unicast bool) {
	p := Packet{Msg: &t.msg, From: netip.MustParseAddrPort("0.0.0.0:68"), To: netip.MustParseAddr("255.255.255.255"), Interface: 1}
	if unicast {
		p.From, p.To, p.Unicast = netip.MustParseAddrPort("10.16.0.7:68"), netip.MustParseAddr("10.0.0.2"), true
	}
	if err := t.msg.Parse(datagram); err != nil {
		p.Malformed = malformed(err)
	}
	t.out.Reset()
	t.core.Handle(t.now, &p, &t.out)
}

// TestNoDatagramCostsMuch bounds what one datagram allocates while it is watched closely.
func TestNoDatagramCostsMuch(t *testing.T) {
	x := newTraffic(t)
	for i, d := range hostile() {
		for _, watched := range []Observe{0, ObserveLeases | ObserveTroubles | ObservePackets} {
			x.core.Observe(watched)
			x.handOver(d, false)
			var a, b runtime.MemStats
			runtime.ReadMemStats(&a)
			x.handOver(d, false)
			runtime.ReadMemStats(&b)
			if cost := b.TotalAlloc - a.TotalAlloc; cost > 64<<10 {
				t.Errorf("datagram %d, watched %b: %d octets", i, watched, cost)
			}
		}
	}
}

// hostile returns datagrams of the kinds that have broken servers (RELIABILITY §2).
func hostile() (all [][]byte) {
	head := func(typ byte, options ...byte) []byte {
		b := make([]byte, 240, 2048)
		b[0], b[1], b[2], b[28] = 1, 1, 6, 2
		binary.BigEndian.PutUint32(b[236:], 0x63825363)
		return append(append(b, 53, 1, typ), options...)
	}
	repeat := func(n int, bs ...byte) (r []byte) {
		for range n {
			r = append(r, bs...)
		}
		return r
	}
	for typ := byte(0); typ <= 19; typ++ {
		all = append(all, head(typ), head(typ, 255))
	}
	for _, o := range [][]byte{
		{61, 0}, {61, 1, 0}, append([]byte{61, 255}, make([]byte, 255)...), // client identifiers of all lengths
		repeat(5, append([]byte{61, 255}, make([]byte, 255)...)...),
		{50, 4, 0, 0, 0, 0}, {50, 3, 1, 2, 3}, {50, 0}, {54, 4, 10, 0, 0, 2}, {54, 1, 1}, {51, 4, 255, 255, 255, 255}, {51, 4, 0, 0, 0, 0}, {51, 1, 1},
		{52, 1, 3}, {52, 1, 4}, {52, 0}, {52, 1, 1, 52, 1, 2}, // overload
		{55, 0}, append([]byte{55, 255}, repeat(255, 1)...), repeat(6, append([]byte{55, 255}, repeat(255, 121)...)...),
		{57, 2, 0, 0}, {57, 2, 255, 255}, {57, 1, 1}, {57, 0},
		{82, 0}, {82, 2, 1, 5}, {82, 2, 1, 0}, {82, 255}, append([]byte{82, 255}, repeat(127, 1, 0)...), {82, 6, 5, 4, 0, 0, 0, 0}, {82, 3, 5, 1, 1},
		{82, 6, 11, 4, 10, 0, 0, 2}, {82, 3, 11, 1, 1}, {82, 2, 19, 0},
		{81, 3, 0, 0, 0}, {81, 1, 1}, append([]byte{81, 70, 4, 0, 0, 66}, repeat(66, 'a')...), append([]byte{81, 255, 0, 0, 0}, repeat(252, 'a')...), {81, 5, 4, 0, 0, 192, 0},
		{12, 0}, {12, 3, 0, 27, '['}, {12, 4, '"', '$', '(', '\n'}, append([]byte{12, 255}, repeat(255, 255)...),
		{77, 0}, {77, 1, 255}, {77, 5, 4, 'a', 'b', 'c', 'd'}, {118, 4, 10, 0, 0, 0}, {118, 4, 1, 2, 3, 4}, {118, 0}, {119, 2, 192, 0}, {119, 4, 3, 'a', 192, 2},
		{124, 4, 0, 0, 0, 1}, {125, 5, 0, 0, 0, 1, 255}, {80, 0}, {80, 1, 1}, {97, 0}, append([]byte{97, 255}, repeat(255, 7)...), {90, 0}, {116, 1, 1}, {108, 4, 0, 0, 0, 0},
		repeat(1700, 0), repeat(900, 1, 0), repeat(600, 224, 1, 9), {99}, {99, 200, 1},
	} {
		for _, typ := range []byte{0, 1, 3, 4, 7, 8} {
			d := head(typ, o...)
			all = append(all, d, append(d[:len(d):len(d)], 255))
		}
	}
	for _, change := range []func(b []byte){
		func(b []byte) { b[0] = 2 }, func(b []byte) { b[0] = 0 }, func(b []byte) { b[2] = 0 }, func(b []byte) { b[2] = 17 }, func(b []byte) { b[2] = 255 },
		func(b []byte) { b[1] = 0 }, func(b []byte) { b[1] = 255 }, func(b []byte) { b[3] = 255 }, func(b []byte) { copy(b[24:], []byte{10, 0, 0, 2}) },
		func(b []byte) { copy(b[24:], []byte{10, 0, 0, 1}) }, func(b []byte) { copy(b[24:], []byte{255, 255, 255, 255}) }, func(b []byte) { copy(b[12:], []byte{10, 16, 0, 0}) },
		func(b []byte) { copy(b[12:], []byte{255, 255, 255, 255}) }, func(b []byte) { copy(b[12:], []byte{127, 0, 0, 1}) }, func(b []byte) { b[10] = 255 },
		func(b []byte) { b[8], b[9] = 255, 255 }, func(b []byte) { clear(b[28:44]) }, func(b []byte) { clear(b[236:240]) },
	} {
		for _, typ := range []byte{0, 1, 3, 4, 7, 8} {
			d := head(typ, 50, 4, 10, 16, 0, 0, 255)
			change(d)
			all = append(all, d)
		}
	}
	for n := range 241 {
		all = append(all, head(1)[:n])
	}
	return append(all, make([]byte, 2049), make([]byte, 65507))
}
