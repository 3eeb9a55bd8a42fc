package dhcpv4

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/option"
)

var replyHeader = Header{
	Op: BootReply, HType: 1, HLen: 6, XID: 7, Flags: broadcastFlag,
	YIAddr: netip.MustParseAddr("198.51.100.50"), SIAddr: netip.MustParseAddr("10.9.0.1"), GIAddr: netip.MustParseAddr("198.51.100.1"),
	CHAddr: [16]byte{2, 0, 0, 0, 0, 7},
}

// opt is an option to be built.
type opt struct {
	code  uint8
	value []byte
}

func build(t *testing.T, h Header, room int, relay []byte, opts ...opt) ([]byte, []uint8) {
	t.Helper()
	var b Builder
	b.Begin(nil, &h, room)
	for _, o := range opts {
		b.Add(o.code, o.value)
	}
	msg, omitted := b.Finish(relay)
	if len(msg) > max(room, MinSize) {
		t.Errorf("%d octets where there is room for %d", len(msg), room)
	}
	return msg, omitted
}

func parsed(t *testing.T, b []byte) *Message {
	t.Helper()
	m := new(Message)
	if err := m.Parse(b); err != nil {
		t.Fatalf("%v: %x", err, b)
	}
	return m
}

func n(c byte, count int) []byte { return bytes.Repeat([]byte{c}, count) }

func TestAShortReplyIsPaddedTo300Octets(t *testing.T) {
	msg, omitted := build(t, replyHeader, 548, nil, opt{53, []byte{2}}, opt{54, []byte{10, 9, 0, 1}})
	if len(msg) != MinSize || len(omitted) != 0 {
		t.Fatalf("%d octets, omitted %v", len(msg), omitted)
	}
	m := parsed(t, msg)
	if m.Type() != Offer || m.YIAddr != replyHeader.YIAddr || m.SIAddr != replyHeader.SIAddr || m.GIAddr != replyHeader.GIAddr || m.XID != 7 || m.CHAddr() != replyHeader.CHAddr {
		t.Errorf("%v", m)
	}
}

func TestRelayInformationIsLastAndUnchanged(t *testing.T) {
	info := unhex("0104 00000001 0206 020000000001")
	msg, _ := build(t, replyHeader, 548, info, opt{53, []byte{2}}, opt{1, []byte{255, 255, 255, 0}})
	if !bytes.Contains(msg, append(append([]byte{82, byte(len(info))}, info...), 255)) {
		t.Errorf("option 82 is not the last: %x", msg[atOptions:])
	}
}

func TestRelayInformationThatDoesNotFitIsLeftOutWhole(t *testing.T) {
	msg, omitted := build(t, replyHeader, 300, n(1, 255), opt{53, []byte{2}})
	if !bytes.Equal(omitted, []uint8{82}) {
		t.Errorf("omitted %v", omitted)
	}
	if _, ok := parsed(t, msg).Option(82); ok {
		t.Error("it is there")
	}
}

func TestRelayInformationNeverGoesIntoFileOrSName(t *testing.T) {
	msg, omitted := build(t, replyHeader, 400, n(9, 100), opt{53, []byte{2}}, opt{56, n('m', 100)}, opt{12, n('h', 50)})
	m := parsed(t, msg)
	if len(omitted) != 0 || m.overload != overloadFile|overloadSName {
		t.Errorf("omitted %v, overload %d", omitted, m.overload)
	}
	if i := bytes.LastIndex(msg, append([]byte{82, 100}, n(9, 100)...)); i < atOptions {
		t.Errorf("option 82 at %d", i)
	}
}

func TestWhatDoesNotFitGoesToFileThenSNameThenIsOmitted(t *testing.T) {
	opts := []opt{{53, []byte{2}}, {54, []byte{10, 9, 0, 1}}, {66, n('a', 100)}, {67, n('b', 60)}, {15, n('c', 61)}}
	msg, omitted := build(t, replyHeader, 312, nil, opts...)
	m := parsed(t, msg)
	for _, o := range opts[:4] {
		if v, ok := m.Option(uint16(o.code)); !ok || !bytes.Equal(v, o.value) {
			t.Errorf("option %d: %x, %v", o.code, v, ok)
		}
	}
	if !bytes.Equal(omitted, []uint8{}) {
		if v, _ := m.Option(15); v != nil {
			t.Error("15 is omitted and there")
		}
	}
	if m.overload != overloadFile|overloadSName {
		t.Errorf("overload %d", m.overload)
	}
}

func TestHeaderFieldsAreNotOverloaded(t *testing.T) {
	h := replyHeader
	h.BootFile, h.ServerName = []byte("pxelinux.0"), []byte("boot")
	msg, omitted := build(t, h, 312, nil, opt{53, []byte{2}}, opt{56, n('a', 80)})
	m := parsed(t, msg)
	if string(m.BootFile()) != "pxelinux.0" || string(m.ServerName()) != "boot" || !bytes.Equal(omitted, []uint8{56}) {
		t.Errorf("file %q, sname %q, omitted %v", m.BootFile(), m.ServerName(), omitted)
	}
}

func TestABootFileTooLongForItsFieldBecomesOption67(t *testing.T) {
	h := replyHeader
	h.BootFile, h.ServerName = []byte(strings.Repeat("x", 129)), []byte{}
	msg, _ := build(t, h, 548, nil, opt{53, []byte{2}})
	m := parsed(t, msg)
	if v, _ := m.Option(option.CodeBootFileName); len(v) != 129 {
		t.Errorf("%q", v)
	}
	if _, ok := m.Option(option.CodeTFTPServerName); ok {
		t.Error("an empty field became an option")
	}
}

func TestALongOptionIsDividedAndJoinedAgain(t *testing.T) {
	for _, length := range []int{0, 1, 254, 255, 256, 509, 510, 511, 900} {
		long := make([]byte, length)
		for i := range long {
			long[i] = byte(i * 7)
		}
		msg, omitted := build(t, replyHeader, 1472, nil, opt{53, []byte{5}}, opt{121, long}, opt{3, []byte{10, 0, 0, 1}})
		m := parsed(t, msg)
		if v, ok := m.Option(121); len(omitted) != 0 || !ok || !bytes.Equal(v, long) {
			t.Errorf("length %d: omitted %v, %v %x", length, omitted, ok, v)
		}
	}
}

func TestALongOptionIsSpreadOverTheFieldsInTheOrderOfJoining(t *testing.T) {
	long := make([]byte, 300)
	for i := range long {
		long[i] = byte(i)
	}
	for room := 300; room < 700; room++ {
		msg, omitted := build(t, replyHeader, room, []byte{1, 1, 9}, opt{53, []byte{5}}, opt{119, long}, opt{3, []byte{10, 0, 0, 1}})
		m := parsed(t, msg)
		v, ok := m.Option(119)
		if ok == bytes.Contains(omitted, []uint8{119}) || ok && !bytes.Equal(v, long) {
			t.Fatalf("room %d: omitted %v, got %x", room, omitted, v)
		}
		if v, ok := m.Option(82); !ok || !bytes.Equal(v, []byte{1, 1, 9}) {
			t.Fatalf("room %d: option 82 is %x", room, v)
		}
		if room > 400 && !ok {
			t.Fatalf("room %d: omitted %v", room, omitted)
		}
	}
}

func TestAnOptionOfOnePartIsNeverDivided(t *testing.T) {
	msg, omitted := build(t, replyHeader, 300, nil, opt{53, []byte{5}}, opt{43, n(1, 130)})
	if _, ok := parsed(t, msg).Option(43); ok || !bytes.Equal(omitted, []uint8{43}) {
		t.Errorf("omitted %v", omitted)
	}
}

func TestOfTwoValuesTheFirstStays(t *testing.T) {
	msg, _ := build(t, replyHeader, 548, nil, opt{53, []byte{5}}, opt{12, []byte("a")}, opt{12, []byte("b")})
	if v, _ := parsed(t, msg).Option(12); string(v) != "a" {
		t.Errorf("%q", v)
	}
}

// Found by fuzzing: codes that are refused again and again pushed others out of the list.
func TestWhatIsOmittedIsNamedOnce(t *testing.T) {
	var opts []opt
	for range 300 {
		opts = append(opts, opt{option.CodeOverload, nil}, opt{option.CodeRelayInformation, nil}, opt{option.CodeEnd, nil}, opt{option.CodePad, nil})
	}
	_, omitted := build(t, replyHeader, 300, n(1, 255), append(opts, opt{116, n('x', 600)})...)
	if !bytes.Equal(omitted, []uint8{52, 82, 255, 0, 116}) {
		t.Errorf("omitted %v", omitted)
	}
}

func TestDstIsKept(t *testing.T) {
	var b Builder
	b.Begin([]byte("before"), &replyHeader, 548)
	b.Add(53, []byte{2})
	msg, _ := b.Finish(nil)
	if !bytes.HasPrefix(msg, []byte("before")) {
		t.Errorf("%x", msg[:8])
	}
	parsed(t, msg[6:])
}

// Room that suffices to the octet is used to the octet, and one octet less is not exceeded.
func TestRoomIsUsedToTheOctet(t *testing.T) {
	for size := 1; size < 400; size++ {
		for _, relay := range [][]byte{nil, {1, 1, 9}} {
			exact := atOptions + 3 + cost(size, true) + cost(len(relay), relay != nil) + 1
			for _, room := range []int{exact - 1, exact, exact + 1} {
				h := replyHeader
				h.BootFile, h.ServerName = []byte("f"), []byte("s")
				msg, omitted := build(t, h, room, relay, opt{53, []byte{2}}, opt{224, n('x', size)})
				fits := exact <= max(room, MinSize)
				if v, ok := parsed(t, msg).Option(224); ok != fits || ok && len(v) != size || ok == bytes.Contains(omitted, []byte{224}) {
					t.Fatalf("%d octets in %d, relay %x: there %v, omitted %v", size, room, relay, ok, omitted)
				}
			}
		}
	}
}

func TestFileAndSNameAreUsedToTheOctet(t *testing.T) {
	for size := 50; size < 140; size++ {
		msg, omitted := build(t, replyHeader, 300, nil, opt{53, []byte{2}}, opt{56, n('m', 45)}, opt{224, n('x', size)}, opt{225, n('y', 61)})
		m := parsed(t, msg)
		_, first := m.Option(224)
		_, second := m.Option(225)
		if first != (size <= 125) || !second || first == bytes.Contains(omitted, []byte{224}) {
			t.Fatalf("%d octets: there %v and %v, omitted %v", size, first, second, omitted)
		}
	}
}
