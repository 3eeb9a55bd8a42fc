package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
)

// ListenForGroup makes a second socket, in the directory dir, which also the members of this process's group may use: mode 0660. The data directory, in
// which Listen makes the first, is open to nobody but its owner. What a server that died left there is replaced. The socket goes when the listener is closed.
func ListenForGroup(dir string) (net.Listener, error) {
	path := SocketIn(dir)
	if err := removeStale(path); err != nil {
		return nil, err
	}
	l, err := listenPrivate(path)
	if err != nil {
		return nil, fmt.Errorf("socket %s: %w", path, err)
	}
	// Afterwards, since a umask that is narrower has a part in what the file is made with.
	if err := os.Chmod(path, 0o660); err != nil {
		return nil, errors.Join(fmt.Errorf("socket %s: %w", path, err), l.Close())
	}
	return l, nil
}

// RunForGroup is Run on the socket that ListenForGroup makes in dir. Where it cannot be made, that is logged, and the server goes on with the first one.
func (s *Server) RunForGroup(ctx context.Context, dir string) error {
	l, err := ListenForGroup(dir)
	if err != nil {
		s.log.Warn("the group has no socket: only root and the server's own user can ask", "error", err)
		return nil
	}
	return s.Run(ctx, l)
}
