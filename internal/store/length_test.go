package store

import "testing"

// What a start has to read behind the snapshot is no more than the snapshot itself, or, where that is short, the least that is worth one.
func TestTheJournalGetsAsLongAsTheSnapshotBeforeItAndNoLonger(t *testing.T) {
	for _, c := range []struct {
		snapshot int64
		segments int
		due      bool
	}{{0, 8, false}, {0, 9, true}, {20 << 20, 8, false}, {20 << 20, 9, true}, {100 << 20, 25, false}, {100 << 20, 26, true}} {
		s := &Store{snapBytes: c.snapshot, free: 1 << 40, live: make([]segment, c.segments)}
		s.cfg.SegmentSize, s.cfg.SnapshotAfter = 4<<20, defaultSnapshotAfter
		if due := s.SnapshotDue(); due != c.due {
			t.Errorf("%d MiB of journal, a snapshot of %d: due %v", c.segments*4, c.snapshot>>20, due)
		}
	}
}
