package store_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/store"
)

// filled returns a real directory with n commits in several segments, closed in order or not.
func filled(t *testing.T, n int, closed bool) store.Config {
	t.Helper()
	c := realConfig(t)
	c.SegmentSize = 16 << 10
	s, table, _ := mustOpen(t, c)
	r := rand.New(rand.NewPCG(5, 5))
	for i := range n {
		b := s.Begin()
		x := draw(r, table, 40)
		b.Put(uint64(i+1), &x)
		if err := s.Commit(b); err != nil {
			t.Fatal(err)
		}
		for s.Work() {
		}
	}
	if closed {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return c
	}
	// A killed server leaves its files as they are.
	copied := realConfig(t)
	copied.SegmentSize = c.SegmentSize
	if err := os.CopyFS(copied.Dir, os.DirFS(c.Dir)); err != nil {
		t.Fatal(err)
	}
	os.Chmod(copied.Dir, 0o700)
	files, _ := filepath.Glob(filepath.Join(copied.Dir, "*"))
	for _, f := range files {
		os.Chmod(f, 0o600)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return copied
}

// newest returns the journal's file that was written last.
func newest(t *testing.T, dir string) string {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(dir, "journal-*"))
	best, at := "", uint64(0)
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if n := store.SegmentNumber(b); n > at {
			best, at = f, n
		}
	}
	if best == "" {
		t.Fatal("no journal")
	}
	return best
}

// TestAJournalThatLostItsEndIsNotTakenForWhole removes, cuts and empties the file that was written last.
func TestAJournalThatLostItsEndIsNotTakenForWhole(t *testing.T) {
	for name, harm := range map[string]func(t *testing.T, file string){
		"removed": func(t *testing.T, f string) { must(t, os.Remove(f)) },
		"emptied": func(t *testing.T, f string) { must(t, os.Truncate(f, 0)) },
		"its beginning zeroed": func(t *testing.T, f string) {
			b, err := os.ReadFile(f)
			must(t, err)
			clear(b[:1024])
			must(t, os.WriteFile(f, b, 0o600))
		},
	} {
		for _, closed := range []bool{true, false} {
			t.Run(name, func(t *testing.T) { endLost(t, closed, harm) })
		}
	}
	t.Run("cut short", func(t *testing.T) {
		endLost(t, true, func(t *testing.T, f string) { must(t, os.Truncate(f, 2048)) })
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func endLost(t *testing.T, closed bool, harm func(t *testing.T, file string)) {
	c := filled(t, 150, closed)
	harm(t, newest(t, c.Dir))
	report, err := store.Check(c.Dir)
	if err != nil || report.OK() {
		t.Errorf("check: %v, %v", err, report)
	}
	s, _, rec := mustOpen(t, c)
	if rec.Unknown == 0 {
		t.Fatalf("nothing was missed: %+v", rec)
	}
	must(t, s.AcceptLoss())
	must(t, s.Close())
	s, _, rec = mustOpen(t, c)
	defer s.Close()
	if name := rec.Damaged; rec.Unknown != 0 && len(name) > 0 && name[len(name)-1].File == "journal" {
		t.Errorf("after the loss was accepted: %v", rec.Damaged)
	}
}

// TestADirectoryOfSomebodyElseIsLeftAlone has files in it that are none of ours, or only look so.
func TestADirectoryOfSomebodyElseIsLeftAlone(t *testing.T) {
	for _, name := range []string{"notes", "x.tmp", "journal-9999"} {
		c := realConfig(t)
		must(t, os.MkdirAll(c.Dir, 0o700))
		must(t, os.Chmod(c.Dir, 0o700))
		file := filepath.Join(c.Dir, name)
		must(t, os.WriteFile(file, []byte("xy"), 0o600))
		s, err := store.Open(c)
		if err == nil {
			s.Close()
			t.Errorf("%s: the directory was taken over", name)
		}
		entries, _ := os.ReadDir(c.Dir)
		for _, e := range entries {
			if n := e.Name(); n != name && n != "lock" {
				t.Errorf("%s: %s was left there", name, n)
			}
		}
		if b, err := os.ReadFile(file); err != nil || string(b) != "xy" {
			t.Errorf("%s: it now holds %q, %v", name, b, err)
		}
	}
}
