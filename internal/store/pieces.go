package store

import "github.com/lessor-dhcp/lessor/internal/binding"

// A version is stored in pieces that end where its octets say so, and each piece once: two versions that differ in one
// line have all but a piece or two in common, so that a history takes the space of its changes and not of its documents.
// Where pieces end is the writer's affair; a reader takes them as they are.
const (
	minPiece = 2 << 10
	maxPiece = 64 << 10
	// pieceBits must be zero where a piece ends: in one of 8 Ki places, which with minPiece makes 10 KiB on an average.
	pieceBits = 13
)

// gear has a number for each octet, without any order in them.
var gear = func() (g [256]uint64) {
	x := uint64(0)
	for i := range g { // SplitMix64
		x += 0x9e3779b97f4a7c15
		z := (x ^ x>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		g[i] = z ^ z>>31
	}
	return g
}()

// firstPiece returns how many octets of b, which is not empty, are the first piece. It depends on the last 64 octets
// before the end alone, so pieces come to be the same again behind a change.
func firstPiece(b []byte) int {
	if len(b) <= minPiece {
		return len(b)
	}
	most := min(len(b), maxPiece)
	h := uint64(0)
	for i := minPiece - 64; i < most; i++ {
		h = h<<1 + gear[b[i]]
		if i >= minPiece && h>>(64-pieceBits) == 0 {
			return i
		}
	}
	return most
}

// sumOf returns the digest of a version in pieces: that of the names of its pieces.
func sumOf(names []binding.Digest) binding.Digest {
	b := make([]byte, 0, len(names)*len(binding.Digest{}))
	for _, d := range names {
		b = append(b, d[:]...)
	}
	return binding.DigestOf(b)
}
