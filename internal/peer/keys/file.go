package keys

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/lessor-dhcp/lessor/internal/ownfile"
)

// maxFile is how many octets of a file are read.
const maxFile = 256 << 10

// read returns a file whole; one that is larger than any that belongs here is an error.
func read(path string) ([]byte, error) {
	f, err := openPlain(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readOpen(f)
}

// openPlain opens a file without ever waiting, as one would on a FIFO that somebody put there.
func openPlain(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a file", path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func readOpen(f *os.File) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("%s is larger than %d octets", f.Name(), maxFile)
	}
	return b, err
}

// makeDir makes a directory with mode 0700 where there is none; one that others may enter is an error.
func makeDir(path string) error {
	err := os.Mkdir(path, 0o700)
	switch {
	case err == nil:
		return ownfile.SyncDir(filepath.Dir(path))
	case !errors.Is(err, fs.ErrExist):
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
