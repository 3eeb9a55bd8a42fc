package store_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/store"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

func TestTheRelationshipIsKept(t *testing.T) {
	fs := memfs.New(0)
	s, _, _ := mustOpen(t, goldenConfig(fs))
	if _, ok := s.Relationship(); ok {
		t.Error("there is a relationship before any was stored")
	}
	if s.SetRelationship(nil) == nil || s.SetRelationship(make([]byte, 16<<10)) == nil {
		t.Error("a record of no length, or longer than a segment, was stored")
	}
	for _, record := range []string{"first", "a longer second"} {
		if err := s.SetRelationship([]byte(record)); err != nil {
			t.Fatal(err)
		}
		if got, ok := s.Relationship(); !ok || string(got) != record {
			t.Errorf("after it was stored: %q, %v", got, ok)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.SetRelationship([]byte("late")); err == nil {
		t.Error("a closed store took a record")
	}
	s, _, rec := mustOpen(t, goldenConfig(fs))
	if got, ok := s.Relationship(); !ok || string(got) != "a longer second" || len(rec.Damaged) > 0 || rec.RelationshipLost || rec.Commit != 2 {
		t.Errorf("%q, %v, %+v", got, ok, rec)
	}
}

// What Relationship returns is durable: a record that was Put is not there before its batch is, and never if that fails.
func TestARecordIsThereOnceItsBatchIsDurable(t *testing.T) {
	fs := memfs.New(0)
	s, _, _ := mustOpen(t, goldenConfig(fs))
	must(t, s.SetRelationship([]byte("old")))
	b := s.Begin()
	b.PutRelationship(2, []byte("new"))
	if got, _ := s.Relationship(); string(got) != "old" {
		t.Errorf("before the commit: %q", got)
	}
	fs.Before = func(op memfs.Op) error {
		if op.Kind == memfs.Datasync {
			return fmt.Errorf("no")
		}
		return nil
	}
	if err := s.Commit(b); err == nil {
		t.Fatal("the commit did not fail")
	}
	if got, _ := s.Relationship(); string(got) != "old" {
		t.Errorf("after the commit had failed: %q", got)
	}
}

// The octets are those of the call: neither the record that was Put nor the one that is returned is shared.
func TestARecordIsNotShared(t *testing.T) {
	s, _, _ := mustOpen(t, goldenConfig(memfs.New(0)))
	record := []byte("a record")
	b := s.Begin()
	b.PutRelationship(1, record)
	clear(record)
	must(t, s.Commit(b))
	got, _ := s.Relationship()
	if string(got) != "a record" {
		t.Fatalf("%q", got)
	}
	clear(got)
	if again, _ := s.Relationship(); string(again) != "a record" {
		t.Errorf("%q", again)
	}
}

// A record that would not be read again is a fault of its writer.
func TestARecordThatCannotBeStoredPanics(t *testing.T) {
	for _, n := range []int{0, 16 << 10, 64<<10 + 1} {
		s, _, _ := mustOpen(t, goldenConfig(memfs.New(0)))
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a record of %d octets was taken", n)
				}
			}()
			s.Begin().PutRelationship(1, make([]byte, n))
		}()
	}
	// The longest that there is.
	fs := memfs.New(0)
	c := store.Config{FS: fs, Member: "west", SegmentSize: 128 << 10}
	s, _, _ := mustOpen(t, c)
	must(t, s.SetRelationship(make([]byte, 64<<10)))
	must(t, s.Close())
	s, _, _ = mustOpen(t, c)
	if got, _ := s.Relationship(); len(got) != 64<<10 {
		t.Errorf("%d octets were read", len(got))
	}
}

// A snapshot has the record as it was when the snapshot began: the journal that is replayed over it has what came after, and
// the segments before it are used again.
func TestASnapshotKeepsTheRelationship(t *testing.T) {
	for _, during := range []bool{false, true} {
		fs := memfs.New(0)
		c := goldenConfig(fs)
		s, table, _ := mustOpen(t, c)
		must(t, s.SetRelationship([]byte("before")))
		x := goldenBindings(table, true)[0]
		table.Put(x, time.Time{})
		b := s.Begin()
		b.Put(2, &x)
		must(t, s.Commit(b))
		sn, err := s.BeginSnapshot(table)
		must(t, err)
		want := "before"
		if during {
			must(t, s.SetRelationship([]byte("during")))
			want = "during"
		}
		for done := false; !done; done, err = sn.Step(1) {
			s.Work()
		}
		must(t, err)
		if snapshot := fs.Content("snapshot"); bytes.Count(snapshot, []byte("before")) != 2 || bytes.Contains(snapshot, []byte("during")) {
			t.Error("the snapshot does not have the record as it was when it began, twice")
		}
		must(t, s.Close())
		s, _, rec := mustOpen(t, c)
		if got, ok := s.Relationship(); !ok || string(got) != want || len(rec.Damaged) > 0 {
			t.Errorf("%q, %v, %+v", got, ok, rec)
		}
		// A snapshot in a later opening has it, too, though nobody has Put it since.
		must(t, s.Close())
		s, table, _ = mustOpen(t, c)
		sn, err = s.BeginSnapshot(table)
		for done := false; err == nil && !done; done, err = sn.Step(1) {
			s.Work()
		}
		must(t, err)
		must(t, s.Close())
		for _, name := range fs.Files() {
			if strings.HasPrefix(name, "journal-") && name != lastSegment(fs) {
				clear(fs.Content(name))
			}
		}
		s, _, _ = mustOpen(t, c)
		if got, ok := s.Relationship(); !ok || string(got) != want {
			t.Errorf("from the second snapshot: %q, %v", got, ok)
		}
	}
}

// copies returns where the payloads of the record stand in the journal's files.
func copies(fs *memfs.FS, record string) (files []string, at []int) {
	for _, name := range fs.Files() {
		content := fs.Content(name)
		for from := 0; ; {
			i := bytes.Index(content[from:], []byte(record))
			if i < 0 {
				break
			}
			files, at = append(files, name), append(at, from+i)
			from += i + 1
		}
	}
	return files, at
}

// smashed are the ways in which a copy of the record is damaged, as functions of where its payload stands.
var smashed = map[string]func(content []byte, at, n int){
	"an octet of the payload": func(c []byte, at, n int) { c[at] ^= 4 },
	"the payload":             func(c []byte, at, n int) { clear(c[at : at+n]) },
	"an octet of the header":  func(c []byte, at, n int) { c[at-40] ^= 4 },
	"the header":              func(c []byte, at, n int) { garble(c[at-60 : at-4]) },
	"both halves":             func(c []byte, at, n int) { garble(c[at-60 : at+n]) },
}

// garble writes what is no frame.
func garble(b []byte) {
	for i := range b {
		b[i] = 0x5a
	}
}

// Either copy may be damaged in any way: the record is as it was, and the damage is said. If both are, the record is lost,
// and that is said, until one that is written later takes its place.
func TestADamagedRecordIsReadOrReported(t *testing.T) {
	const old, newest = "what both knew at first", "what both know at last"
	fs := memfs.New(0)
	s, table, _ := mustOpen(t, goldenConfig(fs))
	must(t, s.SetRelationship([]byte(old)))
	b := s.Begin()
	for i, x := range goldenBindings(table, true)[:3] {
		if b.Put(uint64(i+2), &x); i == 1 {
			b.PutRelationship(3, []byte(newest))
		}
	}
	must(t, s.Commit(b))
	must(t, s.Close())
	files, at := copies(fs, newest)
	if len(files) != 2 {
		t.Fatalf("the record stands %d times in the journal", len(files))
	}
	for how, smash := range smashed {
		for mask := 1; mask <= 3; mask++ {
			rotten := fs.Clone()
			for i := range 2 {
				if mask&(1<<i) != 0 {
					smash(rotten.Content(files[i]), at[i], len(newest))
				}
			}
			t.Run(fmt.Sprintf("%s, copies %b", how, mask), func(t *testing.T) {
				mustReadOrReport(t, rotten, newest, mask == 3)
			})
		}
		rotten := fs.Clone()
		oldFiles, oldAt := copies(fs, old)
		for i := range oldFiles {
			smash(rotten.Content(oldFiles[i]), oldAt[i], len(old))
		}
		t.Run(how+", of a record that was replaced", func(t *testing.T) {
			if how == "both halves" || how == "the header" {
				return // two frames without a header may have been anything
			}
			mustReadOrReport(t, rotten, newest, false)
		})
	}
}

func mustReadOrReport(t *testing.T, fs *memfs.FS, newest string, lost bool) {
	t.Helper()
	report, err := store.CheckFS(fs, "")
	if err != nil || report.OK() || report.RelationshipLost != lost || (report.Relationship == 0) != lost {
		t.Errorf("check: %v\n%v", err, &report)
	}
	if lost != strings.Contains(report.String(), "recovers from its partner") {
		t.Errorf("the report does not say so, or does without need:\n%v", &report)
	}
	s, _, rec := mustOpen(t, goldenConfig(fs))
	record, ok := s.Relationship()
	if ok == lost || rec.RelationshipLost != lost || !lost && string(record) != newest || len(rec.Damaged) == 0 {
		t.Errorf("%q, %v, %+v", record, ok, rec)
	}
	if !lost && rec.Unknown > 0 {
		t.Errorf("one copy is whole, but %+v", rec)
	}
	if lost && rec.Unknown == 0 {
		must(t, s.SetRelationship([]byte("begun anew")))
		must(t, s.Close())
		s, _, rec = mustOpen(t, goldenConfig(fs))
		if got, ok := s.Relationship(); !ok || string(got) != "begun anew" || rec.RelationshipLost {
			t.Errorf("after a new record: %q, %v, %+v", got, ok, rec)
		}
	}
	must(t, s.Close())
}

// Where bindings were lost of which nobody knows the address, the record is not relied on either: it says what both servers
// know of them.
func TestARecordIsNotReliedOnWhereBindingsWereLost(t *testing.T) {
	fs := memfs.New(0)
	s, table, _ := mustOpen(t, goldenConfig(fs))
	x := goldenBindings(table, true)[2]
	b := s.Begin()
	b.Put(1, &x)
	b.Put(2, &x)
	b.PutRelationship(3, []byte("all is well"))
	must(t, s.Commit(b))
	must(t, s.Close())
	name := lastSegment(fs)
	content := fs.Content(name)
	first := bytes.Index(content[1024:], []byte("LF")) + 1024
	second := bytes.Index(content[first+2:], []byte("LF")) + first + 2
	garble(content[first : second+80])
	s, _, rec := mustOpen(t, goldenConfig(fs))
	if _, ok := s.Relationship(); ok || rec.Unknown == 0 || !rec.RelationshipLost {
		t.Errorf("%v, %+v", ok, rec)
	}
	must(t, s.Close())
}

// Neither a blob nor a binding is taken for a record, nor a record for one of them, whatever octets it has.
func TestARecordIsKnownWithoutItsHeader(t *testing.T) {
	fs := memfs.New(0)
	s, _, _ := mustOpen(t, goldenConfig(fs))
	lookalike := "\x01\x05\x20\xc6\x33\x64\x07\x02\x01\x02" // how 198.51.100.7 begins, as active
	must(t, s.SetRelationship([]byte(lookalike)))
	must(t, s.Close())
	files, at := copies(fs, lookalike)
	for i := range files {
		smashed["the header"](fs.Content(files[i]), at[i], len(lookalike))
	}
	s, got, rec := mustOpen(t, goldenConfig(fs))
	if _, ok := s.Relationship(); ok || got.Len() != 0 || len(rec.Quarantine()) != 0 {
		t.Errorf("%v, %d bindings, %+v", ok, got.Len(), rec)
	}
	must(t, s.Close())
}

// Laying out a record takes no memory once there was one of its length.
func TestARecordIsPutWithoutAllocations(t *testing.T) {
	s, err := store.Open(store.Config{FS: memfs.New(0), Member: "west", SegmentSize: 64 << 20})
	must(t, err)
	table := binding.NewTable()
	_, err = s.Load(table, never)
	must(t, err)
	record := make([]byte, 2000)
	var x binding.Binding
	lease(table, 1, &x)
	batch := s.Begin()
	n := uint64(0)
	put := func() {
		n++
		batch.PutRelationship(n, record)
		batch.Put(n, &x)
	}
	for range 1000 {
		put()
	}
	must(t, s.Commit(batch))
	batch = s.Begin()
	if got := testing.AllocsPerRun(500, put); got >= 1 {
		t.Errorf("%v allocations", got)
	}
	must(t, s.Commit(batch))
}
