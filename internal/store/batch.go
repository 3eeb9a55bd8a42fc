package store

import (
	"fmt"
	"math"
	"net/netip"
	"sync"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// plan is where the next frame will stand. It belongs to the decider, who lays out batches ahead of the committer: a
// batch is bytes with a place by the time it is handed over.
type plan struct {
	segment  uint64
	offset   int64 // 0: nothing of the segment is laid out yet, not even its beginning
	seq      uint64
	seed     uint32
	priorEnd int64
	commit   uint64
	dirty    bool // something was laid out since Load
	// relationship is the newest record that was Put, or loaded.
	relationship []byte
	at           uint32 // the latest time that the decider said, or that was loaded
}

// Batch is the changes that one sync makes durable. The decider fills it, the committer commits it, and then it is the
// store's again. A batch in which something was Put must be committed, in the order of Begin, or the store closed.
type Batch struct {
	store   *Store
	buf     []byte
	chunks  []chunk
	last    int // where the header of the last frame stands in buf; -1: none in this chunk
	lastOff int64
	group   int64 // where the group of the open chunk begins in the file
	h       header
	at      uint32
	count   int
	seq     uint64 // of the first frame
	end     uint64 // of the frame behind the last one
	// relation is where in buf the relationship's record stands, from and to; zero if there is none.
	relation [2]int
}

// chunk is the part of a batch that goes into one segment.
type chunk struct {
	segment  uint64
	offset   int64
	from, to int // in buf
	seed     uint32
	open     bool // to is not known yet
}

// maxKept is the largest buffer that is kept for the next batch.
const maxKept = 4 << 20

var batches = sync.Pool{New: func() any { return new(Batch) }}

// Begin returns an empty batch. Nothing may be Put into an earlier one any more.
func (s *Store) Begin() *Batch {
	b := batches.Get().(*Batch)
	*b = Batch{store: s, buf: b.buf[:0], chunks: b.chunks[:0], last: -1, seq: s.plan.seq, end: s.plan.seq}
	s.plan.offset = alignSector(s.plan.offset)
	return b
}

// Len returns how many changes were Put, of bindings and of the relationship.
func (b *Batch) Len() int { return b.count }

// Bytes returns how many octets will be written.
func (b *Batch) Bytes() int { return len(b.buf) }

// At says the server's time for what is Put from now on, so that Recovery knows how far its clock had come. Without it
// that is taken from the bindings, of which another server may have said the times. It is kept in whole seconds, rounded up: a clock that
// goes on from there does not go back.
func (b *Batch) At(now time.Time) {
	b.at = uint32(min(max(now.Add(time.Second-1).Unix(), 0), math.MaxUint32))
	b.store.plan.at = max(b.store.plan.at, b.at)
}

// Put adds commit n's change of one binding. Numbers must not descend. The binding may change after the call. A batch is
// durable as a whole or not at all. Facts, Result or Reasons of more than 64 KiB are not stored. Put panics if x has no
// valid, masked prefix or no state: it would be acknowledged, and never read again.
func (b *Batch) Put(n uint64, x *binding.Binding) {
	if !storable(x) {
		panic(fmt.Sprintf("store: %v in state %d cannot be stored", x.Prefix, x.State))
	}
	p := &b.store.plan
	need := frameSize(recordBound(x, b.store.maxBlob)) + b.blobBytes(x, p.segment)
	if p.offset == 0 || p.offset+int64(need) > b.store.cfg.SegmentSize {
		b.turn()
	}
	b.blob(n, x.Facts.Shared)
	b.blob(n, x.Result)
	b.blob(n, x.Reasons)
	at := b.begin()
	b.buf = appendRecord(b.buf, x, b.store.maxBlob)
	b.h = header{kind: kindBinding, commit: n}
	b.h.setPrefix(x.Prefix)
	b.finish(at)
	b.count++
}

// blobBytes returns what the blobs of x need that are not in the segment yet.
func (b *Batch) blobBytes(x *binding.Binding, segment uint64) int {
	n := 0
	for _, v := range [...]*binding.Blob{x.Facts.Shared, x.Result, x.Reasons} {
		if v != nil && v.Mark != segment && len(v.Bytes) <= b.store.maxBlob {
			n += frameSize(len(v.Bytes))
		}
	}
	return n
}

// blob adds a blob's octets unless the segment has them already.
func (b *Batch) blob(n uint64, v *binding.Blob) {
	if v == nil || v.Mark == b.store.plan.segment || len(v.Bytes) > b.store.maxBlob {
		return
	}
	at := b.begin()
	b.buf = append(b.buf, v.Bytes...)
	b.h = header{kind: kindBlob, commit: n, name: v.Digest()}
	b.finish(at)
	v.Mark = b.store.plan.segment
}

// frame adds a frame without payload.
func (b *Batch) frame(k kind, n uint64, about netip.Prefix) {
	if p := &b.store.plan; p.offset == 0 || p.offset+int64(frameSize(0)) > b.store.cfg.SegmentSize {
		b.turn()
	}
	at := b.begin()
	b.h = header{kind: k, commit: n}
	if about.IsValid() {
		b.h.setPrefix(about)
	}
	b.finish(at)
}

// begin begins a frame, and a chunk where none is open.
func (b *Batch) begin() int {
	p := &b.store.plan
	if n := len(b.chunks); n == 0 || !b.chunks[n-1].open {
		b.chunks = append(b.chunks, chunk{segment: p.segment, offset: p.offset, from: len(b.buf), seed: p.seed, open: true})
		b.group = p.offset
	}
	at := len(b.buf)
	b.buf = beginFrame(b.buf)
	return at
}

// finish completes the frame that begins at buf[at:].
func (b *Batch) finish(at int) {
	p := &b.store.plan
	p.dirty = true
	b.h.seq, b.h.start, b.h.at = p.seq, b.group, b.at
	if len(b.chunks) > 1 {
		b.h.flags |= flagContinued
	}
	b.buf = endFrame(b.buf, at, p.seed, p.offset, &b.h)
	b.last, b.lastOff = at, p.offset
	p.offset += int64(len(b.buf) - at)
	p.seq++
	p.commit = max(p.commit, b.h.commit)
	b.end = p.seq
}

// turn lets the batch go on at the beginning of a segment that has nothing in it yet.
func (b *Batch) turn() {
	s, p := b.store, &b.store.plan
	if p.offset != 0 {
		b.closeChunk(flagMore)
		p.priorEnd = p.offset
		p.segment++
	}
	k := block{
		kind: fileSegment, id: s.id, boot: s.boot, number: p.segment, seq: p.seq, priorEnd: p.priorEnd, member: s.cfg.Member,
	}
	p.seed = k.seed()
	b.chunks = append(b.chunks, chunk{segment: p.segment, from: len(b.buf), seed: p.seed, open: true})
	b.buf = k.appendBlocks(b.buf)
	p.offset, b.group = blocksSize, blocksSize
}

// closeChunk marks the last frame of the open chunk and fills its last sector.
func (b *Batch) closeChunk(f flags) {
	n := len(b.chunks)
	if n == 0 || !b.chunks[n-1].open {
		return
	}
	c := &b.chunks[n-1]
	if b.last >= c.from {
		head := b.buf[b.last : b.last+headSize]
		h, _ := decodeHeader(head)
		h.flags |= f
		h.put(head, seedAt(c.seed, b.lastOff))
	}
	for (len(b.buf)-c.from)%sector != 0 {
		b.buf = append(b.buf, 0)
	}
	c.to, c.open = len(b.buf), false
}

// recycle gives the batch back.
func (b *Batch) recycle() {
	if cap(b.buf) > maxKept {
		b.buf = nil
	}
	b.store = nil
	batches.Put(b)
}
