package store_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/store"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

// lease returns a usual lease, number i.
func lease(t *binding.Table, i int, b *binding.Binding) {
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], 0x0a000000+uint32(i))
	now := time.Unix(1_790_000_000+int64(i/10000), 0).UTC()
	hw := [6]byte{2, 0, a[0], a[1], a[2], a[3]}
	own := b.Facts.Own[:0]
	id := b.Client.ID[:0]
	*b = binding.Binding{
		Prefix: netip.PrefixFrom(netip.AddrFrom4(a), 32), State: binding.Active, Cause: binding.Granted,
		Client: binding.Client{ID: append(append(id, 1), hw[:]...), Hardware: binding.HardwareOf(1, hw[:])},
		Starts: now, Expires: now.Add(4 * time.Hour), CLTT: now, Changed: now, Home: "west", Version: binding.Digest{1, 2, 3},
		Facts: binding.StoredFacts{
			Shared: t.Intern([]byte("link and giaddr and vendor class and parameter request list of one kind of client")),
			Own:    append(append(own, "host-name of this client, "...), a[:]...),
		},
		Result:  t.Intern([]byte("routers, servers, names, mask and the lifetime that clients of this subnet are told, all of it")),
		Reasons: t.Intern([]byte("which layer each of these came from")),
	}
}

// What it costs the decider to lay out one binding.
func BenchmarkPut(b *testing.B) {
	s, err := store.Open(store.Config{FS: memfs.New(0), Member: "west", SegmentSize: 64 << 20})
	if err != nil {
		b.Fatal(err)
	}
	t := binding.NewTable()
	if _, err := s.Load(t, never); err != nil {
		b.Fatal(err)
	}
	var x binding.Binding
	lease(t, 1, &x)
	batch := s.Begin()
	b.ReportAllocs()
	n := uint64(0)
	for b.Loop() {
		n++
		batch.Put(n, &x)
		if batch.Bytes() > 1<<20 {
			b.StopTimer()
			if err := s.Commit(batch); err != nil {
				b.Fatal(err)
			}
			for s.Work() {
			}
			batch = s.Begin()
			b.StartTimer()
		}
	}
}

// What a commit takes on the disk that TMPDIR is on.
func BenchmarkCommit(b *testing.B) {
	for _, size := range []int{1, 16, 128} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s, err := store.Open(store.Config{Dir: filepath.Join(b.TempDir(), "data"), Member: "west"})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			t := binding.NewTable()
			if _, err := s.Load(t, never); err != nil {
				b.Fatal(err)
			}
			var x binding.Binding
			lease(t, 1, &x)
			b.ReportAllocs()
			n := uint64(0)
			for b.Loop() {
				batch := s.Begin()
				for range size {
					n++
					batch.Put(n, &x)
				}
				b.SetBytes(int64(batch.Bytes()))
				if err := s.Commit(batch); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				for s.Work() {
				}
				b.StartTimer()
			}
		})
	}
}

// What a start with a million leases takes, from a snapshot, and from the journal.
func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		for _, snapshot := range []bool{true, false} {
			b.Run(fmt.Sprintf("%d/snapshot=%v", n, snapshot), func(b *testing.B) {
				c := store.Config{Dir: filepath.Join(b.TempDir(), "data"), Member: "west", SnapshotAfter: 1 << 40}
				fill(b, c, n, snapshot)
				b.ReportAllocs()
				for b.Loop() {
					s, err := store.Open(c)
					if err != nil {
						b.Fatal(err)
					}
					t := binding.NewTable()
					if _, err := s.Load(t, never); err != nil || t.Len() != n {
						b.Fatal(t.Len(), err)
					}
					b.StopTimer()
					s.Close()
					b.StartTimer()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/lease")
			})
		}
	}
}

// fill makes a directory with n leases.
func fill(b *testing.B, c store.Config, n int, snapshot bool) {
	b.Helper()
	s, err := store.Open(c)
	if err != nil {
		b.Fatal(err)
	}
	t := binding.NewTable()
	if _, err := s.Load(t, never); err != nil {
		b.Fatal(err)
	}
	var x binding.Binding
	for i := 0; i < n; {
		batch := s.Begin()
		for range min(1000, n-i) {
			lease(t, i, &x)
			t.Put(x, time.Time{})
			i++
			batch.Put(uint64(i), &x)
		}
		if err := s.Commit(batch); err != nil {
			b.Fatal(err)
		}
		for s.Work() {
		}
	}
	if snapshot {
		sn, err := s.BeginSnapshot(t)
		if err != nil {
			b.Fatal(err)
		}
		for done := false; !done; done, err = sn.Step(1000) {
			for s.Work() {
			}
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// What one step of a snapshot costs the decider, for each binding.
func BenchmarkSnapshotStep(b *testing.B) {
	s, err := store.Open(store.Config{FS: memfs.New(0), Member: "west"})
	if err != nil {
		b.Fatal(err)
	}
	t := binding.NewTable()
	if _, err := s.Load(t, never); err != nil {
		b.Fatal(err)
	}
	var x binding.Binding
	for i := range 100_000 {
		lease(t, i, &x)
		t.Put(x, time.Time{})
	}
	var sn *store.Snapshot
	done := true
	b.ReportAllocs()
	for b.Loop() {
		if done {
			if sn, err = s.BeginSnapshot(t); err != nil {
				b.Fatal(err)
			}
		}
		if done, err = sn.Step(100); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		for s.Work() {
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/lease")
}
