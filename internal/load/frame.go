package load

import "encoding/binary"

// The headers of a message on an Ethernet: Ethernet, IPv4 (RFC 791 §3.1), UDP (RFC 768).
const (
	etherHeader = 14
	ipHeader    = 20
	udpHeader   = 8
	headers     = etherHeader + ipHeader + udpHeader

	etherIPv4 = 0x0800
	etherARP  = 0x0806

	serverPort = 67
	clientPort = 68
)

// hardware is the address of a client on its Ethernet.
func hardware(client uint32) (h [6]byte) {
	h[0], h[1] = 0x02, 0x4c
	binary.BigEndian.PutUint32(h[2:], client)
	return h
}

var everybody = [6]byte{255, 255, 255, 255, 255, 255}

// putHeaders writes the headers of a message from a client's port to a server's into h, which has room for headers octets.
func putHeaders(h []byte, to, from [6]byte, source, destination uint32, id uint16, message []byte) {
	copy(h, to[:])
	copy(h[6:], from[:])
	binary.BigEndian.PutUint16(h[12:], etherIPv4)
	ip, udp := h[etherHeader:etherHeader+ipHeader], h[etherHeader+ipHeader:headers]
	ip[0], ip[1] = 0x45, 0x10
	binary.BigEndian.PutUint16(ip[2:], uint16(ipHeader+udpHeader+len(message)))
	binary.BigEndian.PutUint16(ip[4:], id)
	clear(ip[6:8])
	ip[8], ip[9] = 64, 17
	clear(ip[10:12])
	binary.BigEndian.PutUint32(ip[12:], source)
	binary.BigEndian.PutUint32(ip[16:], destination)
	binary.BigEndian.PutUint16(ip[10:], ^folded(added(0, ip)))
	binary.BigEndian.PutUint16(udp[0:], clientPort)
	binary.BigEndian.PutUint16(udp[2:], serverPort)
	binary.BigEndian.PutUint16(udp[4:], uint16(udpHeader+len(message)))
	clear(udp[6:8])
	check := ^folded(added(added(added(17+uint64(udpHeader+len(message)), ip[12:20]), udp), message))
	if check == 0 {
		check = 0xffff // 0 says that there is none (RFC 768)
	}
	binary.BigEndian.PutUint16(udp[6:], check)
}

// added adds the 16-bit words of b to s (RFC 1071).
func added(s uint64, b []byte) uint64 {
	for ; len(b) >= 8; b = b[8:] {
		x := binary.BigEndian.Uint64(b)
		s += x>>32 + x&0xffffffff
	}
	for ; len(b) >= 2; b = b[2:] {
		s += uint64(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		s += uint64(b[0]) << 8
	}
	return s
}

func folded(s uint64) uint16 {
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}

// messageIn returns what a server said to a client in the frame, and from which address; false if it is something else.
func messageIn(f []byte) (message []byte, source uint32, ok bool) {
	if len(f) < etherHeader+ipHeader || binary.BigEndian.Uint16(f[12:]) != etherIPv4 {
		return nil, 0, false
	}
	p := f[etherHeader:]
	header, total := int(p[0]&15)*4, int(binary.BigEndian.Uint16(p[2:]))
	if p[0]>>4 != 4 || p[9] != 17 || header < ipHeader || total < header+udpHeader || total > len(p) ||
		binary.BigEndian.Uint16(p[6:])&0x3fff != 0 { // a fragment
		return nil, 0, false
	}
	udp := p[header:total]
	if length := int(binary.BigEndian.Uint16(udp[4:])); binary.BigEndian.Uint16(udp[2:]) != clientPort || length < udpHeader || length > len(udp) {
		return nil, 0, false
	}
	m := udp[udpHeader:binary.BigEndian.Uint16(udp[4:])]
	if len(m) < fixed || m[28] != 0x02 || m[29] != 0x4c { // chaddr is that of somebody else
		return nil, 0, false
	}
	return m, binary.BigEndian.Uint32(p[12:]), true
}

const arpSize = 28

// askedFor returns whose hardware address the frame asks for (RFC 826); false if it is no such question.
func askedFor(f []byte) (addr uint32, ok bool) {
	if len(f) < etherHeader+arpSize || binary.BigEndian.Uint16(f[12:]) != etherARP {
		return 0, false
	}
	p := f[etherHeader:]
	if binary.BigEndian.Uint64(p)>>16 != 0x000108000604 || binary.BigEndian.Uint16(p[6:]) != 1 {
		return 0, false
	}
	return binary.BigEndian.Uint32(p[24:]), true
}

// arpReply answers the question in f for the client with that hardware address.
func arpReply(b, f []byte, client [6]byte) []byte {
	p := f[etherHeader:]
	b = append(b, p[8:14]...)
	b = append(b, client[:]...)
	b = append(b, 8, 6, 0, 1, 8, 0, 6, 4, 0, 2)
	b = append(b, client[:]...)
	b = append(b, p[24:28]...)
	return append(b, p[8:18]...)
}
