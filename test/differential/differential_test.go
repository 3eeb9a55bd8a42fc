// Package differential holds Lessor's DHCPv4 codec against github.com/insomniacslk/dhcp: where that library accepts a
// message, both must see the same in it, but for the disagreements that are named here.
package differential

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	oracle "github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/rfc1035label"

	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// disagreement names why a message is read differently, "" where it must not be.
func disagreement(b []byte, ours error, theirs *oracle.DHCPv4) string {
	_, overloaded := theirs.Options[option.CodeOverload]
	switch {
	case errors.Is(ours, dhcpv4.ErrTooLong):
		return "the library has no limit on the length of a message"
	case errors.Is(ours, dhcpv4.ErrBadOp):
		return "the library takes any op"
	case errors.Is(ours, dhcpv4.ErrBadHLen):
		return "the library takes an hlen beyond 16 for 16"
	case overloaded:
		return "the library does not know option overload (RFC 2132 §9.3)"
	case errors.Is(ours, dhcpv4.ErrBadType):
		t := theirs.Options[option.CodeMessageType]
		if len(t) != 1 || t[0] == 0 || t[0] > byte(dhcpv4.TLS) {
			return "the library takes any octets for a message type"
		}
	case errors.Is(ours, dhcpv4.ErrLongClientID):
		if len(theirs.Options[option.CodeClientID]) > 255 {
			return "the library has no limit on the client identifier"
		}
	}
	return ""
}

// compare returns how the two disagree about b without a reason.
func compare(m *dhcpv4.Message, b []byte) error {
	theirs, terr := oracle.FromBytes(b)
	err := m.Parse(b)
	if terr != nil {
		return nil // no END, no cookie, short: it is stricter, or as strict
	}
	if disagreement(b, err, theirs) != "" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("refused (%w) what the library accepts", err)
	}
	return sameMessage(m, theirs)
}

func sameMessage(m *dhcpv4.Message, p *oracle.DHCPv4) error {
	hardware := m.Hardware()
	switch {
	case m.Op != uint8(p.OpCode), m.HType != uint8(p.HWType), m.Hops != p.HopCount, m.Secs != p.NumSeconds, m.Flags != p.Flags,
		m.XID != binary.BigEndian.Uint32(p.TransactionID[:]), m.Broadcast() != p.IsBroadcast():
		return errors.New("the fixed fields differ")
	case !sameAddr(m.CIAddr, p.ClientIPAddr), !sameAddr(m.YIAddr, p.YourIPAddr), !sameAddr(m.SIAddr, p.ServerIPAddr), !sameAddr(m.GIAddr, p.GatewayIPAddr):
		return errors.New("the addresses differ")
	case !bytes.Equal(hardware.Bytes(), p.ClientHWAddr):
		return errors.New("the hardware addresses differ")
	case string(m.ServerName()) != p.ServerHostName, string(m.BootFile()) != p.BootFileName:
		return errors.New("sname or file differ")
	case uint8(m.Type()) != uint8(p.MessageType()):
		return errors.New("the types differ")
	case len(m.Codes()) != len(p.Options):
		return fmt.Errorf("options %v; the library has %v", m.Codes(), p.Options)
	}
	for c, want := range p.Options {
		if v, ok := m.Option(uint16(c)); !ok || !bytes.Equal(v, want) {
			return fmt.Errorf("option %d is %x; the library has %x", c, v, want)
		}
	}
	return nil
}

func sameAddr(a netip.Addr, ip []byte) bool { return bytes.Equal(a.AsSlice(), ip) }

// seeds are messages as the library builds them, and some with what is special.
func seeds() [][]byte {
	mac := []byte{2, 0, 0, 0, 0, 7}
	discover, err := oracle.NewDiscovery(mac, oracle.WithOption(oracle.OptHostName("kiosk")),
		oracle.WithGeneric(oracle.GenericOptionCode(224), bytes.Repeat([]byte{7}, 600)))
	if err != nil {
		panic(err)
	}
	inform, err := oracle.NewInform(mac, []byte{198, 51, 100, 50})
	if err != nil {
		panic(err)
	}
	all := [][]byte{discover.ToBytes(), inform.ToBytes()}
	for _, options := range []string{"ff", "350101ff", "0c0161 0c0162 350103 ff", "350101 3d00 ff", "34010300ff", "3400ff", "350101 520301017fff", "0000 350108 00 ff 07"} {
		b := append([]byte{}, inform.ToBytes()[:240]...)
		o, err := hex.DecodeString(string(bytes.ReplaceAll([]byte(options), []byte(" "), nil)))
		if err != nil {
			panic(err)
		}
		all = append(all, append(b, o...))
	}
	return all
}

func FuzzMessage(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s)
	}
	var m dhcpv4.Message
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := compare(&m, b); err != nil {
			t.Fatalf("%v\n%x", err, b)
		}
	})
}

func TestMutatedMessagesAreReadAlike(t *testing.T) {
	const seed = 20261122
	r := rand.New(rand.NewPCG(seed, 2))
	var m dhcpv4.Message
	accepted := 0
	for range 50000 {
		b := bytes.Clone(seeds()[r.IntN(2)])
		for range r.IntN(8) {
			b[r.IntN(len(b))] = byte(r.Uint32())
		}
		if r.IntN(4) == 0 {
			b = b[:r.IntN(len(b)+1)]
		}
		if err := compare(&m, b); err != nil {
			t.Fatalf("seed %d: %v\n%x", seed, err, b)
		}
		if m.Type() != 0 {
			accepted++
		}
	}
	if accepted < 10000 {
		t.Errorf("only %d messages were accepted: the test compares nothing", accepted)
	}
}

// What the builder makes is for others to read.
func TestTheLibraryReadsWhatIsBuilt(t *testing.T) {
	const seed = 20261122
	r := rand.New(rand.NewPCG(seed, 3))
	var b dhcpv4.Builder
	var m dhcpv4.Message
	for range 20000 {
		h := dhcpv4.Header{Op: dhcpv4.BootReply, HType: 1, HLen: 6, XID: r.Uint32(), YIAddr: netip.MustParseAddr("198.51.100.50"), BootFile: []byte("f"), ServerName: []byte("s")}
		b.Begin(nil, &h, 300+r.IntN(1200))
		b.Add(option.CodeMessageType, []byte{byte(dhcpv4.Ack)})
		for range r.IntN(12) {
			b.Add(uint8(62+r.IntN(190)), bytes.Repeat([]byte{byte(r.Uint32())}, r.IntN(20)*r.IntN(40)))
		}
		msg, _ := b.Finish(bytes.Repeat([]byte{9}, r.IntN(2)*r.IntN(80)))
		theirs, err := oracle.FromBytes(msg)
		if err != nil {
			t.Fatalf("seed %d: the library refuses %x: %v", seed, msg, err)
		}
		if err := m.Parse(msg); err != nil {
			t.Fatal(err)
		}
		if err := sameMessage(&m, theirs); err != nil {
			t.Fatalf("seed %d: %v: %x", seed, err, msg)
		}
	}
}

// FuzzSearchList: a search list that both accept holds the same names. The library takes a last name without its root,
// and pointers that lead forwards.
func FuzzSearchList(f *testing.F) {
	for _, s := range []string{"\x03eng\x05apple\x03com\x00\x09marketing\xc0\x04", "\x01a\x00", "\x00", "\xc0\x00"} {
		f.Add([]byte(s))
	}
	d := option.Standard().ByCode(option.DHCPv4, option.CodeDomainSearch)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1024 {
			return // the library takes quadratic time
		}
		v, err := d.Decode(b)
		if err != nil {
			return
		}
		theirs, err := rfc1035label.FromBytes(b)
		if err != nil {
			return
		}
		names := v.([]any)
		if len(names) != len(theirs.Labels) {
			t.Fatalf("%x: %q; the library has %q", b, names, theirs.Labels)
		}
		for i, n := range names {
			if !sameName(n.(string), theirs.Labels[i]) {
				t.Fatalf("%x: %q; the library has %q", b, n, theirs.Labels[i])
			}
		}
	})
}

// sameName compares names but for escapes, which the library does not have, and the root, which is "" to it.
func sameName(ours, theirs string) bool {
	wire, err := option.AppendName(nil, ours)
	if err != nil {
		return false
	}
	var plain []byte
	for len(wire) > 0 && wire[0] > 0 {
		n := 1 + int(wire[0])
		if plain != nil {
			plain = append(plain, '.')
		}
		plain = append(plain, wire[1:n]...)
		wire = wire[n:]
	}
	return string(plain) == theirs
}

func FuzzRoutes(f *testing.F) {
	f.Add([]byte{0, 10, 0, 0, 1, 8, 10, 10, 0, 0, 1})
	f.Add([]byte{32, 1, 2, 3, 4, 5, 6, 7, 8})
	d := option.Standard().ByCode(option.DHCPv4, option.CodeClasslessStaticRoutes)
	f.Fuzz(func(t *testing.T, b []byte) {
		var theirs oracle.Routes
		terr := theirs.FromBytes(b)
		v, err := d.Decode(b)
		if (err == nil) != (terr == nil) && len(b) > 0 {
			t.Fatalf("%x: %v; the library says %v", b, err, terr)
		}
		if err != nil {
			return
		}
		for i, r := range v.([]any) {
			want := theirs[i]
			bits, _ := want.Dest.Mask.Size()
			to := netip.PrefixFrom(netip.AddrFrom4([4]byte(want.Dest.IP.To4())), bits).Masked()
			if got := r.(map[string]any); got["to"] != to.String() || got["via"] != want.Router.String() {
				t.Fatalf("%x: %v; the library has %v", b, got, want)
			}
		}
	})
}
