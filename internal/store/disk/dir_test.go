package disk_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lessor-dhcp/lessor/internal/store/disk"
)

// A file that is made ahead is the same as one that is made at once, whatever it held before, hurried in its midst or not.
func TestAFileMadeAheadIsAllZero(t *testing.T) {
	const size = 400<<10 + 512
	for name, after := range map[string]int{"never hurried": 1000, "hurried": 0, "hurried in its midst": 2} {
		f, err := disk.Dir(t.TempDir()).Open("journal", disk.Create)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteAt(bytes.Repeat([]byte{0xff}, size+1000), 0); err != nil {
			t.Fatal(err)
		}
		asked := 0
		if err := disk.AllocateAhead(f, size, func() bool { asked++; return asked > after }); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, size)
		n, err := f.ReadAt(b, 0)
		if got, _ := f.Size(); got != size || n != size || len(bytes.TrimLeft(b, "\x00")) > 0 || asked < 2 {
			t.Errorf("%s: %d octets, %d read (%v), asked %d times whether anybody waits", name, got, n, err, asked)
		}
	}
}

// The kernel tells once that a write failed, and a sync afterwards need not say it again: so it is heard. Where there is no such call, the
// file is made all the same.
func TestAWriteThatFailsWhileAFileIsMadeAheadIsNotForgotten(t *testing.T) {
	for errno, want := range map[error]error{unix.EIO: unix.EIO, unix.ENOSPC: unix.ENOSPC, unix.ENOSYS: nil, unix.EPERM: nil} {
		calls := 0
		undo := disk.SetSyncRange(func(int, int64, int64, int) error {
			if calls++; calls == 2 || want == nil {
				return errno
			}
			return nil
		})
		defer undo()
		f, err := disk.Dir(t.TempDir()).Open("journal", disk.Create)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		err = disk.AllocateAhead(f, 512<<10, func() bool { return true })
		if !errors.Is(err, want) || want == nil && err != nil || calls < 2 {
			t.Errorf("%v: %v after %d calls, want %v", errno, err, calls, want)
		}
	}
}

// A file is freed piece by piece where it has no name and nobody else has it open; else it stays as it is.
func TestOnlyWhatNobodyCanReadIsFreedPieceByPiece(t *testing.T) {
	const size = 5 << 20
	for name, x := range map[string]struct {
		named, read, hurried bool
		freed                bool
	}{
		"nobody's": {freed: true}, "it has a name": {named: true}, "somebody reads it": {read: true}, "somebody waits for the space": {hurried: true},
	} {
		d := disk.Dir(t.TempDir())
		f, err := d.Open("snapshot", disk.Create)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := f.Allocate(size); err != nil {
			t.Fatal(err)
		}
		if x.read {
			r, err := d.Open("snapshot", disk.Read)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
		}
		if !x.named {
			if err := d.Remove("snapshot"); err != nil {
				t.Fatal(err)
			}
		}
		left, want := []int64{}, []int64{}
		for !disk.FreeAhead(f, func() bool { return x.hurried }) {
			n, _ := f.Size()
			left = append(left, n)
		}
		if x.freed {
			want = []int64{3 << 20, 1 << 20, 0}
		}
		if n, _ := f.Size(); !slices.Equal(left, want) || !x.freed && n != size {
			t.Errorf("%s: freed down to %v, at last %d octets; want %v", name, left, n, want)
		}
	}
}
