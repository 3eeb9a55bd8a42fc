package peerwire

import (
	"bytes"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
)

// lease is an update about a lease, under this number.
func lease(id uint32) failover.Envelope {
	return failover.Envelope{ID: id, Message: failover.BindingUpdate{Updates: []failover.Update{{Binding: leased()}}}}
}

func TestEqualRecordsAreSaidOnce(t *testing.T) {
	p := newPair(Lessor)
	one, _ := p.west.Append(nil, noon, ptr(lease(1)), 0)
	two, _ := p.west.Append(nil, noon, ptr(lease(2)), 0)
	whole, named := parsed(t, one, Lessor).Updates[0], parsed(t, two, Lessor).Updates[0]
	octets := SetOf(OptRequest, OptReply, ExtRequestHead, ExtResultHead, ExtReasons)
	names := SetOf(ExtRequestDigest, ExtResultDigest, ExtReasonsDigest, ExtRequestOwn)
	if whole.Has&(octets|names) != octets|names || named.Has&(octets|names) != names {
		t.Errorf("%v\n%v", &whole, &named)
	}
	for id, b := range [][]byte{one, two} {
		got := together(arrive(t, p.east, p.easts, b))
		if want := lease(uint32(id) + 1); !reflect.DeepEqual(got, kept(failover.Received{Envelope: want}).Envelope) {
			t.Errorf("%s", difference(got, want))
		}
	}
	// The other direction, and the next connection, know nothing of it.
	for _, x := range []*Translator{p.east, newPair(Lessor).west} {
		b, _ := x.Append(nil, noon, ptr(lease(3)), 0)
		if u := parsed(t, b, Lessor).Updates[0]; u.Has&octets != octets {
			t.Errorf("%v", &u)
		}
	}
}

func ptr[T any](v T) *T { return &v }

// A receiver that lacks a record takes nothing of the binding until it has come again whole, and failover hears one update
// and one acknowledgement.
func TestWhatThePartnerLacksComesAgainWhole(t *testing.T) {
	p := newPair(Lessor)
	carry(t, p.west, p.east, p.easts, lease(1), 0)
	p.east.heard.init() // it has forgotten
	first := leased()
	first.Prefix = netip.MustParsePrefix("198.51.100.1/32")
	first.Result = nil
	e := lease(2)
	e.Message = failover.BindingUpdate{Updates: append([]failover.Update{{Binding: binding.Binding{
		Prefix: first.Prefix, State: binding.Free, Owner: "west", Sync: first.Sync,
	}}}, lease(2).Message.(failover.BindingUpdate).Updates...)}
	got := carry(t, p.west, p.east, p.easts, e, 0)
	if u := got[0].Message.(failover.BindingUpdate).Updates; len(got) != 1 || len(u) != 1 || u[0].Binding.Prefix != first.Prefix {
		t.Fatalf("%+v arrives", got)
	}
	wants := p.east.Pending(nil, noon)
	m := parsed(t, wants, Lessor)
	if len(m.Acks) != 1 || m.XID != 2 || m.Acks[0].Wants != WantsRequest|WantsResult|WantsReasons || m.Acks[0].Has.Has(OptReason) {
		t.Fatalf("%v", m)
	}
	back := arrive(t, p.west, p.wests, wants)
	if a := back[0].Message.(failover.BindingAck).Acks; len(back) != 1 || len(a) != 0 {
		t.Errorf("failover hears %+v", back)
	}
	for range 5 { // heard again and again
		arrive(t, p.west, p.wests, wants)
	}
	if n := len(p.west.flights.again); n != 1 {
		t.Errorf("it is to come again %d times", n)
	}
	got = arrive(t, p.east, p.easts, p.west.Pending(nil, noon))
	if want := kept(failover.Received{Envelope: lease(2)}).Envelope; len(got) != 1 || !reflect.DeepEqual(got[0].Envelope, want) {
		t.Fatalf("%+v comes again", got)
	}
	if b := append(p.east.Pending(nil, noon), p.west.Pending(nil, noon)...); b != nil {
		t.Errorf("%x is left", b)
	}
	// Whole as it was, it counts as refused if it is wanted once more.
	back = arrive(t, p.west, p.wests, wants)
	if a := back[0].Message.(failover.BindingAck).Acks; len(a) != 1 || a[0].Reason != failover.Miscellaneous || a[0].Text != "it lacks what it was sent" {
		t.Errorf("failover hears %+v", back)
	}
	if !sameOrder(&p.west.said, &p.east.heard) {
		t.Error("the two do not remember the same records")
	}
}

func TestAnAnsweredUpdateIsForgotten(t *testing.T) {
	p := newPair(Lessor)
	for id := range uint32(3 * maxFlights) {
		p.west.Append(nil, noon, ptr(lease(id+1)), 0)
	}
	if n := len(p.west.flights.at); n != maxFlights {
		t.Errorf("%d of %d are kept", n, 3*maxFlights)
	}
	for id := range uint32(3 * maxFlights) {
		a := failover.BindingAck{Acks: []failover.Ack{{Prefix: leased().Prefix, Ours: 1}}}
		got := carry(t, p.east, p.west, p.wests, failover.Envelope{ID: id + 1, Message: a}, 0)
		if !reflect.DeepEqual(got[0].Message, a) {
			t.Fatalf("%+v", got)
		}
	}
	if f := &p.west.flights; len(f.at) != 0 || len(f.free) != len(f.slots) {
		t.Errorf("%d are still known", len(f.at))
	}
}

// Records that have no room are left out, and the lease is told.
func TestALeaseIsToldWithoutWhatHasNoRoom(t *testing.T) {
	big := func(n int) *binding.Blob {
		b := binding.AppendResultHeader(nil, time.Hour, netip.Addr{}, nil, nil)
		for code := uint16(1); n > 0; code, n = code+1, n-1000 {
			b = binding.AppendTLV(b, code, make([]byte, 1000))
		}
		return binding.NewBlob(b)
	}
	for _, c := range []struct {
		room    int
		change  func(b *binding.Binding)
		missing Set
	}{
		{700, func(b *binding.Binding) {}, 0},
		{400, func(b *binding.Binding) { b.Result = big(1000) }, SetOf(ExtReasonsDigest, ExtResultDigest)},
		{1500, func(b *binding.Binding) { b.Reasons = binding.NewBlob(make([]byte, 1400)) }, SetOf(ExtReasonsDigest)},
		{0, func(b *binding.Binding) { b.Result = big(17000) }, SetOf(ExtResultDigest)},
		{0, func(b *binding.Binding) { b.Result = binding.NewBlob([]byte("no record")) }, SetOf(ExtResultDigest)},
		{0, func(b *binding.Binding) { b.Facts.Shared = binding.NewBlob(nil) }, SetOf(ExtRequestDigest)},
		{0, func(b *binding.Binding) { b.Facts.Own = make([]byte, binding.MaxFacts+1) }, SetOf(ExtRequestOwn)},
		{0, func(b *binding.Binding) { b.Facts.Own = []byte{0, 255, 0, 0} }, SetOf(ExtRequestOwn)},
		{0, func(b *binding.Binding) { b.Home = binding.Member(make([]byte, 256)) }, SetOf(ExtHome)},
	} {
		p := newPair(Lessor)
		b := leased()
		c.change(&b)
		e := failover.Envelope{ID: 1, Message: failover.BindingUpdate{Updates: []failover.Update{{Binding: b}}}}
		octets, err := p.west.Append(nil, noon, &e, c.room)
		var r failover.Received
		if err != nil || p.west.Unsaid(&r) || c.room > 0 && len(octets) > c.room {
			t.Fatalf("%v, %+v, %d octets", err, r, len(octets))
		}
		all := SetOf(ExtRequestDigest, ExtResultDigest, ExtReasonsDigest, ExtRequestOwn, ExtHome)
		if u := parsed(t, octets, Lessor).Updates[0]; u.Has&all != all&^c.missing {
			t.Errorf("room %d: %v", c.room, &u)
		}
		arrive(t, p.east, p.easts, octets)
		if !sameOrder(&p.west.said, &p.east.heard) {
			t.Error("the two do not remember the same records")
		}
	}
	p := newPair(Lessor)
	var r failover.Received
	if b, err := p.west.Append([]byte("x"), noon, ptr(lease(4)), 100); err != nil || string(b) != "x" || !p.west.Unsaid(&r) || r.ID != 4 {
		t.Errorf("into 100 octets: %x, %v, %+v", b, err, r)
	}
}

// The partner's word on how much it takes is kept.
func TestNoMessageIsLargerThanThePartnerTakes(t *testing.T) {
	p := newPair(Lessor)
	p.east.setup.Room = Room{4000, 3}
	hello := failover.Hello{Relationship: "x", MaxUnacked: 10, ReceiveTimer: time.Minute}
	carry(t, p.east, p.west, p.wests, failover.Envelope{Message: failover.ConnectAck{Hello: hello}}, 0)
	var u []failover.Update
	var a []failover.Ack
	for i := range 20 {
		b := leased()
		b.Prefix = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), 32)
		b.Reasons = binding.NewBlob(bytes.Repeat([]byte{byte(i)}, 1500)) // two of which have room
		u, a = append(u, failover.Update{Binding: b}), append(a, failover.Ack{Prefix: b.Prefix, Ours: 1})
	}
	for _, c := range []struct {
		m     failover.Message
		count int
	}{{failover.BindingUpdate{Updates: u}, 10}, {failover.BindingAck{Acks: a}, 7}} {
		b, err := p.west.Append(nil, noon, &failover.Envelope{ID: 1, Message: c.m}, 60_000)
		all := split(t, b)
		if err != nil || len(all) != c.count {
			t.Errorf("%v: %d messages", err, len(all))
		}
		for _, msg := range all {
			if m := parsed(t, msg, Lessor); len(msg) > 4000 || len(m.Updates)+len(m.Acks) > 3 {
				t.Errorf("%d octets, %d bindings", len(msg), len(m.Updates)+len(m.Acks))
			}
		}
		if got := together(arrive(t, p.east, p.easts, b)); !reflect.DeepEqual(got, kept(failover.Received{Envelope: failover.Envelope{ID: 1, Message: c.m}}).Envelope) {
			t.Errorf("%+v", got)
		}
	}
}

// A partner that says to have less room than everybody must have is not believed: nothing could be said to it.
func TestAPartnerTakesAsMuchAsAnISCServer(t *testing.T) {
	p := newPair(Lessor)
	p.east.setup.Room = Room{1, 0}
	hello := failover.Hello{Relationship: "x", MaxUnacked: 10, ReceiveTimer: time.Minute}
	carry(t, p.east, p.west, p.wests, failover.Envelope{Message: failover.Connect{Hello: hello}}, 0)
	if p.west.theirs != (Room{2048, 1}) {
		t.Errorf("it takes %v", p.west.theirs)
	}
	if got := carry(t, p.west, p.east, p.easts, lease(1), 0); len(got) != 1 {
		t.Errorf("%+v", got)
	}
}

// An answer that cannot be read leaves no update waiting.
func TestAnAnswerThatCannotBeReadIsARefusal(t *testing.T) {
	for _, c := range []struct {
		name, options string
		want          failover.Ack
	}{
		{"a reason of two octets", "0002 0004 c6336432 0015 0002 0101", failover.Ack{Text: "its answer cannot be read: " + ErrOptionSize.says}},
		{"a sequence beyond all", "0002 0004 c6336432" + vendor("0010 0010 ffffffffffffffffffffffffffffffff"), failover.Ack{Text: ErrSequence.says}},
	} {
		p := newPair(Lessor)
		carry(t, p.west, p.east, p.easts, lease(6), 0)
		carry(t, p.west, p.east, p.easts, lease(7), 0)
		got := arrive(t, p.west, p.wests, message(BndAck, c.options))
		a := got[0].Message.(failover.BindingAck).Acks
		c.want.Prefix, c.want.Reason = leased().Prefix, failover.Miscellaneous
		if got[0].ID != 7 || len(a) != 1 || a[0] != c.want || len(p.west.flights.at) > 0 {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}
