// Package memfs is a directory in memory that behaves as a disk does on the worst day: what was not synced is lost at a
// crash, or survives in part, sector by sector; names that were not synced come and go; any call can be made to fail.
// All chances come from a seed, so a run repeats. It is for tests and for the simulator.
package memfs

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"

	"github.com/lessor-dhcp/lessor/internal/store/disk"
)

// Sector is what a write changes whole or not at all.
const Sector = 512

// Op is one call.
type Op struct {
	Kind Kind
	Name string // of the file
	N    int    // the number of the call, from 1
}

func (o Op) String() string { return fmt.Sprintf("call %d: %s %s", o.N, o.Kind, o.Name) }

// Kind is the kind of a call.
type Kind string

// The kinds of calls.
const (
	Open     Kind = "open"
	Rename   Kind = "rename"
	Remove   Kind = "remove"
	ReadDir  Kind = "readdir"
	SyncDir  Kind = "syncdir"
	Read     Kind = "read"
	Write    Kind = "write"
	Allocate Kind = "allocate"
	Truncate Kind = "truncate"
	Datasync Kind = "datasync"
	Lock     Kind = "lock"
)

// FS is the directory. It implements disk.FS. Its zero value is not ready; New makes one.
type FS struct {
	mu       sync.Mutex
	names    map[string]*inode // as programs see it
	synced   map[string]*inode // as it is on the disk
	calls    int
	capacity int64 // octets that files may take; 0: no limit
	locked   bool

	// Before is called before every call, with no lock held; an error makes the call fail with it. A write that fails is
	// done in part. It must be set before the first call.
	Before func(Op) error
	// After is called after every call that changed something, or may have, with no lock held.
	After func(Op)
}

// inode is the content of a file: as programs see it, and as it is on the disk.
type inode struct {
	data  []byte
	disk  []byte
	dirty map[int64]struct{} // sectors in which they may differ
}

// New returns an empty directory. capacity limits what files may take in all; 0 means no limit.
func New(capacity int64) *FS {
	return &FS{names: make(map[string]*inode), synced: make(map[string]*inode), capacity: capacity}
}

// SetCapacity changes how much files may take in all.
func (f *FS) SetCapacity(n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.capacity = n
}

// Calls returns how many calls there were.
func (f *FS) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

// Crash returns the directory as it might be found after the power failed now. Of what was not synced, each sector and
// each name is as it was or as it should have become, by chance: survival is the part that did become, from 0 to 1.
func (f *FS) Crash(r *rand.Rand, survival float64) *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	after := New(f.capacity)
	all := maps.Clone(f.synced)
	for name := range f.names {
		all[name] = nil
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		i := f.synced[name]
		if f.names[name] != i && r.Float64() < survival {
			i = f.names[name]
		}
		if i != nil {
			after.add(name, i.crash(r, survival))
		}
	}
	return after
}

func (f *FS) add(name string, content []byte) {
	i := &inode{data: content, disk: slices.Clone(content), dirty: make(map[int64]struct{})}
	f.names[name], f.synced[name] = i, i
}

// crash returns what a file may have in it after the power failed.
func (i *inode) crash(r *rand.Rand, survival float64) []byte {
	size := len(i.disk)
	if len(i.data) != size && r.Float64() < survival {
		size = len(i.data)
	}
	b := make([]byte, size)
	copy(b, i.disk)
	for _, s := range slices.Sorted(maps.Keys(i.dirty)) {
		if from := s * Sector; from < int64(size) && from < int64(len(i.data)) && r.Float64() < survival {
			copy(b[from:min(from+Sector, int64(size))], i.data[from:])
		}
	}
	return b
}

// Restart returns the directory as the next process finds it after this one was killed: as programs see it, with what was not
// synced still not on the disk.
func (f *FS) Restart() *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	next := New(f.capacity)
	next.names, next.synced = maps.Clone(f.names), maps.Clone(f.synced)
	return next
}

// Clone returns a copy of the directory as programs see it.
func (f *FS) Clone() *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := New(f.capacity)
	for name, i := range f.names {
		c.add(name, slices.Clone(i.data))
	}
	return c
}

// Files returns the names of all files, in order.
func (f *FS) Files() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.names))
}

// Content returns the content of a file as programs see it; nil if there is no such file. Changing it changes the file,
// as rot would.
func (f *FS) Content(name string) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i := f.names[name]; i != nil {
		return i.data
	}
	return nil
}

// Set makes a file with the content b, durably.
func (f *FS) Set(name string, b []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.add(name, slices.Clone(b))
}

// before counts a call and asks whether it shall fail.
func (f *FS) before(k Kind, name string) (Op, error) {
	f.mu.Lock()
	f.calls++
	op := Op{k, name, f.calls}
	f.mu.Unlock()
	if f.Before != nil {
		return op, f.Before(op)
	}
	return op, nil
}

func (f *FS) after(op Op) {
	if f.After != nil {
		f.After(op)
	}
}

// Open implements disk.FS.
func (f *FS) Open(name string, mode disk.Mode) (disk.File, error) {
	op, err := f.before(Open, name)
	if err != nil {
		return nil, pathError(op, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.names[name]
	if i == nil {
		if mode != disk.Create {
			return nil, pathError(op, fs.ErrNotExist)
		}
		i = &inode{dirty: make(map[int64]struct{})}
		f.names[name] = i
	}
	if mode == disk.Create {
		i.data = nil
	}
	return &file{fs: f, name: name, inode: i, readOnly: mode == disk.Read}, nil
}

// Rename implements disk.FS.
func (f *FS) Rename(from, to string) error {
	op, err := f.before(Rename, from)
	if err != nil {
		return pathError(op, err)
	}
	f.mu.Lock()
	i := f.names[from]
	if i == nil {
		f.mu.Unlock()
		return pathError(op, fs.ErrNotExist)
	}
	delete(f.names, from)
	f.names[to] = i
	f.mu.Unlock()
	f.after(op)
	return nil
}

// Remove implements disk.FS.
func (f *FS) Remove(name string) error {
	op, err := f.before(Remove, name)
	if err != nil {
		return pathError(op, err)
	}
	f.mu.Lock()
	_, ok := f.names[name]
	delete(f.names, name)
	f.mu.Unlock()
	if !ok {
		return pathError(op, fs.ErrNotExist)
	}
	f.after(op)
	return nil
}

// ReadDir implements disk.FS.
func (f *FS) ReadDir() ([]disk.Info, error) {
	op, err := f.before(ReadDir, ".")
	if err != nil {
		return nil, pathError(op, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var infos []disk.Info
	for _, name := range slices.Sorted(maps.Keys(f.names)) {
		infos = append(infos, disk.Info{Name: name, Size: int64(len(f.names[name].data)), Mode: 0o600})
	}
	return infos, nil
}

// SyncDir implements disk.FS.
func (f *FS) SyncDir() error {
	op, err := f.before(SyncDir, ".")
	if err != nil {
		return pathError(op, err)
	}
	f.mu.Lock()
	f.synced = maps.Clone(f.names)
	f.mu.Unlock()
	f.after(op)
	return nil
}

// Lock implements disk.FS. It holds among the users of this FS.
func (f *FS) Lock(name string) (io.Closer, error) {
	op, err := f.before(Lock, name)
	if err != nil {
		return nil, pathError(op, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.locked {
		return nil, &disk.InUse{}
	}
	f.locked = true
	return unlocker{f}, nil
}

// Locked implements disk.FS.
func (f *FS) Locked(string) (pid int, locked bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return 0, f.locked
}

type unlocker struct{ fs *FS }

func (u unlocker) Close() error {
	u.fs.mu.Lock()
	defer u.fs.mu.Unlock()
	u.fs.locked = false
	return nil
}

// Free implements disk.FS.
func (f *FS) Free() (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.capacity == 0 {
		return 1 << 40, nil
	}
	return max(0, f.capacity-f.used()), nil
}

// used returns what all files take. A file without a name counts no more.
func (f *FS) used() int64 {
	var n int64
	for _, i := range f.names {
		n += int64(len(i.data))
	}
	return n
}

func pathError(op Op, err error) error {
	return &fs.PathError{Op: string(op.Kind), Path: op.Name, Err: err}
}

// file is an open file.
type file struct {
	fs       *FS
	name     string
	inode    *inode
	readOnly bool
}

// ReadAt implements disk.File.
func (f *file) ReadAt(b []byte, off int64) (int, error) {
	op, err := f.fs.before(Read, f.name)
	if err != nil {
		return 0, pathError(op, err)
	}
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if off >= int64(len(f.inode.data)) {
		return 0, io.EOF
	}
	n := copy(b, f.inode.data[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt implements disk.File. One that is made to fail writes the first half.
func (f *file) WriteAt(b []byte, off int64) (int, error) {
	op, err := f.fs.before(Write, f.name)
	if err == nil && f.readOnly {
		err = syscall.EBADF
	}
	if err != nil {
		n := len(b) / 2
		if !f.readOnly {
			f.put(b[:n], off)
		}
		f.fs.after(op)
		return n, pathError(op, err)
	}
	if err := f.put(b, off); err != nil {
		return 0, pathError(op, err)
	}
	f.fs.after(op)
	return len(b), nil
}

func (f *file) put(b []byte, off int64) error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	i, end := f.inode, off+int64(len(b))
	if err := f.grow(end); err != nil {
		return err
	}
	copy(i.data[off:], b)
	for s := off / Sector; s*Sector < end; s++ {
		i.dirty[s] = struct{}{}
	}
	return nil
}

// grow makes the file at least n octets long. The caller holds the lock.
func (f *file) grow(n int64) error {
	more := n - int64(len(f.inode.data))
	if more <= 0 {
		return nil
	}
	if f.fs.capacity > 0 && f.fs.used()+more > f.fs.capacity {
		return syscall.ENOSPC
	}
	f.inode.data = append(f.inode.data, make([]byte, more)...)
	return nil
}

// Allocate implements disk.File.
func (f *file) Allocate(n int64) error {
	op, err := f.fs.before(Allocate, f.name)
	if err != nil {
		return pathError(op, err)
	}
	f.fs.mu.Lock()
	f.inode.data = nil
	err = f.grow(n)
	for s := int64(0); s*Sector < int64(len(f.inode.data)); s++ {
		f.inode.dirty[s] = struct{}{}
	}
	f.fs.mu.Unlock()
	if err != nil {
		return pathError(op, err)
	}
	f.fs.after(op)
	return nil
}

// Orphaned implements disk.Orphan.
func (f *file) Orphaned() bool {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	for _, i := range f.fs.names {
		if i == f.inode {
			return false
		}
	}
	return true
}

// Truncate implements disk.Orphan.
func (f *file) Truncate(n int64) error {
	op, err := f.fs.before(Truncate, f.name)
	if err != nil {
		return pathError(op, err)
	}
	f.fs.mu.Lock()
	f.inode.data = f.inode.data[:n]
	f.fs.mu.Unlock()
	f.fs.after(op)
	return nil
}

// Datasync implements disk.File. One that is made to fail leaves what programs see, but not what is on the disk, and a
// later one does not notice, as Linux has it.
func (f *file) Datasync() error {
	op, err := f.fs.before(Datasync, f.name)
	f.fs.mu.Lock()
	i := f.inode
	if err == nil {
		i.sync()
	}
	clear(i.dirty)
	f.fs.mu.Unlock()
	if err != nil {
		return pathError(op, err)
	}
	f.fs.after(op)
	return nil
}

// sync copies what changed to the disk.
func (i *inode) sync() {
	if len(i.disk) != len(i.data) {
		i.disk = slices.Grow(i.disk[:min(len(i.disk), len(i.data))], len(i.data))[:len(i.data)]
	}
	for s := range i.dirty {
		from := s * Sector
		if from < int64(len(i.data)) {
			end := min(from+Sector, int64(len(i.data)))
			copy(i.disk[from:end], i.data[from:end])
		}
	}
}

// Size implements disk.File.
func (f *file) Size() (int64, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	return int64(len(f.inode.data)), nil
}

// Close implements disk.File.
func (f *file) Close() error { return nil }

// Equal reports whether two directories have the same files with the same content, as programs see them.
func (f *FS) Equal(o *FS) bool {
	if !slices.Equal(f.Files(), o.Files()) {
		return false
	}
	for _, name := range f.Files() {
		if !bytes.Equal(f.Content(name), o.Content(name)) {
			return false
		}
	}
	return true
}
