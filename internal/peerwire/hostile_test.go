package peerwire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

// Options in hexadecimal that many cases begin with.
const (
	upd  = "0002 0004 0a000001 0003 0001 01 "
	ours = "001d" // option 29; its length follows
)

// vendor returns option 29 with what a Lessor says.
func vendor(extensions string) string {
	v := append([]byte(magic), unhex(extensions)...)
	return fmt.Sprintf("%s %04x %x ", ours, len(v), v)
}

// hostile are messages that something is wrong with, for a Lessor partner if nothing else is said.
var hostile = []struct {
	name  string
	b     []byte
	want  *Malformed // of the message
	fault *Malformed // of its first binding
	check func(*Message) bool
}{
	{name: "no octets", b: nil, want: ErrTooShort},
	{name: "eleven octets", b: unhex("000b 0b 0c 00000000 000000"), want: ErrTooShort},
	{name: "the length says more", b: unhex("000d 0b 0c 00000000 00000000"), want: ErrBadLength},
	{name: "the length says less", b: unhex("000c 0b 0c 00000000 00000000 00"), want: ErrBadLength},
	{name: "the length says nothing", b: unhex("0000 0b 0c 00000000 00000000"), want: ErrBadLength},
	{name: "offset 0", b: unhex("000c 0b 00 00000000 00000000"), want: ErrBadOffset},
	{name: "offset 11", b: unhex("000c 0b 0b 00000000 00000000"), want: ErrBadOffset},
	{name: "offset beyond the message", b: unhex("000c 0b 0d 00000000 00000000"), want: ErrBadOffset},
	{name: "offset 255", b: unhex("000c 0b ff 00000000 00000000"), want: ErrBadOffset},
	{name: "a Windows server", b: unhex("000c 05 08 00000000 00000000"), want: ErrMicrosoft},
	{name: "four octets more of header", b: unhex("0010 0b 10 00000000 00000000 ffffffff"), check: func(m *Message) bool { return m.Type == Contact }},
	{name: "offset at the end", b: unhex("0010 0b 10 00000000 00000000 00020004")},
	{name: "type 0", b: message(0, ""), want: ErrUnknownType},
	{name: "type 13", b: message(13, ""), want: ErrUnknownType},
	{name: "type 255 with an option", b: message(255, "0001 0000"), want: ErrUnknownType},

	{name: "half a code", b: message(Contact, "00"), want: ErrOverrun},
	{name: "a code alone", b: message(Contact, "0001"), want: ErrOverrun},
	{name: "half a length", b: message(Contact, "0001 00"), want: ErrOverrun},
	{name: "a value one octet short", b: message(PoolResp, "0001 0004 000000"), want: ErrOverrun},
	{name: "a length of 65535", b: message(BndUpd, upd+"0004 ffff 00"), want: ErrOverrun},
	{name: "an unknown option too long", b: message(Contact, "0100 0002 00"), want: ErrOverrun},
	{name: "a fixed option of no octets", b: message(PoolResp, "0001 0000"), want: ErrOptionSize},
	{name: "a fixed option too long", b: message(State, "0018 0002 0202"), want: ErrOptionSize},
	{name: "TLS-request of two octets", b: message(Connect, "001b 0002 0000"), want: ErrOptionSize},
	{name: "an option twice", b: message(Connect, "000f 0004 0000003c 000f 0004 0000003c"), want: ErrDuplicate},
	{name: "option 29 twice", b: message(Connect, "001d 0000 001d 0000"), want: ErrDuplicate},
	{name: "a senseless option twice", b: message(Contact, "0002 0004 0a000001 0002 0004 0a000001"), want: ErrDuplicate},
	{name: "a senseless option once", b: message(Contact, "0002 0004 0a000001"), check: func(m *Message) bool { return m.Has == 0 }},
	{name: "an unknown option twice", b: message(Contact, "00c8 0001 00 00c8 0001 00 0000 0000 ffff 0000")},
	{name: "an empty digest", b: message(Contact, "0011 0000"), want: ErrOptionSize},
	{name: "a digest", b: message(Contact, "0011 0003 01aabb"), check: func(m *Message) bool {
		return m.Has == SetOf(OptDigest) && m.Digest.Type == 1 && bytes.Equal(m.Digest.Value, unhex("aabb"))
	}},
	{name: "every text empty", b: message(Connect, "0016 0000 001c 0000 000b 0000"), check: func(m *Message) bool {
		return len(m.Handshake.Relationship) == 0 && m.Has.Has(OptRelationship) && m.Has.Has(OptBuckets)
	}},
	{name: "16 octets of buckets", b: message(Connect, "000b 0010 "+strings.Repeat("ff", 16)), check: func(m *Message) bool {
		return len(m.Handshake.Buckets) == 16
	}},
	{name: "CONNECT of nothing", b: message(Connect, "")},
	{name: "a refusal with reason 0", b: message(Disconnect, "0015 0001 00"), check: func(m *Message) bool { return m.Reason == UnknownReason }},

	{name: "STATE of nothing", b: message(State, ""), want: ErrNoState},
	{name: "STATE without a state", b: message(State, "0017 0001 01 0019 0004 00000000"), want: ErrNoState},
	{name: "state 0", b: message(State, "0018 0001 00"), want: ErrBadState},
	{name: "state 12", b: message(State, "0018 0001 0c"), want: ErrBadState},
	{name: "state 77", b: message(State, "0018 0001 4d"), want: ErrBadState},
	{name: "state 255", b: message(State, "0018 0001 ff"), want: ErrBadState},
	{name: "POOLRESP of nothing", b: message(PoolResp, ""), want: ErrNoCount},

	{name: "BNDUPD of nothing", b: message(BndUpd, ""), want: ErrNoAddress},
	{name: "BNDUPD without an address", b: message(BndUpd, "0003 0001 01"), want: ErrNoAddress},
	{name: "an address of three octets", b: message(BndUpd, "0002 0003 0a0000"), want: ErrOptionSize},
	{name: "the second address of no octets", b: message(BndUpd, upd+"0002 0000"), want: ErrOptionSize},
	{name: "257 bindings", b: message(BndUpd, strings.Repeat(upd, 257)), want: ErrTooMany},
	{name: "256 bindings", b: message(BndUpd, strings.Repeat(upd, 256)), check: func(m *Message) bool { return len(m.Updates) == 256 }},
	{name: "two digests", b: message(BndUpd, upd+"0011 0001 01"+upd+"0011 0001 01"), want: ErrDuplicate},
	{name: "an overrun behind a sound binding", b: message(BndUpd, upd+upd+"0004 0010 00"), want: ErrOverrun},
	{name: "no status", b: message(BndUpd, "0002 0004 0a000001"), fault: ErrNoStatus},
	{name: "status 0", b: message(BndUpd, "0002 0004 0a000001 0003 0001 00"), fault: ErrBadStatus},
	{name: "status 9", b: message(BndUpd, "0002 0004 0a000001 0003 0001 09"), fault: ErrBadStatus},
	{name: "status of two octets", b: message(BndUpd, "0002 0004 0a000001 0003 0002 0101"), fault: ErrOptionSize},
	{name: "an expiry of three octets", b: message(BndUpd, upd+"000d 0003 000000"), fault: ErrOptionSize},
	{name: "Microsoft's IP-flags", b: message(BndUpd, upd+"000c 0001 01"), fault: ErrOptionSize},
	{name: "status twice", b: message(BndUpd, upd+"0003 0001 01"), fault: ErrDuplicate},
	{name: "an empty hardware address", b: message(BndUpd, upd+"0005 0000"), fault: ErrBadHardware},
	{name: "a hardware address of 17 octets", b: message(BndUpd, upd+"0005 0012 "+strings.Repeat("01", 18)), fault: ErrBadHardware},
	{name: "a hardware type alone", b: message(BndUpd, upd+"0005 0001 20"), check: func(m *Message) bool {
		return m.Updates[0].Hardware.Type == 32 && m.Updates[0].Hardware.Len == 0
	}},
	{name: "an empty client identifier", b: message(BndUpd, upd+"0004 0000"), fault: ErrLongClientID},
	{name: "a client identifier of 255 octets", b: message(BndUpd, upd+"0004 00ff "+strings.Repeat("01", 255))},
	{name: "a client identifier of 256 octets", b: message(BndUpd, upd+"0004 0100 "+strings.Repeat("01", 256)), fault: ErrLongClientID},
	{name: "DDNS of one octet", b: message(BndUpd, upd+"0009 0001 00"), fault: ErrOptionSize},
	{name: "status before the address", b: message(BndUpd, "0003 0001 02 0002 0004 0a000001"), check: func(m *Message) bool {
		return len(m.Updates) == 1 && m.Updates[0].Status == Active
	}},
	{name: "status before the address, and behind it", b: message(BndUpd, "0003 0001 02"+upd), fault: ErrDuplicate},
	{name: "the same address twice", b: message(BndUpd, upd+upd), check: func(m *Message) bool { return len(m.Updates) == 2 }},
	{name: "one binding of three is nonsense", b: message(BndUpd, upd+"0002 0004 0a000002 0003 0001 63 0004 0000"+upd), check: func(m *Message) bool {
		u := m.Updates
		return len(u) == 3 && u[0].Fault == nil && u[2].Fault == nil && u[1].Fault == ErrBadStatus && u[1].Address == address("10.0.0.2")
	}},
	{name: "what has no place in BNDUPD", b: message(BndUpd, upd+"0018 0001 63 0015 0001 00"), check: func(m *Message) bool {
		return m.Updates[0].Has == SetOf(OptAddress, OptStatus)
	}},

	{name: "BNDACK of nothing", b: message(BndAck, "0015 0001 02"), want: ErrNoAddress},
	{name: "an acknowledged address of five octets", b: message(BndAck, "0002 0005 0a00000100"), want: ErrOptionSize},
	{name: "257 acknowledgements", b: message(BndAck, strings.Repeat("0002 0004 0a000001", 257)), want: ErrTooMany},
	{name: "a refusal of no octets", b: message(BndAck, "0002 0004 0a000001 0015 0000"), fault: ErrOptionSize},
	{name: "a refusal twice", b: message(BndAck, "0002 0004 0a000001 0015 0001 02 0015 0001 02"), fault: ErrDuplicate},
	{name: "a refusal without a reason", b: message(BndAck, "0002 0004 0a000001 0015 0001 00"), check: func(m *Message) bool {
		return m.Acks[0].Has.Has(OptReason) && m.Acks[0].Reason == UnknownReason
	}},
	{name: "an acknowledgement that says more", b: message(BndAck, "0002 0004 0a000001 0004 0001 01 0012 0004 ffffffff"), check: func(m *Message) bool {
		return m.Acks[0].Has == SetOf(OptAddress)
	}},

	{name: "another vendor's option 29", b: message(BndUpd, upd+"001d 0005 00ffffff00")},
	{name: "an option 29 of three octets", b: message(Connect, "001d 0003 6c7372")},
	{name: "nothing is said in option 29", b: message(Connect, vendor(""))},
	{name: "an extension cut short", b: message(Connect, vendor("0001 0005 77")), want: ErrVendorData},
	{name: "half an extension's code", b: message(Connect, vendor("00")), want: ErrVendorData},
	{name: "an extension twice", b: message(Connect, vendor("0001 0001 77 0001 0001 77")), want: ErrVendorData},
	{name: "an extension of a wrong length", b: message(Connect, vendor("0004 0001 00")), want: ErrVendorData},
	{name: "parts cut short", b: message(Connect, vendor("0006 0003 026161")), want: ErrVendorData},
	{name: "an unknown extension twice", b: message(Connect, vendor("0fff 0000 0fff 0000 001f 0001 00"))},
	{name: "an extension that must be known", b: message(Connect, vendor("8fff 0000")), want: ErrMustKnow},
	{name: "an extension of a binding in CONNECT", b: message(Connect, vendor("0010 0000"))},
	{name: "a range in CONNECT", b: message(Connect, vendor("8011 0004 0a000002")), want: ErrMustKnow},
	{name: "the range's code without its bit", b: message(BndUpd, upd+vendor("0011 0004 0a000002")), check: func(m *Message) bool {
		return m.Updates[0].Fault == nil && !m.Updates[0].Has.Has(ExtRangeEnd)
	}},
	{name: "a binding's extension cut short", b: message(BndUpd, upd+vendor("0014 0005 77")), fault: ErrVendorData},
	{name: "a binding's extension that must be known", b: message(BndUpd, upd+vendor("8fff 0000")), fault: ErrMustKnow},
	{name: "an acknowledgement's extension that must be known", b: message(BndAck, "0002 0004 0a000001"+vendor("8fff 0000")), fault: ErrMustKnow},
	{name: "a range of one", b: message(BndUpd, upd+vendor("8011 0004 0a000001"))},
	{name: "a range backwards", b: message(BndUpd, upd+vendor("8011 0004 0a000000")), fault: ErrBadRange},
	{name: "a range of leases", b: message(BndUpd, "0002 0004 0a000001 0003 0001 02"+vendor("8011 0004 0a000002")), fault: ErrBadRange},
	{name: "a range of a client", b: message(BndUpd, upd+"0004 0001 01"+vendor("8011 0004 0a000002")), fault: ErrBadRange},
}

func TestHostileMessages(t *testing.T) {
	var m Message
	for _, c := range hostile {
		err := m.Parse(c.b, Lessor)
		if c.want == nil && err != nil || c.want != nil && err != error(c.want) {
			t.Errorf("%s: %v; want %v", c.name, err, c.want)
			continue
		}
		if err == nil {
			if f := firstFault(&m); f != c.fault {
				t.Errorf("%s: its fault is %v; want %v", c.name, f, c.fault)
			}
			if c.check != nil && !c.check(&m) {
				t.Errorf("%s: %v", c.name, &m)
			}
		}
		if err := sound(&m, c.b, Lessor, err); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func firstFault(m *Message) *Malformed {
	if len(m.Updates) > 0 {
		return m.Updates[0].Fault
	}
	if len(m.Acks) > 0 {
		return m.Acks[0].Fault
	}
	return nil
}

// TestEveryReasonIsListedAndReached counts those of Cut as well.
func TestEveryReasonIsListedAndReached(t *testing.T) {
	reached := map[string]bool{}
	for _, c := range hostile {
		for _, e := range []*Malformed{c.want, c.fault} {
			if e != nil {
				reached[e.Reason()] = true
			}
		}
	}
	for _, c := range hostileBindings {
		reached[c.fault.Reason()] = true
	}
	for _, c := range hostileMessages {
		reached[c.want.Reason()] = true
	}
	for _, c := range frames {
		if e, ok := c.err.(*Malformed); ok {
			reached[e.Reason()] = true
		}
	}
	for _, r := range Reasons() {
		if !reached[r] {
			t.Errorf("nothing here is refused for %s", r)
		}
		delete(reached, r)
	}
	if len(reached) > 0 {
		t.Errorf("not listed: %v", reached)
	}
}

func TestABindingWithAFaultIsRefusedWithTheDraftsReason(t *testing.T) {
	if ErrNoStatus.RejectReason() != MissingBindingInfo || ErrBadStatus.RejectReason() != Miscellaneous {
		t.Error("another reason")
	}
}

var frames = []struct {
	name  string
	b     []byte
	limit int
	msg   int // octets
	err   error
}{
	{"nothing", nil, 2048, 0, nil},
	{"one octet", []byte{255}, 2048, 0, nil},
	{"length 0", []byte{0, 0}, 2048, 0, ErrTooShort},
	{"length 11", []byte{0, 11}, 2048, 0, ErrTooShort},
	{"length 12, not there", []byte{0, 12, 11}, 2048, 0, nil},
	{"length 12", make12(12), 2048, 12, nil},
	{"length 2048, not there", []byte{8, 0}, 2048, 0, nil},
	{"length 2049", []byte{8, 1}, 2048, 0, ErrTooLong},
	{"length 65535 from ISC", []byte{255, 255}, ISC.MaxSize(), 0, ErrTooLong},
	{"length 65535 from a Lessor", []byte{255, 255}, Lessor.MaxSize(), 0, nil},
	{"a TLS hello", unhex("16030100f8010000f40303"), ISC.MaxSize(), 0, ErrTooLong},
	{"HTTP", []byte("GET / HTTP/1.1\r\n"), ISC.MaxSize(), 0, ErrTooLong},
}

func make12(n byte) []byte { return append([]byte{0, n}, make([]byte, 14)...) }

func TestFrames(t *testing.T) {
	for _, c := range frames {
		msg, rest, err := Cut(c.b, c.limit)
		if err != c.err || len(msg) != c.msg || len(msg)+len(rest) != len(c.b) || cap(msg) != len(msg) {
			t.Errorf("%s: %d octets of %d, %d rest, %v", c.name, len(msg), len(c.b), len(rest), err)
		}
	}
}

// CVE-2018-5733 and its like: a Message remembers nothing of the one before.
func TestAMessageRemembersNothing(t *testing.T) {
	w := Lessor
	for _, first := range hostile {
		for _, then := range hostile {
			var used, fresh Message
			_ = used.Parse(first.b, w)
			err1, err2 := used.Parse(then.b, w), fresh.Parse(then.b, w)
			if err1 != err2 || !same(&used, &fresh) {
				t.Fatalf("%s, then %s:\n%v\n%v", first.name, then.name, &used, &fresh)
			}
		}
	}
}

// whole are sound messages of all kinds, as a Lessor writes them.
func whole(t testing.TB) (all [][]byte) {
	t.Helper()
	ack := Ack{Has: places[BndAck], Address: address("10.0.0.1"), Reason: FatalConflict, Text: []byte("no"), Sequence: Sequence{1, 2}, Wants: 1}
	messages := []Message{everyExtension(), bndUpd(everyDetail(), everyDetail()), bndAck(ack, ack)}
	for _, c := range written {
		messages = append(messages, c.m)
	}
	for _, m := range messages {
		b, err := m.Append(nil, Lessor, 0)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

// Every message cut at every place, with a length that says so and with one that does not; and every octet of it changed.
func TestDamagedMessagesAreRefusedOrSound(t *testing.T) {
	var m Message
	for _, b := range whole(t) {
		for n := range b {
			_ = m.Parse(b[:n], Lessor)
			short := bytes.Clone(b[:n])
			if n >= 2 {
				binary.BigEndian.PutUint16(short, uint16(n))
			}
			check(t, &m, short)
			for _, bit := range []byte{1, 2, 4, 8, 16, 32, 64, 128, 255} {
				bad := bytes.Clone(b)
				bad[n] ^= bit
				check(t, &m, bad)
			}
		}
	}
}

func check(t *testing.T, m *Message, b []byte) {
	t.Helper()
	for _, d := range []Dialect{ISC, Lessor} {
		before := bytes.Clone(b)
		if err := sound(m, b, d, m.Parse(b, d)); err != nil {
			t.Fatalf("%x: %v", b, err)
		}
		if !bytes.Equal(before, b) {
			t.Fatalf("%x: Parse has changed what it was given", before)
		}
	}
}
