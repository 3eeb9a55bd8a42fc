package peerwire

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
)

// FuzzParse: whatever arrives is refused for a reason that is counted, or sound; and what is sound is read the same when
// it is written again.
func FuzzParse(f *testing.F) {
	for _, c := range hostile {
		f.Add(c.b)
	}
	for _, b := range whole(f) {
		f.Add(b)
	}
	for _, c := range capture(f)[:60] {
		f.Add(c.b)
	}
	var m Message
	f.Fuzz(func(t *testing.T, b []byte) { check(t, &m, b) })
}

// FuzzCut: a stream is cut into whole messages, or refused, and nothing of it is lost.
func FuzzCut(f *testing.F) {
	for _, c := range frames {
		f.Add(c.b, c.limit)
	}
	f.Fuzz(func(t *testing.T, b []byte, limit int) {
		for rest := b; ; {
			msg, next, err := Cut(rest, limit)
			if err != nil || msg == nil {
				if len(next) != len(rest) {
					t.Fatalf("%d octets are lost", len(rest)-len(next))
				}
				return
			}
			if len(msg) < HeaderSize || len(msg) > limit || !bytes.Equal(append(bytes.Clone(msg), next...), rest) {
				t.Fatalf("%x is not the beginning of %x", msg, rest)
			}
			rest = next
		}
	})
}

// FuzzEmbedded: options have one form, there and back.
func FuzzEmbedded(f *testing.F) {
	f.Add(unhex("01 04 ffffff00 0c 02 6869"), unhex("0001 0004 ffffff00"))
	f.Fuzz(func(t *testing.T, options, tlvs []byte) {
		if got, err := AppendTLVs(nil, options); err == nil {
			if back, err := AppendOptions(nil, got); err != nil || !bytes.Equal(back, options) {
				t.Fatalf("%x became %x and %x, %v", options, got, back, err)
			}
		}
		if got, err := AppendOptions(nil, tlvs); err == nil {
			if back, err := AppendTLVs(nil, got); err != nil || !bytes.Equal(back, tlvs) {
				t.Fatalf("%x became %x and %x, %v", tlvs, got, back, err)
			}
		}
	})
}

// FuzzBuild: whatever one wants to say, an ISC server is sent nothing that it cannot bear, and a Lessor understands all.
func FuzzBuild(f *testing.F) {
	for typ := range byte(15) {
		f.Add(uint64(typ), typ)
	}
	f.Fuzz(func(t *testing.T, seed uint64, typ byte) {
		m := anyMessage(rand.New(rand.NewPCG(seed, 1)), Type(typ))
		checkBuild(t, &m)
	})
}

func TestAnyMessageIsBorneByISCAndUnderstoodByALessor(t *testing.T) {
	r := seeded(t)
	var sent [2][14]int
	for range 20_000 {
		m := anyMessage(r, Type(r.IntN(14)))
		isc, lessor := checkBuild(t, &m)
		if isc {
			sent[0][m.Type]++
		}
		if lessor {
			sent[1][m.Type]++
		}
	}
	for typ := PoolReq; typ <= Disconnect; typ++ {
		if sent[0][typ] == 0 || sent[1][typ] == 0 {
			t.Errorf("no %v was ever written: %d, %d", typ, sent[0][typ], sent[1][typ])
		}
	}
}

func checkBuild(t *testing.T, m *Message) (isc, lessor bool) {
	t.Helper()
	if b, err := m.Append(nil, ISC, 0); err == nil {
		isc = true
		if err := iscReads(b); err != nil {
			t.Fatalf("%v\n%x\n%+v", err, b, m)
		}
		if err := new(Message).Parse(b, ISC); err != nil {
			t.Fatalf("what ISC is sent is refused: %v\n%x", err, b)
		}
	}
	b, err := m.Append(nil, Lessor, 0)
	if err != nil {
		return isc, false
	}
	var back, c Message
	if err := back.Parse(b, Lessor); err != nil {
		t.Fatalf("what a Lessor is sent is refused: %v\n%x", err, b)
	}
	for i := range back.Updates {
		if back.Updates[i].Fault != nil {
			t.Fatalf("a binding that a Lessor is sent has a fault: %v\n%x", back.Updates[i].Fault, b)
		}
	}
	again, err := back.Append(nil, Lessor, 0)
	if err != nil || !bytes.Equal(again, b) {
		t.Fatalf("%v\n%x\n%x", err, again, b)
	}
	if err := c.Parse(again, Lessor); err != nil || !same(&c, &back) {
		t.Fatalf("%v\n%+v\n%+v", err, c, back)
	}
	return isc, true
}

// anyMessage returns a message that says anything, mostly what it may.
func anyMessage(r *rand.Rand, typ Type) Message {
	m := Message{Type: typ, XID: r.Uint32N(4), Time: anyTime(r), Has: anySet(r, typ), Handshake: anyHandshake(r)}
	if e := &m.Handshake.Extended; e.VitalSketch == nil && r.IntN(20) > 0 {
		m.Has = m.Has.Without(ExtVitalSketch).Without(ExtOtherSketch)
	}
	m.Report = Report{ServerState(r.IntN(14)), ServerFlags(r.IntN(3)), anyTime(r)}
	m.Transferred, m.Reason, m.Text = r.Uint32(), RejectReason(r.IntN(30)), anyOctets(r)
	if typ == BndUpd || r.IntN(50) == 0 {
		for range r.IntN(4) {
			m.Updates = append(m.Updates, anyUpdate(r))
		}
	}
	if typ == BndAck || r.IntN(50) == 0 {
		for range r.IntN(4) {
			m.Acks = append(m.Acks, Ack{
				Has: anySet(r, BndAck), Address: anyAddress(r), Reason: RejectReason(r.IntN(4)), Text: anyOctets(r),
				Sequence: Sequence{r.Uint64(), r.Uint64()}, Wants: Wants(r.IntN(8)),
			})
		}
	}
	return m
}

// anySet returns most of what may be said, or anything at all.
func anySet(r *rand.Rand, typ Type) Set {
	s := Set(r.Uint64())
	if r.IntN(4) > 0 && typ.known() {
		s |= Set(r.Uint64()) | Set(r.Uint64())
		s |= draftUpdate | forISC[typ]
		if r.IntN(2) == 0 {
			s &^= SetOf(OptReason, ExtRangeEnd)
		}
	}
	return s
}

func anyTime(r *rand.Rand) time.Time {
	switch r.IntN(6) {
	case 0:
		return time.Time{}
	case 1:
		return binding.Forever
	}
	return time.Unix(r.Int64N(1<<33)-1000, r.Int64N(2)*500).UTC()
}

func anyAddress(r *rand.Rand) netip.Addr {
	if r.IntN(20) == 0 {
		return netip.Addr{}
	}
	return netip.AddrFrom4([4]byte{10, 0, 0, byte(r.IntN(256))})
}

func anyOctets(r *rand.Rand) []byte {
	n := r.IntN(12)
	if r.IntN(30) == 0 {
		n = r.IntN(3000)
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func anyHandshake(r *rand.Rand) Handshake {
	h := Handshake{
		Relationship: anyOctets(r), MaxUnacked: r.Uint32N(3), ReceiveTimer: time.Duration(r.Int64N(1 << 34)), MCLT: time.Duration(r.Int64N(1<<40) - 9),
		VendorClass: anyOctets(r), Version: 1, Buckets: make([]byte, 31+r.IntN(2)), DelayedService: 3,
	}
	h.Extended = Extended{
		Member: anyOctets(r), Past: Past{digest(3), Sequence{r.Uint64(), 1}}, Seen: Past{digest(4), Sequence{2, r.Uint64()}},
		Head: digest(byte(r.IntN(3))), History: History(r.IntN(8)), Room: Room{uint16(r.IntN(65536)), 7},
		Opening: Opening{r.Uint64(), r.Uint64()}, SeenOpening: Opening{1, r.Uint64()}, Acknowledged: Sequence{r.Uint64(), 7},
		Held: Held{time.Duration(r.Uint32()) * time.Second, []time.Duration{binding.Infinite, time.Hour}[r.IntN(2)]},
	}
	h.Extended.Vital, h.Extended.Other = Sum{r.Uint32(), digest(1)}, Sum{r.Uint32N(2), digest(2)}
	if r.IntN(100) == 0 {
		h.Extended.VitalSketch = make([]byte, failover.SketchSize-r.IntN(2))
		h.Extended.OtherSketch = bytes.Repeat([]byte{byte(r.IntN(3))}, failover.SketchSize)
	}
	for range r.IntN(3) {
		h.Extended.Parts = AppendPart(h.Extended.Parts, Part{r.IntN(2) == 0, anyOctets(r), digest(8), anyOctets(r)})
	}
	return h
}

func anyUpdate(r *rand.Rand) Update {
	u := Update{
		Has: anySet(r, BndUpd), Address: anyAddress(r), Status: Status(r.IntN(9)), ClientID: anyOctets(r), Flags: IPFlags(r.IntN(5)),
		Hardware: binding.HardwareOf(uint8(r.IntN(40)), anyOctets(r)), Expires: anyTime(r), PotentialExpiry: anyTime(r), Since: anyTime(r), CLTT: anyTime(r),
		Request: anyOctets(r), Reply: anyOctets(r), DDNS: DDNS{uint16(r.Uint32()), anyOctets(r)},
	}
	u.Detail = Detail{
		Sequence: Sequence{r.Uint64(), r.Uint64()}, RangeEnd: anyAddress(r), Starts: anyTime(r), Version: digest(1), Home: anyOctets(r),
		Cause: binding.Cause(r.IntN(12)), RequestHead: anyOctets(r), RequestDigest: digest(2), ResultHead: anyOctets(r), ResultDigest: digest(3),
		Reasons: anyOctets(r), ReasonsDigest: digest(4),
		RequestOwn: anyOctets(r), Includes: Sequence{r.Uint64(), r.Uint64()}, Earlier: anyOctets(r),
	}
	return u
}
