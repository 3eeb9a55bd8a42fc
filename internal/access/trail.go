package access

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/lessor-dhcp/lessor/internal/ownfile"
)

const (
	// TrailName is the name of the log of changes in a server's data directory.
	TrailName = "audit.log"
	// closedName is what a part of it is called that is full; in between is the number of its first record.
	closedName = "audit-%020d.log"
	// maxTrailPart is how large a part becomes, in octets, and maxClosed how many full ones are kept: 256 MiB in all.
	maxTrailPart = 16 << 20
	maxClosed    = 15
	// trailRoom is how many octets are asked of the disk ahead: what is begun can be ended.
	trailRoom = 4 * maxRecord
)

// Trail is the log of changes: lines of JSON that are only ever added, each with the digest of the one before, so that what is changed or taken
// out inside is noticed. When Append returns nil the record survives any crash. It is safe for concurrent use.
type Trail struct {
	dir string
	mu  sync.Mutex
	// file is nil where the last write failed: what is in it is found out anew with the next.
	file  *os.File
	size  int64
	seq   uint64 // of the newest record; 0: there is none
	hash  string // of the newest record
	grown chan struct{}
	// sync and most are os.File's and maxTrailPart, but in tests.
	sync func(*os.File) error
	most int64
}

// OpenTrail returns the log in the data directory dir, which it makes where there is none. A line that a crash cut in two was never
// answered for, and is taken out.
func OpenTrail(dir string) (*Trail, error) {
	t := &Trail{dir: dir, grown: make(chan struct{}), sync: (*os.File).Sync, most: maxTrailPart}
	if err := t.open(); err != nil {
		return nil, fmt.Errorf("log of changes: %w", err)
	}
	return t, nil
}

func (t *Trail) path() string { return filepath.Join(t.dir, TrailName) }

// open opens the part that is written to, and finds the newest record.
func (t *Trail) open() error {
	f, err := os.OpenFile(t.path(), os.O_RDWR|os.O_APPEND|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return err
	}
	if err := t.takeUp(f); err != nil {
		return errors.Join(err, f.Close())
	}
	t.file = f
	return nil
}

func (t *Trail) takeUp(f *os.File) error {
	info, err := f.Stat()
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a file", t.path())
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("%s has mode %04o, so others may get at it: chmod 600 %s", t.path(), info.Mode().Perm(), t.path())
	}
	last, whole, err := lastLine(f)
	if err != nil {
		return err
	}
	if whole < info.Size() {
		if err := f.Truncate(whole); err != nil {
			return err
		}
	}
	if last == nil {
		if last, err = t.lastClosed(); err != nil {
			return err
		}
	}
	t.size = whole
	if last != nil {
		if t.seq, t.hash, err = tailOf(last); err != nil {
			return err
		}
	}
	return ownfile.SyncDir(t.dir)
}

// lastClosed returns the last line of the newest full part, nil if there is none.
func (t *Trail) lastClosed() ([]byte, error) {
	closed, err := closedParts(t.dir)
	if err != nil || len(closed) == 0 {
		return nil, err
	}
	f, err := os.Open(closed[len(closed)-1])
	if err != nil {
		return nil, err
	}
	defer f.Close()
	last, _, err := lastLine(f)
	return last, err
}

// closedParts returns the full parts, the oldest first.
func closedParts(dir string) ([]string, error) {
	all, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range all {
		var first uint64
		if n, err := fmt.Sscanf(e.Name(), closedName, &first); n == 1 && err == nil && fmt.Sprintf(closedName, first) == e.Name() {
			out = append(out, filepath.Join(dir, e.Name()))
		}
	}
	slices.SortFunc(out, strings.Compare)
	return out, nil
}

// CannotRecordError says that what somebody wanted was not done, since it cannot be written down.
type CannotRecordError struct{ Err error }

func (e *CannotRecordError) Error() string {
	return "the log of changes cannot be written: " + e.Err.Error()
}

func (e *CannotRecordError) Unwrap() error { return e.Err }

// Append writes a record and returns its number; Seq, Prev and Hash of r are its own to set. The error is a *CannotRecordError.
func (t *Trail) Append(r Record) (uint64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.append(r); err != nil {
		if t.file != nil {
			t.file.Close() // what it has is not known any more
			t.file = nil
		}
		return 0, &CannotRecordError{err}
	}
	close(t.grown)
	t.grown = make(chan struct{})
	return t.seq, nil
}

func (t *Trail) append(r Record) error {
	if t.file == nil {
		if err := t.open(); err != nil {
			return err
		}
	}
	if t.size >= t.most {
		if err := t.turn(); err != nil {
			return err
		}
	}
	if r.Outcome == Begun {
		if err := t.reserve(); err != nil {
			return err
		}
	}
	r.Seq = t.seq + 1
	r.Time = r.Time.UTC()
	b, hash, err := r.line(t.hash)
	if err != nil {
		return err
	}
	if _, err := t.file.Write(b); err != nil {
		return err
	}
	if err := t.sync(t.file); err != nil {
		return err
	}
	t.size, t.seq, t.hash = t.size+int64(len(b)), r.Seq, hash
	return nil
}

// reserve has the disk keep room for this record and what ends it. A file system that cannot is trusted.
func (t *Trail) reserve() error {
	err := unix.Fallocate(int(t.file.Fd()), unix.FALLOC_FL_KEEP_SIZE, t.size, trailRoom)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL) {
		return nil
	}
	return err
}

// turn begins a new part, and drops the oldest where there are too many.
func (t *Trail) turn() error {
	first, err := firstSeq(t.path())
	if err != nil {
		return err
	}
	if err := os.Rename(t.path(), filepath.Join(t.dir, fmt.Sprintf(closedName, first))); err != nil {
		return err
	}
	err = t.file.Close()
	t.file = nil
	if err = errors.Join(err, t.open()); err != nil {
		return err
	}
	closed, err := closedParts(t.dir)
	for err == nil && len(closed) > maxClosed {
		if err = os.Remove(closed[0]); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		closed = closed[1:]
	}
	return err
}

// Grown returns a channel that is closed with the next record.
func (t *Trail) Grown() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.grown
}

// Close ends it. Nothing may be appended after that.
func (t *Trail) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.file == nil {
		return nil
	}
	err := t.file.Close()
	t.file = nil
	return err
}
