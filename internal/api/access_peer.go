package api

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/lessor-dhcp/lessor/internal/access"
)

// maxGroups is the most groups that a process may be in (NGROUPS_MAX).
const maxGroups = 65536

// withUser returns a context that knows who connected to the socket. Root, the server's own user, and who is in its group are
// administrators: they can read everything that the server keeps anyhow. Of others the context has the user only.
func withUser(ctx context.Context, fd int, cred *unix.Ucred) context.Context {
	ctx = context.WithValue(ctx, uidKey{}, cred.Uid)
	if !trusted(cred, func() []uint32 { return groupsOf(fd) }, uint32(os.Geteuid()), uint32(os.Getegid())) {
		return ctx
	}
	return access.With(ctx, access.Identity{Name: userName(cred.Uid), Role: access.Administrator, From: access.FromSocket})
}

// trusted reports whether who connected is one of the server's own.
func trusted(cred *unix.Ucred, groups func() []uint32, uid, gid uint32) bool {
	return cred.Uid == 0 || cred.Uid == uid || cred.Gid == gid || slices.Contains(groups(), gid)
}

// groupsOf returns the supplementary groups of the process at the other end, as the kernel says: SO_PEERGROUPS (Linux 4.13). Where it does not, none
// are known.
func groupsOf(fd int) []uint32 {
	size := uint32(64 * 4)
	for size <= maxGroups*4 {
		out := make([]uint32, size/4)
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_PEERGROUPS,
			uintptr(unsafe.Pointer(&out[0])), uintptr(unsafe.Pointer(&size)), 0)
		switch errno {
		case 0:
			return out[:size/4]
		case unix.ERANGE: // size says now how much there is
		default:
			return nil
		}
	}
	return nil
}

// userName names a user of this machine.
func userName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil && u.Username != "" && !strings.ContainsFunc(u.Username, Steers) {
		return u.Username
	}
	return fmt.Sprintf("uid:%d", uid)
}
