package store_test

import (
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/store"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

// How far the journal is durable cannot be noted: the server goes on with its journal, and notes it when that can be done again.
func TestAJournalThatCannotBeNotedGoesOn(t *testing.T) {
	fs := memfs.New(0)
	s, table, _ := mustOpen(t, store.Config{FS: fs, Member: "west", SegmentSize: 16 << 10, NewID: store.ID{1}})
	defer s.Close()
	broken, failed, noted := true, 0, 0
	fs.Before = func(op memfs.Op) error {
		switch {
		case op.Name != "identity" || op.Kind != memfs.Datasync:
		case broken:
			failed++
			return syscall.EIO
		default:
			noted++
		}
		return nil
	}
	r := rand.New(rand.NewPCG(7, 7))
	for i := range 150 {
		if i == 100 {
			broken = false
		}
		if err := s.Room(); err != nil {
			t.Fatalf("commit %d: %v", i, err)
		}
		b := s.Begin()
		x := draw(r, table, 40)
		b.Put(uint64(i+1), &x)
		must(t, s.Commit(b))
		for s.Work() {
		}
	}
	if failed == 0 || noted == 0 {
		t.Errorf("it failed %d times, and was written %d times afterwards", failed, noted)
	}
}
