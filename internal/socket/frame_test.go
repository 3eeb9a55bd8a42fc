package socket

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"testing"
)

func TestFrameHeadersAreThoseOfTheRFC(t *testing.T) {
	h := make([]byte, headers)
	putHeaders(h, netip.MustParseAddrPort("192.0.2.1:67"), netip.MustParseAddrPort("192.0.2.77:68"), 0x1234, []byte("lease"))
	// Total length 33, identification 1234, no fragments, TTL 64, UDP, checksum; ports 67 and 68, length 13, checksum.
	const want = "4500002112340000" + "4011e449" + "c0000201" + "c000024d" + "00430044000d" + "4825"
	if got := hex.EncodeToString(h); got != want {
		t.Errorf("headers\n got %s\nwant %s", got, want)
	}
}

// slowSum is RFC 1071 §1 to the letter.
func slowSum(parts ...[]byte) uint16 {
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	if len(all)%2 == 1 {
		all = append(all, 0)
	}
	s := uint32(0)
	for i := 0; i < len(all); i += 2 {
		s += uint32(all[i])<<8 | uint32(all[i+1])
		if s > 0xffff {
			s -= 0xffff
		}
	}
	return uint16(s)
}

func FuzzFrameChecksums(f *testing.F) {
	f.Add([]byte{}, uint32(0), uint32(0xffffffff), uint16(0), uint16(68))
	f.Add([]byte{1}, uint32(0x7f000001), uint32(0x0a000001), uint16(1), uint16(67))
	f.Add(bytes.Repeat([]byte{0xff}, 1473), uint32(0xffffffff), uint32(0xffffffff), uint16(0xffff), uint16(0xffff))
	f.Fuzz(func(t *testing.T, payload []byte, src, dst uint32, id, port uint16) {
		if len(payload) > 65507 {
			return
		}
		var s, d [4]byte
		binary.BigEndian.PutUint32(s[:], src)
		binary.BigEndian.PutUint32(d[:], dst)
		h := make([]byte, headers)
		putHeaders(h, netip.AddrPortFrom(netip.AddrFrom4(s), 67), netip.AddrPortFrom(netip.AddrFrom4(d), port), id, payload)
		if got := slowSum(h[:ipHeader]); got != 0xffff {
			t.Errorf("IP header sums to %#x", got)
		}
		if h[26] == 0 && h[27] == 0 {
			t.Error("no UDP checksum")
		}
		pseudo := append(append([]byte{}, h[12:20]...), 0, protoUDP, h[24], h[25])
		if got := slowSum(pseudo, h[ipHeader:], payload); got != 0xffff {
			t.Errorf("UDP datagram sums to %#x", got)
		}
		from, got, ok := ipPayload(append(h, payload...), protoUDP)
		if !ok || from != netip.AddrFrom4(s) || !bytes.Equal(got[udpHeader:], payload) {
			t.Errorf("read back %v %v %x", ok, from, got)
		}
	})
}

func TestLengthFieldsNeverReachBeyondThePacket(t *testing.T) {
	good := make([]byte, headers, 64)
	putHeaders(good, netip.MustParseAddrPort("192.0.2.1:67"), netip.MustParseAddrPort("192.0.2.2:68"), 1, []byte("abcd"))
	good = append(good, "abcd"...)
	for name, change := range map[string]func(p []byte) []byte{
		"CVE-2015-8605: total length beyond the packet": func(p []byte) []byte { p[3] = 33; return p },
		"total length of 65535":                         func(p []byte) []byte { p[2], p[3] = 255, 255; return p },
		"total length shorter than the header":          func(p []byte) []byte { p[3] = 19; return p },
		"header longer than the packet":                 func(p []byte) []byte { p[0] = 0x4f; return p },
		"header shorter than it can be":                 func(p []byte) []byte { p[0] = 0x44; return p },
		"IPv6":                                          func(p []byte) []byte { p[0] = 0x65; return p },
		"first fragment":                                func(p []byte) []byte { p[6] = 0x20; return p },
		"later fragment":                                func(p []byte) []byte { p[7] = 1; return p },
		"another protocol":                              func(p []byte) []byte { p[9] = 6; return p },
		"cut in the header":                             func(p []byte) []byte { return p[:19] },
		"empty":                                         func(p []byte) []byte { return nil },
	} {
		if _, got, ok := ipPayload(change(bytes.Clone(good)), protoUDP); ok {
			t.Errorf("%s: accepted, payload %x", name, got)
		}
	}
	trailer := append(bytes.Clone(good), 0, 0, 0)
	if _, got, ok := ipPayload(trailer, protoUDP); !ok || string(got[udpHeader:]) != "abcd" {
		t.Errorf("Ethernet's padding was not cut off: %v %x", ok, got)
	}
}

func FuzzEchoReply(f *testing.F) {
	p := newProber(&Sockets{})
	f.Add([]byte{0x45, 0, 0, 44, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 0, 0, 0})
	f.Add(echoReply(p, netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.1")))
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, ok := p.answered(b); ok && (len(b) < ipHeader+probeSize || !a.Is4()) {
			t.Errorf("%x was taken as an answer of %v", b, a)
		}
	})
}

// echoReply is the IP packet by which from answers the probe that was sent to probed.
func echoReply(p *prober, from, probed netip.Addr) []byte {
	b := make([]byte, ipHeader+probeSize)
	a := from.As4()
	b[0], b[3], b[9] = 0x45, byte(len(b)), protoICMP
	copy(b[12:], a[:])
	icmp := b[ipHeader:]
	binary.BigEndian.PutUint16(icmp[4:], p.id)
	binary.BigEndian.PutUint64(icmp[icmpHeader:], p.token(probed))
	binary.BigEndian.PutUint16(icmp[2:], ^fold(sum(0, icmp)))
	return b
}

func TestOnlyTheProbedAddressCanAnswer(t *testing.T) {
	p := newProber(&Sockets{})
	one, two := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
	if a, ok := p.answered(echoReply(p, one, one)); !ok || a != one {
		t.Errorf("the answer of %v was not understood: %v %v", one, a, ok)
	}
	if _, ok := p.answered(echoReply(p, two, one)); ok {
		t.Errorf("%v answered with the token of %v", two, one)
	}
	other := newProber(&Sockets{})
	other.id = p.id
	if _, ok := p.answered(echoReply(other, one, one)); ok {
		t.Error("an answer with another process's token was accepted")
	}
	damaged := echoReply(p, one, one)
	damaged[len(damaged)-1] ^= 1
	if _, ok := p.answered(damaged); ok {
		t.Error("a damaged answer was accepted")
	}
}

func BenchmarkFrameHeaders(b *testing.B) {
	h, payload := make([]byte, headers), make([]byte, 300)
	from, to := netip.MustParseAddrPort("192.0.2.1:67"), netip.MustParseAddrPort("192.0.2.77:68")
	b.ReportAllocs()
	for b.Loop() {
		putHeaders(h, from, to, 1, payload)
	}
}
