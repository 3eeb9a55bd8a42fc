package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Dir is a directory of the real file system.
type Dir string

// Make makes the directory, with mode 0700, if it is missing. Its parent must exist.
func (d Dir) Make() error {
	err := os.Mkdir(string(d), 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return Dir(filepath.Dir(string(d))).SyncDir()
}

// Mode returns the permissions of the directory itself; an error if it is something else than a directory.
func (d Dir) Mode() (fs.FileMode, error) {
	st, err := os.Stat(string(d))
	if err != nil {
		return 0, err
	}
	if !st.IsDir() {
		return 0, fmt.Errorf("%s is not a directory", string(d))
	}
	return st.Mode(), nil
}

// Open implements FS. It follows no symbolic link.
func (d Dir) Open(name string, mode Mode) (File, error) {
	flags := unix.O_NOFOLLOW
	switch mode {
	case Read:
		flags |= os.O_RDONLY
	case Write:
		flags |= os.O_RDWR
	case Create:
		flags |= os.O_RDWR | os.O_CREATE | os.O_TRUNC
	default:
		return nil, fmt.Errorf("open %s: no mode", name)
	}
	f, err := os.OpenFile(d.path(name), flags, 0o600)
	if err != nil {
		return nil, err
	}
	return file{f}, nil
}

// Rename implements FS.
func (d Dir) Rename(from, to string) error { return os.Rename(d.path(from), d.path(to)) }

// Remove implements FS.
func (d Dir) Remove(name string) error { return os.Remove(d.path(name)) }

// ReadDir implements FS.
func (d Dir) ReadDir() ([]Info, error) {
	entries, err := os.ReadDir(string(d))
	if err != nil {
		return nil, err
	}
	infos := make([]Info, 0, len(entries))
	for _, e := range entries {
		st, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // gone meanwhile
		}
		if err != nil {
			return nil, err
		}
		infos = append(infos, Info{Name: e.Name(), Size: st.Size(), Mode: st.Mode()})
	}
	return infos, nil
}

// SyncDir implements FS.
func (d Dir) SyncDir() error {
	f, err := os.Open(string(d))
	if err != nil {
		return err
	}
	err = f.Sync()
	return errors.Join(err, f.Close())
}

// Lock implements FS: an advisory lock of the whole file, with the process's number in it.
func (d Dir) Lock(name string) (io.Closer, error) {
	f, err := os.OpenFile(d.path(name), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	err = retry(func() error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) })
	if errors.Is(err, unix.EWOULDBLOCK) {
		pid := readPID(f)
		return nil, errors.Join(&InUse{PID: pid}, f.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", d.path(name), err), f.Close())
	}
	text := strconv.Itoa(os.Getpid()) + "\n"
	if err := errors.Join(f.Truncate(0), writeAll(f, text)); err != nil && !errors.Is(err, unix.ENOSPC) {
		return nil, errors.Join(err, f.Close()) // the number is for people; a full disk must not keep us out
	}
	return f, nil
}

// Locked implements FS.
func (d Dir) Locked(name string) (pid int, locked bool) {
	f, err := os.OpenFile(d.path(name), os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	err = retry(func() error { return unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB) })
	if errors.Is(err, unix.EWOULDBLOCK) {
		return readPID(f), true
	}
	return 0, false
}

// Free implements FS.
func (d Dir) Free() (int64, error) {
	var st unix.Statfs_t
	if err := retry(func() error { return unix.Statfs(string(d), &st) }); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * st.Bsize, nil
}

func (d Dir) path(name string) string { return filepath.Join(string(d), filepath.Base(name)) }

func readPID(f *os.File) int {
	b := make([]byte, 32)
	n, _ := f.ReadAt(b, 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	if err != nil {
		return 0
	}
	return pid
}

func writeAll(f *os.File, s string) error {
	_, err := f.WriteAt([]byte(s), 0)
	return err
}

// retry calls f again while a signal interrupts it.
func retry(f func() error) error {
	for {
		if err := f(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// file is an open file of the real file system.
type file struct{ *os.File }

// Size implements File.
func (f file) Size() (int64, error) {
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

// Allocate implements File. The zeros are really written: an extent that is only reserved costs a change of metadata
// at its first write, which doubles the time of the sync.
func (f file) Allocate(n int64) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	return f.fill(n, func(int64, int64) error { return nil })
}

// fill takes n octets of space and writes zeros into them, a piece at a time, and calls after with each that was written.
func (f file) fill(n int64, after func(off, n int64) error) error {
	err := retry(func() error { return unix.Fallocate(int(f.Fd()), 0, 0, n) })
	if err != nil && !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.ENOSYS) {
		return &fs.PathError{Op: "allocate", Path: f.Name(), Err: err}
	}
	zeros := make([]byte, min(n, fillPiece))
	for at := int64(0); at < n; at += int64(len(zeros)) {
		size := min(int64(len(zeros)), n-at)
		if _, err := f.WriteAt(zeros[:size], at); err != nil {
			return err
		}
		if err := after(at, size); err != nil {
			return err
		}
	}
	return nil
}

// Datasync implements File.
func (f file) Datasync() error {
	if err := retry(func() error { return unix.Fdatasync(int(f.Fd())) }); err != nil {
		return &fs.PathError{Op: "fdatasync", Path: f.Name(), Err: err}
	}
	return nil
}
