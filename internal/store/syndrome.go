package store

import "encoding/binary"

// One changed octet in a run that has a checksum shows in the checksum's syndrome, the difference between the stored
// and the computed value: each place and change of a single octet has its own. So an octet that rotted can be told
// from a write that did not arrive whole, which changes many, and looks like none of them. Nothing is ever repaired
// by this: what it finds only says how to report the damage, and where a frame that cannot be trusted ends.

// topOctet[t] is the index of the entry of the checksum's table whose highest octet is t. They are all different.
var topOctet = func() (inv [256]byte) {
	for i, v := range castagnoli {
		inv[v>>24] = byte(i)
	}
	return inv
}()

// locate returns the one octet of n whose change explains the syndrome, and the change. The place n+i, i < 4, is the
// i-th octet of the checksum itself. It returns false if no single octet does. Its cost is proportional to n.
func locate(n int, syndrome uint32) (at int, change byte, ok bool) {
	for i := range 4 {
		if s := byte(syndrome >> (8 * i)); s != 0 && syndrome == uint32(s)<<(8*i) {
			return n + i, s, true
		}
	}
	if syndrome == 0 {
		return 0, 0, false
	}
	for i := n - 1; i >= 0; i-- {
		x := topOctet[syndrome>>24]
		if castagnoli[x] == syndrome {
			return i, x, true
		}
		syndrome = (syndrome^castagnoli[x])<<8 | uint32(x) // one octet of zeros back
	}
	return 0, 0, false
}

// flipped reports whether one octet of body, of which the last four are its checksum, changed, and where.
func flipped(body []byte, s uint32) (at int, ok bool) {
	n := len(body) - trailSize
	if n < 0 {
		return 0, false
	}
	at, _, ok = locate(n, checksum(s, body[:n])^binary.LittleEndian.Uint32(body[n:]))
	return at, ok
}

// flippedHeader returns what a header said before one octet of it changed, and which; false if that is not what
// happened to it.
func flippedHeader(b []byte, s uint32) (header, int, bool) {
	at, change, ok := locate(headSize-4, checksum(s, b[:headSize-4])^binary.LittleEndian.Uint32(b[headSize-4:]))
	if !ok {
		return header{}, 0, false
	}
	var was [headSize]byte
	copy(was[:], b)
	was[at] ^= change
	h, ok := decodeHeader(was[:])
	return h, at, ok
}
