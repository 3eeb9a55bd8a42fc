package pair

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

// with returns msg with the options of a code replaced by others; none: without them.
func with(msg []byte, code uint16, others ...[]byte) []byte {
	out := append([]byte(nil), msg[:12]...)
	for rest := msg[12:]; len(rest) >= 4; {
		n := 4 + int(binary.BigEndian.Uint16(rest[2:]))
		if binary.BigEndian.Uint16(rest) != code {
			out = append(out, rest[:n]...)
		}
		rest = rest[n:]
	}
	out = append(out, join(others...)...)
	binary.BigEndian.PutUint16(out, uint16(len(out)))
	return out
}

// within returns msg with one extension of option 29 replaced.
func within(msg []byte, code uint16, other []byte) []byte {
	for rest := msg[12:]; len(rest) >= 4; {
		n := 4 + int(binary.BigEndian.Uint16(rest[2:]))
		if binary.BigEndian.Uint16(rest) == 29 {
			// The extensions are laid out as options are.
			inner := with(append(make([]byte, 12), rest[8:n]...), code, other)
			return with(msg, 29, option(29, append([]byte("lsr1"), inner[12:]...)...))
		}
		rest = rest[n:]
	}
	return msg
}

// A greeting that is not what it should be is refused, or does no harm, on either side; when it is right again the two go on.
func TestAStrangeGreetingDoesNoHarm(t *testing.T) {
	t.Parallel()
	f := newTapped(t)
	evil := []byte("\x1b]0;owned\x07\x1b[2J\r\nlevel=INFO \xff\xfe<script>")
	both := []byte{connect, connectAck}
	for _, c := range []struct {
		name string
		in   []byte
		edit func(msg []byte) []byte
		// refused: it must be; else it may be borne.
		refused bool
	}{
		{"another member", both, func(m []byte) []byte { return within(m, 1, option(1, []byte("north")...)) }, true},
		{"a member whose name is for terminals", both, func(m []byte) []byte { return within(m, 1, option(1, evil...)) }, true},
		{"another relationship", both, func(m []byte) []byte { return with(m, 22, option(22, []byte("other")...)) }, true},
		{"a relationship for terminals", both, func(m []byte) []byte { return with(m, 22, option(22, evil...)) }, true},
		{"no relationship", both, func(m []byte) []byte { return with(m, 22) }, true},
		{"no MCLT", []byte{connect}, func(m []byte) []byte { return with(m, 15) }, true},
		{"an MCLT of a century", []byte{connect}, func(m []byte) []byte { return with(m, 15, option(15, u32(1<<32-1)...)) }, true},
		{"half the buckets", []byte{connect}, func(m []byte) []byte { return with(m, 11, option(11, make([]byte, 16)...)) }, true},
		{"nothing of a Lessor", both, func(m []byte) []byte { return with(m, 29) }, true},
		{"extensions of a Lessor that run over", both, func(m []byte) []byte { return with(m, 29, option(29, append([]byte("lsr1"), 0, 1, 0, 200)...)) }, true},
		{"a store of no sequence", both, func(m []byte) []byte { return within(m, 2, option(2, bytes.Repeat([]byte{0xff}, 32)...)) }, true},
		{"a refusal in words for terminals", []byte{connectAck}, func(m []byte) []byte { return with(with(m, 21, option(21, 2)), 16, option(16, evil...)) }, true},
		{"a receive timer of nothing", both, func(m []byte) []byte { return with(m, 19, option(19, u32(0)...)) }, false},
		{"a receive timer of a century", both, func(m []byte) []byte { return with(m, 19, option(19, u32(1<<32-1)...)) }, false},
		{"no window", both, func(m []byte) []byte { return with(m, 14, option(14, u32(0)...)) }, false},
		{"a window of everything", both, func(m []byte) []byte { return with(m, 14, option(14, u32(1<<32-1)...)) }, false},
		{"room for nothing", both, func(m []byte) []byte { return within(m, 7, option(7, 0, 0, 0, 0)) }, false},
		{"room for one octet", both, func(m []byte) []byte { return within(m, 7, option(7, 0, 1, 0, 1)) }, false},
		{"a long class of vendor", both, func(m []byte) []byte { return with(m, 28, option(28, make([]byte, 30_000)...)) }, false},
		{"a version of the future", both, func(m []byte) []byte { return with(m, 20, option(20, 9)) }, false},
		{"options of the future", both, func(m []byte) []byte { return with(m, 900, option(900, make([]byte, 1000)...)) }, false},
	} {
		f.Normal(40 * time.Second)
		for i, from := range f.Both() {
			if len(c.in) == 1 && (c.in[0] == connect) != (from == f.West) {
				continue
			}
			to := f.Other(from)
			before := count(to, "disagrees", "unreadable")
			f.between.Edit(func(who *world.Member, msg []byte) []byte {
				if who == from && bytes.IndexByte(c.in, msg[2]) >= 0 {
					return c.edit(msg)
				}
				return msg
			})
			f.between.Break()
			if c.refused {
				f.Eventually(20*time.Second, c.name+": refused by "+to.Host.Role, func() bool { return count(to, "disagrees", "unreadable") > before })
				if s := to.Standing(); s.State == "NORMAL" {
					t.Errorf("%s: %s is in NORMAL all the same", c.name, to.Host.Role)
				}
			}
			f.served()
			f.between.Edit(nil)
			f.between.Break()
			f.Normal(40 * time.Second)
			for _, m := range f.Both() {
				out, _ := m.Command("status")
				if strings.ContainsAny(out+m.Log(), "\x1b\x07\xff") {
					t.Fatalf("%s: what the partner said reaches the terminal of %s: %q", c.name, m.Host.Role, out)
				}
			}
			if wrongs := f.ledger.Wrongs(); len(wrongs) > 0 {
				t.Fatalf("%s (%d): a client was wronged: %v", c.name, i, wrongs)
			}
		}
	}
}

// count returns how many connections a server refused for these reasons.
func count(m *world.Member, reasons ...string) (n uint64) {
	s := m.Standing()
	for _, r := range reasons {
		n += s.Count(r)
	}
	return n
}

// What was said is said again with octets that changed, thousands of times and to both: neither server ends, or takes more memory
// than it should, and both come back to NORMAL.
func TestChangedOctetsDoNotEndAServer(t *testing.T) {
	t.Parallel()
	f := newTapped(t)
	f.lease(f.East)
	f.served()
	_, dice := seeded(t)
	said := f.between.Heard(f.East)
	said = append(said, f.between.Heard(f.West)...)
	var before [2]int
	for i, m := range f.Both() {
		before[i] = m.Memory()
	}
	deadline := time.Now().Add(20 * time.Second)
	told := 0
	for time.Now().Before(deadline) && told < 4000 {
		msg := changed(dice, said[dice.IntN(len(said))].Bytes)
		to := f.Both()[dice.IntN(2)]
		if f.between.Tell(to, msg) != nil {
			time.Sleep(50 * time.Millisecond) // the two have not greeted each other again yet
			continue
		}
		told++
		if f.West.Ended() || f.East.Ended() {
			t.Fatalf("a server has ended; it was told %x", msg)
		}
	}
	f.between.Break()
	for i, m := range f.Both() {
		if now := m.Memory(); now > before[i]+64<<20 {
			t.Errorf("%s: memory went from %d to %d octets", m.Host.Role, before[i], now)
		}
	}
	f.Normal(90 * time.Second)
	t.Logf("%d messages", told)
	if told < 100 {
		t.Errorf("only %d messages could be told", told)
	}
}

// changed returns a copy of a message in which some octets are others; its length is mostly right.
func changed(dice *rand.Rand, msg []byte) []byte {
	b := append([]byte(nil), msg...)
	for range 1 + dice.IntN(4) {
		b[2+dice.IntN(len(b)-2)] = byte(dice.Uint32())
	}
	switch dice.IntN(6) {
	case 0:
		b = b[:12+dice.IntN(len(b)-11)]
	case 1:
		b = append(b, b[12:]...)
	}
	if b = b[:min(len(b), 65535)]; dice.IntN(50) > 0 {
		binary.BigEndian.PutUint16(b, uint16(len(b)))
	}
	return b
}
