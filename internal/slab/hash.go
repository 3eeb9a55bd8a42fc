package slab

import (
	"hash/maphash"
	"math/bits"
)

// Seed makes hashes that a stranger cannot steer to one chain. It differs from process to process, as that of Go's
// own maps does; nothing that can be observed depends on it but the time that a lookup takes.
type Seed struct {
	octets maphash.Seed
	a, b   uint64
}

// NewSeed returns a seed that nobody can guess.
func NewSeed() Seed {
	s := Seed{octets: maphash.MakeSeed()}
	s.a = maphash.Bytes(s.octets, []byte{1}) | 1
	s.b = maphash.Bytes(s.octets, []byte{2}) | 1
	return s
}

// Octets returns the hash of a run of octets.
func (s *Seed) Octets(b []byte) uint64 { return maphash.Bytes(s.octets, b) }

// Key returns the hash of a key.
func (s *Seed) Key(k Key) uint64 {
	hi, lo := bits.Mul64(k.Lo^s.a, s.b^k.Hi*0x9e3779b97f4a7c15)
	hi2, lo2 := bits.Mul64(hi^lo^s.b, 0xd6e8feb86659fd93)
	return hi2 ^ lo2
}
