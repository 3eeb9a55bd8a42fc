package disk

import (
	"errors"
	"io/fs"
	"time"

	"golang.org/x/sys/unix"
)

const (
	fillPiece  = 128 << 10
	freePiece  = 2 << 20
	aheadPause = 3 * time.Millisecond // between two pieces of what nobody waits for yet
)

// AllocateAhead does what f.Allocate does, for a file that nobody waits for yet: what is written is brought to the disk as BringAhead does.
func AllocateAhead(f File, n int64, hurried func() bool) error {
	own, ok := f.(file)
	if !ok {
		return f.Allocate(n)
	}
	if err := own.Truncate(0); err != nil {
		return err
	}
	return own.fill(n, func(off, n int64) error { return BringAhead(f, off, n, hurried) })
}

// BringAhead brings n octets at off that were written to the disk, where the file is on one, piece by piece, so that others' syncs need not
// wait for the whole: it waits for each, and then pauses for as long as hurried says false. Nothing is durable before a sync, which has less to do.
func BringAhead(f File, off, n int64, hurried func() bool) error {
	own, ok := f.(file)
	if !ok {
		return nil
	}
	for end := off + n; off < end; off += fillPiece {
		if err := own.bring(off, min(fillPiece, end-off)); err != nil {
			return err
		}
		if !hurried() {
			time.Sleep(aheadPause)
		}
	}
	return nil
}

// bring brings n octets at off to the disk, and waits for that. Whoever waits for a write is told once that it failed; a sync of the same file
// afterwards need not say so again, nor why. Where there is no such call, as under a filter of calls, nothing is done.
func (f file) bring(off, n int64) error {
	const out = unix.SYNC_FILE_RANGE_WAIT_BEFORE | unix.SYNC_FILE_RANGE_WRITE | unix.SYNC_FILE_RANGE_WAIT_AFTER
	err := retry(func() error { return syncRange(int(f.Fd()), off, n, out) })
	switch {
	case err == nil, errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM), errors.Is(err, unix.EINVAL), errors.Is(err, unix.EOPNOTSUPP):
		return nil
	}
	return &fs.PathError{Op: "sync_file_range", Path: f.Name(), Err: err}
}

var syncRange = unix.SyncFileRange // tests have others

// Orphan is a file of which it can be said that nobody will read it any more.
type Orphan interface {
	File
	// Orphaned reports whether the file has no name, and nobody else has it open.
	Orphaned() bool
	Truncate(n int64) error
}

// FreeAhead frees a piece of f, which has durably lost its name, and pauses where that is on a disk, unless hurried says true. It returns true when f is to be closed,
// which frees the rest: nothing is left, or somebody waits for the space, or somebody may read f yet. Where all of a large file is freed at
// once others' syncs wait for that: a file system that is mounted with discard tells the disk of every block.
func FreeAhead(f File, hurried func() bool) (done bool) {
	own, ok := f.(Orphan)
	if !ok || hurried() || !own.Orphaned() {
		return true
	}
	n, err := own.Size()
	if err != nil || n == 0 || own.Truncate(max(0, n-freePiece)) != nil {
		return true
	}
	if _, onDisk := f.(file); onDisk {
		time.Sleep(aheadPause)
	}
	return false
}

// Orphaned implements Orphan. A lease for writing is given to the only one who has the file open, and without a name nobody opens it anew.
func (f file) Orphaned() bool {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil || st.Nlink != 0 {
		return false
	}
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		return false
	}
	_, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK)
	return err == nil
}
