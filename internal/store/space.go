package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/lessor-dhcp/lessor/internal/store/disk"
)

// The names of the files.
const (
	lockName     = "lock"
	identityName = "identity"
	snapshotName = "snapshot"
	headName     = "head"
	versionsName = "versions"
	damagedName  = "versions.damaged" // a file of versions that was not whole, kept for people
	slotPrefix   = "journal-"
	tempSuffix   = ".tmp"
)

// NoRoom says that there is no space for something on the disk. Of the journal: nothing that needs a commit may be decided.
type NoRoom struct {
	What string // that there is no room for; empty: the next part of the journal
	Need int64  // octets that it takes
	Free int64  // octets that are free; -1 if unknown
	Err  error  // what failed
}

func (e *NoRoom) Error() string {
	what := e.What
	if what == "" {
		what = "the next part of the journal"
	}
	if e.Free < 0 || !errors.Is(e.Err, syscall.ENOSPC) {
		return fmt.Sprintf("no room for the %d octets of %s: %v", e.Need, what, e.Err)
	}
	return fmt.Sprintf("disk full: no room for the %d octets of %s, %d are free; "+
		"free some space on the file system of the data directory", e.Need, what, e.Free)
}

// Unwrap returns what failed.
func (e *NoRoom) Unwrap() error { return e.Err }

// errReserving says that the next segment is still being prepared.
var errReserving = errors.New("space for it is still being reserved")

// Room returns nil if the journal has space for what is decided next: the next segment is reserved, or a quarter of the
// present one is left, which is more than a batch should be. Otherwise it says why not (*NoRoom), and nothing that needs a commit may be decided. It does not
// touch the disk. Reserve has another attempt made.
func (s *Store) Room() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fatal != nil {
		return s.fatal
	}
	need := 0
	if s.plan.segment > s.last {
		need = int(s.plan.segment - s.last)
	}
	if s.plan.offset > 0 && s.cfg.SegmentSize-s.plan.offset < s.cfg.SegmentSize/4 {
		need++
	}
	if len(s.spares) >= need {
		return nil
	}
	if s.noSpace != nil {
		return s.noSpace
	}
	return &NoRoom{Need: s.cfg.SegmentSize, Free: -1, Err: errReserving}
}

// Reserve has Run try again to get space for the journal after that had failed. To be called at the server's tick.
func (s *Store) Reserve() {
	s.mu.Lock()
	s.tryAgain, s.snapWait = true, 0
	s.mu.Unlock()
	s.wake()
}

// Run does what need not be done at once (Work), until ctx is done.
func (s *Store) Run(ctx context.Context) {
	defer context.AfterFunc(ctx, func() { s.leaving.Store(true) })()
	for {
		for ctx.Err() == nil && s.Work() {
		}
		select {
		case <-ctx.Done():
			return
		case <-s.kick:
		}
	}
}

// Work does one thing that may take a while on the disk: a part of a snapshot, the preparation or removal of a journal
// file. It returns false if there was nothing to do.
func (s *Store) Work() bool {
	s.working.Lock()
	defer s.working.Unlock()
	if !s.loaded || s.Dead() != nil {
		return false
	}
	return s.workNote() || s.needsSpareNow() && s.workSpares() || s.workSnapshot() || s.workOld() || s.workSpares()
}

// workNote notes how far the journal is durable, once a segment. Where that fails it is tried again with the next thing that there is to do: it only
// helps to find a loss.
func (s *Store) workNote() bool {
	if !s.unnoted.Swap(false) {
		return false
	}
	if s.note(s.committed.Load()) != nil {
		s.unnoted.Store(true)
		return false
	}
	return true
}

// needsSpareNow reports whether there is no file for the next segment, and space for more than one and a snapshot.
func (s *Store) needsSpareNow() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.spares) == 0 && s.noSpace == nil && s.roomy()
}

// hurried reports whether somebody waits for the file that is being made: there is none for the next segment, or Run is to end.
func (s *Store) hurried() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.spares) == 0 || s.leaving.Load()
}

// sparesAhead returns how many files are made before they are needed, of want: one, and one more, which there is time for, but not where
// that one might have to be removed again for want of space. The caller holds mu.
func (s *Store) sparesAhead(want int) int {
	if s.roomy() {
		return min(want, 2)
	}
	return 1
}

// roomy reports whether there is space for two files more and a snapshot, when it was looked at last. The caller holds mu.
func (s *Store) roomy() bool { return s.free >= s.enough()+2*s.cfg.SegmentSize }

// workSpares keeps the number of spare files right.
func (s *Store) workSpares() bool {
	free, err := s.fs.Free()
	s.mu.Lock()
	if err == nil {
		s.free = free
	}
	n, want := len(s.spares), s.sparesWanted()
	try := n < s.sparesAhead(want) && (s.noSpace == nil || s.tryAgain)
	var excess string
	switch {
	case try:
	case len(s.useless) > 0:
		excess, s.useless = s.useless[0], s.useless[1:]
	case n > want:
		excess, s.spares = s.spares[0], s.spares[1:]
	}
	s.mu.Unlock()
	switch {
	case try:
		return s.addSpare() == nil
	case excess != "":
		_ = s.fs.Remove(excess) // found again as a spare at the next Open if this failed
		return true
	}
	return false
}

// sparesWanted returns how many spare files are kept: as many as the journal will need again before the next snapshot,
// but not where space is short. The caller holds mu.
func (s *Store) sparesWanted() int {
	if s.noSpace != nil || s.tight() {
		return 1
	}
	return max(1, int(s.snapshotAfter()/s.cfg.SegmentSize)+2-len(s.live))
}

// addSpare makes one more spare file. All of its space is taken and written before it gets its name.
func (s *Store) addSpare() error {
	s.mu.Lock()
	s.nextName++
	s.tryAgain = false
	name := slotPrefix + fmt.Sprintf("%04d", s.nextName)
	s.mu.Unlock()
	err := s.makeSpare(name)
	free := int64(-1)
	if err != nil {
		if k, e := s.fs.Free(); e == nil { // without the lock: whoever decides does not wait for the disk
			free = k
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.noSpace = &NoRoom{Need: s.cfg.SegmentSize, Free: free, Err: err}
		return s.noSpace
	}
	s.noSpace = nil
	s.spares = append(s.spares, name)
	return nil
}

func (s *Store) makeSpare(name string) error {
	f, err := s.fs.Open(name+tempSuffix, disk.Create)
	if err != nil {
		return err
	}
	err = disk.AllocateAhead(f, s.cfg.SegmentSize, s.hurried)
	if err == nil {
		err = f.Datasync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = s.fs.Rename(name+tempSuffix, name)
	}
	if err == nil {
		err = s.fs.SyncDir()
	}
	if err != nil {
		_ = s.fs.Remove(name + tempSuffix)
		_ = s.fs.Remove(name)
		return err
	}
	return nil
}

// isSlot reports whether name is that of a journal file, and its number among them.
func isSlot(name string) (int, bool) {
	rest, ok := strings.CutPrefix(name, slotPrefix)
	if !ok || len(rest) < 4 || len(rest) > 9 {
		return 0, false
	}
	n := 0
	for _, c := range []byte(rest) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}
