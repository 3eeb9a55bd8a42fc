package store

import (
	"encoding/binary"
	"hash/crc32"
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// A frame is a header of headSize octets, a payload, zeros up to a multiple of eight, and the payload's checksum. The
// header has a checksum of its own, so that damage to either half leaves the other readable, and both halves say
// which address they are about (docs/store-format.md).
const (
	sector    = 512 // what a disk writes whole or not at all; groups begin at a multiple of it
	headSize  = 56
	trailSize = 4
	align     = 8

	maxPayload = 1 << 20 // no frame is longer; a length beyond it is damage
)

// frameMagic begins every frame.
const frameMagic = 0x464c // "LF"

type kind uint8

const (
	_           kind = iota
	kindBlob         // octets that bindings share; the name is their digest
	kindBinding      // a binding; the name is its prefix
	kindSeal         // the server was closed in good order here
	// kindRelationship is the record of the failover relationship; bits says which of its two copies. Since format 3: a server that
	// passes over it would forget what it has promised.
	kindRelationship
	// Since format 4, in the file of versions alone.
	kindVersion // which pieces a version has; the name is its own
	kindState   // what is kept beside the versions; bits says which of its two copies
)

type flags uint8

const (
	flagEnd       flags = 1 << iota // the last frame of its batch
	flagMore                        // the last frame of its group; the batch goes on in the next segment
	flagContinued                   // the group continues the batch of the segment before
)

// header is the first half of a frame.
type header struct {
	kind   kind
	flags  flags
	length uint32 // of the payload, without padding and checksum
	seq    uint64 // ascending by one from frame to frame, through all segments
	commit uint64 // the number of the commit that it belongs to
	start  int64  // where the group that it belongs to begins in the file
	at     uint32 // the server's time, in seconds since 1970; 0: not said
	name   [16]byte
	bits   uint8
	family uint8 // 4 or 6 where name is an address, else 0
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum returns the CRC-32C of b, begun with s.
func checksum(s uint32, b []byte) uint32 { return crc32.Update(s, castagnoli, b) }

// seedAt returns the checksum's initial value for a frame at off: the seed of the segment's use, so that what is left
// from an earlier use of the file never matches, and the place, so that what was written elsewhere never matches.
func seedAt(seed uint32, off int64) uint32 { return seed ^ uint32(off/align) }

// frameSize returns the octets that a frame with a payload of n octets takes.
func frameSize(n int) int { return (headSize + n + trailSize + align - 1) &^ (align - 1) }

// beginFrame makes room for a header; the payload is appended next.
func beginFrame(dst []byte) []byte {
	var h [headSize]byte
	return append(dst, h[:]...)
}

// endFrame completes the frame that begins at dst[at:] and stands at off in the file.
func endFrame(dst []byte, at int, seed uint32, off int64, h *header) []byte {
	h.length = uint32(len(dst) - at - headSize)
	for (len(dst)-at+trailSize)%align != 0 {
		dst = append(dst, 0)
	}
	s := seedAt(seed, off)
	dst = binary.LittleEndian.AppendUint32(dst, checksum(s, dst[at+headSize:]))
	h.put(dst[at:at+headSize], s)
	return dst
}

// put writes h into the headSize octets of b.
func (h *header) put(b []byte, s uint32) {
	le := binary.LittleEndian
	le.PutUint16(b, frameMagic)
	b[2], b[3] = byte(h.kind), byte(h.flags)
	le.PutUint32(b[4:], h.length)
	le.PutUint64(b[8:], h.seq)
	le.PutUint64(b[16:], h.commit)
	le.PutUint32(b[24:], uint32(h.start/align))
	le.PutUint32(b[28:], h.at)
	copy(b[32:], h.name[:])
	b[48], b[49], b[50], b[51] = h.bits, h.family, 0, 0
	le.PutUint32(b[52:], checksum(s, b[:52]))
}

// parseHeader reads the headSize octets of b; false if the magic or the checksum is wrong.
func parseHeader(b []byte, s uint32) (header, bool) {
	if binary.LittleEndian.Uint16(b) != frameMagic ||
		checksum(s, b[:52]) != binary.LittleEndian.Uint32(b[52:]) {
		return header{}, false
	}
	return decodeHeader(b)
}

// decodeHeader reads a header without looking at its checksum; false if it cannot be one.
func decodeHeader(b []byte) (header, bool) {
	le := binary.LittleEndian
	h := header{
		kind: kind(b[2]), flags: flags(b[3]), length: le.Uint32(b[4:]), seq: le.Uint64(b[8:]), commit: le.Uint64(b[16:]),
		start: int64(le.Uint32(b[24:])) * align, at: le.Uint32(b[28:]), name: [16]byte(b[32:48]), bits: b[48], family: b[49],
	}
	return h, le.Uint16(b) == frameMagic && h.length <= maxPayload
}

// size returns the octets of the whole frame.
func (h *header) size() int64 { return int64(frameSize(int(h.length))) }

// intact reports whether the second half of a frame, payload and padding and checksum, is as it was written.
func intact(body []byte, s uint32) bool {
	n := len(body) - trailSize
	return n >= 0 && checksum(s, body[:n]) == binary.LittleEndian.Uint32(body[n:])
}

// setPrefix puts a prefix into the header's name.
func (h *header) setPrefix(p netip.Prefix) {
	a := p.Addr()
	h.name, h.bits, h.family = a.As16(), uint8(p.Bits()), 6
	if a.Is4() {
		h.family = 4
	}
}

// prefix returns the prefix that the header names, the zero Prefix if none.
func (h *header) prefix() netip.Prefix {
	a := netip.AddrFrom16(h.name)
	switch {
	case h.kind != kindBinding:
		return netip.Prefix{}
	case h.family == 4 && a.Is4In6():
		a = a.Unmap()
	case h.family != 6 || a.Is4In6():
		return netip.Prefix{}
	}
	p := netip.PrefixFrom(a, int(h.bits))
	if !p.IsValid() || p != p.Masked() {
		return netip.Prefix{}
	}
	return p
}

// digest returns the name of a blob's frame.
func (h *header) digest() binding.Digest { return binding.Digest(h.name) }

// alignSector rounds up to the next place where a group may begin.
func alignSector(off int64) int64 { return (off + sector - 1) &^ (sector - 1) }
