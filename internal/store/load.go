package store

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/store/disk"
)

// Load brings the last snapshot and the journal behind it into an empty table, and says what it found; due says when
// the table shall return a binding. It must be called once, before the first Begin. A server that stopped in the middle
// of a write, and damage within the files, are not errors: see Recovery. An error means that the directory as a whole
// cannot be used, and says what to do.
func (s *Store) Load(t Table, due func(*binding.Binding) time.Time) (Recovery, error) {
	if s.loaded {
		return Recovery{}, errors.New("store: loaded already")
	}
	ld := s.newLoad(t, due)
	if err := ld.run(); err != nil {
		return *ld.res, fmt.Errorf("store: %w", err)
	}
	at := ld.at
	s.plan = plan{segment: at.segment + 1, seq: at.seq, priorEnd: at.off, commit: ld.res.Commit}
	s.plan.relationship, s.plan.at = ld.newestRelationship(), ld.clock
	s.out.seq = at.seq
	s.committed.Store(at.seq)
	s.mu.Lock()
	s.live, s.last, s.snapBytes, s.free = ld.live, at.segment, ld.snapBytes, 1<<62
	s.relationship = slices.Clone(s.plan.relationship)
	for _, g := range ld.spares {
		s.retire(g)
	}
	spare := len(s.spares) > 0
	s.mu.Unlock()
	if !spare {
		_ = s.addSpare() // Room says so if it failed
	}
	s.loaded = true
	s.wake()
	return *ld.res, nil
}

// load is one reading of a directory.
type load struct {
	segmentReader
	fs        disk.FS
	id        ID
	slots     map[string]slot
	live      []segment
	spares    []segment
	snapBytes int64
	at        place  // where the journal ends
	mark      uint64 // where it ends at least
	buf       []byte
}

func (s *Store) newLoad(t Table, due func(*binding.Binding) time.Time) *load {
	ld := &load{fs: s.fs, id: s.id, slots: s.slots}
	ld.replay = newReplay(t, due)
	ld.res.Boot, ld.mark = s.boot, s.mark
	ld.known(s.notes)
	return ld
}

// known takes over what was found before the reading.
func (ld *load) known(notes []Damage) {
	ld.res.Damaged = slices.Clone(notes)
	for _, d := range notes {
		switch d.Kind {
		case RecordLost:
			ld.res.Unknown++
		case VersionLost:
			ld.res.VersionsLost = true
		}
	}
}

func newReplay(t Table, due func(*binding.Binding) time.Time) *replay {
	return &replay{
		table: t, due: due, res: &Recovery{}, blobs: make(map[binding.Digest]*binding.Blob), names: make(names),
		lost: make(map[netip.Prefix][]int),
	}
}

// run reads the snapshot and the journal.
func (ld *load) run() error {
	first, err := ld.snapshot()
	if err != nil {
		return err
	}
	chain, err := ld.chain(first)
	if err != nil {
		return err
	}
	ld.at = place{segment: first - 1, seq: max(ld.since, 1)}
	for i := range chain {
		var next *slot
		if i+1 < len(chain) {
			next = &chain[i+1]
		}
		if err := ld.journal(&chain[i], next); err != nil {
			return err
		}
	}
	if d, lost := endLost(ld.at.seq, ld.mark); lost {
		ld.res.Damaged = append(ld.res.Damaged, d)
		ld.res.Unknown++
	}
	ld.res.Tail, ld.res.Clean = ld.tail, ld.seal && ld.tail.Bytes == 0
	ld.res.New = len(chain) == 0 && ld.snapBytes == 0
	ld.res.Segments, ld.res.Bindings = len(chain), ld.table.Len()
	return nil
}

// chain returns the segments from number first on, in their order, and notes the other files as spares.
func (ld *load) chain(first uint64) ([]slot, error) {
	var chain []slot
	for _, name := range slices.Sorted(maps.Keys(ld.slots)) {
		sl := ld.slots[name]
		if sl.number < first {
			ld.spares = append(ld.spares, segment{sl.number, name, sl.size})
			continue
		}
		chain = append(chain, sl)
	}
	slices.SortFunc(chain, func(a, b slot) int { return int(int64(a.number - b.number)) })
	for i := range chain {
		ld.live = append(ld.live, segment{chain[i].number, chain[i].name, chain[i].size})
	}
	if len(chain) > 0 && chain[0].number != first && first == 1 {
		return nil, fmt.Errorf("the journal begins with segment %d, but there is no %s: the directory is not whole. "+
			"Restore it from a backup, or move it away to start without any lease", chain[0].number, snapshotName)
	}
	return chain, nil
}

// journal reads one segment; next is the one behind it, nil if there is none.
func (ld *load) journal(sl, next *slot) error {
	ld.begin(sl)
	if sl.number != ld.at.segment+1 {
		ld.gone(sl)
	}
	f, err := ld.fs.Open(sl.name, disk.Read)
	if err != nil {
		return err
	}
	defer f.Close()
	w := walker{seed: sl.seed(), off: blocksSize, limit: sl.size, seq: sl.seq, group: -1}
	w.window = window{f: f, size: sl.size, buf: ld.buffer(sl.size)}
	var nextSeq uint64
	if next != nil {
		w.pinned = true
		if next.number == sl.number+1 {
			w.limit, nextSeq = min(sl.size, next.priorEnd), next.seq
		} else {
			w.limit = w.lastFrame()
		}
	}
	if ld.at, err = ld.read(&w, nextSeq); err != nil {
		return err
	}
	ld.buf = w.buf
	if sl.lost != 0 && (next != nil || ld.at.off > blocksSize) { // else its first write was interrupted
		ld.copyLost(sl.lost)
	}
	if next == nil && !ld.audit {
		return ld.confirm(sl, &w)
	}
	return nil
}

// confirm writes the last group again as it is, and syncs it. It was read, but that does not mean that it is on the
// disk: the server may have been killed before the sync, or the sync failed and left pages in memory that the system
// takes for written. Everything before it is on the disk, or it would not have been written. Both copies of the file's
// beginning are made whole on the way, if they were written with that group.
func (ld *load) confirm(sl *slot, w *walker) error {
	from := ld.lastGroup
	if from == blocksSize {
		from = 0 // the beginning of the segment was written with its first group
	}
	if from >= ld.at.off {
		return nil
	}
	b, err := w.at(from, int(ld.at.off-from))
	if err != nil {
		return err
	}
	if from == 0 {
		b = append(sl.appendBlocks(nil), b[blocksSize:]...)
	}
	f, err := ld.fs.Open(sl.name, disk.Write)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, from)
	if err == nil {
		err = f.Datasync()
	}
	return errors.Join(err, f.Close())
}

// begin prepares for reading sl.
func (ld *load) begin(sl *slot) {
	ld.file, ld.replay.segment = sl.name, sl.number
	if len(ld.batch) == 0 {
		clear(ld.blobs) // every segment has all blobs that it refers to
	} else {
		ld.buf = nil // what is pending is still in it
	}
}

// copyLost notes that one of the two copies of a file's beginning is unreadable.
func (ld *load) copyLost(which int) {
	e := found{off: int64(which-1) * sector}
	ld.damageSeq(&e, CopyLost, netip.Prefix{}, ^uint64(0), "one of the two copies of the file's beginning is unreadable")
}

func (ld *load) buffer(n int64) []byte {
	if int64(cap(ld.buf)) < n {
		ld.buf = make([]byte, 0, n)
	}
	return ld.buf[:0]
}

// gone notes that the segments before sl are missing.
func (ld *load) gone(sl *slot) {
	n := uint64(1)
	if sl.seq > ld.at.seq {
		n = sl.seq - ld.at.seq
	}
	ld.settle()
	ld.res.Unknown += n
	ld.damageSeq(&found{}, RecordLost, netip.Prefix{}, ^uint64(0),
		fmt.Sprintf("segments %d to %d, before this one, are missing", ld.at.segment+1, sl.number-1))
}

// snapshot reads the snapshot, if there is one, and returns the number of the segment that the journal goes on with.
func (ld *load) snapshot() (first uint64, err error) {
	f, err := ld.fs.Open(snapshotName, disk.Read)
	if errors.Is(err, fs.ErrNotExist) {
		return 1, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	k, err := readBlocks(f, fileSnapshot)
	if err != nil {
		return 0, fmt.Errorf("%s: its beginning is unreadable (%w). Restore the directory from a backup, or move it away to "+
			"start without any lease", snapshotName, err)
	}
	if k.id != ld.id {
		return 0, fmt.Errorf("%s is from another directory (%v, not %v)", snapshotName, k.id, ld.id)
	}
	if ld.snapBytes, err = f.Size(); err != nil {
		return 0, err
	}
	return k.number, ld.readSnapshot(f, &k)
}

// expect has the table make room for what a snapshot of that many frames has, where the file is as long as that needs. It rounds up to
// a power of two; so a little less is asked for, and the rest grows.
func (ld *load) expect(frames uint64) {
	t, ok := ld.table.(interface{ Expect(n int) })
	if most := uint64(ld.snapBytes) / leastFrame; ok && ld.table.Len() == 0 {
		t.Expect(int(min(frames, most) / 4 * 3))
	}
}

// leastFrame is fewer octets than any frame of a binding has.
const leastFrame = 64

// readSnapshot brings in the frames of a snapshot. It was complete once, so whatever is not there now was lost.
func (ld *load) readSnapshot(f disk.File, k *blocks) error {
	ld.file, ld.replay.segment = snapshotName, 0
	if k.lost != 0 {
		ld.copyLost(k.lost)
	}
	w := walker{seed: k.seed(), off: blocksSize, limit: ld.snapBytes, pinned: true, group: blocksSize}
	w.window = window{f: f, size: ld.snapBytes, buf: make([]byte, 0, min(ld.snapBytes, int64(snapshotWindow)))}
	ld.expect(k.frames)
	var hole found
	err := ld.each(&w, func(x *reading) {
		if x.condition == gap {
			hole = x.found
			hole.body = slices.Clone(x.body)
			return
		}
		if n := x.head.seq - x.expect; n > 0 {
			ld.missing(&hole, w.seed, x.expect, n)
		}
		ld.apply(x)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", snapshotName, err)
	}
	if k.frames > w.seq {
		ld.missing(&hole, w.seed, w.seq, k.frames-w.seq)
	}
	ld.res.Commit = max(ld.res.Commit, k.commit)
	ld.since = k.seq
	ld.relation.behind, ld.relation.holeEnd = 0, 0 // the journal's numbers are others
	clear(ld.blobs)
	return nil
}
