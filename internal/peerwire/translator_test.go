package peerwire

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
)

// pair is both ends of a connection; west is the primary.
type pair struct {
	west, east   *Translator
	wests, easts *binding.Table
}

func newPair(d Dialect) *pair {
	w := Setup{Dialect: d, Role: failover.Primary, Self: "west", Partner: "east", Software: "lessor-1.0"}
	e := w
	e.Role, e.Self, e.Partner = failover.Secondary, "east", "west"
	return &pair{NewTranslator(w), NewTranslator(e), binding.NewTable(), binding.NewTable()}
}

// split returns the messages that were appended.
func split(t testing.TB, b []byte) (all [][]byte) {
	t.Helper()
	for len(b) > 0 {
		msg, rest, err := Cut(b, 1<<16-1)
		if err != nil || msg == nil {
			t.Fatalf("%x: %v", b, err)
		}
		all, b = append(all, msg), rest
	}
	return all
}

// carry sends what from appends for e to to, and returns what arrives; messages of one number come together.
func carry(t testing.TB, from, to *Translator, table Interner, e failover.Envelope, room int) (got []failover.Received) {
	t.Helper()
	b, err := from.Append(nil, noon, &e, room)
	if err != nil {
		t.Fatalf("%+v: %v", e, err)
	}
	return arrive(t, to, table, b)
}

func arrive(t testing.TB, to *Translator, table Interner, b []byte) (got []failover.Received) {
	t.Helper()
	for _, msg := range split(t, b) {
		var r failover.Received
		if err := to.Parse(msg, table, &r); err != nil {
			t.Fatalf("%x: %v", msg, err)
		}
		if !r.Sent.Equal(noon) {
			t.Fatalf("sent at %v", r.Sent)
		}
		got = append(got, kept(r))
	}
	return got
}

// kept returns r with octets of its own and blobs that compare by their content.
func kept(r failover.Received) failover.Received {
	switch m := r.Message.(type) {
	case failover.BindingUpdate:
		m.Updates = slices.Clone(m.Updates)
		for i := range m.Updates {
			b := &m.Updates[i].Binding
			b.Client.ID, b.Facts.Own = slices.Clone(b.Client.ID), slices.Clone(b.Facts.Own)
			b.Facts.Shared, b.Result, b.Reasons = fresh(b.Facts.Shared), fresh(b.Result), fresh(b.Reasons)
		}
		r.Message = m
	case failover.BindingAck:
		r.Message = failover.BindingAck{Acks: slices.Clone(m.Acks)}
	}
	return r
}

func fresh(b *binding.Blob) *binding.Blob {
	if b == nil {
		return nil
	}
	return binding.NewBlob(append([]byte{}, b.Bytes...))
}

// together joins what arrived under one number.
func together(all []failover.Received) failover.Envelope {
	e := all[0].Envelope
	for _, r := range all[1:] {
		switch m := r.Message.(type) {
		case failover.BindingUpdate:
			u := e.Message.(failover.BindingUpdate).Updates
			e.Message = failover.BindingUpdate{Updates: append(u, m.Updates...)}
		case failover.BindingAck:
			a := e.Message.(failover.BindingAck).Acks
			e.Message = failover.BindingAck{Acks: append(a, m.Acks...)}
		}
	}
	return e
}

// hello returns what a greeting says; false of other messages.
func hello(m failover.Message) (failover.Hello, bool) {
	switch m := m.(type) {
	case failover.Connect:
		return m.Hello, true
	case failover.ConnectAck:
		return m.Hello, true
	}
	return failover.Hello{}, false
}

// Where not all of a large configuration has room, it is at least told whether it is another one.
func TestAGreetingInLittleRoomSaysWhetherTheConfigurationsAreEqual(t *testing.T) {
	for _, n := range []int{0, 100, 4000} {
		var parts []failover.Part
		for i := range n {
			parts = append(parts, failover.Part{Name: fmt.Sprintf("part %d", i), Digest: binding.DigestOf([]byte{byte(i), byte(i >> 8)}), Vital: i%2 == 0})
		}
		p := newPair(Lessor)
		said := failover.Connect{Hello: anyHello(seeded(t))}
		ours := failover.PartsOf(parts)
		said.Parts = ours.Told()
		heard, ok := hello(together(carry(t, p.west, p.east, p.easts, failover.Envelope{Message: said}, leastRoom)).Message)
		if !ok {
			t.Fatalf("%d parts: no greeting is heard", n)
		}
		if vital, others := ours.Compare(&heard.Parts); !vital.None() || !others.None() {
			t.Errorf("%d parts differ from themselves: %s, %s", n, vital.Words(), others.Words())
		}
		if vital, others := failover.PartsOf(nil).Compare(&heard.Parts); n > 0 && (vital.None() || others.None()) {
			t.Errorf("%d parts are equal to nothing", n)
		}
	}
}

// TestWhatOneLessorSaysTheOtherHears: every message that failover may say, in both directions of connections on which records
// are said whole, named, and forgotten again.
func TestWhatOneLessorSaysTheOtherHears(t *testing.T) {
	r := seeded(t)
	kinds := map[string]int{}
	for range 4 {
		p := newPair(Lessor)
		pool := anyRecords(r, 1500)
		for id := range uint32(3000) {
			from, to, table := p.west, p.east, p.easts
			if r.IntN(2) == 0 {
				from, to, table = p.east, p.west, p.wests
			}
			e := failover.Envelope{ID: 1 + id, Message: anySaid(r, pool)}
			want := kept(failover.Received{Envelope: e}).Envelope
			room := 0
			if _, greets := hello(e.Message); r.IntN(3) == 0 && !greets {
				room = 6_000 + r.IntN(20_000)
			}
			all := carry(t, from, to, table, e, room)
			if got := together(all); !reflect.DeepEqual(got, want) {
				t.Fatalf("message %d, with %d left out and %d refused: %s", id, len(from.unsaid), len(to.answers), difference(got, want))
			}
			kinds[fmt.Sprintf("%T", e.Message)]++
			if len(all) > 1 {
				kinds["several"]++
			}
			if b := append(from.Pending(nil, noon), to.Pending(nil, noon)...); len(b) > 0 {
				t.Fatalf("message %d: something is pending: %x", id, b)
			}
		}
		for _, x := range []*Translator{p.west, p.east} {
			if len(x.said.at) > MaxRecords || len(x.heard.at) != len(x.heard.slots)-1 || len(x.heard.slots) > MaxRecords+1 {
				t.Fatalf("%d records are remembered, %d in %d slots", len(x.said.at), len(x.heard.at), len(x.heard.slots))
			}
		}
		if !sameOrder(&p.west.said, &p.east.heard) || !sameOrder(&p.east.said, &p.west.heard) {
			t.Fatal("the two do not remember the same records in the same order")
		}
	}
	if len(kinds) != 12 {
		t.Errorf("only these were said: %v", kinds)
	}
}

// difference shows what was heard and what was said, of bindings the first that differs.
func difference(got, want failover.Envelope) string {
	g, ok1 := got.Message.(failover.BindingUpdate)
	w, ok2 := want.Message.(failover.BindingUpdate)
	if ok1 && ok2 && len(g.Updates) == len(w.Updates) {
		for i := range g.Updates {
			if a, b := g.Updates[i].Binding, w.Updates[i].Binding; !reflect.DeepEqual(a, b) {
				return fmt.Sprintf("binding %d\n%+v %+v %+v %+v\n%+v %+v %+v %+v", i, a, a.Facts.Shared, a.Result, a.Reasons, b, b.Facts.Shared, b.Result, b.Reasons)
			}
		}
	}
	return fmt.Sprintf("\n%+v\n%+v", got, want)
}

func sameOrder(a, b *records) bool {
	i, j := a.slots[0].next, b.slots[0].next
	for i != 0 && j != 0 {
		if a.slots[i].key != b.slots[j].key {
			return false
		}
		i, j = a.slots[i].next, b.slots[j].next
	}
	return i == j
}

// anySaid returns any message that failover may say to a Lessor.
func anySaid(r *rand.Rand, pool *pooled) failover.Message {
	switch r.IntN(12) {
	case 0:
		return failover.Connect{Hello: anyHello(r)}
	case 1:
		a := failover.ConnectAck{Hello: anyHello(r)}
		if r.IntN(2) == 0 {
			a.Reason, a.Text = failover.InvalidPartner, "another name: \"x\""
		}
		return a
	case 2:
		return failover.Report{State: anyState(r), Starting: r.IntN(2) == 0, Since: anyWholeTime(r), Cause: []string{"", "no contact"}[r.IntN(2)]}
	case 3:
		return failover.Contact{}
	case 4:
		return failover.UpdateRequest{All: r.IntN(2) == 0}
	case 5:
		return failover.UpdateDone{}
	case 6:
		return failover.PoolRequest{}
	case 7:
		return failover.PoolResponse{Given: r.IntN(1 << 30)}
	case 8:
		return failover.Disconnect{Reason: failover.TimeMismatch, Text: []string{"", "late"}[r.IntN(2)]}
	case 9:
		acks := make([]failover.Ack, 1+r.IntN(40))
		for i := range acks {
			acks[i] = failover.Ack{Prefix: anyPrefix(r), Ours: anySequence(r)}
			if r.IntN(3) == 0 {
				acks[i].Reason, acks[i].Text = failover.LessCritical, []string{"", "the address is leased"}[r.IntN(2)]
			}
		}
		return failover.BindingAck{Acks: acks}
	}
	updates := make([]failover.Update, 1+r.IntN(40))
	for i := range updates {
		updates[i] = anyUpdateSaid(r, pool)
		updates[i].Binding.Prefix = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(r.IntN(4)), byte(r.IntN(9)), byte(i)}), 32)
	}
	return failover.BindingUpdate{Updates: updates}
}

func anyHello(r *rand.Rand) failover.Hello {
	h := failover.Hello{
		Relationship: "campus", Member: "west", MaxUnacked: 1 + r.IntN(1000), ReceiveTimer: time.Duration(3+r.IntN(100)) * time.Second,
		MCLT: time.Duration(r.IntN(10000)) * time.Second, Buckets: failover.Split(r.IntN(257)), Store: digest(byte(r.IntN(256))),
		Last: anySequence(r), Seen: anySequence(r), Empty: r.IntN(2) == 0, Unmet: r.IntN(2) == 0,
	}
	if r.IntN(2) == 0 {
		h.PartnerStore = digest(7)
	}
	var parts []failover.Part
	n := r.IntN(4)
	if r.IntN(50) == 0 {
		n = 3000
	}
	for i := range n {
		parts = append(parts, failover.Part{Name: fmt.Sprintf("part %d", i), Digest: binding.DigestOf([]byte{byte(i), byte(i >> 8)}), Vital: r.IntN(2) == 0, Says: fmt.Sprint(i)})
	}
	h.Parts = failover.PartsOf(parts).Told()
	return h
}

func anyState(r *rand.Rand) failover.State {
	return failover.Normal + failover.State(r.IntN(int(failover.RecoverWait-failover.Normal)+1))
}

func anySequence(r *rand.Rand) binding.Sequence {
	if r.IntN(8) == 0 {
		return 0
	}
	return binding.Sequence(r.Uint64() >> r.IntN(64))
}

func anyWholeTime(r *rand.Rand) time.Time {
	if r.IntN(8) == 0 {
		return time.Time{}
	}
	return time.Unix(1+r.Int64N(1<<32-2), 0).UTC()
}

func anyEnd(r *rand.Rand) time.Time {
	if r.IntN(8) == 0 {
		return binding.Forever
	}
	return anyWholeTime(r)
}

func anyPrefix(r *rand.Rand) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(r.IntN(256)), byte(r.IntN(256))}), 32)
}

// pooled are records that bindings share.
type pooled struct{ requests, results, reasons []*binding.Blob }

func anyRecords(r *rand.Rand, n int) *pooled {
	var p pooled
	for i := range n {
		f := binding.Facts{Link: fmt.Sprintf("link %d", i), Options: anyOptions(r), Truncated: r.IntN(9) == 0}
		if r.IntN(2) == 0 {
			f.GIAddr = netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
		}
		p.requests = append(p.requests, binding.NewBlob(f.AppendShared(nil, func(uint16) bool { return false })))
		b := binding.AppendResultHeader(nil, time.Duration(i)*time.Second, f.GIAddr, []byte("boot"), nil)
		for _, o := range anyOptions(r) {
			b = binding.AppendTLV(b, o.Code, o.Value)
		}
		p.results = append(p.results, binding.NewBlob(b))
		b = nil
		for range r.IntN(3) {
			b = binding.AppendReason(b, binding.Reason{Code: uint16(i), Layer: "subnet", Object: "x", Line: uint32(i), Rule: "set"})
		}
		p.reasons = append(p.reasons, binding.NewBlob(b))
	}
	return &p
}

func anyOptions(r *rand.Rand) (all []binding.Fact) {
	for code := uint16(1 + r.IntN(60)); code < 255; code += uint16(1 + r.IntN(90)) {
		all = append(all, binding.Fact{Code: code, Value: first(anyOctets(r), 300)})
	}
	return all
}

func first(b []byte, n int) []byte { return b[:min(len(b), n)] }

func anyOf(r *rand.Rand, all []*binding.Blob) *binding.Blob {
	switch n := r.IntN(8); {
	case n == 0:
		return nil
	case n < 6: // most are the same few
		return all[r.IntN(20)]
	}
	return all[r.IntN(len(all))]
}

func anyUpdateSaid(r *rand.Rand, p *pooled) (u failover.Update) {
	b := &u.Binding
	b.Sync.Ours, b.Sync.Theirs = anySequence(r), anySequence(r)
	b.Cause = binding.Cause(r.IntN(12))
	b.Changed = anyWholeTime(r)
	owners := []binding.Member{"west", "east"}
	if r.IntN(8) == 0 {
		b.State, b.Owner, u.Last = binding.Free, owners[r.IntN(2)], netip.AddrFrom4([4]byte{11, 0, 0, byte(r.IntN(256))})
		return u
	}
	b.State = binding.Free + binding.State(r.IntN(5))
	if b.State == binding.Free {
		b.Owner = owners[r.IntN(2)]
	}
	if r.IntN(8) > 0 {
		b.Client.Hardware = binding.HardwareOf(uint8(1+r.IntN(40)), make([]byte, r.IntN(17)))
	}
	if id := anyOctets(r); len(id) > 0 && len(id) < 256 {
		b.Client.ID = id
	}
	b.Starts, b.CLTT = anyWholeTime(r), anyWholeTime(r)
	b.Expires, b.Sync.Potential = anyEnd(r), anyEnd(r)
	b.Home = []binding.Member{"", "west", "east", "north"}[r.IntN(4)]
	if r.IntN(4) > 0 {
		b.Version = digest(byte(1 + r.IntN(3)))
	}
	b.Facts.Shared, b.Result, b.Reasons = anyOf(r, p.requests), anyOf(r, p.results), anyOf(r, p.reasons)
	if r.IntN(2) == 0 {
		b.Facts.Own = binding.AppendTLV(binding.AppendTLV(nil, 12, []byte("printer")), 82, []byte{1, 2, 'a', 'b'})
	}
	return u
}
