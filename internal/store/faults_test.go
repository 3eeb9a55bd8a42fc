package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

// troubles is what lives on a failing disk saw.
type troubles struct{ faults, notes, spares, commits, reopened, cuts, kills, images int }

// Calls fail by chance, one or many, of all files or of one kind, and the store goes on or is opened anew, and at any call of that the power
// fails, or the process is killed, again and again: what was acknowledged is known whenever it is open, and nothing is said to be damaged.
func TestFaultsAndPowerCutsTogetherLoseNothing(t *testing.T) {
	var sum troubles
	for seed := uint64(1); seed <= uint64(images(t, 100)); seed++ {
		if err := troubledLife(seed, &sum); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
	t.Logf("%+v", sum)
	for what, n := range map[string]int{
		"notes that failed": sum.notes, "spares that could not be made": sum.spares, "commits": sum.commits, "opened anew": sum.reopened,
		"power cuts": sum.cuts, "kills": sum.kills, "power cuts at a call": sum.images,
	} {
		if n == 0 {
			t.Errorf("%s never came up", what)
		}
	}
}

// troubledLife lives one history of several ends.
func troubledLife(seed uint64, sum *troubles) error {
	chance := rand.New(rand.NewPCG(seed, 11))
	h := newHistory(seed, memfs.New(0))
	h.config.SnapshotAfter = 32 << 10
	for range 6 {
		if h.fs.Calls() > 0 && chance.IntN(4) == 0 {
			h.fs.SetCapacity(int64(5+chance.IntN(8)) * 16 << 10)
		}
		var failed error
		h.fs.Before = failing(chance, sum)
		h.fs.After = func(op memfs.Op) {
			if failed == nil && chance.IntN(300) == 0 {
				sum.images++
				failed = h.image(h.fs.Crash(chance, survival(chance)), op)
			}
		}
		if err := h.struggle(20+chance.IntN(60), sum); err != nil || failed != nil {
			return errors.Join(err, failed)
		}
		h.fs.Before, h.fs.After = nil, nil
		switch chance.IntN(3) {
		case 0:
			h.reopenFrom()
		case 1:
			sum.kills++
			h.fs = h.fs.Restart()
		default:
			sum.cuts++
			h.fs = h.fs.Crash(chance, survival(chance))
		}
		h.fs.SetCapacity(0)
		if err := h.after("after its end"); err != nil {
			return err
		}
		h.settle()
	}
	return nil
}

// struggle tries to commit n times, and opens the store anew after each failure.
func (h *history) struggle(n int, sum *troubles) error {
	for range n {
		if h.store == nil {
			if _, err := h.open(); err != nil {
				h.reopenFrom()
				continue
			}
			sum.reopened++
			if _, ok := h.known(h.store, h.table); !ok {
				return errors.New("opened anew amid faults: not what was acknowledged")
			}
			h.settle()
		}
		if h.step() != nil {
			h.reopenFrom()
			continue
		}
		sum.commits++
	}
	return nil
}

// image opens what a power cut at a call leaves, and compares.
func (h *history) image(fs *memfs.FS, op memfs.Op) error {
	c := *h
	c.fs = fs
	if err := c.after("the power failed at " + op.String()); err != nil {
		return err
	}
	return c.store.Close()
}

// failing returns how calls fail for a while.
func failing(chance *rand.Rand, sum *troubles) func(memfs.Op) error {
	errno := [...]error{syscall.EIO, syscall.ENOSPC}[chance.IntN(2)]
	part := [...]float64{0.003, 0.03, 0.3, 1}[chance.IntN(4)]
	about := [...]string{"", "", "identity", "journal-", "snapshot"}[chance.IntN(5)]
	from := chance.IntN(200)
	until := from + chance.IntN(400)
	calls := 0
	return func(op memfs.Op) error {
		calls++
		if calls < from || calls > until || !strings.HasPrefix(op.Name, about) || chance.Float64() >= part {
			return nil
		}
		sum.faults++
		switch kind := kindOfFile(op.Name); {
		case kind == "identity":
			sum.notes++
		case kind == "journal.tmp":
			sum.spares++
		}
		return fmt.Errorf("made to fail: %w", errno)
	}
}
