// Package disk is what the store needs of a file system, and no more: one flat directory of private files, positioned
// reads and writes, and the calls that make them durable. Dir is the real one; package memfs has one that forgets what
// was not synced.
package disk

import (
	"fmt"
	"io"
	"io/fs"
)

// FS is one directory. Names have no slashes.
type FS interface {
	// Open opens a file that exists: for reading alone, or for reading and writing.
	Open(name string, mode Mode) (File, error)
	// Rename gives a file another name, in place of what had that name. It is durable after SyncDir.
	Rename(from, to string) error
	// Remove takes a name away. It is durable after SyncDir.
	Remove(name string) error
	// ReadDir returns what is in the directory, in order of name.
	ReadDir() ([]Info, error)
	// SyncDir makes all creations, renames and removals so far durable.
	SyncDir() error
	// Lock takes a lock that other processes see and that ends with this process at the latest. The error is *InUse if
	// another holds it.
	Lock(name string) (io.Closer, error)
	// Locked returns which process holds the lock, or 0 if it is unknown, and false if none does. It changes nothing.
	Locked(name string) (pid int, locked bool)
	// Free returns the octets that this process may still use on the file system.
	Free() (int64, error)
}

// Mode says what a file is opened for.
type Mode uint8

const (
	_      Mode = iota
	Read        // must exist; read only
	Write       // must exist; read and written
	Create      // made, or emptied; read and written; nobody else's to read
)

// File is an open file.
type File interface {
	io.ReaderAt
	// WriteAt writes all of b or returns an error. It is durable after Datasync.
	io.WriterAt
	io.Closer
	Size() (int64, error)
	// Allocate makes the file n octets long, all zero, with all of its space taken on the disk, so that writing into it
	// can neither run out of space nor change its metadata. It is durable after Datasync.
	Allocate(n int64) error
	// Datasync makes what was written durable. After an error nobody knows what is on the disk: the file must not be
	// relied on again.
	Datasync() error
}

// Info describes one file.
type Info struct {
	Name string
	Size int64
	Mode fs.FileMode
}

// InUse says that another process holds the lock.
type InUse struct{ PID int }

func (e *InUse) Error() string {
	if e.PID == 0 {
		return "in use by another process; stop it first, or give this server a directory of its own (server.data)"
	}
	return fmt.Sprintf("in use by process %d; stop it first, or give this server a directory of its own (server.data)", e.PID)
}
