package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/store"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

// images returns how many crash images a run looks at: LESSOR_CRASH_IMAGES, or n.
func images(t *testing.T, n int) int {
	s := os.Getenv("LESSOR_CRASH_IMAGES")
	if s == "" {
		return n
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("LESSOR_CRASH_IMAGES=%q: %v", s, err)
	}
	return n
}

// looked is what a run over crash images saw.
type looked struct{ images, tails, flights, snapshots, segments, records int }

// The power fails at every write, sync, rename and removal, and what was not synced survives by chance, sector by
// sector: the server starts, knows all that it acknowledged, calls nothing damaged, and a batch is there whole or not
// at all. Histories go on from such images, so that recoveries are recovered from.
func TestNoCrashLosesWhatWasAcknowledged(t *testing.T) {
	want := images(t, 20_000)
	var sum looked
	for seed := uint64(1); sum.images < want; seed++ {
		if err := crashHistory(seed, &sum, want); err != nil {
			t.Fatalf("seed %d, image %d: %v", seed, sum.images, err)
		}
	}
	t.Logf("%d images: %d with a torn tail, %d with the batch under way, %d with a snapshot, %d with a new record of the relationship in that batch, %d segments read, 0 lost",
		sum.images, sum.tails, sum.flights, sum.snapshots, sum.records, sum.segments)
	if sum.tails == 0 || sum.flights == 0 || sum.snapshots == 0 || sum.records == 0 {
		t.Error("the images are not worth much: some of the states never came up")
	}
}

// crashHistory lives one history of several crashes.
func crashHistory(seed uint64, sum *looked, want int) (err error) {
	chance := rand.New(rand.NewPCG(seed, 3))
	h := newHistory(seed, memfs.New(0))
	for range 6 {
		var failed error
		h.fs.After = func(op memfs.Op) {
			for range 2 {
				if failed == nil && sum.images < want {
					failed = h.look(h.fs.Crash(chance, survival(chance)), op, sum)
				}
			}
		}
		if _, err := h.open(); err != nil {
			return err
		}
		if _, ok := h.known(h.store, h.table); !ok {
			return errors.New("after a crash: not what was acknowledged")
		}
		h.settle()
		for range 30 + h.r.IntN(60) {
			if err := h.step(); err != nil {
				return err
			}
			if failed != nil {
				return failed
			}
		}
		if h.r.IntN(4) == 0 {
			if err := h.store.Close(); err != nil {
				return err
			}
		}
		h.fs.After = nil
		h.fs = h.fs.Crash(chance, survival(chance))
	}
	return nil
}

// settle takes what the table has now for what is known: a batch that was under way has come through, or not.
func (h *history) settle() {
	if inFlight, ok := h.known(h.store, h.table); ok && inFlight {
		h.acked, h.ackedRecord = h.flight, h.flightRecord
	}
	h.flight = nil
}

func survival(r *rand.Rand) float64 {
	return [...]float64{0, 1, 0.5, 0.9, r.Float64()}[r.IntN(5)]
}

// look opens a crash image and compares it with the ledger.
func (h *history) look(image *memfs.FS, op memfs.Op, sum *looked) error {
	sum.images++
	c := h.config
	c.FS = image
	s, err := store.Open(c)
	if err != nil {
		return fmt.Errorf("%v: start refused: %w", op, err)
	}
	table := newMapTable()
	rec, err := s.Load(table, never)
	if err != nil {
		return fmt.Errorf("%v: start refused: %w", op, err)
	}
	inFlight, ok := h.known(s, table)
	switch {
	case !ok:
		return fmt.Errorf("%v: %d bindings of %d; neither what was acknowledged nor what was under way\n%+v",
			op, table.Len(), len(h.acked), rec)
	case len(rec.Damaged) > 0 || rec.Unknown > 0 || rec.RelationshipLost:
		return fmt.Errorf("%v: damage is reported where there is none: %v", op, rec.Damaged)
	}
	sum.segments += rec.Segments
	if rec.Tail.Bytes > 0 {
		sum.tails++
	}
	if inFlight {
		sum.flights++
		if !bytes.Equal(h.flightRecord, h.ackedRecord) {
			sum.records++
		}
	}
	if image.Content("snapshot") != nil {
		sum.snapshots++
	}
	return s.Close()
}

// Each call fails once, by every error, or fails from there on: whatever was acknowledged before is known after opening
// anew, also when the power fails then, and the store goes on once the fault is gone.
func TestEachFailureLeavesWhatWasAcknowledged(t *testing.T) {
	for _, errno := range []error{syscall.EIO, syscall.ENOSPC} {
		for _, forever := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v, from there on %v", errno, forever), func(t *testing.T) {
				seen := make(map[memfs.Kind]int)
				for n := 1; ; n++ {
					reached, err := failAt(n, errno, forever, seen)
					if err != nil {
						t.Fatalf("call %d: %v", n, err)
					}
					if !reached {
						t.Logf("%d calls failed in turn", n-1)
						for _, k := range []memfs.Kind{"rename snapshot.tmp", "write journal", "datasync snapshot.tmp", "write identity"} {
							if seen[k] == 0 {
								t.Errorf("no history ever came to %q", k)
							}
						}
						return
					}
				}
			})
		}
	}
}

// failAt lives a history in which call n fails. reached is false if it ends before that call.
func failAt(n int, errno error, forever bool, seen map[memfs.Kind]int) (reached bool, err error) {
	h := newHistory(5, memfs.New(0))
	h.config.SnapshotAfter = 32 << 10
	broken := true
	h.fs.Before = func(op memfs.Op) error {
		seen[op.Kind+" "+kindOfFile(op.Name)]++
		if broken && (op.N == n || forever && op.N > n) {
			reached = true
			return errno
		}
		return nil
	}
	h.live(20)
	if h.store != nil {
		_ = h.store.Close()
	}
	h.live(40)
	broken = false
	if !reached {
		return false, nil
	}
	h.reopenFrom()
	if err := h.after("opened anew"); err != nil {
		return true, err
	}
	h.settle()
	// What it knows now it may tell, so a power failure must not take it away.
	_ = h.store.Close()
	h.fs = h.fs.Crash(rand.New(rand.NewPCG(1, 1)), 0)
	if err := h.after("the power failed"); err != nil {
		return true, err
	}
	for range 5 {
		if err := h.step(); err != nil {
			return true, fmt.Errorf("the fault is gone, but: %w", err)
		}
	}
	return true, nil
}

// live opens the store and commits n times; where something fails, it opens anew and goes on, as a server does, but
// does not try for ever.
func (h *history) live(n int) {
	for tries := 0; tries < 3 && h.commits < n; tries++ {
		h.reopenFrom()
		if _, err := h.open(); err != nil {
			continue
		}
		if _, ok := h.known(h.store, h.table); !ok {
			return // the caller finds the same
		}
		h.settle()
		for h.commits < n && h.step() == nil {
		}
	}
}

// reopenFrom lets go of the store.
func (h *history) reopenFrom() {
	if h.store != nil {
		_ = h.store.Close()
		h.store = nil
	}
}

// after opens the store, which must work, and compares.
func (h *history) after(what string) error {
	rec, err := h.open()
	if err != nil {
		return fmt.Errorf("%s: start refused: %w", what, err)
	}
	if _, ok := h.known(h.store, h.table); !ok {
		return fmt.Errorf("%s: %d bindings, %d were acknowledged, or they differ: %+v", what, h.table.Len(), len(h.acked), rec)
	}
	for _, d := range rec.Damaged {
		if d.Kind != store.CopyLost { // a write that fails may leave half a sector, of which there are two
			return fmt.Errorf("%s: damage is reported where there is none: %v", what, d)
		}
	}
	return nil
}

// kindOfFile returns the name without its number.
func kindOfFile(name string) memfs.Kind {
	if rest, ok := strings.CutPrefix(name, "journal-"); ok {
		return memfs.Kind("journal" + strings.TrimLeft(rest, "0123456789"))
	}
	return memfs.Kind(name)
}
