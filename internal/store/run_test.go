package store_test

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/store"
)

// The decider, the committer and Run each have a goroutine of their own, the table is the real one, and there is always
// a snapshot under way: what was acknowledged is there afterwards.
func TestThreeGoroutinesShareAStore(t *testing.T) {
	c := store.Config{Dir: filepath.Join(t.TempDir(), "data"), Member: "west", SegmentSize: 64 << 10, SnapshotAfter: 128 << 10}
	model := newMapTable()
	r := rand.New(rand.NewPCG(4, 4))
	snapshots := 0
	for range 3 {
		s, err := store.Open(c)
		if err != nil {
			t.Fatal(err)
		}
		table := binding.NewTable()
		rec, err := s.Load(table, never)
		if err != nil || len(rec.Damaged) > 0 {
			t.Fatal(err, rec)
		}
		mustEqual(t, read(table), model)
		ctx, cancel := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() { s.Run(ctx) })
		work := make(chan *store.Batch, 1)
		done := make(chan error, 1)
		go func() {
			for b := range work {
				if err := s.Commit(b); err != nil {
					done <- err
				}
			}
			done <- nil
		}()
		snapshots += decide(t, s, table, model, work, r, rec.Commit)
		close(work)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		cancel()
		running.Wait()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if snapshots == 0 {
		t.Error("no snapshot was ever completed")
	}
}

// decide is the decider's life. It returns how many snapshots were completed.
func decide(t *testing.T, s *store.Store, table *binding.Table, model *mapTable, work chan<- *store.Batch, r *rand.Rand, n uint64) (snapshots int) {
	var sn *store.Snapshot
	for range 400 {
		for s.Room() != nil {
			s.Reserve()
		}
		b := s.Begin()
		for range 1 + r.IntN(10) {
			x := draw(r, model, 500)
			n++
			table.Put(x, time.Time{})
			model.Put(x, time.Time{})
			got, _ := table.Get(x.Prefix)
			b.Put(n, &got)
		}
		work <- b
		if sn == nil {
			sn, _ = s.BeginSnapshot(table)
		}
		if sn != nil {
			done, err := sn.Step(50)
			if err != nil {
				t.Error(err)
			}
			if done {
				sn = nil
				snapshots++
			}
		}
	}
	return snapshots
}

// read returns what a table has.
func read(table *binding.Table) *mapTable {
	m := newMapTable()
	for from, done := uint64(0), false; !done; {
		from, done = table.Scan(from, 100, func(b *binding.Binding) bool {
			m.Put(*b, time.Time{})
			return true
		})
	}
	return m
}
