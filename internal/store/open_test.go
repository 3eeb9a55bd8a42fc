package store_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/store"
	"github.com/lessor-dhcp/lessor/internal/store/disk"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

func realConfig(t *testing.T) store.Config {
	return store.Config{Dir: filepath.Join(t.TempDir(), "data"), Member: "west", SegmentSize: 16 << 10}
}

func TestDirectoryAndFilesArePrivate(t *testing.T) {
	c := realConfig(t)
	s, _, rec := mustOpen(t, c)
	if !rec.New {
		t.Error("a new directory is not said to be new")
	}
	if err := s.SetHead(store.HeadRecord{Document: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	if st, _ := os.Stat(c.Dir); st.Mode().Perm() != 0o700 {
		t.Errorf("directory: mode %v", st.Mode())
	}
	entries, _ := os.ReadDir(c.Dir)
	for _, e := range entries {
		if st, _ := e.Info(); st.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v", e.Name(), st.Mode())
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "identity", "journal-0001", "head", "lock"} {
		path := filepath.Join(c.Dir, name)
		st, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, wide := range []fs.FileMode{0o040, 0o004, 0o020} {
			os.Chmod(path, st.Mode()|wide)
			var open *store.TooOpen
			if _, err := store.Open(c); !errors.As(err, &open) || !strings.Contains(err.Error(), "run: chmod ") {
				t.Errorf("%q with mode %v: %v; want to be told how to close it", name, st.Mode()|wide, err)
			}
		}
		os.Chmod(path, st.Mode())
	}
	s, _, rec = mustOpen(t, c)
	if rec.New {
		t.Log("nothing was ever committed")
	}
	s.Close()
}

func TestDirectoryInUseIsRefused(t *testing.T) {
	c := realConfig(t)
	s, _, _ := mustOpen(t, c)
	_, err := store.Open(c)
	var used *disk.InUse
	if !errors.As(err, &used) || used.PID != os.Getpid() {
		t.Errorf("second Open: %v; want that this process, %d, uses it", err, os.Getpid())
	}
	r, err := store.Check(c.Dir)
	if err != nil || !r.Running || r.PID != os.Getpid() || !r.OK() {
		t.Errorf("Check of a directory in use: %v, %+v", err, r)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, _, _ = mustOpen(t, c)
	s.Close()
	if r, err := store.Check(c.Dir); err != nil || r.Running {
		t.Errorf("Check of a directory that is not in use: %v, %+v", err, r)
	}
}

func TestOtherServersDirectoryIsRefused(t *testing.T) {
	c := realConfig(t)
	s, _, _ := mustOpen(t, c)
	s.Close()
	c.Member = "east"
	var other *store.OtherServer
	if _, err := store.Open(c); !errors.As(err, &other) || other.Owner != "west" {
		t.Errorf("Open: %v; want that it is west's", err)
	}
	c.Member = "west"
	if s, err := store.Open(c); err != nil {
		t.Error(err)
	} else {
		s.Close()
	}
}

// newer gives the two copies of a file's beginning a later format.
func newer(b []byte) {
	for at := 0; at < 1024; at += 512 {
		k := b[at : at+512]
		binary.LittleEndian.PutUint16(k[8:], store.Format+1)
		binary.LittleEndian.PutUint32(k[508:], crc32.Checksum(k[:508], crc32.MakeTable(crc32.Castagnoli)))
	}
}

// crc32.Checksum begins with 0, as the store does for what stands at a fixed place.
func TestNewerFormatIsRefused(t *testing.T) {
	for _, name := range []string{"identity", "journal-0001", "head", "snapshot"} {
		h := image(t, 8, true)
		b := h.fs.Content(name)
		if b == nil {
			b = h.fs.Content(lastSegment(h.fs))
		}
		newer(b)
		h.config.FS = h.fs
		s, err := store.Open(h.config)
		if err == nil {
			_, err = s.Load(newMapTable(), never)
		}
		var e *store.NewerFormat
		if !errors.As(err, &e) || e.Format != store.Format+1 || !strings.Contains(err.Error(), "newer Lessor") {
			t.Errorf("%s: %v; want that a newer Lessor wrote it", name, err)
		}
	}
}

func TestIncompleteDirectoryIsRefused(t *testing.T) {
	for name, remove := range map[string]func(fs *memfs.FS){
		"without identity": func(fs *memfs.FS) { fs.Remove("identity") },
		"without snapshot": func(fs *memfs.FS) { fs.Remove("snapshot") },
	} {
		h := image(t, 8, true)
		remove(h.fs)
		h.config.FS = h.fs
		s, err := store.Open(h.config)
		if err == nil {
			_, err = s.Load(newMapTable(), never)
		}
		if err == nil || !strings.Contains(err.Error(), "backup") {
			t.Errorf("%s: %v; want a remedy", name, err)
		}
	}
}

// A segment that is missing is not passed over in silence.
func TestMissingSegmentIsCounted(t *testing.T) {
	h := image(t, 8, true)
	last := lastSegment(h.fs)
	for _, name := range h.fs.Files() {
		if !strings.HasPrefix(name, "journal-") || name == last {
			continue
		}
		fs := h.fs.Clone()
		fs.Remove(name)
		h.config.FS = fs
		_, table, rec := mustOpen(t, h.config)
		if rec.Unknown == 0 && !equalTo(table, h.acked) {
			t.Errorf("without %s bindings differ, and nothing is said", name)
		}
	}
}

// The head is there as it was set, whatever is set after it at a crash.
func TestHeadIsReplacedWhole(t *testing.T) {
	h := newHistory(2, memfs.New(0))
	if _, err := h.open(); err != nil {
		t.Fatal(err)
	}
	if _, ok := h.store.Head(); ok {
		t.Error("a new directory has a head")
	}
	var old store.HeadRecord
	for i := range 20 {
		next := store.HeadRecord{
			Digest: binding.DigestOf([]byte{byte(i)}), Since: time.Unix(1_790_000_000+int64(i), 0).UTC(),
			Document: bytes.Repeat([]byte{byte('a' + i)}, 100*i),
		}
		h.fs.After = func(op memfs.Op) {
			c := h.config
			c.FS = h.fs.Crash(h.r, survival(h.r))
			s, err := store.Open(c)
			if err != nil {
				t.Fatalf("%v: %v", op, err)
			}
			got, ok := s.Head()
			if is := func(x store.HeadRecord) bool {
				return got.Digest == x.Digest && got.Since.Equal(x.Since) && bytes.Equal(got.Document, x.Document)
			}; ok && !is(old) && !is(next) || !ok && i > 0 {
				t.Fatalf("%v: head %d %v: %+v", op, i, ok, got)
			}
		}
		if err := h.store.SetHead(next); err != nil {
			t.Fatal(err)
		}
		if got, ok := h.store.Head(); !ok || got.Digest != next.Digest {
			t.Fatalf("head %d: %v", i, got)
		}
		old = next
	}
}

// Segments of another size than the configured one are read, and go when a snapshot has made them useless.
func TestSegmentSizeMayChange(t *testing.T) {
	h := newHistory(9, memfs.New(0))
	for _, size := range []int64{16 << 10, 32 << 10, 16 << 10, 64 << 10} {
		h.config.SegmentSize, h.config.SnapshotAfter = size, 32<<10
		if err := h.after("opened with another segment size"); err != nil {
			t.Fatal(err)
		}
		for range 100 {
			if err := h.step(); err != nil {
				t.Fatal(err)
			}
		}
		for h.sn != nil || h.store.SnapshotDue(time.Time{}) {
			if err := h.step(); err != nil {
				t.Fatal(err)
			}
		}
		for h.store.Work() {
		}
		h.reopenFrom()
	}
	for _, name := range h.fs.Files() {
		if n := len(h.fs.Content(name)); strings.HasPrefix(name, "journal-") && n == 32<<10 {
			t.Errorf("%s still has %d octets", name, n)
		}
	}
}
