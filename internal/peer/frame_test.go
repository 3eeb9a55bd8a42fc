package peer

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// cutAll feeds the octets to a framer in pieces of those sizes, and returns the messages, and the error that ended it.
func cutAll(p Protocol, b []byte, sizes func() int) (all [][]byte, err error) {
	f := framer{protocol: p}
	for {
		for {
			m, err := f.next()
			if err != nil {
				return all, err
			}
			if m == nil {
				break
			}
			all = append(all, m)
		}
		if len(b) == 0 {
			return all, nil
		}
		n := min(sizes(), len(b))
		n = copy(f.room(), b[:max(n, 1)])
		f.read(n)
		b = b[n:]
	}
}

func TestMessagesAreTheSameHoweverTheyAreCut(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for _, p := range []Protocol{Failover4, ISC, Group} {
		for range 50 {
			var want [][]byte
			var wire []byte
			for range r.IntN(20) {
				n := 12 + r.IntN(200)
				if r.IntN(4) == 0 {
					n = 12 + r.IntN(p.maxMessage()-11)
				}
				m := message(n, byte(n))
				want = append(want, m)
				wire = p.appendFrame(wire, m)
			}
			most := []int{1, 3, 100, 70_000}[r.IntN(4)]
			if len(wire) > 1<<20 && most < 100 {
				most = 5000
			}
			got, err := cutAll(p, wire, func() int { return 1 + r.IntN(most) })
			if err != nil || len(got) != len(want) {
				t.Fatalf("%v: %d of %d messages, %v", p, len(got), len(want), err)
			}
			for i := range got {
				if !bytes.Equal(got[i], want[i]) {
					t.Fatalf("%v: message %d differs", p, i)
				}
			}
		}
	}
}

func TestALengthThatCannotBeEndsTheConnectionAtOnce(t *testing.T) {
	for _, c := range []struct {
		p    Protocol
		b    string
		want Reason
	}{
		{ISC, "\x00\x0b", BadFrame}, {ISC, "\x00\x00", BadFrame}, {ISC, "\x08\x01", Oversized}, {ISC, "\xff\xff", Oversized},
		{ISC, "\x16\x03", UnexpectedTLS}, {Failover4, "\x00\x0b", BadFrame}, {Failover4, "\x00\x00", BadFrame},
		{Group, "\x00\x00\x00\x00", BadFrame}, {Group, "\x00\x10\x00\x01", Oversized}, {Group, "\xff\xff\xff\xff", Oversized},
	} {
		_, err := cutAll(c.p, []byte(c.b), func() int { return 1 })
		if err == nil {
			t.Errorf("%v: %x is a length", c.p, c.b)
			continue
		}
		if !isFraming(err) {
			t.Errorf("%v: %x: %v", c.p, c.b, err)
		}
		if r, _ := misframed(c.p, []byte(c.b), err); r != c.want {
			t.Errorf("%v: %x: %v, want %v", c.p, c.b, r, c.want)
		}
	}
}

// What a length announces takes no room before it comes.
func TestALengthAloneTakesNoRoom(t *testing.T) {
	f := framer{protocol: Group}
	f.read(copy(f.room(), binary.BigEndian.AppendUint32(nil, MaxFrame)))
	if m, err := f.next(); m != nil || err != nil {
		t.Fatal(m, err)
	}
	if f.room(); cap(f.buf) > 4*least {
		t.Errorf("room for %d octets", cap(f.buf))
	}
	for n := MaxFrame; n > 0; {
		got := min(n, len(f.room()))
		f.read(got)
		n -= got
	}
	if m, err := f.next(); len(m) != MaxFrame || err != nil {
		t.Fatal(len(m), err)
	}
	if most := cap(f.buf); most > 4*MaxFrame {
		t.Errorf("room for %d octets", most)
	}
	if f.room(); cap(f.buf) > 4*least {
		t.Errorf("room for %d octets stays", cap(f.buf))
	}
}

func TestOnlyWholeMessagesAreSent(t *testing.T) {
	for _, c := range []struct {
		p    Protocol
		b    []byte
		want bool
	}{
		{ISC, message(12, 0), true}, {ISC, message(2048, 0), true}, {ISC, message(2049, 0), false}, {ISC, message(12, 0)[:11], false},
		{ISC, append(message(12, 0), 0), false}, {ISC, nil, false}, {Failover4, message(65535, 0), true}, {Group, make([]byte, MaxFrame), true},
		{Group, make([]byte, MaxFrame+1), false}, {Group, nil, false}, {Group, []byte{1}, true},
	} {
		if c.p.sound(c.b) != c.want {
			t.Errorf("%v: %d octets: %v", c.p, len(c.b), !c.want)
		}
	}
}

// However the octets are cut, the same messages come, and the same error.
func FuzzFraming(f *testing.F) {
	f.Add(uint8(0), uint64(1), append(message(12, 1), message(40, 2)...))
	f.Add(uint8(1), uint64(2), append(message(2048, 1), 0xff, 0xff))
	f.Add(uint8(2), uint64(3), Group.appendFrame(Group.appendFrame(nil, []byte("a frame")), []byte("another")))
	f.Add(uint8(2), uint64(4), []byte{0, 0x10, 0, 1})
	f.Add(uint8(1), uint64(5), []byte("\x16\x03\x01\x02\x00\x01"))
	f.Fuzz(func(t *testing.T, which uint8, seed uint64, b []byte) {
		p := []Protocol{Failover4, ISC, Group}[which%3]
		r := rand.New(rand.NewPCG(seed, 1))
		whole, errWhole := cutAll(p, b, func() int { return 1 << 20 })
		pieces, errPieces := cutAll(p, b, func() int { return 1 + r.IntN(9) })
		if len(whole) != len(pieces) || errWhole != errPieces {
			t.Fatalf("%d and %d messages, %v and %v", len(whole), len(pieces), errWhole, errPieces)
		}
		var again []byte
		for i := range whole {
			if !bytes.Equal(whole[i], pieces[i]) || !p.sound(whole[i]) {
				t.Fatalf("message %d", i)
			}
			again = p.appendFrame(again, whole[i])
		}
		if !bytes.HasPrefix(b, again) {
			t.Fatal("what was read is not what was there")
		}
		if errWhole != nil {
			if reason, _ := misframed(p, b[len(again):], errWhole); !isFraming(errWhole) || reason.String() == "invalid" {
				t.Fatalf("%v", errWhole)
			}
		}
	})
}
