package store_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/store"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

// history is a random life of a store on a disk that can be taken away at any call, and the ledger of what it
// acknowledged.
type history struct {
	r       *rand.Rand
	fs      *memfs.FS
	config  store.Config
	store   *store.Store
	table   *mapTable
	sn      *store.Snapshot
	n       uint64
	acked   map[netip.Prefix]binding.Binding // as of the last commit that returned nil
	flight  map[netip.Prefix]binding.Binding // as of the commit that is under way; nil if none is
	commits int
	// The relationship's record goes with the bindings: as of the same commits.
	ackedRecord, flightRecord []byte
	small                     bool // no batch is larger than a quarter of a segment
}

func newHistory(seed uint64, fs *memfs.FS) *history {
	h := &history{r: rand.New(rand.NewPCG(seed, 77)), fs: fs, acked: make(map[netip.Prefix]binding.Binding)}
	h.config = store.Config{FS: fs, Member: "west", SegmentSize: 16 << 10, SnapshotAfter: 64 << 10, NewID: store.ID{byte(seed), 9}}
	return h
}

// open opens and loads the store. The table is then what the disk says.
func (h *history) open() (store.Recovery, error) {
	h.config.FS = h.fs
	s, err := store.Open(h.config)
	if err != nil {
		return store.Recovery{}, err
	}
	h.store, h.table, h.sn = s, newMapTable(), nil
	rec, err := s.Load(h.table, never)
	if err == nil {
		h.n = rec.Commit
	}
	return rec, err
}

// commit changes a few bindings and commits them.
func (h *history) commit() error {
	b := h.store.Begin()
	next := maps.Clone(h.acked)
	size := 1 + h.r.IntN(6)
	if !h.small && h.r.IntN(16) == 0 {
		size = 60 // more than what is left of a segment, now and then
	}
	h.flightRecord = h.ackedRecord
	at := -1
	if h.r.IntN(3) == 0 {
		at = h.r.IntN(size)
	}
	for i := range size {
		if i == at {
			h.n++
			h.flightRecord = h.drawRecord()
			b.PutRelationship(h.n, h.flightRecord)
		}
		x := draw(h.r, h.table, 60)
		h.n++
		b.Put(h.n, &x)
		h.table.Put(x, time.Time{})
		next[x.Prefix] = x
	}
	h.flight = next
	if h.r.IntN(2) == 0 {
		h.snapshot() // sees what is not durable yet
	}
	if err := h.store.Commit(b); err != nil {
		return err
	}
	h.acked, h.flight, h.ackedRecord = next, nil, h.flightRecord
	h.commits++
	return nil
}

// step commits once, lets the snapshot go on, and does some of the work that waits.
func (h *history) step() error {
	if err := h.commit(); err != nil {
		return err
	}
	h.snapshot()
	return nil
}

func (h *history) snapshot() {
	if h.sn == nil && h.store.SnapshotDue(time.Time{}) {
		h.sn, _ = h.store.BeginSnapshot(h.table)
	}
	if h.sn != nil {
		if done, _ := h.sn.Step(1 + h.r.IntN(20)); done {
			h.sn = nil
		}
	}
	for h.r.IntN(4) != 0 && h.store.Work() {
	}
}

// drawRecord returns a record that says under which commit it was written, of a length as it is usual, or of nearly a segment.
func (h *history) drawRecord() []byte {
	n := 40 + h.r.IntN(800)
	if !h.small && h.r.IntN(16) == 0 {
		n = 4000 + h.r.IntN(11000)
	}
	b := fmt.Appendf(nil, "what both knew at commit %d;", h.n)
	for len(b) < n {
		b = append(b, byte(h.r.Uint32()))
	}
	return b
}

// known reports whether bindings and record are what was acknowledged, or that and all of the batch that was under way: both
// of them, or neither.
func (h *history) known(s *store.Store, got *mapTable) (inFlight, ok bool) {
	record, _ := s.Relationship()
	if equalTo(got, h.acked) && bytes.Equal(record, h.ackedRecord) {
		return false, true
	}
	return true, h.flight != nil && equalTo(got, h.flight) && bytes.Equal(record, h.flightRecord)
}

func equalTo(got *mapTable, want map[netip.Prefix]binding.Binding) bool {
	if got.Len() != len(want) {
		return false
	}
	for p, w := range want {
		if g, ok := got.byKey[p]; !ok || !same(&g, &w) {
			return false
		}
	}
	return true
}
