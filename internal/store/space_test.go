package store_test

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/store"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

// On a disk that fills up, Room says so before a commit would fail, and says how much is missing; once there is space
// again and Reserve was called, the store goes on.
func TestRoomIsLostBeforeACommitFails(t *testing.T) {
	const capacity = 6*16<<10 + 2048
	h := newHistory(3, memfs.New(capacity))
	h.config.SnapshotAfter, h.small = 1<<30, true
	if _, err := h.open(); err != nil {
		t.Fatal(err)
	}
	err := h.untilFull(t)
	var full *store.NoRoom
	if !errors.As(err, &full) || !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("Room: %v; want *NoRoom for want of space", err)
	}
	if full.Need != 16<<10 || full.Free < 0 || full.Free >= 16<<10 {
		t.Errorf("Room: %+v; needs a segment, and less than that is free", full)
	}
	if h.store.Work(); h.store.Room() == nil {
		t.Error("there is room though nothing has changed")
	}
	h.fs.SetCapacity(2 * capacity)
	if h.store.Room() == nil {
		t.Error("there is room though nothing was reserved")
	}
	h.store.Reserve()
	for h.store.Work() {
	}
	if err := h.store.Room(); err != nil {
		t.Errorf("space was freed, but Room says %v", err)
	}
	if err := h.commit(); err != nil {
		t.Error(err)
	}
}

// untilFull commits until there is no room; no commit may fail before that.
func (h *history) untilFull(t *testing.T) error {
	t.Helper()
	for range 1000 {
		if err := h.store.Room(); err != nil {
			return err
		}
		if err := h.commit(); err != nil {
			t.Fatalf("Room had said yes, but %v", err)
		}
		for h.store.Work() {
		}
	}
	t.Fatal("the disk never filled up")
	return nil
}

// Where there is no space for more journal, a snapshot is due, and frees some of it if it fits.
func TestSnapshotFreesTheDisk(t *testing.T) {
	h := newHistory(3, memfs.New(8*16<<10))
	h.config.SnapshotAfter, h.small = 1<<30, true
	if _, err := h.open(); err != nil {
		t.Fatal(err)
	}
	full := 0
	for range 300 {
		if h.store.Room() != nil {
			full++
			h.store.Reserve()
		} else if err := h.commit(); err != nil {
			t.Fatal(err)
		}
		if h.sn == nil && h.store.SnapshotDue(time.Time{}) {
			h.sn, _ = h.store.BeginSnapshot(h.table)
		}
		if h.sn != nil {
			if done, _ := h.sn.Step(100); done {
				h.sn = nil
			}
		}
		for h.store.Work() {
		}
	}
	if h.commits < 200 {
		t.Errorf("%d commits, and no room %d times: the journal's space was not won back", h.commits, full)
	}
	h.reopenFrom()
	if err := h.after("opened anew"); err != nil {
		t.Error(err)
	}
}

// A server starts on a disk that is full, knows everything, and says that it cannot commit.
func TestStartOnAFullDisk(t *testing.T) {
	h := newHistory(4, memfs.New(5*16<<10))
	h.config.SnapshotAfter, h.small = 1<<30, true
	if _, err := h.open(); err != nil {
		t.Fatal(err)
	}
	if err := h.untilFull(t); err == nil {
		t.Fatal("not full")
	}
	h.fs = h.fs.Clone() // killed
	h.fs.SetCapacity(1)
	if err := h.after("started on a full disk"); err != nil {
		t.Fatal(err)
	}
	if h.store.Room() == nil {
		t.Error("there is room on a full disk")
	}
	h.fs.SetCapacity(0)
	h.store.Reserve()
	for h.store.Work() {
	}
	if err := h.commit(); err != nil {
		t.Error(err)
	}
}

// After a failed commit nothing is committed any more, not even nothing.
func TestAFailedCommitIsTheLast(t *testing.T) {
	h := newHistory(6, memfs.New(0))
	if _, err := h.open(); err != nil {
		t.Fatal(err)
	}
	if err := h.commit(); err != nil {
		t.Fatal(err)
	}
	fail := true
	h.fs.Before = func(op memfs.Op) error {
		if fail && op.Kind == memfs.Datasync {
			return syscall.EIO
		}
		return nil
	}
	if err := h.commit(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("commit: %v, want EIO", err)
	}
	fail = false
	for what, err := range map[string]error{
		"Commit": h.commit(), "an empty Commit": h.store.Commit(h.store.Begin()), "Dead": h.store.Dead(), "Room": h.store.Room(),
		"SetHead": h.store.SetHead(store.HeadRecord{}),
	} {
		if !errors.Is(err, syscall.EIO) {
			t.Errorf("%s after the failure: %v, want the first error", what, err)
		}
	}
	if h.store.SnapshotDue(time.Time{}) || h.store.Work() {
		t.Error("a dead store wants to work")
	}
}

// A snapshot that is taken before anything was committed since the start leaves no segment behind. There is room all the
// same, then and after the next start.
func TestRoomWhereTheSnapshotHasEverything(t *testing.T) {
	h := newHistory(3, memfs.New(1<<30))
	for range 20 { // each start has a segment of its own, which is more than are kept as spares
		if _, err := h.open(); err != nil {
			t.Fatal(err)
		}
		if err := h.commit(); err != nil {
			t.Fatal(err)
		}
		h.reopenFrom()
	}
	if _, err := h.open(); err != nil {
		t.Fatal(err)
	}
	sn, err := h.store.BeginSnapshot(h.table)
	if err != nil {
		t.Fatal(err)
	}
	for done := false; !done; done, err = sn.Step(100) {
		for h.store.Work() {
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := h.store.Room(); err != nil {
		t.Errorf("after the snapshot: %v", err)
	}
	h.reopenFrom()
	if _, err := h.open(); err != nil {
		t.Fatal(err)
	}
	if err := h.store.Room(); err != nil {
		t.Errorf("after the next start: %v", err)
	}
	if err := h.commit(); err != nil {
		t.Error(err)
	}
}

// A file that could not be made ahead while another one was ready is tried again when that one is taken, and not only once there is no room.
func TestWhatCouldNotBeMadeAheadIsTriedAgainBeforeItIsNeeded(t *testing.T) {
	h := newHistory(3, memfs.New(0))
	h.config.SnapshotAfter, h.small = 1<<30, true
	made := 0
	h.fs.Before = func(op memfs.Op) error {
		if op.Kind == memfs.Allocate {
			if made++; made == 2 {
				return syscall.ENOSPC
			}
		}
		return nil
	}
	if _, err := h.open(); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		for h.store.Work() {
		}
		if err := h.store.Room(); err != nil {
			t.Fatalf("commit %d, %d files made: %v", i, made, err)
		}
		if err := h.commit(); err != nil {
			t.Fatal(err)
		}
	}
	if made < 4 {
		t.Errorf("%d files were made", made)
	}
}
