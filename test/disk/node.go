package disk

import (
	"context"
	"path/filepath"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// node is a file or a directory. What changes nothing is passed on as it is.
type node struct {
	fs.LoopbackNode
	d *Disk
}

// What a node does itself.
var (
	_ fs.FileFsyncdirer     = (*names)(nil)
	_ fs.NodeOpendirHandler = (*node)(nil)
	_ fs.NodeOpener         = (*node)(nil)
	_ fs.NodeCreater        = (*node)(nil)
	_ fs.NodeWriter         = (*node)(nil)
	_ fs.NodeAllocater      = (*node)(nil)
	_ fs.NodeFsyncer        = (*node)(nil)
	_ fs.NodeSetattrer      = (*node)(nil)
	_ fs.NodeMkdirer        = (*node)(nil)
	_ fs.NodeMknoder        = (*node)(nil)
	_ fs.NodeUnlinker       = (*node)(nil)
	_ fs.NodeRmdirer        = (*node)(nil)
	_ fs.NodeRenamer        = (*node)(nil)
)

func (d *Disk) root() fs.InodeEmbedder {
	root := &fs.LoopbackRoot{Path: d.real}
	root.NewNode = func(r *fs.LoopbackRoot, _ *fs.Inode, _ string, _ *syscall.Stat_t) fs.InodeEmbedder {
		return &node{fs.LoopbackNode{RootData: r}, d}
	}
	n := root.NewNode(root, nil, "", nil)
	root.RootNode = n
	return n
}

// name is the path on the disk; "." is its root.
func (n *node) name() string { return filepath.Join(".", n.Path(n.Root())) }

func (n *node) path() string { return filepath.Join(n.d.real, n.name()) }

// do calls f when the disk lets something be done.
func (n *node) do(syncs bool, f func() syscall.Errno) syscall.Errno {
	if errno := n.d.begin(n.name(), syncs); errno != 0 {
		return errno
	}
	defer n.d.mu.Unlock()
	return f()
}

// change is do for what changes octets of the file.
func (n *node) change(off, size int64, f func() syscall.Errno) syscall.Errno {
	return n.do(false, func() syscall.Errno {
		if err := n.d.changes(n.path(), off, size); err != nil {
			return fs.ToErrno(err)
		}
		return f()
	})
}

// everything is more than any file has.
const everything = int64(1) << 40

// Open opens a file, so that nothing of it lies in the kernel.
func (n *node) Open(ctx context.Context, flags uint32) (h fs.FileHandle, out uint32, errno syscall.Errno) {
	open := func() syscall.Errno {
		h, out, errno = n.LoopbackNode.Open(ctx, flags)
		return errno
	}
	if flags&syscall.O_TRUNC == 0 {
		errno = open()
	} else {
		errno = n.change(0, everything, open)
	}
	return h, out | fuse.FOPEN_DIRECT_IO, errno
}

// Create makes a file.
func (n *node) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (i *fs.Inode, h fs.FileHandle, f uint32, errno syscall.Errno) {
	errno = n.do(false, func() syscall.Errno {
		i, h, f, errno = n.LoopbackNode.Create(ctx, name, flags, mode, out)
		return errno
	})
	return i, h, f | fuse.FOPEN_DIRECT_IO, errno
}

// Write writes.
func (n *node) Write(ctx context.Context, h fs.FileHandle, b []byte, off int64) (written uint32, errno syscall.Errno) {
	errno = n.change(off, int64(len(b)), func() syscall.Errno {
		written, errno = h.(fs.FileWriter).Write(ctx, b, off)
		return errno
	})
	return written, errno
}

// Allocate takes room.
func (n *node) Allocate(ctx context.Context, h fs.FileHandle, off, size uint64, mode uint32) syscall.Errno {
	return n.change(int64(off), 0, func() syscall.Errno { return h.(fs.FileAllocater).Allocate(ctx, off, size, mode) })
}

// Setattr changes what is no octet of the file, and its length.
func (n *node) Setattr(ctx context.Context, h fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	set := func() syscall.Errno { return n.LoopbackNode.Setattr(ctx, h, in, out) }
	if size, ok := in.GetSize(); ok {
		return n.change(int64(size), everything, set)
	}
	return n.do(false, set)
}

// Fsync brings a file, or the names in a directory, to the disk.
func (n *node) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	return n.do(true, func() syscall.Errno {
		if n.IsDir() {
			return fs.ToErrno(n.d.keepNames(n.name()))
		}
		return fs.ToErrno(n.d.synced(n.path()))
	})
}

// names is a directory that is being read.
type names struct {
	n *node
	fs.FileReaddirenter
	fs.FileSeekdirer
	fs.FileReleasedirer
}

// OpendirHandle opens a directory, so that its syncs come here.
func (n *node) OpendirHandle(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	h, out, errno := n.LoopbackNode.OpendirHandle(ctx, flags)
	if errno != 0 {
		return nil, 0, errno
	}
	return &names{n, h.(fs.FileReaddirenter), h.(fs.FileSeekdirer), h.(fs.FileReleasedirer)}, out, 0
}

// Fsyncdir brings the names to the disk.
func (x *names) Fsyncdir(ctx context.Context, flags uint32) syscall.Errno {
	return x.n.Fsync(ctx, nil, flags)
}

// Mkdir makes a directory.
func (n *node) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (i *fs.Inode, errno syscall.Errno) {
	errno = n.do(false, func() syscall.Errno {
		i, errno = n.LoopbackNode.Mkdir(ctx, name, mode, out)
		return errno
	})
	return i, errno
}

// Mknod makes what is neither a file nor a directory.
func (n *node) Mknod(ctx context.Context, name string, mode, rdev uint32, out *fuse.EntryOut) (i *fs.Inode, errno syscall.Errno) {
	errno = n.do(false, func() syscall.Errno {
		i, errno = n.LoopbackNode.Mknod(ctx, name, mode, rdev, out)
		return errno
	})
	return i, errno
}

// Unlink takes a name away.
func (n *node) Unlink(ctx context.Context, name string) syscall.Errno {
	return n.do(false, func() syscall.Errno { return n.LoopbackNode.Unlink(ctx, name) })
}

// Rmdir takes a directory away.
func (n *node) Rmdir(ctx context.Context, name string) syscall.Errno {
	return n.do(false, func() syscall.Errno { return n.LoopbackNode.Rmdir(ctx, name) })
}

// Rename gives something another name.
func (n *node) Rename(ctx context.Context, name string, to fs.InodeEmbedder, as string, flags uint32) syscall.Errno {
	return n.do(false, func() syscall.Errno { return n.LoopbackNode.Rename(ctx, name, to, as, flags) })
}
