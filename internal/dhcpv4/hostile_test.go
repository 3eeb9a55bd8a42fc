package dhcpv4

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

// hostile are messages that broke others, or that are made mechanically to break a parser. What each must give: want
// is nil where the message is accepted, and then check looks at it.
var hostile = []struct {
	name  string
	b     []byte
	want  *Malformed
	check func(*Message) bool
}{
	{"no octets", nil, ErrTooShort, nil},
	{"short of the fixed fields by one", fixed()[:235], ErrTooShort, nil},
	{"RFC 951: fixed fields alone are BOOTP", fixed()[:236], nil, isBOOTP},
	{"half a cookie is none", fixed()[:238], nil, isBOOTP},
	{"RFC 951: a vend field without the cookie is BOOTP", append(fixed(func(b []byte) { b[236] = 0 }), unhex("350101ff")...), nil, isBOOTP},
	{"the cookie alone is BOOTP without options", fixed(), nil, isBOOTP},
	{"one octet more than is accepted", append(fixed(), make([]byte, MaxSize-atOptions+1)...), ErrTooLong, nil},
	{"many octets more than are accepted", append(fixed(), make([]byte, 65000)...), ErrTooLong, nil},
	{"as many octets as are accepted", append(fixed(), make([]byte, MaxSize-atOptions)...), nil, isBOOTP},

	{"op 0", with("350101ff", func(b []byte) { b[0] = 0 }), ErrBadOp, nil},
	{"op 3", with("350101ff", func(b []byte) { b[0] = 3 }), ErrBadOp, nil},
	{"hlen 0", with("350101ff", func(b []byte) { b[2] = 0 }), nil, func(m *Message) bool { return m.Hardware().IsZero() }},
	{"hlen 16", with("350101ff", func(b []byte) { b[2] = 16 }), nil, func(m *Message) bool { return m.Hardware().Len == 16 }},
	{"hlen 17", with("350101ff", func(b []byte) { b[2] = 17 }), ErrBadHLen, nil},
	{"hlen 255", with("350101ff", func(b []byte) { b[2] = 255 }), ErrBadHLen, nil},
	{"an unknown htype", with("350101ff", func(b []byte) { b[1] = 255 }), nil, func(m *Message) bool { return m.Hardware().Type == 255 }},
	{"hops 255", with("350101ff", func(b []byte) { b[3] = 255 }), nil, func(m *Message) bool { return m.Hops == 255 }},
	{"secs byte-swapped", with("350101ff", func(b []byte) { b[8] = 1 }), nil, func(m *Message) bool { return m.Secs == 256 }},

	{"END missing", with("350101"), nil, func(m *Message) bool { return m.Type() == Discover }},
	{"octets behind END", with("350101 ff 350102 07"), nil, func(m *Message) bool { return m.Type() == Discover }},
	{"runs of pad", with(strings.Repeat("00", 64) + "350101" + strings.Repeat("00", 64) + "0c0161ff"), nil, value(12, "a")},
	{"insomniacslk: a code without a length", with("350101 0c"), ErrOverrun, nil},
	{"a length past the end", with("350101 0c05 6161"), ErrOverrun, nil},
	{"a length of 255 at the end", with("350101 0cff"), ErrOverrun, nil},
	{"no type is BOOTP", with("0c0161 ff"), nil, func(m *Message) bool { return m.Type() == 0 && value(12, "a")(m) }},
	{"a type of no octets", with("3500 ff"), ErrBadType, nil},
	{"a type of two octets", with("35020101 ff"), ErrBadType, nil},
	{"a type that stands twice", with("350101 350101 ff"), ErrBadType, nil},
	{"type 0", with("350100 ff"), ErrBadType, nil},
	{"type 19", with("350113 ff"), ErrBadType, nil},
	{"type 255", with("3501ff ff"), ErrBadType, nil},

	{"CVE-2010-2156: a client identifier of no octets", with("350101 3d00 ff"), nil, clientID(0)},
	{"a client identifier of 1 octet", with("350101 3d0105 ff"), nil, clientID(1)},
	{"a client identifier of 254 octets", with("350101 3dfe" + strings.Repeat("61", 254) + "ff"), nil, clientID(254)},
	{"a client identifier of 255 octets", with("350101 3dff" + strings.Repeat("61", 255) + "ff"), nil, clientID(255)},
	{"a client identifier of 256 octets in two parts", with("350101 3dff" + strings.Repeat("61", 255) + "3d0161 ff"), ErrLongClientID, nil},
	{"CVE-2012-3570: an odd DUID in a client identifier", with("350101 3d06ff0000000100 ff"), nil, clientID(6)},
	{"CVE-2012-3571: a client identifier past the end", with("350101 3d09ff"), ErrOverrun, nil},
	{"CVE-2009-0692: a mask of 5 octets", with("350101 0105ffffff0000 ff"), nil, value(1, "\xff\xff\xff\x00\x00")},
	{"CVE-2018-20679: a requested address of 3 octets", with("350103 3203c63364 ff"), nil, value(50, "\xc6\x33\x64")},
	{"CVE-2018-15688: a server identifier of 510 octets", with("350103 36ff" + strings.Repeat("0a", 255) + "36ff" + strings.Repeat("0a", 255)), nil, length(54, 510)},
	{"CVE-2018-5732: 1,500 octets of an option for printing", with("350101" + strings.Repeat("e0ff"+strings.Repeat("1b", 255), 6)), nil, length(224, 1530)},
	{"CVE-2022-2929: a label of 64 octets in option 81", with("350101 5144 040000 40" + strings.Repeat("61", 64) + "ff"), nil, length(81, 68)},
	{"CVE-2011-0997: shell and escapes in a name", with("350101 0c0a 60726d60 3b1b5b324a0a ff"), nil, length(12, 10)},
	{"CVE-2017-14494: option 82 whose sub-option reaches beyond it", with("350101 5203 01 20 61 ff"), nil, func(m *Message) bool {
		info, _ := m.Option(82)
		_, ok := SubOption(info, 1)
		return !ok
	}},
	{"option 82 of no octets", with("350101 5200 ff"), nil, length(82, 0)},

	{"parts are joined in their order", with("350101 0c026162 3d0101 0c0163 0c00 0c026465 ff"), nil, value(12, "abcde")},
	{"every code twice, as long as fits", with(everyCodeTwice()), nil, func(m *Message) bool { return len(m.Codes()) == 253 }},
	{"parts in options, file and sname are joined in that order", with("350101 340103 0c0161 ff", file("0c0162ff"), sname("0c0163ff")), nil, value(12, "abc")},

	{"overload: file alone", with("350101 340101 ff", file("0c0162ff"), sname("0c0163ff")), nil, func(m *Message) bool {
		return value(12, "b")(m) && m.BootFile() == nil && m.ServerName() != nil
	}},
	{"overload: sname alone", with("350101 340102 ff", file("0c0162ff"), sname("0c0163ff")), nil, func(m *Message) bool {
		return value(12, "c")(m) && m.ServerName() == nil && m.BootFile() != nil
	}},
	{"overload: a field without END", with("350101 340101 ff", file("0c7e"+strings.Repeat("61", 126))), nil, length(12, 126)},
	{"overload: a field that an option overruns by one", with("350101 340101 ff", file("0c7f"+strings.Repeat("61", 126))), ErrOverrun, nil},
	{"overload: a code in the last octet of a field", with("350101 340102 ff", sname(strings.Repeat("00", 63)+"0c")), ErrOverrun, nil},
	{"overload: file says overload again", with("350101 340101 ff", file("340103 0c0162ff"), sname("0c0163ff")), nil, value(12, "b")},
	{"overload: file and sname say overload again", with("350101 340103 ff", file("340103ff"), sname("340103 0c0163ff")), nil, value(12, "c")},
	{"overload: 0", with("350101 340100 ff"), ErrBadOverload, nil},
	{"overload: 4", with("350101 340104 ff"), ErrBadOverload, nil},
	{"overload: no octets", with("350101 3400 ff"), ErrBadOverload, nil},
	{"overload: two octets", with("350101 34020101 ff"), ErrBadOverload, nil},
	{"overload: twice", with("350101 340101 340102 ff"), ErrBadOverload, nil},
	{"overload stands behind what it brings", with("0c0161 350101 340101 ff", file("0c0162ff")), nil, value(12, "ab")},
	{"sname and file without a terminating zero", with("350101 ff", file(strings.Repeat("61", 128)), sname(strings.Repeat("62", 64))), nil, func(m *Message) bool {
		return len(m.BootFile()) == 128 && len(m.ServerName()) == 64
	}},
}

func isBOOTP(m *Message) bool { return m.Type() == 0 && len(m.Codes()) == 0 }

func value(code uint16, want string) func(*Message) bool {
	return func(m *Message) bool {
		v, ok := m.Option(code)
		return ok && string(v) == want
	}
}

func length(code uint16, want int) func(*Message) bool {
	return func(m *Message) bool {
		v, ok := m.Option(code)
		return ok && len(v) == want
	}
}

func clientID(want int) func(*Message) bool {
	return func(m *Message) bool {
		id := m.ClientID()
		return len(id) == want && (want > 0 || id == nil)
	}
}

// everyCodeTwice is every code but pad, 52 and end, with one octet each time; option 53 with one octet and then none.
func everyCodeTwice() string {
	var s strings.Builder
	for range 2 {
		for c := 1; c < 255; c++ {
			switch {
			case c == 52:
			case c == 53 && s.Len() > 1000:
				s.WriteString("3500")
			default:
				s.WriteString(hex2(c) + "0105")
			}
		}
	}
	return s.String()
}

func hex2(c int) string { return string("0123456789abcdef"[c>>4]) + string("0123456789abcdef"[c&15]) }

func TestHostileMessages(t *testing.T) {
	for _, c := range hostile {
		var m Message
		err := m.Parse(c.b)
		if c.want == nil && err != nil || c.want != nil && err != error(c.want) {
			t.Errorf("%s: %v; want %v", c.name, err, c.want)
			continue
		}
		if err == nil && c.check != nil && !c.check(&m) {
			t.Errorf("%s: %v", c.name, &m)
		}
		if err := soundMessage(&m, c.b, err); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestEveryReasonIsListedAndReached(t *testing.T) {
	reached := map[string]bool{}
	for _, c := range hostile {
		if c.want != nil {
			reached[c.want.Reason()] = true
		}
	}
	for _, r := range Reasons() {
		if !reached[r] {
			t.Errorf("no message here is refused for %s", r)
		}
		delete(reached, r)
	}
	if len(reached) > 0 {
		t.Errorf("not listed: %v", reached)
	}
}

// CVE-2018-5733: a counter of 32 bits. There is none here; that a Message does not remember is what counts.
func TestAMessageRemembersNothing(t *testing.T) {
	var used, fresh Message
	for _, first := range hostile {
		for _, then := range hostile {
			_ = used.Parse(first.b)
			err1, err2 := used.Parse(then.b), fresh.Parse(then.b)
			if err1 != err2 || used.String() != fresh.String() || !bytes.Equal(used.Codes(), fresh.Codes()) {
				t.Fatalf("%s, then %s:\n%v\n%v", first.name, then.name, &used, &fresh)
			}
		}
	}
}

func TestTheHeaderIsReadWhereItStands(t *testing.T) {
	b := fixed()
	for i := range atCHAddr {
		b[i] = byte(i + 1)
	}
	b[0], b[2] = BootReply, 6
	m := parsed(t, b)
	if m.Op != 2 || m.HType != 2 || m.HLen != 6 || m.Hops != 4 || m.XID != 0x05060708 || m.Secs != 0x090a || m.Flags != 0x0b0c {
		t.Errorf("%v", m)
	}
	for i, a := range [][4]byte{m.CIAddr.As4(), m.YIAddr.As4(), m.SIAddr.As4(), m.GIAddr.As4()} {
		if binary.BigEndian.Uint32(a[:]) != binary.BigEndian.Uint32(b[12+4*i:]) {
			t.Errorf("address %d is %v", i, a)
		}
	}
}
