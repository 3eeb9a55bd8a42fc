package keys

import (
	"io/fs"
	"syscall"
)

// inode returns what is another one when a file was put in the place of an older one.
func inode(info fs.FileInfo) uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s.Ino
	}
	return 0
}
