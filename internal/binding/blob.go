package binding

import (
	"github.com/lessor-dhcp/lessor/internal/slab"
)

// Blob is an immutable run of octets that many bindings may share. Blobs are made by a Table's Intern, which keeps one
// Blob for equal contents, and are given back by the Table when the last binding that refers to them is replaced.
type Blob struct {
	Bytes []byte
	// Mark is for the journal alone: the segment that last defined the blob. 0 means none.
	Mark uint64

	digest Digest
	id     uint32 // its number in the table that made it; a wrong one is noticed
}

// Digest names the content; it is computed when first asked for, by the goroutine that owns the table.
func (b *Blob) Digest() Digest {
	if b.digest.IsZero() {
		b.digest = DigestOf(b.Bytes)
	}
	return b.digest
}

// NewBlob returns a blob that belongs to no table, for tests and for what is read from disk or from a partner.
func NewBlob(b []byte) *Blob { return &Blob{Bytes: b} }

// MaxIdleBlobs is how many blobs that no binding refers to a table keeps for those who may ask for them again.
const MaxIdleBlobs = 4096

// blobOverhead is what a blob costs beside its octets: itself, its slot, its place in the index.
const blobOverhead = 64 + 48 + 4

// blobs has one Blob for equal contents, and counts the references to each. A blob with none is idle: the oldest idle
// ones go when there are more than MaxIdleBlobs.
type blobs struct {
	seed  *slab.Seed
	slots slab.Slab[blobSlot, *blobSlot]
	index slab.Index
	idle  slab.Calendar // all at second 0: a queue
	bytes int64
}

type blobSlot struct {
	blob  *Blob
	hash  uint64
	refs  uint32
	chain uint32
	idle  slab.Links
}

// Link is room for a number while the slot is free.
func (s *blobSlot) Link() *uint32 { return &s.chain }

func (t *blobs) init(seed *slab.Seed) {
	t.seed = seed
	t.index = slab.NewIndex(
		func(i uint32) uint64 { return t.slots.At(i).hash },
		func(i uint32) *uint32 { return &t.slots.At(i).chain })
	t.idle = slab.NewCalendar(func(i uint32) *slab.Links { return &t.slots.At(i).idle })
}

// intern returns the number of the blob with these octets, which it makes if there is none.
func (t *blobs) intern(b []byte) uint32 {
	hash := t.seed.Octets(b)
	for i := *t.index.Chain(hash); i != 0; i = t.slots.At(i).chain {
		s := t.slots.At(i)
		if s.hash == hash && string(s.blob.Bytes) == string(b) {
			return i
		}
	}
	i := t.slots.New()
	s := t.slots.At(i)
	s.blob = &Blob{Bytes: append(make([]byte, 0, len(b)), b...), id: i}
	s.hash = hash
	t.bytes += int64(len(b)) + blobOverhead
	t.index.Add(hash, i)
	t.idle.Add(0, i)
	for t.idle.Len() > MaxIdleBlobs {
		t.dropOldest()
	}
	return i
}

// number returns the number of a blob, which this table, another or none may have made; 0 for nil.
func (t *blobs) number(b *Blob) uint32 {
	if b == nil {
		return 0
	}
	if b.id != 0 && b.id < t.slots.Limit() && t.slots.At(b.id).blob == b {
		return b.id
	}
	return t.intern(b.Bytes)
}

func (t *blobs) at(i uint32) *Blob {
	if i == 0 {
		return nil
	}
	return t.slots.At(i).blob
}

// take counts one more reference to blob i, release one less.
func (t *blobs) take(i uint32) {
	if i == 0 {
		return
	}
	s := t.slots.At(i)
	if s.refs == 0 {
		t.idle.Remove(0, i)
	}
	s.refs++
}

func (t *blobs) release(i uint32) {
	if i == 0 {
		return
	}
	s := t.slots.At(i)
	s.refs--
	if s.refs > 0 {
		return
	}
	t.idle.Add(0, i)
	for t.idle.Len() > MaxIdleBlobs {
		t.dropOldest()
	}
}

func (t *blobs) dropOldest() bool {
	_, i := t.idle.First()
	if i == 0 {
		return false
	}
	t.idle.Remove(0, i)
	s := t.slots.At(i)
	t.bytes -= int64(len(s.blob.Bytes)) + blobOverhead
	t.index.Remove(s.hash, i)
	t.slots.Free(i)
	return true
}

// Intern returns the one Blob with the content of b, which it makes and copies b into if there is none. Without a
// binding that refers to it, it is sure to be known only until the next Intern, Put, Delete or Sweep; it stays readable, and
// Put accepts it, in any case.
func (t *Table) Intern(b []byte) *Blob { return t.blobs.at(t.blobs.intern(b)) }

// Blobs returns how many blobs are known, and how many of them no binding refers to.
func (t *Table) Blobs() (known, idle int) { return t.blobs.slots.Len(), t.blobs.idle.Len() }

// Sweep forgets at most n of the blobs that no binding refers to, the oldest first, and returns how many it forgot.
func (t *Table) Sweep(n int) int {
	for i := range n {
		if !t.blobs.dropOldest() {
			return i
		}
	}
	return n
}
