package memfs_test

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/store/disk"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

func create(t *testing.T, f *memfs.FS, name string, b []byte) disk.File {
	t.Helper()
	file, err := f.Open(name, disk.Create)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt(b, 0); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestWhatWasNotSyncedIsLost(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	f := memfs.New(0)
	file := create(t, f, "a", bytes.Repeat([]byte{1}, 2048))
	if got := f.Crash(r, 0).Files(); len(got) != 0 {
		t.Errorf("a file without SyncDir is there: %v", got)
	}
	f.SyncDir()
	if got := f.Crash(r, 0).Content("a"); len(got) != 0 {
		t.Errorf("a file without Datasync has %d octets", len(got))
	}
	file.Datasync()
	if got := f.Crash(r, 0).Content("a"); !bytes.Equal(got, bytes.Repeat([]byte{1}, 2048)) {
		t.Error("what was synced is lost")
	}
	file.WriteAt(bytes.Repeat([]byte{2}, 2048), 0)
	seen := map[byte]bool{}
	for range 50 {
		got := f.Crash(r, 0.5).Content("a")
		for at := 0; at < len(got); at += memfs.Sector {
			if s := got[at : at+memfs.Sector]; !bytes.Equal(s, bytes.Repeat(s[:1], memfs.Sector)) {
				t.Fatal("a sector is torn")
			}
			seen[got[at]] = true
		}
	}
	if !seen[1] || !seen[2] {
		t.Error("sectors do not survive by chance")
	}
}

func TestAFailedSyncIsNotMadeGoodByTheNext(t *testing.T) {
	f := memfs.New(0)
	file := create(t, f, "a", []byte("old"))
	file.Datasync()
	f.SyncDir()
	fail := true
	f.Before = func(op memfs.Op) error {
		if fail && op.Kind == memfs.Datasync {
			return syscall.EIO
		}
		return nil
	}
	file.WriteAt([]byte("new"), 0)
	if err := file.Datasync(); !errors.Is(err, syscall.EIO) {
		t.Errorf("sync: %v", err)
	}
	fail = false
	if err := file.Datasync(); err != nil {
		t.Errorf("the sync after it: %v", err)
	}
	if got := f.Content("a"); string(got) != "new" {
		t.Errorf("programs see %q", got)
	}
	if got := f.Crash(rand.New(rand.NewPCG(1, 1)), 1).Content("a"); string(got) != "old" {
		t.Errorf("on the disk is %q", got)
	}
}

func TestCapacityAndNames(t *testing.T) {
	f := memfs.New(1000)
	file := create(t, f, "a", make([]byte, 600))
	if _, err := file.WriteAt(make([]byte, 600), 600); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("beyond the capacity: %v", err)
	}
	if err := create(t, f, "b", nil).Allocate(500); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("beyond the capacity: %v", err)
	}
	if err := f.Rename("c", "d"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("rename of nothing: %v", err)
	}
	if err := f.Rename("a", "c"); err != nil || f.Content("a") != nil || len(f.Content("c")) != 600 {
		t.Errorf("rename: %v", err)
	}
	if _, err := f.Open("a", disk.Write); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open of nothing: %v", err)
	}
}
