package slab

import "unsafe"

const (
	chunkBits = 10
	chunkLen  = 1 << chunkBits
	chunkMask = chunkLen - 1
)

// Linked is an item with room for one number, which the Slab uses while the item is free.
type Linked[T any] interface {
	*T
	Link() *uint32
}

// Slab holds items of one type, each with a number that it keeps until it is given back. The zero Slab is empty and
// ready. T should have no pointers, or the garbage collector walks all of it.
type Slab[T any, P Linked[T]] struct {
	chunks []*[chunkLen]T
	free   uint32 // first of the free items, chained by Link
	limit  uint32 // the numbers below it were handed out at some time
	n      int
}

// New returns the number of a zeroed item.
func (s *Slab[T, P]) New() uint32 {
	s.n++
	if i := s.free; i != 0 {
		item := P(s.At(i))
		s.free = *item.Link()
		var zero T
		*item = zero
		return i
	}
	if s.limit == 0 {
		s.limit = 1 // 0 means none
	}
	if int(s.limit>>chunkBits) == len(s.chunks) {
		s.chunks = append(s.chunks, new([chunkLen]T))
	}
	s.limit++
	return s.limit - 1
}

// At returns the item of that number. The pointer is valid until the item is given back.
func (s *Slab[T, P]) At(i uint32) *T { return &s.chunks[i>>chunkBits][i&chunkMask] }

// Free takes the item back; its content is gone.
func (s *Slab[T, P]) Free(i uint32) {
	item := P(s.At(i))
	var zero T
	*item = zero
	*item.Link() = s.free
	s.free = i
	s.n--
}

// Len returns how many items are held.
func (s *Slab[T, P]) Len() int { return s.n }

// Limit returns a number above all that were handed out, at least 1.
func (s *Slab[T, P]) Limit() uint32 { return max(s.limit, 1) }

// Memory returns the octets held, those of free items included.
func (s *Slab[T, P]) Memory() int64 {
	var zero T
	return int64(len(s.chunks))*chunkLen*int64(unsafe.Sizeof(zero)) + int64(cap(s.chunks))*8
}
