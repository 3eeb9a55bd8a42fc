package dhcpv4

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/option"
)

var _ binding.OptionView = (*Message)(nil)

// fixed is a BOOTREQUEST's fixed fields and cookie.
func fixed(change ...func([]byte)) []byte {
	b := make([]byte, atOptions)
	b[0], b[1], b[2] = BootRequest, 1, 6
	binary.BigEndian.PutUint32(b[4:], 0x12345678)
	copy(b[atCHAddr:], []byte{2, 0, 0, 0, 0, 7})
	binary.BigEndian.PutUint32(b[atCookie:], magicCookie)
	for _, c := range change {
		c(b)
	}
	return b
}

// with returns fixed fields with options behind them, in hexadecimal.
func with(options string, change ...func([]byte)) []byte {
	return append(fixed(change...), unhex(options)...)
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

func file(options string) func([]byte) {
	return func(b []byte) { copy(b[atFile:atCookie], unhex(options)) }
}
func sname(options string) func([]byte) {
	return func(b []byte) { copy(b[atSName:atFile], unhex(options)) }
}

func TestDiscoverIsParsed(t *testing.T) {
	b := with("350101 3d0701020000000007 0c056b696f736b 3204c6336432 3704 0103062a ff",
		func(b []byte) {
			b[3] = 2
			binary.BigEndian.PutUint16(b[8:], 11)
			b[10] = 0x80
			copy(b[24:], []byte{10, 0, 0, 1})
		})
	var m Message
	if err := m.Parse(b); err != nil {
		t.Fatal(err)
	}
	if m.Type() != Discover || m.Hops != 2 || m.XID != 0x12345678 || m.Secs != 11 || !m.Broadcast() {
		t.Errorf("fixed fields: %v", &m)
	}
	if m.GIAddr != netip.MustParseAddr("10.0.0.1") || m.CIAddr != netip.IPv4Unspecified() {
		t.Errorf("giaddr %v, ciaddr %v", m.GIAddr, m.CIAddr)
	}
	if m.Hardware().String() != "02:00:00:00:00:07" {
		t.Errorf("hardware %v", m.Hardware())
	}
	if !bytes.Equal(m.ClientID(), unhex("01020000000007")) {
		t.Errorf("client-id %x", m.ClientID())
	}
	if v, ok := m.Option(option.CodeHostName); !ok || string(v) != "kiosk" {
		t.Errorf("host-name %q, %v", v, ok)
	}
	if got := m.Codes(); !bytes.Equal(got, []uint8{12, 50, 53, 55, 61}) {
		t.Errorf("codes %v", got)
	}
	if _, ok := m.Option(option.CodeRouters); ok {
		t.Error("an option that was not sent is there")
	}
	if _, ok := m.Option(12 + 256); ok {
		t.Error("a code beyond 255 is taken modulo 256")
	}
}
