package store

import (
	"testing"
	"time"
)

// What a start has to read behind the snapshot is a quarter of that, or, where it comes within a minute, as much; or, where that is short, the
// least that is worth a snapshot.
func TestTheJournalGetsAQuarterAsLongAsTheSnapshotBeforeIt(t *testing.T) {
	const began = 1_800_000_000
	for _, c := range []struct {
		snapshot    int64
		began, then int64
		segments    int
		due         bool
	}{
		{0, 0, began, 8, false}, {0, 0, began, 9, true},
		{20 << 20, began, began + 1, 8, false}, {20 << 20, began, began + 1, 9, true}, {20 << 20, began, began + 90, 8, false},
		{200 << 20, began, began + 59, 50, false}, {200 << 20, began, began + 59, 51, true},
		{200 << 20, began, began + 60, 12, false}, {200 << 20, began, began + 60, 13, true},
		{200 << 20, 0, began, 12, false}, {200 << 20, 0, began, 13, true}, // since the start there was none
		{200 << 20, began, began - 1000, 50, false}, {200 << 20, began, began - 1000, 51, true}, // the clock was set back
	} {
		s := &Store{snapBytes: c.snapshot, snapAt: uint32(c.began), free: 1 << 40, live: make([]segment, c.segments)}
		s.cfg.SegmentSize, s.cfg.SnapshotAfter = 4<<20, defaultSnapshotAfter
		if due := s.SnapshotDue(time.Unix(c.then, 0)); due != c.due {
			t.Errorf("%d MiB of journal, a snapshot of %d, %d s later: due %v", c.segments*4, c.snapshot>>20, c.then-c.began, due)
		}
	}
}
