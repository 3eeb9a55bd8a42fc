package store_test

import (
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/store"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

// However often a start fails while it counts itself, be it by an error or by a power cut, one copy of the identity is whole.
func TestAStartThatFailsAgainAndAgainLeavesTheIdentity(t *testing.T) {
	const seed = 1637
	r := rand.New(rand.NewPCG(seed, 0))
	for n := range 200 {
		fs := memfs.New(0)
		s, err := store.Open(store.Config{FS: fs, Member: "west", SegmentSize: 32 << 10, NewID: store.ID{1}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Load(binding.NewTable(), nil); err != nil {
			t.Fatal(err)
		}
		s.Close()
		for start := range 20 {
			left := r.IntN(7) // calls that change the identity
			fs.Before = func(op memfs.Op) error {
				if op.Name != "identity" || op.Kind != memfs.Write && op.Kind != memfs.Datasync {
					return nil
				}
				if left--; left >= 0 {
					return nil
				}
				return syscall.EIO
			}
			s, err := store.Open(store.Config{FS: fs, Member: "west", SegmentSize: 32 << 10, NewID: store.ID{2}})
			fs.Before = nil
			if err == nil {
				if id, _ := s.ID(); id != (store.ID{1}) {
					t.Fatalf("seed %d: the store is another one", seed)
				}
				s.Close()
			} else if left >= 0 {
				t.Fatalf("seed %d, history %d, start %d: %v", seed, n, start, err)
			}
			if r.IntN(2) == 0 {
				fs = fs.Crash(r, r.Float64())
			}
		}
		if _, err := store.Open(store.Config{FS: fs, Member: "west", SegmentSize: 32 << 10, NewID: store.ID{2}}); err != nil {
			t.Fatalf("seed %d, history %d: %v", seed, n, err)
		}
	}
}
