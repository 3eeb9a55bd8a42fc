package pair

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/peerwire"
	"github.com/lessor-dhcp/lessor/test/world"
)

// The numbers of the draft that the tests write by hand, since no program of ours can be made to.
const (
	poolReq, poolResp, bndUpd, bndAck = 1, 2, 3, 4
	connect, connectAck               = 5, 6
	updReqAll, updDone, updReq        = 7, 8, 9
	stateMessage, contact             = 10, 11
)

// option is an option of the draft, or an extension within option 29.
func option(code uint16, value ...byte) []byte {
	return append(binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, code), uint16(len(value))), value...)
}

func u32(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }

// extensions is option 29.
func extensions(all ...[]byte) []byte {
	return option(29, append([]byte("lsr1"), join(all...)...)...)
}

func join(parts ...[]byte) (b []byte) {
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// strangeXID begins the numbers of what the test says, so that the answers are known from those to the real partner.
const strangeXID = 0xabcd0000

// message is one message.
func message(kind byte, xid uint32, options ...[]byte) []byte {
	body := join(options...)
	b := binary.BigEndian.AppendUint16(nil, uint16(12+len(body)))
	b = append(b, kind, 12)
	b = binary.BigEndian.AppendUint32(b, uint32(time.Now().Unix()))
	b = binary.BigEndian.AppendUint32(b, strangeXID+xid)
	return append(b, body...)
}

// tapped is a fort with a machine between its two servers that has the keys of both.
type tapped struct {
	*fort
	between *world.Between
}

func newTapped(t *testing.T) *tapped {
	t.Helper()
	f := &tapped{}
	f.fort = newFortWith(t, func(p *world.Pair) { f.between = p.Between() })
	// What answers the test is not for the real partner.
	f.between.Hush(func(_ *world.Member, msg []byte) bool {
		kind := msg[2]
		answer := kind == poolResp || kind == bndAck || kind == connectAck || kind == updDone
		return answer && binary.BigEndian.Uint32(msg[8:])&0xffff0000 == strangeXID
	})
	return f
}

// lease returns what one of the two has told of a lease of its own.
func (f *tapped) lease(of *world.Member) (u peerwire.Update) {
	f.t.Helper()
	f.Eventually(20*time.Second, of.Host.Role+" tells of a lease", func() bool {
		for _, h := range f.between.Heard(of, bndUpd) {
			var m peerwire.Message
			if m.Parse(h.Bytes, peerwire.Lessor) != nil {
				continue
			}
			for _, x := range m.Updates {
				if x.Status == peerwire.Active {
					u = x
					return true
				}
			}
		}
		return false
	})
	return u
}

// sequence is the extension that numbers a change.
func sequence(epoch, number uint64) []byte {
	return option(16, binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, epoch), number)...)
}

var hardware = option(5, 1, 2, 0, 0, 0, 9, 9)

// Nonsense about one binding is refused for that binding, which is an item of the status. The rest goes on.
func TestNonsenseAboutABindingIsAnItem(t *testing.T) {
	t.Parallel()
	t.Run("told by the secondary", func(t *testing.T) {
		t.Parallel()
		f := newTapped(t)
		f.nonsense(f.West, 7)
	})
	t.Run("told by the primary", func(t *testing.T) {
		t.Parallel()
		f := newTapped(t)
		f.nonsense(f.East, 1)
	})
}

// nonsense tells nonsense to one of the two. own is the status of free addresses of the one that seems to tell it.
func (f *tapped) nonsense(to *world.Member, own byte) {
	t := f.t
	u := f.lease(f.Other(to))
	epoch, number := u.Detail.Sequence.Epoch, u.Detail.Sequence.Number+1_000_000
	address := func(a string) []byte { return option(2, netip.MustParseAddr(a).AsSlice()...) }
	status := func(s byte) []byte { return option(3, s) }
	when := func(code uint16, d time.Duration) []byte {
		return option(code, u32(uint32(time.Now().Add(d).Unix()))...)
	}
	fine := extensions(sequence(epoch, number))
	const pool = "10.1.23.200"
	cases := []struct {
		name, address string
		update        []byte
	}{
		{"an address of somebody else", "8.8.8.8", join(address("8.8.8.8"), status(2), hardware, when(13, time.Hour), when(18, time.Hour), fine)},
		{"an address beside the pool", "10.1.15.255", join(address("10.1.15.255"), status(2), hardware, when(13, time.Hour), when(18, time.Hour), fine)},
		{"no address at all", "0.0.0.0", join(address("0.0.0.0"), status(1), fine)},
		{"everybody's address", "255.255.255.255", join(address("255.255.255.255"), status(7), fine)},
		{"a status that is none", pool, join(address(pool), status(9), hardware, fine)},
		{"status 0", pool, join(address(pool), status(0), hardware, fine)},
		{"no status", pool, join(address(pool), hardware, fine)},
		{"a lease of nobody", pool, join(address(pool), status(2), when(13, time.Hour), when(18, time.Hour), fine)},
		{"a hardware address that is too long", pool, join(address(pool), status(2), option(5, make([]byte, 40)...), fine)},
		{"a hardware address of no length", pool, join(address(pool), status(2), option(5), fine)},
		{"a client identifier that is too long", pool, join(address(pool), status(2), option(4, make([]byte, 400)...), fine)},
		{"a time of three octets", pool, join(address(pool), status(2), hardware, option(13, 1, 2, 3), fine)},
		{"the same thing twice", pool, join(address(pool), status(2), status(1), hardware, fine)},
		{"a number of no change", pool, join(address(pool), status(2), hardware, when(13, time.Hour), extensions(sequence(epoch+100, 1)))},
		{"a number beyond all", pool, join(address(pool), status(2), hardware, when(13, time.Hour), extensions(sequence(1<<60, 1<<60)))},
		{"a change of ours that there never was", pool, join(address(pool), status(2), hardware, when(13, time.Hour),
			extensions(sequence(epoch, number), option(30, sequence(1<<23, 1<<39)[4:]...)))},
		{"a range that ends before it begins", pool, join(address(pool), status(1), extensions(sequence(epoch, number), option(0x8011, 10, 1, 16, 0)))},
		{"a range of all addresses", "0.0.0.1", join(address("0.0.0.1"), status(own), extensions(sequence(epoch, number), option(0x8011, 255, 255, 255, 254)))},
		{"a range that is leased", pool, join(address(pool), status(2), hardware, extensions(sequence(epoch, number), option(0x8011, 10, 1, 23, 210)))},
		{"something that must be known", pool, join(address(pool), status(2), hardware, extensions(sequence(epoch, number), option(0x8099, 1)))},
		{"extensions that run over their end", pool, join(address(pool), status(2), hardware, option(29, append([]byte("lsr1"), 0, 16, 0, 99)...))},
		{"a client that was heard in a century", pool, join(address(pool), status(2), hardware, when(13, time.Hour), when(18, time.Hour), option(6, u32(0xfffffff0)...), fine)},
		{"a state from next year on", pool, join(address(pool), status(4), hardware, when(13, time.Hour), when(25, 400*24*time.Hour), fine)},
		{"a record that is not what its name says", pool, join(address(pool), status(2), hardware, when(13, time.Hour),
			extensions(sequence(epoch, number), option(25, make([]byte, 16)...), option(24, 1, 0, 0, 2, 88, 0, 0, 0, 0, 0, 0)))},
	}
	for i, c := range cases {
		good := netip.MustParseAddr("10.1.23.0").As4()
		good[3] = byte(i)
		number++
		said := time.Now()
		msg := message(bndUpd, uint32(i+1), c.update,
			// In the same message, an update that is right: it counts.
			option(2, good[:]...), status(2), option(5, 1, 2, 0, 0, 7, 7, byte(i)), when(13, time.Hour), when(18, time.Hour), when(25, 0), when(6, 0),
			extensions(sequence(epoch, number)))
		if err := f.between.Tell(to, msg); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		var item world.Refusal
		f.Eventually(20*time.Second, c.name+": an item of the status", func() bool {
			for _, x := range to.Standing().Updates {
				if x.Address.String() == c.address && !x.Time.Before(said) {
					item = x
				}
			}
			return item.Address.IsValid()
		})
		if item.Reason == 0 || item.Cause == "" {
			t.Errorf("%s: the item is %+v", c.name, item)
		}
		t.Logf("%s: %s: %s", c.name, item.Address, item.Cause)
		f.Eventually(10*time.Second, c.name+": the update beside it counts", func() bool {
			r, ok := to.Lease(netip.AddrFrom4(good))
			return ok && r.State == "active"
		})
		f.unmoved(c.name)
	}
	// A client of the town may have got it meanwhile.
	if r, ok := to.Lease(netip.MustParseAddr(pool)); ok && !strings.HasPrefix(r.Hardware, "02:70:") {
		t.Errorf("%s has a binding, of which only nonsense was heard: %+v", pool, r)
	}
	f.served()
	f.unmoved("in the end")
}

// What means nothing where it comes is passed over.
func TestMessagesOutOfPlaceArePassedOver(t *testing.T) {
	t.Parallel()
	f := newTapped(t)
	u := f.lease(f.East)
	was := func(kind byte) []byte {
		all := append(f.between.Heard(f.East, kind), f.between.Heard(f.West, kind)...)
		if len(all) == 0 {
			t.Fatalf("no message of type %d was ever said", kind)
		}
		return all[len(all)-1].Bytes
	}
	a := option(2, u.Address.AsSlice()...)
	for _, c := range []struct {
		name    string
		message []byte
		times   int
	}{
		{"a greeting", was(connect), 3},
		{"the answer to a greeting", was(connectAck), 3},
		{"an answer to no update", message(bndAck, 77, a), 50},
		{"a refusal of no update", message(bndAck, 78, a, option(21, 2), option(16, []byte("fatal")...)), 50},
		{"the end of no update", message(updDone, 79), 50},
		{"addresses that nobody asked for", message(poolResp, 80, option(1, u32(1<<31)...)), 50},
		{"many requests for addresses", message(poolReq, 81), 500},
		{"many requests for everything", message(updReqAll, 82), 200},
		{"many requests for what is new", message(updReq, 83), 200},
		{"many contacts", message(contact, 84), 2000},
		{"the same state again", was(stateMessage), 1},
		{"the longest message", message(contact, 86, option(999, make([]byte, 65_000)...)), 20},
		{"options of the future", message(contact, 85, option(999, make([]byte, 300)...), option(998)), 5},
	} {
		if c.name == "the same state again" {
			c.message = f.between.Heard(f.East, stateMessage)[len(f.between.Heard(f.East, stateMessage))-1].Bytes
		}
		for range c.times {
			if err := f.between.Tell(f.West, c.message); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
		}
		f.served()
		f.unmoved(c.name)
	}
}

// All that east has said on a connection is said to west again: nothing changes.
func TestAReplayChangesNothing(t *testing.T) {
	t.Parallel()
	f := newTapped(t)
	f.lease(f.East)
	f.served()
	f.still()
	f.Converged(20 * time.Second)
	promised := f.promised()
	before := f.holders(f.West)
	said := f.between.Heard(f.East)
	for range 3 {
		for _, h := range said {
			if kind := h.Type(); kind == stateMessage || kind == connectAck || kind == connect {
				continue // the two are in the states that they last said, and greet each other once
			}
			msg := append([]byte(nil), h.Bytes...)
			if h.Type() != bndAck && h.Type() != updDone && h.Type() != poolResp {
				binary.BigEndian.PutUint32(msg[8:], binary.BigEndian.Uint32(msg[8:])&0xffff|strangeXID)
			}
			if err := f.between.Tell(f.West, msg); err != nil {
				t.Fatal(err)
			}
		}
	}
	f.Converged(20 * time.Second)
	after := f.holders(f.West)
	promises := f.promised()
	for a, now := range after {
		if promises[a] != promised[a] {
			continue // the client's own timer made it ask meanwhile
		}
		if was, ok := before[a]; !ok || was.Hardware != now.Hardware || now.State == "active" && (was.State != "active" || now.CLTT.After(was.CLTT)) {
			t.Errorf("%v was %s of %s, heard %v, and is %s of %s, heard %v", a, was.State, was.Hardware, was.CLTT, now.State, now.Hardware, now.CLTT)
		}
	}
	if s := f.West.Standing(); len(s.Conflicts) > 0 {
		t.Errorf("conflicts: %s", s.Conflicts)
	}
	f.unmoved(fmt.Sprintf("%d messages were said again, three times", len(said)))
}

// promised returns what the clients count on, by address.
func (f *tapped) promised() map[netip.Addr]world.Promise {
	all := map[netip.Addr]world.Promise{}
	for _, p := range f.ledger.Held() {
		all[p.Address] = p
	}
	return all
}

// holders returns what a server knows.
func (f *tapped) holders(m *world.Member) map[netip.Addr]world.Row {
	f.t.Helper()
	rows, err := world.ListLeases(m.Socket())
	if err != nil {
		f.t.Fatal(err)
	}
	all := map[netip.Addr]world.Row{}
	for _, r := range rows {
		all[r.Address] = r
	}
	return all
}

// A message that cannot be read ends the connection, with a cause and a count, since nobody knows what it wanted; the two greet
// each other anew and go on.
func TestAMessageThatCannotBeReadEndsTheConnectionOnly(t *testing.T) {
	t.Parallel()
	f := newTapped(t)
	f.lease(f.East)
	for _, c := range []struct {
		name    string
		message []byte
		reason  string
	}{
		{"a type that is none", message(200, 1), "unreadable"},
		{"a state that is none", message(stateMessage, 1, option(24, 77), option(25, u32(1)...)), "unreadable"},
		{"no state", message(stateMessage, 1), "unreadable"},
		{"an option that runs over the end", append(message(contact, 1)[:0:0], []byte{0, 18, contact, 12, 0, 0, 0, 1, 0, 0, 0, 1, 0, 24, 0, 9, 1, 1}...), "unreadable"},
		{"options that begin beyond the end", []byte{0, 12, contact, 200, 0, 0, 0, 1, 0, 0, 0, 1}, "unreadable"},
		{"a Windows server", []byte{0, 12, contact, 8, 0, 0, 0, 1, 0, 0, 0, 1}, "unreadable"},
		{"a message of two octets", []byte{0, 2, 0, 0}, "bad-frame"},
		{"a binding that begins with none", message(bndUpd, 1, option(3, 2), hardware), "unreadable"},
	} {
		f.Normal(20 * time.Second)
		since := f.West.Standing()
		if err := f.between.Tell(f.West, c.message); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		f.refused(f.West, since.Count(c.reason), c.reason)
		f.Normal(20 * time.Second)
		for _, r := range f.West.Standing().Refused {
			if r.Reason == c.reason {
				t.Logf("%s: %s: %s", c.name, r.Detail, r.Remedy)
			}
		}
		f.served()
		if wrongs := f.ledger.Wrongs(); len(wrongs) > 0 {
			t.Fatalf("%s: a client was wronged: %v", c.name, wrongs)
		}
	}
}

// 60,000 bindings of addresses that are not shared are refused one by one, in bounded memory, while clients are served.
func TestManyBindingsOfNobodyAreRefusedInBoundedMemory(t *testing.T) {
	t.Parallel()
	f := newTapped(t)
	u := f.lease(f.East)
	epoch, number := u.Detail.Sequence.Epoch, u.Detail.Sequence.Number+1_000_000
	before := f.West.Memory()
	a := netip.MustParseAddr("11.0.0.0")
	for sent := 0; sent < 60_000; {
		var updates []byte
		for range 200 {
			number++
			sent++
			a = a.Next()
			updates = join(updates, option(2, a.AsSlice()...), option(3, 2), hardware, option(13, u32(0xfffffff0)...), option(18, u32(1)...), extensions(sequence(epoch, number)))
		}
		if err := f.between.Tell(f.West, message(bndUpd, uint32(sent), updates)); err != nil {
			t.Fatalf("after %d bindings: %v", sent, err)
		}
	}
	f.Eventually(20*time.Second, "all were answered", func() bool {
		n := 0
		for _, h := range f.between.Heard(f.West, bndAck) {
			n += strings.Count(string(h.Bytes), string(option(21, 1)))
		}
		return n >= 60_000
	})
	if s := f.West.Standing(); len(s.Updates) == 0 || len(s.Updates) > 64 {
		t.Errorf("%d items of the status", len(s.Updates))
	}
	now := f.West.Memory()
	t.Logf("memory went from %d to %d octets", before, now)
	if now > before+64<<20 {
		t.Error("that is too much")
	}
	if n := f.West.Count("a binding update was refused"); n == 0 || n > 1000 {
		t.Errorf("%d lines of the log", n)
	}
	f.served()
	f.unmoved("60,000 bindings")
}

// Times that no clock shows do no harm: a lease that is told to last for a century is one address less, until its client gives
// it back, and one that is told to have ended before it began is over.
func TestAbsurdTimesHurtTheirBindingOnly(t *testing.T) {
	t.Parallel()
	f := newTapped(t)
	u := f.lease(f.East)
	epoch, number := u.Detail.Sequence.Epoch, u.Detail.Sequence.Number+1_000_000
	times := []uint32{0, 1, uint32(time.Now().Unix()), 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff}
	xid := uint32(0)
	for _, expires := range times {
		var updates []byte
		for _, potential := range times {
			for i, since := range times {
				number++
				xid++
				a := netip.MustParseAddr("10.1.22.0").As4()
				a[3] = byte(xid)
				updates = join(updates, option(2, a[:]...), option(3, []byte{2, 3, 4, 5}[i%4]), option(5, 1, 2, 0, 0, 8, 8, byte(xid)), option(13, u32(expires)...),
					option(18, u32(potential)...), option(25, u32(since)...), option(6, u32(since)...), extensions(sequence(epoch, number)))
			}
		}
		if err := f.between.Tell(f.West, message(bndUpd, xid, updates)); err != nil {
			t.Fatal(err)
		}
		f.served()
		f.unmoved(fmt.Sprintf("leases until %d", expires))
	}
	// What was said is read again, and west's clock is its own. East has told of changes that it never made, and finds out.
	f.West.Kill()
	f.West.Begin(true)
	f.Normal(60 * time.Second)
	for _, m := range f.Both() {
		for _, a := range m.Status().Alarms {
			if strings.Contains(a.Code, "clock") || strings.Contains(a.Code, "skew") {
				t.Errorf("%s: %+v", m.Host.Role, a)
			}
		}
	}
	f.served()
}
