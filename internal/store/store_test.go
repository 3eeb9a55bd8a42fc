package store_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/store"
)

// draw returns a random binding of one of n addresses, as a table would have it.
func draw(r *rand.Rand, t *mapTable, n int) binding.Binding {
	var a4 [4]byte
	binary.BigEndian.PutUint32(a4[:], 0x0a000000+uint32(r.IntN(n)))
	p := netip.PrefixFrom(netip.AddrFrom4(a4), 32)
	if r.IntN(16) == 0 {
		p = netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 1, byte(r.IntN(8))}), 48)
	}
	now := time.Unix(1_790_000_000+r.Int64N(1e6), 0).UTC()
	b := binding.Binding{Prefix: p, State: binding.State(1 + r.IntN(5)), Cause: binding.Cause(r.IntN(12))}
	b.Starts, b.CLTT, b.Changed = now, now.Add(time.Duration(r.IntN(100))*time.Second), now
	b.Expires = binding.Forever
	if r.IntN(4) != 0 {
		b.Expires = now.Add(time.Hour)
	}
	if r.IntN(8) == 0 {
		b.Starts, b.Owner = time.Time{}, "east"
	}
	id := r.Uint64N(1000)
	if r.IntN(2) == 0 {
		b.Client.ID = binary.BigEndian.AppendUint64([]byte{1}, id)
	}
	b.Client.Hardware = binding.HardwareOf(1, binary.BigEndian.AppendUint64(nil, id)[2:])
	b.Home, b.Version = "west", binding.DigestOf([]byte{byte(r.IntN(3))})
	b.Facts.Shared = t.Intern(fmt.Appendf(nil, "link %d; the vendor class that many phones have in common", r.IntN(3)))
	b.Facts.Own = fmt.Appendf(nil, "host-name h%d and circuit ge-0/0/%d", id, r.IntN(48))
	b.Result = t.Intern(fmt.Appendf(nil, "%0*d: routers, domain name servers and all of that", 1+r.IntN(200), r.IntN(5)))
	if r.IntN(2) == 0 {
		b.Sync = binding.Sync{
			Potential: now.Add(2 * time.Hour), Acked: now, Ours: binding.Sequence(r.Uint64()), Theirs: binding.Sequence(r.IntN(300)),
			Marks: binding.Marks(r.IntN(16)),
		}
	}
	if r.IntN(8) == 0 {
		b.Past = fmt.Appendf(nil, "client %d, %0*d", id, 1+r.IntN(200), 0)
	}
	if r.IntN(2) == 0 {
		b.Reasons = t.Intern(fmt.Appendf(nil, "reasons %d", r.IntN(3)))
	}
	return b
}

func mustOpen(t testing.TB, c store.Config) (*store.Store, *mapTable, store.Recovery) {
	t.Helper()
	s, err := store.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	table := newMapTable()
	rec, err := s.Load(table, never)
	if err != nil {
		t.Fatal(err)
	}
	return s, table, rec
}

func mustEqual(t testing.TB, got, want *mapTable) {
	t.Helper()
	if got.Len() != want.Len() {
		t.Errorf("%d bindings were read, %d are expected", got.Len(), want.Len())
	}
	for p, w := range want.byKey {
		if g, ok := got.byKey[p]; !ok || !same(&g, &w) {
			t.Errorf("%v:\n got %+v\nwant %+v", p, g, w)
		}
	}
}

// What was committed is there after opening again, also through many segments and snapshots, on a real disk.
func TestCommittedBindingsAreThereAfterReopening(t *testing.T) {
	c := store.Config{Dir: filepath.Join(t.TempDir(), "data"), Member: "west", SegmentSize: 32 << 10, SnapshotAfter: 128 << 10}
	r := rand.New(rand.NewPCG(1, 2))
	model := newMapTable()
	n := uint64(0)
	for range 5 {
		s, table, rec := mustOpen(t, c)
		mustEqual(t, table, model)
		if rec.Commit != n || len(rec.Damaged) != 0 || rec.Tail.Bytes != 0 {
			t.Fatalf("after commit %d: %+v", n, rec)
		}
		var sn *store.Snapshot
		for range 200 {
			if err := s.Room(); err != nil {
				t.Fatal(err)
			}
			b := s.Begin()
			for range 1 + r.IntN(8) {
				x := draw(r, table, 100)
				n++
				b.Put(n, &x)
				table.Put(x, time.Time{})
				model.Put(x, time.Time{})
			}
			if err := s.Commit(b); err != nil {
				t.Fatal(err)
			}
			if sn == nil && s.SnapshotDue(time.Time{}) {
				var err error
				if sn, err = s.BeginSnapshot(table); err != nil {
					t.Fatal(err)
				}
			}
			if sn != nil {
				done, err := sn.Step(20)
				if err != nil {
					t.Fatal(err)
				}
				if done {
					sn = nil
				}
			}
			for s.Work() {
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
