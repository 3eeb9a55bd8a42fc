package store_test

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

// The power failed while the first group of a segment was written, and its frames reached the disk but the segment's
// beginning did not. The next start uses the same number again, and perhaps the same file: what is left in it behind
// the new frames, with numbers that would fit, is not taken for theirs.
func TestWhatACrashLeftInASpareIsNotReplayed(t *testing.T) {
	h := newHistory(21, memfs.New(0))
	if _, err := h.open(); err != nil {
		t.Fatal(err)
	}
	before := h.fs.Clone()
	b := h.store.Begin()
	for i := range 20 { // less than a segment
		x := draw(h.r, h.table, 1000)
		b.Put(uint64(i+1), &x)
	}
	if err := h.store.Commit(b); err != nil {
		t.Fatal(err)
	}
	left := h.fs.Content(lastSegment(h.fs))[1024:]
	for _, name := range before.Files() {
		if strings.HasPrefix(name, "journal-") {
			copy(before.Content(name)[1024:], left)
		}
	}
	h.fs = before
	if err := h.after("the power failed"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		b := h.store.Begin()
		x := draw(h.r, h.table, 1000)
		h.n++
		b.Put(h.n, &x)
		if err := h.store.Commit(b); err != nil {
			t.Fatal(err)
		}
		h.acked[x.Prefix] = x
		h.fs = h.fs.Clone() // killed
		if err := h.after("started again"); err != nil {
			t.Fatal(err)
		}
	}
}

// A record that is older than the snapshot is not replayed over it: what it refers to may have rotted since.
func TestTheJournalBeforeTheSnapshotIsNotReplayed(t *testing.T) {
	h := newHistory(23, memfs.New(0))
	if _, err := h.open(); err != nil {
		t.Fatal(err)
	}
	if err := h.commit(); err != nil {
		t.Fatal(err)
	}
	sn, err := h.store.BeginSnapshot(h.table)
	for done := false; !done && err == nil; done, err = sn.Step(100) {
		for h.store.Work() {
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	h.fs = h.fs.Clone()
	h.fs.Content(lastSegment(h.fs))[1024+56+5] ^= 1 // the first blob
	rec, err := h.open()
	if err != nil || len(rec.Damaged) == 0 || !rec.Damaged[0].Superseded {
		t.Errorf("%v; %+v: want the damage to be reported, and not to matter", err, rec)
	}
	if !equalTo(h.table, h.acked) {
		t.Error("what the snapshot has was lost")
	}
}

// A file of the journal is used many times; each time only what was written this time is read.
func TestRecycledSegmentsAreNotReplayed(t *testing.T) {
	h := newHistory(22, memfs.New(0))
	h.config.SnapshotAfter = 32 << 10
	if _, err := h.open(); err != nil {
		t.Fatal(err)
	}
	uses := make(map[string]map[uint64]bool) // the numbers that each file has had
	most := 0
	for range 600 {
		if err := h.step(); err != nil {
			t.Fatal(err)
		}
		name := lastSegment(h.fs)
		if uses[name] == nil {
			uses[name] = make(map[uint64]bool)
		}
		uses[name][binary.LittleEndian.Uint64(h.fs.Content(name)[40:])] = true
		most = max(most, len(uses[name]))
	}
	if most < 3 {
		t.Errorf("no file was used more than %d times", most)
	}
	x := draw(h.r, h.table, 60)
	h.table.Put(x, time.Time{}) // not committed
	h.fs = h.fs.Clone()
	if err := h.after("killed"); err != nil {
		t.Error(err)
	}
}
