// Package disk is a file system for tests (FUSE) on top of a directory. Its disk can be told to stand still, to fail, and to lose its power:
// then it has forgotten whatever was not synced, as a disk may. The tests beside it run the real server on it.
package disk

import (
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// Disk is one file system. What has no power does nothing and answers nobody.
type Disk struct {
	// Dir is where it is mounted.
	Dir string
	// real is the directory that everything is passed on to, kept has a further name of each file that the disk has.
	real, kept string

	mu    sync.Mutex // guards what follows, and is held while anything is changed
	moved *sync.Cond // with mu: still or power has changed
	still stillness
	power power
	fails int            // so many syncs to come fail
	lies  bool           // what was synced is forgotten, too
	held  map[string]int // what waits for the disk, by name
	files map[uint64]*file
	names map[string]map[string]uint64 // of each directory: the inodes that its names have on the disk
}

// stillness says what waits.
type stillness uint8

const (
	moves stillness = iota
	// syncsStand is a disk whose cache takes everything and empties itself into nothing.
	syncsStand
	// allStands is one that takes nothing either.
	allStands
)

// power is whether there is any.
type power uint8

const (
	on    power = iota
	going       // whatever is asked waits
	off         // whatever is asked fails
)

// Over mounts a disk over a directory, which has on it what is in there. It goes with the test; whoever uses it must end before, or
// with the test's world.
func Over(t testing.TB, dir string) *Disk {
	t.Helper()
	d := &Disk{Dir: dir, real: dir + ".disk", kept: dir + ".kept", held: map[string]int{}, files: map[uint64]*file{}, names: map[string]map[string]uint64{}}
	d.moved = sync.NewCond(&d.mu)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{os.Rename(dir, d.real), os.Mkdir(dir, 0o700), os.Mkdir(d.kept, 0o700), d.keepTree(".")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	none := time.Duration(0)
	options := &fs.Options{AttrTimeout: &none, EntryTimeout: &none, MountOptions: fuse.MountOptions{FsName: "lessor-test-disk", Name: "lessor", DirectMountStrict: true}}
	if _, err := fs.Mount(dir, d.root(), options); err != nil {
		t.Fatalf("mounting a file system of the test's own needs root and /dev/fuse: %v", err)
	}
	t.Cleanup(func() { d.Go() }) // so that whoever waits for it can end
	return d
}

// Stand has every sync wait until Go.
func (d *Disk) Stand() { d.be(syncsStand) }

// Freeze has everything wait until Go that changes anything.
func (d *Disk) Freeze() { d.be(allStands) }

// Go ends Stand and Freeze.
func (d *Disk) Go() { d.be(moves) }

func (d *Disk) be(s stillness) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.still = s
	d.moved.Broadcast()
}

// Fail has the next n syncs fail, at once where they wait. Nobody knows then what is on the disk; this one has nothing of what they were for.
func (d *Disk) Fail(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fails = n
	d.moved.Broadcast()
}

// Lie has the disk forget at the next Cut also what is synced from now on.
func (d *Disk) Lie() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lies = true
}

// Held returns what waits for the disk now: the names of files and directories.
func (d *Disk) Held() (names []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, n := range d.held {
		if n > 0 {
			names = append(names, name)
		}
	}
	return names
}

// Cut takes the power away: from now on nothing that anybody does reaches the disk or comes back from it. It then calls kill, which must send
// an end to all who use the disk and not wait for it, and once that has come to them it lets them go. Restore gives the power back.
func (d *Disk) Cut(kill func()) {
	d.mu.Lock()
	d.power = going
	d.mu.Unlock()
	kill()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.power = off
	d.moved.Broadcast()
}

// Restore gives the power back, to nobody: who used the disk must be gone. It returns how many changes were forgotten.
func (d *Disk) Restore(t testing.TB) int {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.forget()
	if err != nil {
		t.Fatalf("the disk cannot be brought back: %v", err)
	}
	d.power, d.still, d.fails, d.lies = on, moves, 0, false
	return n
}

// begin waits until the disk lets something be done with what has that name, and returns with the lock; after an error without it.
func (d *Disk) begin(name string, syncs bool) syscall.Errno {
	d.mu.Lock()
	for d.power == going || d.power == on && d.waits(syncs) {
		d.held[name]++
		d.moved.Wait()
		d.held[name]--
	}
	fails := d.power == off
	if syncs && d.fails > 0 {
		d.fails--
		fails = true
	}
	if fails {
		d.mu.Unlock()
		return syscall.EIO
	}
	return 0
}

// waits reports whether the disk stands still for whoever asks for a sync, or for something else. The lock is held.
func (d *Disk) waits(syncs bool) bool {
	if syncs {
		return d.still != moves && d.fails == 0
	}
	return d.still == allStands
}
