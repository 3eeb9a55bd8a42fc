package store_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/store"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

// Whether a goroutine reads ahead, in small pieces or in one, makes no difference to what is found, however the files are damaged.
func TestReadingAheadFindsTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 4))
	damaged, snapshots := 0, 0
	for seed := range uint64(20) {
		h := image(t, seed, seed%2 == 0)
		if h.fs.Content("snapshot") != nil {
			snapshots++
		}
		for range 20 {
			fs := h.fs.Clone()
			spoil(r, fs)
			plain, plainTable, plainErr := h.read(fs, 1<<40, 1<<20)
			for _, window := range []int{600, 4096, 1 << 20} {
				got, table, err := h.read(fs, 0, window)
				if fmt.Sprint(err) != fmt.Sprint(plainErr) || !reflect.DeepEqual(got, plain) || !reflect.DeepEqual(table.byKey, plainTable.byKey) {
					t.Fatalf("seed %d, pieces of %d:\n got %+v, %v\nwant %+v, %v", seed, window, got, err, plain, plainErr)
				}
			}
			damaged += len(plain.Damaged)
		}
	}
	if damaged == 0 || snapshots == 0 {
		t.Errorf("%d damages and %d snapshots show nothing", damaged, snapshots)
	}
}

// spoil changes some runs of octets of the files of leases.
func spoil(r *rand.Rand, fs *memfs.FS) {
	for _, name := range fs.Files() {
		content := fs.Content(name)
		if len(content) < 4096 || name == "head" || name == "versions" {
			continue
		}
		for range r.IntN(3) {
			at := 1024 + r.IntN(len(content)-1024)
			for i := at; i < min(len(content), at+1+r.IntN(300)); i++ {
				content[i] ^= byte(r.IntN(256))
			}
		}
	}
}

// read reads a copy of a directory.
func (h *history) read(fs *memfs.FS, short int64, window int) (store.Recovery, *mapTable, error) {
	defer store.SetReadAhead(short, window)()
	c := h.config
	c.FS = fs.Clone()
	table := newMapTable()
	s, err := store.Open(c)
	if err != nil {
		return store.Recovery{}, table, err
	}
	defer s.Close()
	rec, err := s.Load(table, never)
	return rec, table, err
}
