package failover

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// sketch tells a set of parts of any size in 24 KiB, so that the difference of two sets can be read from the difference
// of their sketches, as long as it is not larger than about 500 parts (an invertible Bloom lookup table: Goodrich,
// Mitzenmacher 2011). A part is in one cell of each row, which the octets of its digest say. A cell has only sums, so a
// part that both sets have leaves nothing in the difference; one that is alone in a cell can be read there, and taken
// out of its other cells, where another one may be alone then.
type sketch [rows * width]cell

const (
	rows  = 4
	width = 192
	// cellSize is the size of a cell in octets, and SketchSize that of a sketch as it is sent.
	cellSize   = 4 + len(binding.Digest{}) + 8 + 4
	SketchSize = rows * width * cellSize
)

// cell has the sums of the parts in it: how many there are, and without carry (xor) their digests, names and checks.
type cell struct {
	count  int32
	digest binding.Digest
	name   uint64
	check  uint32
}

// nameMark tells parts of one name in a sketch, where the name itself has no room.
func nameMark(name string) uint64 {
	h := sha256.Sum256([]byte(name))
	return binary.BigEndian.Uint64(h[:])
}

// checkOf tells a cell with one part from one with several.
func checkOf(d binding.Digest) uint32 {
	h := sha256.Sum256(d[:])
	return binary.BigEndian.Uint32(h[:])
}

func sketchOf(all []Part) *sketch {
	s := new(sketch)
	for i := range all {
		s.add(1, all[i].Digest, nameMark(all[i].Name))
	}
	return s
}

// add puts n times a part into its cells; -1 takes it out.
func (s *sketch) add(n int32, d binding.Digest, name uint64) {
	check := checkOf(d)
	for row := range rows {
		s[cellOf(row, d)].add(n, d, name, check)
	}
}

func cellOf(row int, d binding.Digest) int {
	return row*width + int(binary.BigEndian.Uint16(d[2*row:]))%width
}

func (c *cell) add(n int32, d binding.Digest, name uint64, check uint32) {
	c.count += n
	for i := range d {
		c.digest[i] ^= d[i]
	}
	c.name ^= name
	c.check ^= check
}

// marked is a part of which there is no more than its digest and the mark of its name.
type marked struct {
	digest binding.Digest
	name   uint64
}

// less takes all parts of o out of s, and returns those that only s had and those that only o had. whole is false where
// there are more than can be told apart: then the two are some of them. s is of no use any more.
func (s *sketch) less(o *sketch) (here, there []marked, whole bool) {
	for i := range s {
		s[i].add(-o[i].count, o[i].digest, o[i].name, o[i].check)
	}
	queue := make([]int, len(s))
	for i := range queue {
		queue[i] = i
	}
	// A sketch that no set has could be read for ever.
	for read := 0; len(queue) > 0 && read < len(s); {
		at := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		c := s[at]
		if c.count != 1 && c.count != -1 || cellOf(at/width, c.digest) != at || checkOf(c.digest) != c.check {
			continue
		}
		read++
		if c.count > 0 {
			here = append(here, marked{c.digest, c.name})
		} else {
			there = append(there, marked{c.digest, c.name})
		}
		s.add(-c.count, c.digest, c.name)
		for row := range rows {
			queue = append(queue, cellOf(row, c.digest))
		}
	}
	whole = true
	for i := range s {
		whole = whole && s[i].count == 0 && s[i].digest.IsZero() && s[i].check == 0
	}
	return here, there, whole
}

// octets returns the sketch as it is sent: cell by cell its count, digest, name and check, in network order.
func (s *sketch) octets() []byte {
	b := make([]byte, 0, SketchSize)
	for i := range s {
		c := &s[i]
		b = binary.BigEndian.AppendUint32(b, uint32(c.count))
		b = append(b, c.digest[:]...)
		b = binary.BigEndian.AppendUint64(b, c.name)
		b = binary.BigEndian.AppendUint32(b, c.check)
	}
	return b
}

// readSketch is the inverse of octets; false if b is none.
func readSketch(b []byte) (*sketch, bool) {
	if len(b) != SketchSize {
		return nil, false
	}
	s := new(sketch)
	for i := range s {
		c := &s[i]
		c.count = int32(binary.BigEndian.Uint32(b))
		c.digest = binding.Digest(b[4:])
		c.name, c.check = binary.BigEndian.Uint64(b[20:]), binary.BigEndian.Uint32(b[28:])
		b = b[cellSize:]
	}
	return s, true
}
