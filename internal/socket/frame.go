package socket

import (
	"encoding/binary"
	"net/netip"
)

const (
	ipHeader  = 20
	udpHeader = 8
	headers   = ipHeader + udpHeader

	// frameTTL is the time to live of what goes to a client on the link; some relays and bridges that forward
	// between segments take one off.
	frameTTL = 64

	protoICMP = 1
	protoUDP  = 17
)

// putHeaders writes the IPv4 and UDP headers (RFC 791 §3.1, RFC 768) of a datagram with the given payload into h, which
// has room for headers octets. The payload must not be longer than 65,507 octets. Don't-fragment is not set, so the
// identification is (RFC 6864 §4.1).
func putHeaders(h []byte, from, to netip.AddrPort, id uint16, payload []byte) {
	src, dst := from.Addr().As4(), to.Addr().As4()
	ip, udp := h[:ipHeader], h[ipHeader:headers]
	length := headers + len(payload)

	ip[0], ip[1] = 0x45, 0
	binary.BigEndian.PutUint16(ip[2:], uint16(length))
	binary.BigEndian.PutUint16(ip[4:], id)
	binary.BigEndian.PutUint16(ip[6:], 0)
	ip[8], ip[9] = frameTTL, protoUDP
	ip[10], ip[11] = 0, 0
	copy(ip[12:], src[:])
	copy(ip[16:], dst[:])
	binary.BigEndian.PutUint16(ip[10:], ^fold(sum(0, ip)))

	binary.BigEndian.PutUint16(udp[0:], from.Port())
	binary.BigEndian.PutUint16(udp[2:], to.Port())
	binary.BigEndian.PutUint16(udp[4:], uint16(udpHeader+len(payload)))
	udp[6], udp[7] = 0, 0
	check := ^fold(sum(sum(sum(uint64(protoUDP)+uint64(udpHeader+len(payload)), ip[12:20]), udp), payload))
	if check == 0 {
		check = 0xffff // 0 says that there is no checksum (RFC 768)
	}
	binary.BigEndian.PutUint16(udp[6:], check)
}

// sum adds the 16-bit words of b, padded with a zero octet, to s (RFC 1071). It cannot overflow for what fits in an
// IP datagram. Eight octets at a time: their carries are folded in later, which the ones' complement allows.
func sum(s uint64, b []byte) uint64 {
	for len(b) >= 8 {
		x := binary.BigEndian.Uint64(b)
		s += x>>32 + x&0xffffffff
		b = b[8:]
	}
	for len(b) >= 2 {
		s += uint64(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		s += uint64(b[0]) << 8
	}
	return s
}

func fold(s uint64) uint16 {
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}

// ipPayload returns what an IPv4 packet of the given protocol carries, and who sent it. The length fields decide, but
// never beyond what was received (CVE-2015-8605); fragments and short packets are refused.
func ipPayload(p []byte, proto byte) (from netip.Addr, payload []byte, ok bool) {
	if len(p) < ipHeader || p[0]>>4 != 4 || p[9] != proto {
		return netip.Addr{}, nil, false
	}
	header, total := int(p[0]&15)*4, int(binary.BigEndian.Uint16(p[2:]))
	if header < ipHeader || total < header || total > len(p) || binary.BigEndian.Uint16(p[6:])&0x3fff != 0 {
		return netip.Addr{}, nil, false
	}
	return netip.AddrFrom4([4]byte(p[12:16])), p[header:total], true
}
