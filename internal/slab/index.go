package slab

// Index finds items by the hash of what they are known by: each hash leads to a chain of items. It grows by one
// chain at a time (linear hashing: Litwin, 1980), so that the longest call takes no longer in a large index.
type Index struct {
	heads   []*[chunkLen]uint32
	buckets uint32 // chains in use
	level   uint32 // the largest power of two that is not above buckets
	n       uint32
	hash    func(i uint32) uint64
	next    func(i uint32) *uint32
}

// NewIndex returns an empty index of items whose hash is found by hash, and which have room for a number at next.
func NewIndex(hash func(i uint32) uint64, next func(i uint32) *uint32) Index {
	return Index{hash: hash, next: next, heads: []*[chunkLen]uint32{new([chunkLen]uint32)}, buckets: chunkLen, level: chunkLen}
}

// Expect makes room for n items in an empty index, which then need not grow one by one.
func (x *Index) Expect(n int) {
	for x.n == 0 && int(x.level) < n && x.level < 1<<31 {
		x.level *= 2
	}
	for x.buckets = max(x.buckets, x.level); len(x.heads) < int(x.buckets>>chunkBits); {
		x.heads = append(x.heads, new([chunkLen]uint32))
	}
}

// Chain returns where the number of the first item stands that may have this hash; the following ones stand at next
// of the one before. Items of other hashes are in the chain too.
func (x *Index) Chain(hash uint64) *uint32 {
	b := uint32(hash) & (2*x.level - 1)
	if b >= x.buckets {
		b &= x.level - 1
	}
	return x.bucket(b)
}

// Add puts item i, whose hash it is, at the head of its chain.
func (x *Index) Add(hash uint64, i uint32) {
	head := x.Chain(hash)
	*x.next(i) = *head
	*head = i
	x.n++
	if x.n > x.buckets && x.buckets < 1<<31 {
		x.split()
	}
}

// Remove takes item i, whose hash it is, out of its chain, and reports whether it was there.
func (x *Index) Remove(hash uint64, i uint32) bool {
	for at := x.Chain(hash); *at != 0; at = x.next(*at) {
		if *at == i {
			*at = *x.next(i)
			x.n--
			return true
		}
	}
	return false
}

// Ahead appends the first items of the chains that the next n Adds split, and returns them all: those Adds will look at them.
func (x *Index) Ahead(to []uint32, n int) []uint32 {
	n -= int(x.buckets - min(x.n, x.buckets)) // for so many there is room
	for b := x.buckets - x.level; n > 0 && b < x.level; b++ {
		if head := *x.bucket(b); head != 0 {
			to = append(to, head)
		}
		n--
	}
	return to
}

// Len returns how many items are in the index.
func (x *Index) Len() int { return int(x.n) }

// Memory returns the octets held.
func (x *Index) Memory() int64 { return int64(len(x.heads))*chunkLen*4 + int64(cap(x.heads))*8 }

func (x *Index) bucket(b uint32) *uint32 { return &x.heads[b>>chunkBits][b&chunkMask] }

// split adds one chain, which takes over some of the items of the oldest chain that was not split at this level.
func (x *Index) split() {
	added := x.buckets
	if int(added>>chunkBits) == len(x.heads) {
		x.heads = append(x.heads, new([chunkLen]uint32))
	}
	from, to := x.bucket(added-x.level), x.bucket(added)
	i := *from
	*from = 0
	x.buckets++
	for i != 0 {
		next := x.next(i)
		following := *next
		into := from
		if uint32(x.hash(i))&x.level != 0 {
			into = to
		}
		*next = *into
		*into = i
		i = following
	}
	if x.buckets == 2*x.level {
		x.level *= 2
	}
}
