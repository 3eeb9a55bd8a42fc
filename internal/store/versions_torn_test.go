package store_test

import (
	"bytes"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/store"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

// statesOf returns where the copies of the states stand in a file of versions: begin and end of their payloads.
func statesOf(file []byte, state string) (all [][2]int) {
	for from := 0; ; {
		at := bytes.Index(file[from:], []byte(state))
		if at < 0 {
			return all
		}
		all = append(all, [2]int{from + at, from + at + len(state)})
		from += at + len(state)
	}
}

// Of the newest state one copy is enough, and without both nothing of the history is handed out; older ones need not be readable.
func TestEitherCopyOfTheStateIsEnough(t *testing.T) {
	for _, c := range []struct {
		name   string
		state  int  // which of those that smallHistory stored is damaged
		copies int  // how many of it
		octets int  // how many of each
		closed bool // in good order
		lost   bool
	}{
		{"one copy of the newest, an octet", 4, 1, 1, false, false},
		{"one copy of the newest, many octets", 4, 1, 5, true, false},
		{"both copies of the newest, an octet", 4, 2, 1, false, true},
		{"both copies of the newest, many octets", 4, 2, 5, true, true},
		{"one copy of an older one", 2, 1, 5, false, false},
		{"both copies of an older one", 2, 2, 5, false, false},
		{"both copies of the first one", 0, 2, 5, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			fs, moments := smallHistory(t, c.closed)
			file := fs.Content("versions")
			places := statesOf(file, moments[c.state+1].state)
			if len(places) != 2 {
				t.Fatalf("the state is there %d times", len(places))
			}
			for _, p := range places[:c.copies] {
				for i := range c.octets {
					file[p[0]+i] ^= 0x55
				}
			}
			want := len(moments) - 1
			if c.lost {
				want = -1
			}
			if n, err := foundMoment(fs, moments); n != want || err != nil {
				t.Errorf("%d, want %d: %v", n, want, err)
			}
		})
	}
	t.Run("in the file as it was made", func(t *testing.T) {
		fs := memfs.New(0)
		s, _, _ := mustOpen(t, goldenConfig(fs))
		fs.Before = func(op memfs.Op) error { // so that only the file itself says how long it was
			if op.Name == "identity" {
				return syscall.EIO
			}
			return nil
		}
		m := moment{[]store.VersionRecord{versionNamed(1, 400)}, "the only state"}
		must(t, s.PutVersions(m.versions, []byte(m.state)))
		fs.Before = nil
		fs = fs.Crash(rand.New(rand.NewPCG(1, 1)), 0)
		p := statesOf(fs.Content("versions"), m.state)
		clear(fs.Content("versions")[p[1][0]:p[1][1]])
		if n, err := foundMoment(fs, []moment{m}); n != 0 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	})
}

// A sector that did not arrive is told from an octet that rotted, also where the checksums by chance look like the latter, which
// they do in one of a few hundred long frames.
func TestASectorThatDidNotArriveIsNoRot(t *testing.T) {
	images := 0
	for seed := range uint64(40) {
		fs := memfs.New(0)
		s, _, _ := mustOpen(t, goldenConfig(fs))
		moments := []moment{{nil, "before"}}
		must(t, s.PutVersions(nil, []byte("before")))
		from := len(fs.Content("versions"))
		after := moment{[]store.VersionRecord{versionNamed(seed, 60_000)}, "after"}
		must(t, s.PutVersions(after.versions, []byte(after.state)))
		moments = append(moments, after)
		whole := fs.Crash(rand.New(rand.NewPCG(1, 1)), 0)
		for at := from; at < len(whole.Content("versions")); at += memfs.Sector {
			torn := whole.Clone()
			clear(torn.Content("versions")[at : at+memfs.Sector])
			if n, err := foundMoment(torn, moments); n != 0 || err != nil {
				t.Fatalf("seed %d, without the sector at %d: %d, %v", seed, at, n, err)
			}
			images++
		}
	}
	t.Logf("%d images with a sector missing", images)
}

// What a crash left of a document is not mixed with what is written over it: another of the same length, which differs in a single
// octet.
func TestWhatACrashLeftIsNotMixedWithWhatFollows(t *testing.T) {
	before := moment{[]store.VersionRecord{versionNamed(1, 300)}, "before"}
	document := versionNamed(2, 3000)
	other := versionNamed(2, 3000)
	other.Bytes[1500]++
	fs := memfs.New(0)
	s, _, _ := mustOpen(t, goldenConfig(fs))
	must(t, s.PutVersions(before.versions, []byte(before.state)))
	must(t, s.PutVersions([]store.VersionRecord{document}, []byte("after")))
	fs = fs.Crash(rand.New(rand.NewPCG(1, 1)), 0)
	file := fs.Content("versions")
	clear(file[len(file)-memfs.Sector:]) // the end did not arrive
	config := goldenConfig(fs)
	s, _, _ = mustOpen(t, config)
	syncs := 0
	var onDisk []byte // of what the other is written over
	fs.Before = func(op memfs.Op) error {
		if op.Name == "versions" && op.Kind == memfs.Datasync {
			onDisk = fs.Crash(rand.New(rand.NewPCG(1, 1)), 0).Content("versions")
			syncs++
		}
		return nil
	}
	must(t, s.PutVersions([]store.VersionRecord{other}, []byte("after")))
	if syncs < 2 {
		t.Errorf("%d syncs: what was left is not known to be gone before it is written over", syncs)
	}
	fs.Before = nil
	whole := fs.Clone()
	after := moment{append(before.versions, other), "after"}
	for at := 1024; at < len(onDisk); at += memfs.Sector {
		torn := whole.Clone()
		copy(torn.Content("versions")[at:at+memfs.Sector], onDisk[at:])
		if n, err := foundMoment(torn, []moment{before, after}); err != nil || n < 0 {
			t.Errorf("the sector at %d did not arrive: %d, %v", at, n, err)
		}
	}
}
