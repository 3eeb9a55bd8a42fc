// Package ownfile reads and replaces the files of a data directory that nobody but their owner may get at: keys, certificates, tokens.
package ownfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Read returns a file whole that nobody but its owner may read, that is no link, and that has at most so many octets.
func Read(path string, most int64) ([]byte, error) { return read(path, most, unix.O_NOFOLLOW) }

// ReadLinked is Read where a link may lead to the file, as to keys that another program renews.
func ReadLinked(path string, most int64) ([]byte, error) { return read(path, most, 0) }

func read(path string, most int64, how int) ([]byte, error) {
	f, err := open(path, os.O_RDONLY|how)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("%s is larger than %d octets", path, most)
	}
	return b, err
}

// ReadFirst is Read of no more than the first so many octets, however many there are.
func ReadFirst(path string, most int64) ([]byte, error) {
	f, err := open(path, os.O_RDONLY|unix.O_NOFOLLOW)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}

// Open opens a file to be written to, and makes it with mode 0600 if it is missing. It is as particular about it as Read.
func Open(path string) (*os.File, error) {
	return open(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW)
}

// open opens what nobody but its owner may get at. It never waits, as one would on a FIFO.
func open(path string, how int) (*os.File, error) {
	f, err := os.OpenFile(path, how|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = fmt.Errorf("%s is not a file", path)
	case info.Mode().Perm()&0o077 != 0:
		err = fmt.Errorf("%s has mode %04o, so others may get at it: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Write puts a file with mode 0600 in the place of whatever has that name. After it has returned nil the file survives any
// crash, and before there is either the old one or the new one whole.
func Write(path string, b []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir makes the names in a directory durable.
func SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// MakeDir makes a directory with mode 0700 where there is none, durably; one that others may enter, and what is none, is an error.
func MakeDir(path string) error {
	err := os.Mkdir(path, 0o700)
	switch {
	case err == nil:
		return SyncDir(filepath.Dir(path))
	case !errors.Is(err, os.ErrExist):
		return err
	}
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory", path)
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("%s has mode %04o, so others may enter: chmod 700 %s", path, info.Mode().Perm(), path)
	}
	return nil
}
