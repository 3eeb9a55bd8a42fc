package store

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/store/disk"
)

// Snapshot is the writing of all bindings into one file, while the server serves. It is fuzzy: each binding is in it as
// it was at some time between the beginning and the end, and the journal from the beginning on is replayed over it. The
// decider calls Step between batches, which only encodes; the file is written by Work.
type Snapshot struct {
	store *Store
	table Table
	block block

	// The decider's.
	cursor  uint64
	scanned bool
	seed    uint32
	at      uint32 // the server's time when it began
	seq     uint64
	off     int64
	buf     []byte
	known   map[binding.Digest]struct{} // blobs that are in the file
	h       header

	// Guarded by store.mu.
	full    []piece // to be written
	free    [][]byte
	ending  bool   // the last piece is in full; the file may be completed
	until   uint64 // once all frames before this one are durable
	done    bool
	err     error
	segment uint64
	frames  uint64 // in all

	file  disk.File // Work's
	bytes int64     // written
}

// piece is a part of the file that is to be written.
type piece struct {
	off int64
	b   []byte
}

const (
	pieceSize = 256 << 10
	maxPieces = 4 // pieces that wait to be written, at most
)

// snapshotAfter returns how long the journal may get, however fast. The caller holds mu.
func (s *Store) snapshotAfter() int64 { return max(s.cfg.SnapshotAfter, s.snapBytes) }

const (
	// snapshotPart is the part of a snapshot that the journal gets as long as, where it takes snapshotEvery at least: reading it then adds little
	// to a start, and writing snapshots little to what the server does.
	snapshotPart  = 4
	snapshotEvery = time.Minute
)

// SnapshotDue reports whether a snapshot should be begun now: the journal is long, or there is no space for more of it, or
// soon there would be none for the snapshot either. It does not touch the disk.
func (s *Store) SnapshotDue(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fatal != nil || s.snapshot != nil || len(s.live) < max(2, s.snapWait) {
		return false
	}
	journal := int64(len(s.live)) * s.cfg.SegmentSize
	long := s.snapshotAfter()
	if now.Sub(time.Unix(int64(s.snapAt), 0)) >= snapshotEvery {
		long = max(s.cfg.SnapshotAfter, s.snapBytes/snapshotPart)
	}
	return s.noSpace != nil || s.tight() && journal >= s.snapBytes || journal > long
}

// tight reports whether there may be no space for the next snapshot. It cannot be larger than the last one and the
// journal since. The caller holds mu.
func (s *Store) tight() bool {
	return s.free < s.enough()
}

// enough returns how many free octets the next snapshot may take. The caller holds mu.
func (s *Store) enough() int64 { return int64(len(s.live))*s.cfg.SegmentSize + s.snapBytes }

// BeginSnapshot begins a snapshot of t, which the decider owns and which has all that was Put into batches so far. One
// may be under way at a time.
func (s *Store) BeginSnapshot(t Table) (*Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.fatal != nil:
		return nil, s.fatal
	case s.snapshot != nil:
		return nil, errors.New("store: a snapshot is under way")
	}
	p := &s.plan
	k := block{kind: fileSnapshot, id: s.id, boot: s.boot, number: p.segment, seq: p.seq, commit: p.commit, member: s.cfg.Member}
	sn := &Snapshot{
		store: s, table: t, block: k, seed: k.seed(), at: p.at, off: blocksSize, segment: p.segment,
		known: make(map[binding.Digest]struct{}),
	}
	sn.relationship(p.relationship)
	s.snapshot, s.snapAt = sn, p.at
	return sn, nil
}

// Step encodes up to n bindings, and returns true when the snapshot is complete on the disk and the journal before it
// is free to be used again, or when it failed, with the reason; one is due again when the journal has grown, or after Reserve. It never waits:
// where the writing is behind, or must wait for commits, it does nothing.
func (sn *Snapshot) Step(n int) (done bool, err error) {
	s := sn.store
	s.mu.Lock()
	done, err, behind := sn.done, sn.err, len(sn.full) >= maxPieces
	if s.fatal != nil && !done {
		done, err = true, s.fatal
	}
	s.mu.Unlock()
	if done || sn.scanned || behind {
		return done, err
	}
	sn.cursor, sn.scanned = sn.table.Scan(sn.cursor, n, func(x *binding.Binding) bool {
		sn.put(x)
		return true
	})
	if len(sn.buf) >= pieceSize || sn.scanned {
		sn.hand()
	}
	return false, nil
}

// hand hands what is encoded over to be written.
func (sn *Snapshot) hand() {
	s := sn.store
	s.mu.Lock()
	defer s.mu.Unlock()
	sn.full = append(sn.full, piece{sn.off - int64(len(sn.buf)), sn.buf})
	sn.buf = nil
	if k := len(sn.free); k > 0 {
		sn.buf, sn.free = sn.free[k-1][:0], sn.free[:k-1]
	}
	if sn.scanned {
		// What was scanned was decided, but perhaps is not durable yet. The file must not say what a failed commit takes
		// back.
		sn.until, sn.ending = s.plan.seq, true
		sn.frames, sn.table, sn.known = sn.seq, nil, nil
	}
	s.wake()
}

func (sn *Snapshot) put(x *binding.Binding) {
	for _, v := range [...]*binding.Blob{x.Facts.Shared, x.Result, x.Reasons} {
		sn.blob(v)
	}
	at := len(sn.buf)
	sn.buf = appendRecord(beginFrame(sn.buf), x, sn.store.maxBlob)
	sn.frame(at, kindBinding, x.Prefix, binding.Digest{})
}

// relationship puts the relationship's record first, both copies: as it is when the snapshot begins. So it is older than
// any binding in the file, as a record may be, and a newer one is in the journal from there on, which is replayed.
func (sn *Snapshot) relationship(record []byte) {
	if len(record) == 0 {
		return
	}
	for which := uint8(firstCopy); which <= secondCopy; which++ {
		at := len(sn.buf)
		sn.buf = append(append(beginFrame(sn.buf), relationMark...), record...)
		sn.h = header{kind: kindRelationship, bits: which}
		sn.finish(at)
	}
}

func (sn *Snapshot) blob(v *binding.Blob) {
	if v == nil || len(v.Bytes) > sn.store.maxBlob {
		return
	}
	d := v.Digest()
	if _, ok := sn.known[d]; ok {
		return
	}
	sn.known[d] = struct{}{}
	at := len(sn.buf)
	sn.buf = append(beginFrame(sn.buf), v.Bytes...)
	sn.frame(at, kindBlob, netip.Prefix{}, d)
}

func (sn *Snapshot) frame(at int, k kind, p netip.Prefix, d binding.Digest) {
	sn.h = header{kind: k, name: d}
	if k == kindBinding {
		sn.h.setPrefix(p)
	}
	sn.finish(at)
}

// finish completes the frame that begins at buf[at:].
func (sn *Snapshot) finish(at int) {
	sn.h.seq, sn.h.start, sn.h.at = sn.seq, blocksSize, sn.at
	sn.buf = endFrame(sn.buf, at, sn.seed, sn.off, &sn.h)
	sn.off += int64(len(sn.buf) - at)
	sn.seq++
}

// workSnapshot writes one piece, or completes the file. It returns false if there is nothing to do now.
func (s *Store) workSnapshot() bool {
	s.mu.Lock()
	sn := s.snapshot
	var p piece
	var complete bool
	if sn != nil && len(sn.full) > 0 {
		p, sn.full = sn.full[0], sn.full[1:]
	} else {
		complete = sn != nil && sn.ending && s.committed.Load() >= sn.until
	}
	s.mu.Unlock()
	switch {
	case p.b != nil:
		if err := sn.write(p); err != nil {
			sn.abandon(err)
		}
	case complete:
		if err := sn.complete(); err != nil {
			sn.abandon(err)
		}
	default:
		return false
	}
	return true
}

func (sn *Snapshot) write(p piece) (err error) {
	if sn.file == nil {
		if sn.file, err = sn.store.fs.Open(snapshotName+tempSuffix, disk.Create); err != nil {
			return err
		}
	}
	if _, err := sn.file.WriteAt(p.b, p.off); err != nil {
		return err
	}
	sn.bytes = p.off + int64(len(p.b))
	s := sn.store
	if err := disk.BringAhead(sn.file, p.off, int64(len(p.b)), s.spaceAwaited); err != nil { // commits wait for what the disk has to do at once
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sn.free = append(sn.free, p.b)
	return nil
}

// spaceAwaited reports whether what a snapshot gives back is waited for: there is no space for more of the journal, or soon none, or the journal
// has got much longer than it should be, or Run is to end.
func (s *Store) spaceAwaited() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.noSpace != nil || s.tight() || s.leaving.Load() || int64(len(s.live))*s.cfg.SegmentSize > 3*s.snapshotAfter()/2
}

// complete makes the file durable, gives it its name, and frees the journal before it.
func (sn *Snapshot) complete() (err error) {
	s := sn.store
	if sn.file == nil { // no binding at all
		if err := sn.write(piece{off: blocksSize}); err != nil {
			return err
		}
	}
	sn.block.frames = sn.frames
	if _, err := sn.file.WriteAt(sn.block.appendBlocks(nil), 0); err != nil {
		return err
	}
	err = sn.file.Datasync()
	err = errors.Join(err, sn.file.Close())
	sn.file = nil
	s.closeOld()
	old, _ := s.fs.Open(snapshotName, disk.Write) // there need not be one
	if err == nil {
		err = s.fs.Rename(snapshotName+tempSuffix, snapshotName)
	}
	if err == nil {
		err = s.fs.SyncDir()
	}
	if err != nil {
		if old != nil {
			_ = old.Close()
		}
		return err
	}
	s.old = old
	sn.end(nil)
	return nil
}

// workOld frees a part of the snapshot before the last. The caller holds working.
func (s *Store) workOld() bool {
	if s.old == nil {
		return false
	}
	if disk.FreeAhead(s.old, s.spaceAwaited) {
		s.closeOld()
	}
	return true
}

func (s *Store) closeOld() {
	if s.old != nil {
		_ = s.old.Close() // nothing of it is needed
		s.old = nil
	}
}

// end frees the segments before the snapshot, or, after an error, keeps them.
func (sn *Snapshot) end(err error) {
	s := sn.store
	s.mu.Lock()
	defer s.mu.Unlock()
	sn.done, sn.err = true, err
	s.snapshot = nil
	if err != nil {
		s.snapWait = len(s.live) + 1
		return
	}
	s.snapBytes, s.snapWait = sn.bytes, 0
	for len(s.live) > 0 && s.live[0].number < sn.segment {
		s.retire(s.live[0])
		s.live = s.live[1:]
	}
	if len(s.spares) > 0 {
		s.noSpace = nil
	}
}

// abandon gives the snapshot up. Everything stays as it was before it.
func (sn *Snapshot) abandon(err error) {
	if sn.file != nil {
		_ = sn.file.Close()
		sn.file = nil
	}
	_ = sn.store.fs.Remove(snapshotName + tempSuffix)
	sn.end(fmt.Errorf("snapshot: %w", err))
}
