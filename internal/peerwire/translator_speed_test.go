package peerwire

import (
	"net/netip"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
)

// batch is n leases of clients of a kind, and the acknowledgements of them.
func batch(n int) (update, ack failover.Envelope) {
	t := binding.NewTable()
	var u []failover.Update
	var a []failover.Ack
	for i := range n {
		b := leased()
		b.Prefix = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 32)
		b.Facts.Shared, b.Result, b.Reasons = t.Intern(b.Facts.Shared.Bytes), t.Intern(b.Result.Bytes), t.Intern(b.Reasons.Bytes)
		u, a = append(u, failover.Update{Binding: b}), append(a, failover.Ack{Prefix: b.Prefix, Ours: b.Sync.Ours})
	}
	return failover.Envelope{ID: 1, Message: failover.BindingUpdate{Updates: u}}, failover.Envelope{ID: 1, Message: failover.BindingAck{Acks: a}}
}

func TestTranslatingHardlyAllocates(t *testing.T) {
	update, ack := batch(100)
	p := newPair(Lessor)
	room := make([]byte, 0, 1<<17)
	var r failover.Received
	updates, acks := []byte(nil), []byte(nil)
	for range 3 {
		updates, _ = p.west.Append(nil, noon, &update, 0)
		acks, _ = p.east.Append(nil, noon, &ack, 0)
		_ = p.east.Parse(updates, p.easts, &r)
		_ = p.west.Parse(acks, p.wests, &r)
	}
	for _, c := range []struct {
		what string
		most float64 // the message itself, which is an interface
		f    func()
	}{
		{"say 100 bindings", 0, func() { _, _ = p.west.Append(room, noon, &update, 0) }},
		{"hear 100 bindings", 1, func() { _ = p.east.Parse(updates, p.easts, &r) }},
		{"say 100 acknowledgements", 0, func() { _, _ = p.east.Append(room, noon, &ack, 0) }},
		{"hear 100 acknowledgements", 1, func() { _ = p.west.Parse(acks, p.wests, &r) }},
		{"nothing is pending", 0, func() { _ = p.west.Pending(nil, noon) }},
	} {
		if n := testing.AllocsPerRun(20, c.f); n > c.most {
			t.Errorf("%s: %v allocations", c.what, n)
		}
	}
}

func BenchmarkSay100Bindings(b *testing.B) {
	update, _ := batch(100)
	p := newPair(Lessor)
	room := make([]byte, 0, 1<<17)
	b.ReportAllocs()
	for b.Loop() {
		if out, err := p.west.Append(room, noon, &update, 0); err != nil || len(out) == 0 {
			b.Fatal(err)
		}
	}
}

func BenchmarkHear100Bindings(b *testing.B) {
	update, _ := batch(100)
	p := newPair(Lessor)
	var r failover.Received
	var named []byte
	for range 2 { // the first says what the second names
		msg, err := p.west.Append(nil, noon, &update, 0)
		if err == nil {
			err = p.east.Parse(msg, p.easts, &r)
		}
		if err != nil {
			b.Fatal(err)
		}
		named = msg
	}
	benchmarkHear(b, p.east, p.easts, named)
}

func benchmarkHear(b *testing.B, to *Translator, table Interner, msg []byte) {
	var r failover.Received
	b.ReportAllocs()
	b.SetBytes(int64(len(msg)))
	for b.Loop() {
		if err := to.Parse(msg, table, &r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSay100Acknowledgements(b *testing.B) {
	_, ack := batch(100)
	p := newPair(Lessor)
	room := make([]byte, 0, 1<<17)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.east.Append(room, noon, &ack, 0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHear100Acknowledgements(b *testing.B) {
	_, ack := batch(100)
	p := newPair(Lessor)
	msg, err := p.east.Append(nil, noon, &ack, 0)
	if err != nil {
		b.Fatal(err)
	}
	benchmarkHear(b, p.west, p.wests, msg)
}
