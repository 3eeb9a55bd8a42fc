package store_test

import (
	"bytes"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/store"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

var update = flag.Bool("update", false, "write the files of testdata anew")

// goldenConfig is the store that the directories in testdata are copies of.
func goldenConfig(fs *memfs.FS) store.Config {
	return store.Config{FS: fs, Member: "west", SegmentSize: 16 << 10, NewID: store.ID([]byte("lessor format 1!"))}
}

// goldenBindings has a binding of every kind: all fields, none, IPv6, a lease without end.
func goldenBindings(t *mapTable, v2 bool) []binding.Binding {
	at := time.Unix(1_795_305_600, 0).UTC()
	full := binding.Binding{
		Prefix: netip.MustParsePrefix("198.51.100.7/32"), State: binding.Active, Cause: binding.Renewed,
		Client: binding.Client{ID: []byte{1, 2, 0, 0, 0, 0, 7}, Hardware: binding.HardwareOf(1, []byte{2, 0, 0, 0, 0, 7})},
		Starts: at, Expires: at.Add(4 * time.Hour), CLTT: at.Add(time.Hour), Changed: at, Home: "west",
		Version: binding.DigestOf([]byte("the configuration")),
		Facts:   binding.StoredFacts{Shared: t.Intern([]byte("facts that phones share")), Own: []byte{0, 12, 0, 5, 'p', 'h', 'o', 'n', 'e'}},
		Result:  t.Intern([]byte("what it was told")), Reasons: t.Intern([]byte("why")),
	}
	if v2 {
		full.Sync = binding.Sync{Potential: at.Add(6 * time.Hour), Acked: at.Add(2 * time.Hour), Ours: binding.SequenceOf(3, 7), Theirs: 1<<64 - 1, Marks: binding.Pending | binding.Sent}
	}
	next := full
	next.Prefix, next.Client.ID, next.Facts.Own = netip.MustParsePrefix("198.51.100.8/32"), nil, nil
	next.Expires, next.Reasons = binding.Forever, nil
	return []binding.Binding{
		full, next,
		{Prefix: netip.MustParsePrefix("198.51.100.9/32"), State: binding.Free, Owner: "east", Changed: at, Cause: binding.GuardPassed},
		{Prefix: netip.MustParsePrefix("2001:db8:100:200::/56"), State: binding.Released, CLTT: at},
		{Prefix: netip.MustParsePrefix("198.51.100.10/32"), State: binding.Abandoned, Cause: binding.RecordDamaged, Expires: at},
		{Prefix: netip.MustParsePrefix("198.51.100.7/32"), State: binding.Expired, Cause: binding.LeaseExpired, CLTT: at},
	}
}

// goldenRecords are the relationship's records of the two openings of goldenStore.
var goldenRecords = [...]string{"what both servers knew", "what both servers know"}

// goldenVersions are what each of the two openings of goldenStore stores, and the state that it stores with them.
var goldenVersions = [...][]store.VersionRecord{
	{{ID: [16]byte([]byte("the first version")), Bytes: []byte("the root\n")}, {ID: [16]byte([]byte("the second version")), Bytes: goldenDocument("eth0")}},
	{{ID: [16]byte([]byte("version number 3")), Bytes: goldenDocument("eth1")}},
}

var goldenStates = [...]string{"the head is the first", "the head is the third"}

// goldenDocument is of several pieces; a word differs in the middle.
func goldenDocument(word string) []byte {
	var b []byte
	for i := range 300 {
		w := "eth0"
		if i == 150 {
			w = word
		}
		b = fmt.Appendf(b, "line %d is about interface %s, %x\n", i, w, binding.DigestOf([]byte{byte(i), byte(i >> 8)}))
	}
	return b
}

// goldenStore makes the directory that testdata/v4 is a copy of: a snapshot, a journal behind it, a relationship in both, a
// head, and versions.
func goldenStore(t *testing.T) *memfs.FS {
	fs := memfs.New(0)
	for round := range 2 {
		s, table, _ := mustOpen(t, goldenConfig(fs))
		for i, x := range goldenBindings(table, true)[round*3:][:3] {
			b := s.Begin()
			b.Put(uint64(round*3+i+1), &x)
			if i == 1 {
				b.PutRelationship(uint64(round*3+i+1), []byte(goldenRecords[round]))
			}
			table.Put(x, time.Time{})
			if err := s.Commit(b); err != nil {
				t.Fatal(err)
			}
		}
		if round == 0 {
			sn, err := s.BeginSnapshot(table)
			if err != nil {
				t.Fatal(err)
			}
			for done := false; !done; done, err = sn.Step(10) {
				s.Work()
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		err := s.SetHead(store.HeadRecord{Digest: binding.DigestOf(nil), Since: time.Unix(1_795_305_600, 0), Document: []byte("server: {name: west}\n")})
		if err != nil {
			t.Fatal(err)
		}
		must(t, s.PutVersions(goldenVersions[round], []byte(goldenStates[round])))
		must(t, s.Close())
	}
	return fs
}

// Formats are read for ever: the directories in testdata were written by the versions that made them. If this fails, the
// format changed: give it a new number, and keep reading this one.
func TestEveryFormatIsRead(t *testing.T) {
	if *update {
		writeGolden(t, filepath.Join("testdata", "v4"), goldenStore(t))
	}
	for format := 1; format <= store.Format; format++ {
		dir := filepath.Join("testdata", fmt.Sprintf("v%d", format))
		t.Run(dir, func(t *testing.T) { mustReadFormat(t, dir, format) })
	}
}

func mustReadFormat(t *testing.T, dir string, format int) {
	fs := memfs.New(0)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		fs.Set(e.Name(), b)
	}
	want := newMapTable()
	for _, x := range goldenBindings(want, format >= 2) {
		want.Put(x, time.Time{})
	}
	report, err := store.CheckFS(fs, dir)
	if err != nil || !report.OK() || report.Bindings != 5 || report.States[binding.Expired] != 1 {
		t.Errorf("check: %v\n%v", err, &report)
	}
	s, got, rec := mustOpen(t, goldenConfig(fs))
	mustEqual(t, got, want)
	if rec.Commit != 6 || !rec.Clean || rec.Boot != 3 || len(rec.Damaged) > 0 {
		t.Errorf("%+v", rec)
	}
	if h, ok := s.Head(); !ok || string(h.Document) != "server: {name: west}\n" || h.Since.Unix() != 1_795_305_600 {
		t.Errorf("head: %v %+v", ok, h)
	}
	if r, ok := s.Relationship(); ok != (format >= 3) || ok && string(r) != goldenRecords[1] {
		t.Errorf("relationship: %v %q", ok, r)
	}
	mustReadVersions(t, s, &rec, format)
}

func mustReadVersions(t *testing.T, s *store.Store, rec *store.Recovery, format int) {
	t.Helper()
	var want []store.VersionRecord
	state := ""
	if format >= 4 {
		want, state = slices.Concat(goldenVersions[:]...), goldenStates[1]
	}
	if got := all(t, s); !sameVersions(got, want) || string(s.VersionState()) != state || rec.VersionsLost {
		t.Errorf("%d versions, state %q, lost: %v", len(got), s.VersionState(), rec.VersionsLost)
	}
}

// A directory of an earlier format gets the present one with the first opening, so that an earlier server, which would forget
// what the partner knows, refuses it from then on.
func TestAnOpeningBringsTheFormatUp(t *testing.T) {
	for format := 1; format < store.Format; format++ {
		fs := memfs.New(0)
		for _, name := range []string{"head", "identity", "journal-0001", "journal-0002", "snapshot"} {
			b, err := os.ReadFile(filepath.Join("testdata", fmt.Sprintf("v%d", format), name))
			if err != nil {
				t.Fatal(err)
			}
			fs.Set(name, b)
		}
		if f := int(fs.Content("identity")[8]); f != format {
			t.Fatalf("testdata/v%d has format %d", format, f)
		}
		s, _, _ := mustOpen(t, goldenConfig(fs))
		if f := fs.Content("identity")[8]; f != store.Format {
			t.Errorf("after an opening the directory has format %d", f)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// The bytes that are written are those of testdata/v4. Where they change without need, older versions may not read
// them.
func TestTheFormatIsWritten(t *testing.T) {
	made := goldenStore(t)
	for _, name := range made.Files() {
		want, err := os.ReadFile(filepath.Join("testdata", "v4", name))
		if err != nil {
			t.Fatal(err)
		}
		if got := made.Content(name); !bytes.Equal(got, want) {
			t.Errorf("%s differs from octet %d on", name, firstDifference(got, want))
		}
	}
}

func firstDifference(a, b []byte) int {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	return i
}

func writeGolden(t *testing.T, dir string, fs *memfs.FS) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range fs.Files() {
		if err := os.WriteFile(filepath.Join(dir, name), fs.Content(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// The report says to a person what there is.
func TestReportForAPerson(t *testing.T) {
	h := image(t, 8, true)
	name := lastSegment(h.fs)
	h.fs.Content(name)[1024+70] ^= 1
	r, err := store.CheckFS(h.fs, "/var/lib/lessor")
	if err != nil {
		t.Fatal(err)
	}
	text := r.String()
	for _, want := range []string{
		"/var/lib/lessor", "west", "bindings:", "active", "journal:", "damage:", name, "changed", "verdict:", fmt.Sprint(r.ID),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report does not have %q:\n%s", want, text)
		}
	}
	if r.OK() || len(r.Damaged) == 0 {
		t.Errorf("a changed octet is not reported:\n%s", text)
	}
	before := h.fs.Clone()
	if _, err := store.CheckFS(h.fs, ""); err != nil || !h.fs.Equal(before) {
		t.Errorf("Check changed something (%v)", err)
	}
	if n := len(r.Quarantine()); !slices.IsSortedFunc(r.Quarantine(), netip.Prefix.Compare) {
		t.Errorf("%d prefixes out of order", n)
	}
}

// What there is one of is said so.
func TestReportOfASingleOpening(t *testing.T) {
	h := newHistory(1, memfs.New(0))
	if _, err := h.open(); err != nil {
		t.Fatal(err)
	}
	if err := h.commit(); err != nil {
		t.Fatal(err)
	}
	r, err := store.CheckFS(h.fs, "/var/lib/lessor")
	if text := r.String(); err != nil || !strings.Contains(text, "opened once)") || !strings.Contains(text, ": 1 segment in use") {
		t.Errorf("%v\n%s", err, text)
	}
}
