package store_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/store"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

// image is a directory after a while, all of it acknowledged, with the ledger.
func image(t testing.TB, seed uint64, clean bool) *history {
	t.Helper()
	h := newHistory(seed, memfs.New(0))
	h.config.SnapshotAfter = 32 << 10
	for range 3 {
		if _, err := h.open(); err != nil {
			t.Fatal(err)
		}
		for range 40 {
			if err := h.step(); err != nil {
				t.Fatal(err)
			}
		}
		if clean {
			h.reopenFrom()
		}
		h.fs = h.fs.Crash(h.r, 0)
	}
	if err := func() error { _, err := h.open(); return err }(); err != nil {
		t.Fatal(err)
	}
	if err := h.store.SetHead(store.HeadRecord{Document: []byte("server: {name: west}\n")}); err != nil {
		t.Fatal(err)
	}
	for range 7 {
		if err := h.step(); err != nil {
			t.Fatal(err)
		}
	}
	h.fs = h.fs.Crash(h.r, 0)
	return h
}

// One octet rots, anywhere: the server starts, serves nothing that was not written, misses nothing without naming it,
// and cuts nothing off.
func TestOneRottenOctetIsNamedAndNeverServed(t *testing.T) {
	step := 23
	if os.Getenv("LESSOR_EVERY_OCTET") != "" {
		step = 1
	}
	for _, clean := range []bool{false, true} {
		h := image(t, 8, clean)
		r := rand.New(rand.NewPCG(8, 8))
		n, named, flips := 0, 0, 0
		for _, name := range h.fs.Files() {
			content := h.fs.Content(name)
			for at := r.IntN(step); at < len(content); at += 1 + r.IntN(2*step-1) {
				change := byte(1 << r.IntN(8))
				if r.IntN(2) == 0 {
					change = byte(1 + r.IntN(255))
				}
				content[at] ^= change
				damaged, err := h.rotten(name, at)
				content[at] ^= change
				if err != nil {
					t.Fatalf("clean %v: %s, octet %d changed by %#x: %v", clean, name, at, change, err)
				}
				n++
				if damaged > 0 {
					named++
				}
				flips += damaged
			}
		}
		t.Logf("closed in good order %v: %d octets rotted one by one; %d were noticed and named (%d damages)", clean, n, named, flips)
		if named == 0 {
			t.Error("no damage was ever reported")
		}
	}
}

// rotten opens a copy of the directory and compares it with the ledger.
func (h *history) rotten(name string, at int) (damaged int, err error) {
	c := h.config
	c.FS = h.fs.Clone()
	s, err := store.Open(c)
	if err != nil {
		return 0, fmt.Errorf("start refused: %w", err)
	}
	defer s.Close()
	table := newMapTable()
	rec, err := s.Load(table, never)
	if err != nil {
		return 0, fmt.Errorf("start refused: %w", err)
	}
	if rec.Unknown > 0 || rec.Tail.Bytes > 0 {
		return 0, fmt.Errorf("%d records unknown, tail: %v; %v", rec.Unknown, rec.Tail, rec.Damaged)
	}
	if record, _ := s.Relationship(); rec.RelationshipLost || !bytes.Equal(record, h.ackedRecord) {
		return 0, fmt.Errorf("the relationship's record is %.40q, lost: %v; one of its two copies was whole; %v", record, rec.RelationshipLost, rec.Damaged)
	}
	return len(rec.Damaged), h.honest(table, &rec, name)
}

// honest reports whether every difference between the table and the ledger is named.
func (h *history) honest(table *mapTable, rec *store.Recovery, name string) error {
	lost := rec.Quarantine()
	part := make(map[netip.Prefix]bool)
	for _, d := range rec.Damaged {
		if d.File != name {
			return fmt.Errorf("damage is reported in another file: %v", d)
		}
		if d.Kind == store.PartMissing && !d.Superseded {
			part[d.Prefix] = true
		}
	}
	for p, w := range h.acked {
		g, ok := table.byKey[p]
		switch _, gone := slices.BinarySearchFunc(lost, p, netip.Prefix.Compare); {
		case gone:
			continue
		case !ok:
			return fmt.Errorf("%v is missing and not named: %+v", p, rec)
		case part[p]:
			g.Facts.Shared, g.Result, g.Reasons = w.Facts.Shared, w.Result, w.Reasons
		}
		if !same(&g, &w) {
			return fmt.Errorf("%v differs and is not named:\n got %+v\nwant %+v", p, g, w)
		}
	}
	if table.Len() > len(h.acked) {
		return fmt.Errorf("%d bindings, %d were acknowledged", table.Len(), len(h.acked))
	}
	return nil
}

// honestRecord reports whether the relationship's record is the newest, or is said to be lost.
func (h *history) honestRecord(s *store.Store, rec *store.Recovery) error {
	record, ok := s.Relationship()
	if rec.RelationshipLost != (!ok && len(h.ackedRecord) > 0) || ok && !bytes.Equal(record, h.ackedRecord) {
		return fmt.Errorf("the relationship's record is %.40q, lost: %v; %v", record, rec.RelationshipLost, rec.Damaged)
	}
	return nil
}

// lastSegment returns the file that is being written.
func lastSegment(fs *memfs.FS) (last string) {
	var highest uint64
	for _, name := range fs.Files() {
		c := fs.Content(name)
		if len(c) < 2*memfs.Sector || c[10] != 2 {
			continue
		}
		if n := binary.LittleEndian.Uint64(c[40:]); n > highest {
			last, highest = name, n
		}
	}
	return last
}

// Whole sectors rot. Where that cannot be a write that was interrupted, which is everywhere but in the segment that was
// being written, what is lost is named or counted.
func TestLostSectorsAreNamedOrCounted(t *testing.T) {
	h := image(t, 8, true)
	r := rand.New(rand.NewPCG(8, 9))
	files := slices.DeleteFunc(h.fs.Files(), func(name string) bool { return name == lastSegment(h.fs) })
	total, unknown, refused, records := 0, 0, 0, 0
	for range 3000 {
		name := files[r.IntN(len(files))]
		c := h.config
		c.FS = h.fs.Clone()
		content := c.FS.(*memfs.FS).Content(name)
		if len(content) == 0 {
			continue
		}
		from := r.IntN(len(content)) / memfs.Sector * memfs.Sector
		to := min(from+memfs.Sector*(1+r.IntN(3)), len(content))
		fill := [...]func(i int) byte{
			func(int) byte { return 0 },
			func(int) byte { return byte(r.Uint32()) },
			func(i int) byte { return content[(i+4096)%len(content)] },
		}[r.IntN(3)]
		for i := from; i < to; i++ {
			content[i] = fill(i)
		}
		s, err := store.Open(c)
		if err != nil {
			refused++
			continue
		}
		total++
		table := newMapTable()
		rec, err := s.Load(table, never)
		switch {
		case err != nil:
			refused++
		case rec.Tail.Bytes > 0:
			t.Fatalf("%s, octets %d to %d: cut: %v", name, from, to, rec.Tail)
		case rec.Unknown > 0:
			unknown++
		default:
			if err := errors.Join(h.honest(table, &rec, name), h.honestRecord(s, &rec)); err != nil {
				t.Fatalf("%s, octets %d to %d: %v", name, from, to, err)
			}
			if rec.RelationshipLost {
				records++
			}
		}
		s.Close()
	}
	t.Logf("%d images; in %d something was lost that could not be named; %d starts refused; %d lost the relationship's record",
		total, unknown, refused, records)
}

// A header, or all behind it, is overwritten: the other half names the address.
func TestEitherHalfNamesTheAddress(t *testing.T) {
	h := image(t, 8, true)
	r := rand.New(rand.NewPCG(1, 1))
	last := lastSegment(h.fs)
	lost := 0
	for _, name := range h.fs.Files() {
		content := h.fs.Content(name)
		if name == last || name != "snapshot" && !strings.HasPrefix(name, "journal-") {
			continue
		}
		for at := 1024; at+56 <= len(content); at += 8 {
			if content[at] != 'L' || content[at+1] != 'F' || content[at+2] > 2 && content[at+2] != 4 {
				continue
			}
			end := at + (56+int(binary.LittleEndian.Uint32(content[at+4:]))+4+7)&^7
			if end > len(content) {
				continue // left from an earlier use of the file
			}
			for _, half := range [][2]int{{at, at + 56}, {at + 56, end}} {
				saved := slices.Clone(content[half[0]:half[1]])
				for i := half[0]; i < half[1]; i++ {
					content[i] = byte(r.Uint32())
				}
				n, err := h.rotten(name, at)
				if copy(content[half[0]:], saved); err != nil {
					t.Fatalf("%s, octets %d to %d: %v", name, half[0], half[1], err)
				}
				lost += n
			}
		}
	}
	if lost == 0 {
		t.Error("nothing was ever lost")
	}
}

// Whatever the files have in them, they are read to their end, and audited.
func FuzzDirectory(f *testing.F) {
	h := image(f, 8, true)
	names := h.fs.Files()
	f.Add(uint8(0), uint16(0), []byte{0})
	f.Add(uint8(2), uint16(1024), []byte("LF\x02\x01"))
	f.Fuzz(func(t *testing.T, which uint8, at uint16, change []byte) {
		fs := h.fs.Clone()
		content := fs.Content(names[int(which)%len(names)])
		for i, c := range change {
			if int(at)+i < len(content) {
				content[int(at)+i] ^= c
			}
		}
		if _, err := store.CheckFS(fs, ""); err != nil {
			t.Log(err)
		}
		c := h.config
		c.FS = fs
		s, err := store.Open(c)
		if err != nil {
			return
		}
		defer s.Close()
		table := newMapTable()
		if rec, err := s.Load(table, never); err == nil && rec.Bindings > len(h.acked) {
			t.Errorf("%d bindings, there were never more than %d", rec.Bindings, len(h.acked))
		}
	})
}
