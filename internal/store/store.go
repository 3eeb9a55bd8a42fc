package store

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/store/disk"
)

// Config says where and how a store keeps its files. Only Dir (or FS) and Member are needed.
type Config struct {
	// Dir is the directory; it is made, with mode 0700, if it is missing, but its parent is not.
	Dir string
	// FS is used in place of Dir if it is not nil.
	FS disk.FS
	// Member is the name of the server that the directory belongs to, at most 255 octets.
	Member binding.Member
	// SegmentSize is the length of a part of the journal, a multiple of 512, at least 16 KiB; default 4 MiB. Two are
	// needed at least, so this is what a small disk must have room for.
	SegmentSize int64
	// SnapshotAfter is how long the journal may be at least before a snapshot is due; default 32 MiB. It may also be a quarter as long as a
	// snapshot, or, where it gets that long within a minute, as long.
	SnapshotAfter int64
	// NewID is the identifier of a directory that is new; zero: a random one. For repeatable tests.
	NewID ID
}

const (
	defaultSegmentSize   = 4 << 20
	minSegmentSize       = 16 << 10
	maxSegmentSize       = 256 << 20
	defaultSnapshotAfter = 32 << 20
	maxBlob              = 64 << 10
)

// Table is what the store needs of binding.Table.
type Table interface {
	Put(b binding.Binding, due time.Time)
	Intern(b []byte) *binding.Blob
	Scan(from uint64, n int, each func(*binding.Binding) bool) (next uint64, done bool)
	Len() int
}

// Store is an open data directory. Open makes one.
type Store struct {
	cfg          Config
	fs           disk.FS
	lock         io.Closer
	id           ID
	boot         uint64
	newest       int           // which copy of the identity is the newer one, 0 or 1
	identifying  sync.Mutex    // held while the identity is written
	mark         uint64        // every frame before this one was durable when the identity was last written
	versionsMark atomic.Uint64 // every frame of versions before this one is durable
	maxBlob      int           // longer blobs are not stored, so that any record and its blobs fit into a segment
	slots        map[string]slot
	notes        []Damage // found by Open, reported by Load
	loaded       bool

	plan     plan     // the decider's
	versions versions // the keeper's of the configuration

	out struct { // the committer's
		file   disk.File
		number uint64
		seq    uint64 // of the frame that is to be written next
	}
	committed atomic.Uint64 // all frames before this one are durable
	unnoted   atomic.Bool   // how far the journal is durable is to be noted in the identity
	leaving   atomic.Bool   // Run is to end
	kick      chan struct{} // there may be work
	working   sync.Mutex    // held while Work works

	mu    sync.Mutex
	fatal error // why the store is dead; nil while it is alive
	head  *head // nil if no version was adopted
	// relationship is the newest durable record of the failover relationship, empty if there is none.
	relationship []byte
	live         []segment // in ascending order of number, the one being written last
	last         uint64    // number of the last segment that was ever given a file; it need not be live
	spares       []string  // names of the files that may be written over
	useless      []string  // names of files that are to be removed: they have another size
	nextName     int
	noSpace      error // why the last reservation failed; nil if it did not
	tryAgain     bool  // Reserve asked for another attempt
	free         int64 // on the file system, when it was looked at last
	snapshot     *Snapshot
	snapBytes    int64  // of the last snapshot
	snapAt       uint32 // the server's time when the last one since the start was begun; 0: none was
	snapWait     int    // no snapshot is due while the journal has fewer segments: the last one failed
	closed       bool   // guarded by working

	old disk.File // the snapshot before the last, whose space is being freed; nil if none is; guarded by working
}

// slot is a file of the journal as Open found it.
type slot struct {
	blocks
	name string
	size int64
}

// segment is a part of the journal that is still needed.
type segment struct {
	number uint64
	name   string
	size   int64
}

// ErrClosed says that the store was closed.
var ErrClosed = errors.New("store: closed")

// Dead returns why the store can commit nothing any more, nil while it can. Only opening it anew helps.
func (s *Store) Dead() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fatal
}

// die makes the store dead, for the first reason that it is given.
func (s *Store) die(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fatal == nil {
		s.fatal = err
	}
	return s.fatal
}

// wake tells Run that there may be work. It never waits.
func (s *Store) wake() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// ID returns what tells this directory from every other, and how often it has been opened. Neither changes while it
// is open; the count grows durably with every Open.
func (s *Store) ID() (ID, uint64) { return s.id, s.boot }

// Close writes that all is well at the end of the journal, if nothing has failed, and lets go of the directory. The
// decider, the committer and Run must have ended.
func (s *Store) Close() error {
	s.working.Lock()
	defer s.working.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	if s.loaded && s.Dead() == nil && s.plan.dirty {
		err := s.seal()
		if err == nil {
			err = s.note(s.out.seq)
		}
		errs = append(errs, err)
	}
	alive := s.Dead() == nil
	s.die(ErrClosed)
	errs = append(errs, s.closeVersions(alive))
	if s.snapshot != nil {
		s.snapshot.abandon(ErrClosed)
	}
	s.closeOld()
	if s.out.file != nil {
		errs = append(errs, s.out.file.Close())
		s.out.file = nil
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// seal commits a frame that says that the server was closed. What stands before it is known to have been durable.
func (s *Store) seal() error {
	b := s.Begin()
	b.frame(kindSeal, s.plan.commit, netip.Prefix{})
	if err := s.Commit(b); err != nil {
		return fmt.Errorf("seal the journal: %w", err)
	}
	return nil
}
