package store_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

// A snapshot that has seen what is not durable yet waits for it, and is never completed if its commit fails.
func TestSnapshotWaitsForTheCommitsThatItHasSeen(t *testing.T) {
	for _, fails := range []bool{false, true} {
		h := newHistory(11, memfs.New(0))
		if _, err := h.open(); err != nil {
			t.Fatal(err)
		}
		if err := h.commit(); err != nil {
			t.Fatal(err)
		}
		b := h.store.Begin()
		x := draw(h.r, h.table, 60)
		b.Put(h.n+1, &x)
		h.table.Put(x, time.Time{})
		sn, err := h.store.BeginSnapshot(h.table)
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			if done, err := sn.Step(100); done || err != nil {
				t.Fatalf("before the commit: %v, %v", done, err)
			}
			for h.store.Work() {
			}
		}
		if h.fs.Content("snapshot") != nil {
			t.Fatal("the snapshot has its name before what it has seen is durable")
		}
		h.fs.Before = func(op memfs.Op) error {
			if fails && op.Kind == memfs.Datasync && strings.HasPrefix(op.Name, "journal-") {
				return syscall.EIO
			}
			return nil
		}
		if err := h.store.Commit(b); errors.Is(err, syscall.EIO) != fails {
			t.Fatal(err)
		}
		for h.store.Work() {
		}
		done, err := sn.Step(100)
		if !done || errors.Is(err, syscall.EIO) != fails || (h.fs.Content("snapshot") != nil) == fails {
			t.Errorf("the commit failed: %v; the snapshot: done %v, %v", fails, done, err)
		}
	}
}

// Where the writing of a snapshot is behind, Step does not gather more and more in memory.
func TestSnapshotStepIsBounded(t *testing.T) {
	h := newHistory(12, memfs.New(0))
	if _, err := h.open(); err != nil {
		t.Fatal(err)
	}
	table := &endless{mapTable: h.table, one: draw(h.r, h.table, 60)}
	sn, err := h.store.BeginSnapshot(table)
	if err != nil {
		t.Fatal(err)
	}
	for range 100_000 {
		if done, err := sn.Step(1000); done || err != nil {
			t.Fatal(done, err)
		}
	}
	if table.scanned > 10_000 {
		t.Errorf("%d bindings were encoded though nothing was written", table.scanned)
	}
}

// endless is a table whose Scan never ends.
type endless struct {
	*mapTable
	one     binding.Binding
	scanned int
}

func (t *endless) Scan(_ uint64, n int, each func(*binding.Binding) bool) (uint64, bool) {
	for range n {
		each(&t.one)
	}
	t.scanned += n
	return 0, false
}
