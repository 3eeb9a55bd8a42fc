package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/store"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

// versionNamed returns a version of n octets.
func versionNamed(seed uint64, n int) store.VersionRecord {
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	v := store.VersionRecord{Bytes: b}
	copy(v.ID[:], fmt.Sprintf("%016x", seed))
	return v
}

// all returns every version that a store has.
func all(t testing.TB, s *store.Store) []store.VersionRecord {
	t.Helper()
	vs, err := collect(s)
	if err != nil {
		t.Fatal(err)
	}
	return vs
}

func collect(s *store.Store) (vs []store.VersionRecord, err error) {
	err = s.EachVersion(func(v store.VersionRecord) error {
		vs = append(vs, v)
		return nil
	})
	return vs, err
}

func sameVersions(a, b []store.VersionRecord) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].ID != b[i].ID || !bytes.Equal(a[i].Bytes, b[i].Bytes) {
			return false
		}
	}
	return true
}

// What was stored is there in its order, in the same opening and in later ones, octet for octet, whatever its length.
func TestVersionsAreThereAsTheyWereStored(t *testing.T) {
	fs := memfs.New(0)
	s, _, rec := mustOpen(t, goldenConfig(fs))
	if s.VersionState() != nil || rec.VersionsLost || len(all(t, s)) != 0 {
		t.Fatalf("a new directory has versions: %q, %+v", s.VersionState(), rec)
	}
	var want []store.VersionRecord
	for i, n := range []int{1, 7, 2047, 2048, 2049, 4096, 65536, 65537, 300_000, 3_000_000} {
		put := []store.VersionRecord{versionNamed(uint64(i), n)}
		if i%3 == 0 {
			put = append(put, versionNamed(uint64(i)+100, n/2+1))
		}
		state := fmt.Appendf(nil, "state %d", i)
		must(t, s.PutVersions(put, state))
		want = append(want, put...)
		clear(state)
		for range 2 {
			if got := all(t, s); !sameVersions(got, want) {
				t.Fatalf("after version %d: %d versions, want %d, or they differ", i, len(got), len(want))
			}
			if got := s.VersionState(); string(got) != fmt.Sprintf("state %d", i) {
				t.Errorf("state: %q after %d", got, i)
			}
			i := 0
			must(t, s.EachVersionHead(1440, func(v store.VersionRecord) error {
				w := want[i]
				if i++; v.ID != w.ID || !bytes.HasPrefix(w.Bytes, v.Bytes) || len(v.Bytes) < min(1440, len(w.Bytes)) || len(v.Bytes) > 1440+64<<10 {
					t.Errorf("the head of version %d has %d octets, or is another one's", i, len(v.Bytes))
				}
				return nil
			}))
			if i != len(want) {
				t.Errorf("%d heads of %d versions", i, len(want))
			}
			for _, w := range want {
				if b, ok, err := s.Version(w.ID); err != nil || !ok || !bytes.Equal(b, w.Bytes) {
					t.Fatalf("version %s: %d octets, %v, %v", w.ID, len(b), ok, err)
				}
			}
			must(t, s.Close())
			s, _, rec = mustOpen(t, goldenConfig(fs))
			if rec.VersionsLost || len(rec.Damaged) > 0 {
				t.Fatalf("%+v", rec)
			}
		}
	}
	if _, ok, err := s.Version([16]byte{1}); ok || err != nil {
		t.Errorf("a version that was never stored: %v, %v", ok, err)
	}
}

// versionLife is a random life of the versions on a bad disk, with what was acknowledged.
type versionLife struct {
	*history
	now    moment   // as of the last call that returned nil
	tried  []moment // as of the calls since, which failed or are under way: each is whole or not there
	number uint64
	big    []byte // a document that changes a little from version to version
}

func newVersionLife(seed uint64, fs *memfs.FS) *versionLife {
	l := &versionLife{history: newHistory(seed, fs)}
	l.big = versionNamed(seed, 20_000).Bytes
	return l
}

// draw returns what is stored next.
func (l *versionLife) draw() (put []store.VersionRecord, state []byte) {
	for range l.r.IntN(4) {
		l.number++
		v := versionNamed(l.number, 1+l.r.IntN(5000))
		if l.r.IntN(3) == 0 {
			l.big = bytes.Clone(l.big)
			l.big[l.r.IntN(len(l.big))]++
			v.Bytes = l.big
		}
		put = append(put, v)
	}
	if n := len(l.now.versions); n > 0 && l.r.IntN(6) == 0 {
		put = append(put, l.now.versions[l.r.IntN(n)]) // that is there already
	}
	n := 1 + l.r.IntN(200)
	if l.r.IntN(7) == 0 {
		n = 40_000
	}
	return put, versionNamed(l.r.Uint64(), n).Bytes
}

// put stores versions.
func (l *versionLife) put() error {
	put, state := l.draw()
	next := moment{slices.Clone(l.now.versions), string(state)}
	for _, v := range put {
		if !hasVersion(next.versions, v.ID) {
			next.versions = append(next.versions, v)
		}
	}
	l.tried = append(l.tried, next)
	err := l.store.PutVersions(put, state)
	if err == nil {
		l.now, l.tried = next, nil
	}
	return err
}

func hasVersion(vs []store.VersionRecord, id [16]byte) bool {
	for _, v := range vs {
		if v.ID == id {
			return true
		}
	}
	return false
}

// knows returns what s has: what was acknowledged, or that and all of something that was tried since, which came then.
func (l *versionLife) knows(s *store.Store) (is moment, came bool, err error) {
	got, err := collect(s)
	if err != nil {
		return is, false, err
	}
	state := string(s.VersionState())
	for _, m := range append(slices.Clone(l.tried), l.now) {
		if sameVersions(got, m.versions) && state == m.state {
			return m, m.state != l.now.state, nil
		}
	}
	return is, false, fmt.Errorf("%d versions and a state of %d octets; %d and %d were acknowledged, and %d calls are in doubt",
		len(got), len(state), len(l.now.versions), len(l.now.state), len(l.tried))
}

// settleVersions takes what is there for what is known.
func (l *versionLife) settleVersions() error {
	is, _, err := l.knows(l.store)
	if err == nil {
		l.now, l.tried = is, nil
	}
	return err
}

// lookAt opens a crash image.
func (l *versionLife) lookAt(image *memfs.FS, op memfs.Op) (came bool, err error) {
	c := l.config
	c.FS = image
	s, err := store.Open(c)
	if err != nil {
		return false, fmt.Errorf("%v: start refused: %w", op, err)
	}
	rec, err := s.Load(newMapTable(), never)
	if err != nil {
		return false, fmt.Errorf("%v: start refused: %w", op, err)
	}
	if rec.VersionsLost || len(rec.Damaged) > 0 {
		return false, fmt.Errorf("%v: damage is reported where there is none: %v", op, rec.Damaged)
	}
	if _, came, err = l.knows(s); err != nil {
		return came, fmt.Errorf("%v: %w", op, err)
	}
	if l.r.IntN(3) > 0 {
		return came, s.Close()
	}
	// What it knows now it may tell: the power may fail again.
	c.FS = image.Crash(l.r, 0)
	again, err := store.Open(c)
	if err != nil {
		return came, fmt.Errorf("%v: second start refused: %w", op, err)
	}
	a, _ := collect(s)
	if b, err := collect(again); err != nil || !sameVersions(a, b) || !bytes.Equal(s.VersionState(), again.VersionState()) {
		return came, fmt.Errorf("%v: the second start finds %d versions, the first one %d (%v)", op, len(b), len(a), err)
	}
	return came, errors.Join(s.Close(), again.Close())
}

// The power fails at every write, sync, rename and removal: all that was acknowledged is there, and what was under way
// whole or not at all.
func TestNoCrashLosesVersions(t *testing.T) {
	defer store.SetMaxWaste(8 << 10)()
	want := images(t, 2_000)
	count, came, lives, made := 0, 0, 0, 0
	for seed := uint64(1); count < want; seed++ {
		l := newVersionLife(seed, memfs.New(0))
		chance := rand.New(rand.NewPCG(seed, 4))
		lives++
		for range 4 {
			var failed error
			l.fs.After = func(op memfs.Op) {
				if op.Kind == memfs.Rename && op.Name == "versions.tmp" {
					made++
				}
				for range 2 {
					if failed == nil && count < want {
						count++
						var c bool
						if c, failed = l.lookAt(l.fs.Crash(chance, survival(chance)), op); c {
							came++
						}
					}
				}
			}
			if _, err := l.open(); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if err := l.settleVersions(); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			for range 12 {
				if err := l.put(); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				if failed != nil {
					t.Fatalf("seed %d, image %d: %v", seed, count, failed)
				}
			}
			if l.r.IntN(4) == 0 {
				must(t, l.store.Close())
			}
			l.fs.After = nil
			l.fs = l.fs.Crash(chance, survival(chance))
		}
	}
	t.Logf("%d images of %d lives; in %d what was under way was there; the file was made %d times", count, lives, came, made)
	if came == 0 || made < 2*lives {
		t.Error("the images are not worth much: some of the states never came up")
	}
}

// Each call fails in turn, once or from there on, by every error: the versions stay what they were, the store goes on, and so
// do the versions when the fault is gone, in this opening and in the next.
func TestEachFailureLeavesTheVersions(t *testing.T) {
	defer store.SetMaxWaste(2 << 10)()
	for _, errno := range []error{syscall.EIO, syscall.ENOSPC} {
		for how := range 4 {
			forever, restart := how&1 > 0, how&2 > 0
			for n := 1; ; n++ {
				reached, err := failVersionsAt(n, errno, forever, restart)
				if err != nil {
					t.Fatalf("%v, from there on %v, restart %v, call %d: %v", errno, forever, restart, n, err)
				}
				if !reached {
					t.Logf("%v, from there on %v, restart %v: %d calls failed in turn", errno, forever, restart, n-1)
					break
				}
			}
		}
	}
}

func failVersionsAt(n int, errno error, forever, restart bool) (reached bool, err error) {
	l := newVersionLife(5, memfs.New(0))
	if _, err := l.open(); err != nil {
		return true, err
	}
	broken, from := true, l.fs.Calls()
	l.fs.Before = func(op memfs.Op) error {
		if at := op.N - from; broken && (at == n || forever && at > n) && op.Kind != memfs.Read {
			reached = true
			return errno
		}
		reached = reached || op.N-from > n && op.Kind != memfs.Read
		return nil
	}
	for range 20 {
		if l.put() != nil {
			if _, came, err := l.knows(l.store); err != nil || came {
				return true, fmt.Errorf("after a failure: %v, %w", came, err)
			}
		}
	}
	if !reached && l.fs.Calls()-from < n {
		return false, nil
	}
	broken = false
	if restart {
		// The process is killed, and what it wrote may be in memory and not on the disk. What the next one finds it may tell.
		l.fs = l.fs.Restart()
		if _, err := l.open(); err != nil {
			return true, err
		}
		if err := l.settleVersions(); err != nil {
			return true, fmt.Errorf("after a restart: %w", err)
		}
	} else if err := l.goOn(); err != nil {
		return true, fmt.Errorf("the fault is gone, but: %w", err)
	}
	l.fs = l.fs.Crash(rand.New(rand.NewPCG(1, 1)), 0)
	rec, err := l.open()
	if err != nil || rec.VersionsLost || len(rec.Damaged) > 0 {
		return true, fmt.Errorf("after the power failed: %w, %v", err, rec.Damaged)
	}
	_, _, err = l.knows(l.store)
	return true, err
}

// goOn stores versions and commits, which must work.
func (l *versionLife) goOn() error {
	for range 3 {
		if err := l.put(); err != nil {
			return err
		}
	}
	return l.commit()
}
