package api

import (
	"context"
	"net"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/lessor-dhcp/lessor/internal/access"
)

// uidKey is where the context of a request has the user of the process at the other end of its connection.
type uidKey struct{}

// withPeer returns a context that knows which user connected, as the kernel says it: SO_PEERCRED (unix(7)). Of a connection
// that is not one of the socket nothing is known.
func withPeer(ctx context.Context, c net.Conn) context.Context {
	u, ok := c.(syscall.Conn)
	if !ok {
		return ctx
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return ctx
	}
	known := ctx
	if err := raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil && c.RemoteAddr().Network() == "unix" {
			known = withUser(ctx, int(fd), cred)
		}
	}); err != nil {
		return ctx
	}
	return known
}

// authorOf names the operator who sent a request: by the user of the process that connected, never by what the request says.
func authorOf(ctx context.Context) string {
	if id, ok := access.From(ctx); ok && id.Name != "" {
		return id.Name
	}
	uid, ok := ctx.Value(uidKey{}).(uint32)
	if !ok {
		return "unknown"
	}
	return userName(uid)
}
