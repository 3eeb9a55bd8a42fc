package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/store"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

// The keeper of the versions, its readers, the decider, the committer and Run each have a goroutine of their own: what
// each stored is there afterwards, and readers never see anything else.
func TestVersionsAreStoredBesideCommits(t *testing.T) {
	defer store.SetMaxWaste(16 << 10)() // so that the file is made anew under the readers
	c := realConfig(t)
	s, table, _ := mustOpen(t, c)
	const puts = 60
	var running sync.WaitGroup
	running.Go(func() {
		for i := range puts {
			v := versionNamed(uint64(i), 2000)
			if err := s.PutVersions([]store.VersionRecord{v}, versionNamed(uint64(i), 3000).Bytes); err != nil {
				t.Errorf("version %d: %v", i, err)
			}
		}
	})
	stop := make(chan struct{})
	var reading sync.WaitGroup
	for range 2 {
		reading.Go(func() {
			for {
				n := 0
				err := s.EachVersion(func(v store.VersionRecord) error {
					want := versionNamed(uint64(n), 2000)
					if n++; v.ID != want.ID || !bytes.Equal(v.Bytes, want.Bytes) {
						return fmt.Errorf("version %d is another one", n)
					}
					return nil
				})
				if state := s.VersionState(); err != nil || n > 0 && len(state) != 3000 {
					t.Errorf("a reader: %v, a state of %d octets", err, len(state))
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	r := rand.New(rand.NewPCG(6, 6))
	for i := range 100 {
		b := s.Begin()
		x := draw(r, table, 40)
		b.Put(uint64(i+1), &x)
		table.Put(x, time.Time{})
		must(t, s.Commit(b))
		for s.Work() {
		}
	}
	running.Wait()
	close(stop)
	reading.Wait()
	must(t, s.Close())
	if err := s.PutVersions(nil, []byte("x")); !errors.Is(err, store.ErrClosed) {
		t.Errorf("a closed store took a state: %v", err)
	}
	if err := s.EachVersion(func(store.VersionRecord) error { return nil }); !errors.Is(err, store.ErrClosed) {
		t.Errorf("a closed store gave versions: %v", err)
	}
	s, got, rec := mustOpen(t, c)
	defer s.Close()
	mustEqual(t, got, table)
	if n := len(all(t, s)); n != puts || len(rec.Damaged) > 0 || rec.VersionsLost {
		t.Errorf("%d versions, %+v", n, rec)
	}
}

// A state that changes often does not make the file grow for ever, and the versions stay what they are meanwhile.
func TestTheStateMayChangeForEver(t *testing.T) {
	fs := memfs.New(0)
	s, _, _ := mustOpen(t, goldenConfig(fs))
	want := []store.VersionRecord{versionNamed(1, 100_000), versionNamed(2, 50)}
	must(t, s.PutVersions(want, []byte("first")))
	state, largest := make([]byte, 97), 0
	for i := range 6000 {
		state[0], state[1] = byte(i), byte(i>>8)
		must(t, s.PutVersions(nil, state))
		largest = max(largest, len(fs.Content("versions")))
	}
	if largest > 3<<20 || len(fs.Content("versions")) > 3<<20 {
		t.Errorf("the file had up to %d octets, for 100 KB that are needed", largest)
	}
	if got := all(t, s); !sameVersions(got, want) || !bytes.Equal(s.VersionState(), state) {
		t.Errorf("%d versions, or another state", len(got))
	}
	must(t, s.Close())
	s, _, _ = mustOpen(t, goldenConfig(fs))
	if got := all(t, s); !sameVersions(got, want) || !bytes.Equal(s.VersionState(), state) {
		t.Errorf("after opening anew: %d versions, or another state", len(got))
	}
}

// A long document in which a line changes takes space once, and a version that is stored again none.
func TestAHistoryTakesTheSpaceOfItsChanges(t *testing.T) {
	fs := memfs.New(0)
	s, _, _ := mustOpen(t, goldenConfig(fs))
	r := rand.New(rand.NewPCG(2, 2))
	var doc []byte
	for i := range 20_000 {
		doc = fmt.Appendf(doc, "    host-%d: {hardware: 02:00:%02x:%02x:%02x:%02x}\n", i, r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(256))
	}
	var want []store.VersionRecord
	first := 0
	for i := range 50 {
		at := r.IntN(len(doc))
		doc = append(append(bytes.Clone(doc[:at]), fmt.Sprintf("    other-%d: {}\n", i)...), doc[at:]...)
		v := versionNamed(uint64(i), 1)
		v.Bytes = doc
		want = append(want, v)
		must(t, s.PutVersions([]store.VersionRecord{v}, []byte("state")))
		if i == 0 {
			first = len(fs.Content("versions"))
		}
	}
	size := len(fs.Content("versions"))
	t.Logf("a document of %d octets takes %d, and 49 more with a line more each %d in all", len(doc), first, size)
	if size > 3*first {
		t.Errorf("50 versions of a document of %d octets take %d", len(doc), size)
	}
	must(t, s.PutVersions(want, []byte("state")))
	if n := len(fs.Content("versions")); n != size {
		t.Errorf("storing again what is there took %d octets", n-size)
	}
	must(t, s.Close())
	s, _, _ = mustOpen(t, goldenConfig(fs))
	if got := all(t, s); !sameVersions(got, want) {
		t.Errorf("%d versions, or they differ", len(got))
	}
	if report, err := store.CheckFS(fs, ""); err != nil || !report.OK() || report.Versions != 50 {
		t.Errorf("%v\n%v", err, &report)
	}
}

// A version that is stored again with other octets, as when its document comes later, has those from then on, and its place in the
// order.
func TestAVersionMayGetItsDocumentLater(t *testing.T) {
	defer store.SetMaxWaste(1)()
	fs := memfs.New(0)
	s, _, _ := mustOpen(t, goldenConfig(fs))
	a, b := versionNamed(1, 500), versionNamed(2, 700)
	must(t, s.PutVersions([]store.VersionRecord{a, b}, []byte("1")))
	a.Bytes = versionNamed(3, 9000).Bytes
	for i := range 4 {
		put := []store.VersionRecord{a}
		if i > 0 {
			put = nil
		}
		must(t, s.PutVersions(put, fmt.Appendf(nil, "state %d", i))) // and the file is made anew
		if got := all(t, s); !sameVersions(got, []store.VersionRecord{a, b}) {
			t.Errorf("%d versions, or in another order", len(got))
		}
		must(t, s.Close())
		s, _, _ = mustOpen(t, goldenConfig(fs))
	}
	must(t, s.PutVersions(nil, nil)) // changes nothing
	if string(s.VersionState()) != "state 3" {
		t.Errorf("state %q", s.VersionState())
	}
}

// What no version and no state can be is refused, and changes nothing.
func TestVersionsHaveLimits(t *testing.T) {
	s, _, _ := mustOpen(t, goldenConfig(memfs.New(0)))
	for _, put := range [][]store.VersionRecord{{{ID: [16]byte{1}}}, {{ID: [16]byte{1}, Bytes: make([]byte, store.MaxVersion+1)}}} {
		if err := s.PutVersions(put, []byte("x")); err == nil {
			t.Errorf("a version of %d octets was stored", len(put[0].Bytes))
		}
	}
	if err := s.PutVersions(nil, make([]byte, store.MaxVersionState+1)); err == nil {
		t.Error("a state that is too long was stored")
	}
	if len(all(t, s)) > 0 || s.VersionState() != nil {
		t.Error("something was stored all the same")
	}
}

// On a full disk versions are refused with what is lacking, before they take the room that the journal needs next; it goes on, and so
// do they once there is room.
func TestVersionsLeaveRoomForTheJournal(t *testing.T) {
	fs := memfs.New(400 << 10)
	h := newHistory(3, fs)
	h.small = true
	if _, err := h.open(); err != nil {
		t.Fatal(err)
	}
	s := h.store
	var stored []store.VersionRecord
	var refused error
	for i := 0; refused == nil; i++ {
		v := versionNamed(uint64(i), 3_000)
		if refused = s.PutVersions([]store.VersionRecord{v}, []byte("state")); refused == nil {
			stored = append(stored, v)
		}
	}
	var full *store.NoRoom
	if !errors.As(refused, &full) || !errors.Is(refused, syscall.ENOSPC) || full.Need < 3_000 || full.Free < 0 {
		t.Fatalf("PutVersions: %v", refused)
	}
	if free, _ := fs.Free(); free < h.config.SegmentSize {
		t.Errorf("%d octets are left for the journal", free)
	}
	t.Log(refused)
	if s.Dead() != nil {
		t.Errorf("the store is dead: %v", s.Dead())
	}
	must(t, s.PutVersions(nil, []byte("a state has room")))
	for range 30 {
		if s.Room() != nil {
			break
		}
		must(t, h.commit())
	}
	if got := all(t, s); !sameVersions(got, stored) {
		t.Errorf("%d versions, %d were stored", len(got), len(stored))
	}
	fs.SetCapacity(0)
	more := versionNamed(1000, 100_000)
	must(t, s.PutVersions([]store.VersionRecord{more}, nil))
	must(t, s.Close())
	if _, err := h.open(); err != nil {
		t.Fatal(err)
	}
	if got := all(t, h.store); !sameVersions(got, append(stored, more)) || string(h.store.VersionState()) != "a state has room" {
		t.Errorf("after opening anew: %d versions, state %q", len(got), h.store.VersionState())
	}
}

// Ten thousand small versions are stored, read and opened in no time, and cost memory for their names alone.
func TestAHistoryOfManySmallVersions(t *testing.T) {
	const n = 10_000
	c := realConfig(t)
	s, _, _ := mustOpen(t, c)
	begin := time.Now()
	for from := 0; from < n; from += 64 { // as they come from the partner
		var put []store.VersionRecord
		for i := from; i < min(from+64, n); i++ {
			put = append(put, versionNamed(uint64(i), 1500))
		}
		must(t, s.PutVersions(put, []byte("state")))
	}
	stored := time.Since(begin)
	must(t, s.Close())
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	begin = time.Now()
	s, _, _ = mustOpen(t, c)
	opened := time.Since(begin)
	runtime.GC()
	runtime.ReadMemStats(&after)
	begin = time.Now()
	k := 0
	must(t, s.EachVersion(func(v store.VersionRecord) error {
		if k%997 == 0 && !bytes.Equal(v.Bytes, versionNamed(uint64(k), 1500).Bytes) {
			return fmt.Errorf("version %d is another one", k)
		}
		k++
		return nil
	}))
	kept := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	t.Logf("%d versions stored in %v, opened in %v, read in %v; %d octets of memory each", n, stored, opened, time.Since(begin), kept/n)
	if k != n || kept > 300*n {
		t.Errorf("%d versions, %d octets of memory", k, kept)
	}
	must(t, s.Close())
}
