package disk

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// file is a file of which something is not on the disk yet.
type file struct {
	f      *os.File
	before []change // the latest last
}

// change is what a part of a file was before it was changed.
type change struct {
	size int64 // of the file
	off  int64
	was  []byte
}

// changes notes what n octets at off of a file were that are changed next. The lock is held.
func (d *Disk) changes(path string, off, n int64) error {
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	ino := st.Sys().(*syscall.Stat_t).Ino
	x := d.files[ino]
	if x == nil {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		x = &file{f: f}
		d.files[ino] = x
	}
	c := change{size: st.Size(), off: off}
	if has := min(off+n, c.size) - off; has > 0 {
		c.was = make([]byte, has)
		if _, err := x.f.ReadAt(c.was, off); err != nil && err != io.EOF {
			return err
		}
	}
	x.before = append(x.before, c)
	return nil
}

// synced notes that all of a file is on the disk. The lock is held.
func (d *Disk) synced(path string) error {
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err != nil {
		return err
	}
	if x := d.files[st.Ino]; x != nil && !d.lies {
		delete(d.files, st.Ino)
		return x.f.Close()
	}
	return nil
}

// keepTree notes that a directory and all below it are on the disk.
func (d *Disk) keepTree(dir string) error {
	if err := d.keepNames(dir); err != nil {
		return err
	}
	entries, err := os.ReadDir(filepath.Join(d.real, dir))
	for _, e := range entries {
		if e.IsDir() {
			err = errors.Join(err, d.keepTree(filepath.Join(dir, e.Name())))
		}
	}
	return err
}

// keepNames notes that the names in a directory are on the disk. The lock is held.
func (d *Disk) keepNames(dir string) error {
	entries, err := os.ReadDir(filepath.Join(d.real, dir))
	if err != nil {
		return err
	}
	names := map[string]uint64{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return err
		}
		ino := info.Sys().(*syscall.Stat_t).Ino
		names[e.Name()] = ino
		if e.Type().IsRegular() {
			err = os.Link(filepath.Join(d.real, dir, e.Name()), d.other(ino))
		}
		if err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	d.names[dir] = names
	return nil
}

// other is a name that a file keeps for as long as the disk has it under any.
func (d *Disk) other(ino uint64) string {
	return filepath.Join(d.kept, strconv.FormatUint(ino, 10))
}

// forget makes everything what it is on the disk, and returns how many changes of files are undone. The lock is held.
func (d *Disk) forget() (n int, err error) {
	for _, x := range d.files {
		n += len(x.before)
		for i := len(x.before) - 1; i >= 0; i-- {
			c := &x.before[i]
			_, e := x.f.WriteAt(c.was, c.off)
			err = errors.Join(err, e, x.f.Truncate(c.size))
		}
		err = errors.Join(err, x.f.Close())
	}
	clear(d.files)
	return n, errors.Join(err, d.forgetNames("."))
}

// forgetNames makes the names in a directory those that it has on the disk.
func (d *Disk) forgetNames(dir string) error {
	entries, err := os.ReadDir(filepath.Join(d.real, dir))
	if err != nil {
		return err
	}
	names := d.names[dir]
	for _, e := range entries {
		path := filepath.Join(d.real, dir, e.Name())
		info, err := e.Info()
		if err != nil {
			return err
		}
		if names[e.Name()] != info.Sys().(*syscall.Stat_t).Ino {
			if err := os.RemoveAll(path); err != nil {
				return err
			}
		} else if e.IsDir() {
			if err := d.forgetNames(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	for name, ino := range names {
		// Something that is no file, such as a socket, is not missed.
		err := os.Link(d.other(ino), filepath.Join(d.real, dir, name))
		if err != nil && !errors.Is(err, os.ErrExist) && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
