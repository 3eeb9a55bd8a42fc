package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// SocketName is the name of the socket in a server's data directory.
const SocketName = "lessor.sock"

// maxSocketPath is the longest path of a unix socket on Linux (sun_path, with its final zero).
const maxSocketPath = 107

// maxConnections is how many connections of a socket are held at once.
const maxConnections = 64

// SocketIn returns the path of the socket of the server whose data directory is dir.
func SocketIn(dir string) string { return filepath.Join(dir, SocketName) }

// Listen makes the socket in the data directory dir, with mode 0600 from its first moment. What a server that died
// left there is replaced; the caller holds the directory's lock, so nobody else serves it. The socket goes when the
// listener is closed.
func Listen(dir string) (net.Listener, error) {
	path := SocketIn(dir)
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("socket %s: the path has %d octets, and %d is the most: choose a data directory with a shorter name",
			path, len(path), maxSocketPath)
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	l, err := listenPrivate(path)
	if err != nil {
		return nil, fmt.Errorf("socket %s: %w", path, err)
	}
	return l, nil
}

// removeStale removes a socket that a dead server left. Anything else at that path is somebody's file.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("socket %s: %w", path, err)
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("socket %s: something that is not a socket is in its place: move it away", path)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("socket %s: removing what a former server left: %w", path, err)
	}
	return nil
}

// listenPrivate binds the socket so that its file never has more than mode 0600: Linux gives the file the mode that
// the socket has when it is bound, and changing the mode afterwards would leave a moment for everybody.
func listenPrivate(path string) (net.Listener, error) {
	private := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if cerr := c.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), 0o600) }); cerr != nil {
			return cerr
		}
		return err
	}}
	return private.Listen(context.Background(), "unix", path)
}
