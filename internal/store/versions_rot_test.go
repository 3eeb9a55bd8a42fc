package store_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/store"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

// moment is what the versions were at a time.
type moment struct {
	versions []store.VersionRecord
	state    string
}

// smallHistory is a directory with a few small versions, stored one after the other, and what it held after each; it was
// closed in good order or not.
func smallHistory(t testing.TB, closed bool) (*memfs.FS, []moment) {
	t.Helper()
	fs := memfs.New(0)
	s, _, _ := mustOpen(t, goldenConfig(fs))
	moments := []moment{{}}
	for i := range 5 {
		now := moments[len(moments)-1]
		var put []store.VersionRecord
		if i != 2 {
			put = []store.VersionRecord{versionNamed(uint64(i), 300+i)}
			if i == 3 {
				put = append(put, versionNamed(9, 2500))
			}
		}
		now.versions, now.state = append(slices.Clone(now.versions), put...), fmt.Sprintf("state %d", i)
		must(t, s.PutVersions(put, []byte(now.state)))
		moments = append(moments, now)
	}
	if closed {
		must(t, s.Close())
		return fs.Clone(), moments
	}
	return fs.Crash(rand.New(rand.NewPCG(1, 1)), 0), moments
}

// found opens a directory and says which moment it shows: the number of it, or -1 if the versions are lost. Anything else is
// an error, as is a loss that is not named, and a check that does not find what the server does.
func foundMoment(fs *memfs.FS, moments []moment) (n int, err error) {
	report, err := store.CheckFS(fs, "")
	if err != nil {
		return 0, fmt.Errorf("check: %w", err)
	}
	s, err := store.Open(goldenConfig(fs))
	if err != nil {
		return 0, fmt.Errorf("start refused: %w", err)
	}
	defer s.Close()
	rec, err := s.Load(newMapTable(), never)
	if err != nil {
		return 0, fmt.Errorf("start refused: %w", err)
	}
	got, err := collect(s)
	if err != nil {
		return 0, err
	}
	named := slices.ContainsFunc(rec.Damaged, func(d store.Damage) bool { return d.Kind == store.VersionLost && d.File == "versions" && d.Why != "" })
	state := s.VersionState()
	switch {
	case rec.VersionsLost != named || report.VersionsLost != named || report.OK() != (len(rec.Damaged) == 0):
		return 0, fmt.Errorf("lost: %v, and of the check %v; damage: %v, and of the check: %v", rec.VersionsLost, report.VersionsLost, rec.Damaged, report.Damaged)
	case rec.VersionsLost && (len(got) > 0 || state != nil):
		return 0, fmt.Errorf("they are lost, and %d are there, and the state %q", len(got), state)
	case rec.VersionsLost:
		return -1, nil
	case rec.Unknown > 0 || len(rec.Quarantine()) > 0:
		return 0, fmt.Errorf("bindings are said to be lost: %v", rec.Damaged)
	}
	for i, m := range moments {
		if sameVersions(got, m.versions) && string(state) == m.state {
			if report.Versions != len(got) || report.VersionState != len(state) {
				return 0, fmt.Errorf("the check finds %d versions, a state of %d octets; the server %d and %d", report.Versions, report.VersionState, len(got), len(state))
			}
			return i, nil
		}
	}
	return 0, fmt.Errorf("%d versions and the state %q: that never was", len(got), state)
}

// One octet rots, anywhere: the versions are all there, or it is said that they are lost; they never go back, and nothing is given
// that was not stored.
func TestOneRottenOctetOfTheVersions(t *testing.T) {
	for _, closed := range []bool{false, true} {
		fs, moments := smallHistory(t, closed)
		last := len(moments) - 1
		if n, err := foundMoment(fs.Clone(), moments); n != last || err != nil {
			t.Fatalf("without damage: %d of %d, %v", n, last, err)
		}
		r := rand.New(rand.NewPCG(3, 3))
		size, lost := len(fs.Content("versions")), 0
		for at := range size {
			rotten := fs.Clone()
			rotten.Content("versions")[at] ^= byte(1 + r.IntN(255))
			switch n, err := foundMoment(rotten, moments); {
			case err != nil || n != last && n != -1:
				t.Fatalf("closed %v, octet %d of %d: %d of %d, %v", closed, at, size, n, last, err)
			case n == -1:
				lost++
			}
		}
		t.Logf("closed in good order %v: %d octets rotted one by one; %d of them cost the history", closed, size, lost)
		if lost == 0 || lost > size*2/3 {
			t.Errorf("%d of %d octets cost the history", lost, size)
		}
	}
}

// A file that was cut short shows what was stored up to there, if that may be what a crash has left, and is known to have been longer
// if the server was closed in good order.
func TestVersionsThatWereCutShort(t *testing.T) {
	for _, closed := range []bool{false, true} {
		fs, moments := smallHistory(t, closed)
		last := len(moments) - 1
		size := len(fs.Content("versions"))
		seen := map[int]int{}
		before := -1
		for at := range size {
			cut := fs.Clone()
			cut.Set("versions", fs.Content("versions")[:at])
			n, err := foundMoment(cut, moments)
			if err != nil || n < before || closed && n != -1 && n != last {
				t.Fatalf("closed %v, cut at %d of %d: %d of %d, %v", closed, at, size, n, last, err)
			}
			seen[n]++
			before = n
		}
		if !closed && len(seen) < 5 {
			t.Errorf("cuts show only %v", seen)
		}
	}
}

// A file that is gone is missed, also where the server was not closed in good order.
func TestVersionsThatAreGone(t *testing.T) {
	for _, closed := range []bool{false, true} {
		fs, moments := smallHistory(t, closed)
		must(t, fs.Remove("versions"))
		if n, err := foundMoment(fs, moments); n != -1 || err != nil {
			t.Errorf("closed %v: %d, %v", closed, n, err)
		}
	}
}

// Sectors rot, or are written with something else: nothing is given that was not stored together.
func TestRottenSectorsOfTheVersions(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for _, closed := range []bool{false, true} {
		fs, moments := smallHistory(t, closed)
		last, whole := len(moments)-1, fs.Content("versions")
		lost := 0
		for range 2000 {
			rotten := fs.Clone()
			content := rotten.Content("versions")
			from := r.IntN(len(content)) / memfs.Sector * memfs.Sector
			to := min(from+memfs.Sector*(1+r.IntN(3)), len(content))
			switch r.IntN(3) {
			case 0:
				clear(content[from:to])
			case 1:
				for i := from; i < to; i++ {
					content[i] = byte(r.Uint32())
				}
			case 2:
				copy(content[from:to], whole[r.IntN(len(whole)/memfs.Sector)*memfs.Sector:])
			}
			n, err := foundMoment(rotten, moments)
			if err != nil || closed && n != -1 && n != last {
				t.Fatalf("closed %v, octets %d to %d: %d of %d, %v", closed, from, to, n, last, err)
			}
			if n == -1 {
				lost++
			}
		}
		if lost < 500 {
			t.Errorf("closed %v: only %d of 2000 images were lost", closed, lost)
		}
	}
}

// What was lost is lost at every start until versions are stored again; then it lies beside them, as it was.
func TestDamagedVersionsAreSetAside(t *testing.T) {
	fs, moments := smallHistory(t, true)
	damaged := fs.Content("versions")
	clear(damaged[2048:4096])
	damaged = bytes.Clone(damaged)
	for range 2 {
		if n, err := foundMoment(fs, moments); n != -1 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
		if !bytes.Equal(fs.Content("versions"), damaged) || fs.Content("versions.damaged") != nil {
			t.Fatal("a start changed the damaged file")
		}
	}
	s, _, rec := mustOpen(t, goldenConfig(fs))
	if !rec.VersionsLost {
		t.Fatalf("%+v", rec)
	}
	next := versionNamed(77, 500)
	must(t, s.PutVersions([]store.VersionRecord{next}, []byte("anew")))
	if got := all(t, s); len(got) != 1 || got[0].ID != next.ID {
		t.Errorf("%d versions", len(got))
	}
	if !bytes.Equal(fs.Content("versions.damaged"), damaged) {
		t.Error("the damaged file was not kept as it was")
	}
	must(t, s.PutVersions(nil, []byte("and again")))
	must(t, s.Close())
	if n, err := foundMoment(fs, []moment{{[]store.VersionRecord{next}, "and again"}}); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if !bytes.Equal(fs.Content("versions.damaged"), damaged) {
		t.Error("the damaged file was not left as it was")
	}
}

// A version that rots while the server runs is not given, and the others are.
func TestAVersionThatRotsMeanwhile(t *testing.T) {
	fs, moments := smallHistory(t, false)
	s, _, _ := mustOpen(t, goldenConfig(fs))
	defer s.Close()
	last := moments[len(moments)-1].versions
	content := fs.Content("versions")
	content[bytes.Index(content, last[1].Bytes)+100] ^= 4
	if b, ok, err := s.Version(last[1].ID); err == nil || ok || b != nil || !strings.Contains(err.Error(), "damaged on the disk") {
		t.Errorf("%d octets, %v, %v", len(b), ok, err)
	}
	if b, ok, err := s.Version(last[2].ID); err != nil || !ok || !bytes.Equal(b, last[2].Bytes) {
		t.Errorf("%d octets, %v, %v", len(b), ok, err)
	}
	if got, err := collect(s); err == nil || len(got) != 1 {
		t.Errorf("%d versions, %v", len(got), err)
	}
}

// Whatever the file has in it, it is read to its end, and the store goes on.
func FuzzVersions(f *testing.F) {
	unclosed, _ := smallHistory(f, false)
	closed, moments := smallHistory(f, true)
	f.Add(false, uint16(0), []byte{1}, uint16(0))
	f.Add(true, uint16(1024), []byte("LF\x05\x01"), uint16(0))
	f.Add(false, uint16(2000), make([]byte, 600), uint16(3))
	f.Fuzz(func(t *testing.T, closedWell bool, at uint16, change []byte, cut uint16) {
		fs := unclosed.Clone()
		if closedWell {
			fs = closed.Clone()
		}
		content := fs.Content("versions")
		fs.Set("versions", content[:len(content)-int(cut)%len(content)])
		content = fs.Content("versions")
		for i, c := range change {
			if int(at)+i < len(content) {
				content[int(at)+i] ^= c
			}
		}
		n, err := foundMoment(fs, moments)
		if err != nil {
			if strings.Contains(err.Error(), "start refused") { // of another directory, or of a newer Lessor: its checksum is right
				return
			}
			t.Fatal(err)
		}
		s, _, _ := mustOpen(t, goldenConfig(fs))
		defer s.Close()
		put := versionNamed(1000, 3000)
		if err := s.PutVersions([]store.VersionRecord{put}, []byte("after")); err != nil {
			t.Fatal(err)
		}
		want := 1
		if n >= 0 {
			want += len(moments[n].versions)
		}
		if got := all(t, s); len(got) != want || string(s.VersionState()) != "after" {
			t.Fatalf("%d versions and the state %q, %d were there", len(got), s.VersionState(), want-1)
		}
	})
}
