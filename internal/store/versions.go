package store

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/store/disk"
)

// VersionRecord is one version of the group's configuration. To the store it is a name and octets.
type VersionRecord struct {
	ID    [16]byte
	Bytes []byte // 1 to MaxVersion octets
}

// Limits of what PutVersions takes, in octets.
const (
	// MaxVersion is that of one version: a document in canonical form, one as it was written, and what is said of them.
	MaxVersion = 2*maxDocument + 64<<10
	// MaxVersionState is that of the state.
	MaxVersionState = 64 << 10
)

// versions is the file of versions. It is written by whoever keeps the versions, beside the journal.
type versions struct {
	putting sync.Mutex // held by the one that writes; it alone changes what mu guards

	mu    sync.RWMutex
	file  disk.File // nil: there is none that can be used
	seed  uint32
	end   int64 // where the next group begins; everything before it is durable
	table versionTable
	lost  bool // the file is damaged, or missing: it is set aside when the next one is written

	// The writer's.
	seq     uint64 // of the next frame; no number is used twice, also not by an attempt that failed
	made    uint64 // how many files were made in this opening
	remains bool   // an attempt that failed, or that a crash ended, has left something behind end
	adrift  bool   // the file may not have its name any more after a crash: it must be made anew
	patient int64  // how long the file must be at least before it is made anew for the space; the last attempt failed
	dirty   bool   // the identity does not say how far the file is durable
}

// versionTable is what a file of versions holds.
type versionTable struct {
	order  []versionPlace // in the order in which they were stored first
	index  map[[16]byte]int
	pieces map[binding.Digest]piecePlace
	state  []byte
	live   int64 // octets of the frames of pieces and versions that are needed
}

// versionPlace is where a version stands in the file.
type versionPlace struct {
	id   [16]byte
	sum  binding.Digest // sumOf its pieces
	at   uint32         // of its frame, divided by align
	size uint32         // of the frame
}

// piecePlace is where a piece stands: its frame's place, divided by align, and how many octets it has.
type piecePlace struct{ at, n uint32 }

func newVersionTable() versionTable {
	return versionTable{index: make(map[[16]byte]int), pieces: make(map[binding.Digest]piecePlace)}
}

// put notes a version. One that is there already keeps its place in the order.
func (t *versionTable) put(p versionPlace) {
	t.live += int64(p.size)
	if i, ok := t.index[p.id]; ok {
		t.live -= int64(t.order[i].size)
		t.order[i] = p
		return
	}
	t.index[p.id] = len(t.order)
	t.order = append(t.order, p)
}

// piece notes a piece.
func (t *versionTable) piece(d binding.Digest, p piecePlace) {
	if _, ok := t.pieces[d]; !ok {
		t.live += int64(frameSize(int(p.n)))
		t.pieces[d] = p
	}
}

// adopt adds what another table has.
func (t *versionTable) adopt(add *versionTable) {
	for d, p := range add.pieces {
		t.piece(d, p)
	}
	for _, p := range add.order {
		t.put(p)
	}
	t.state = add.state
}

// PutVersions makes all of it durable in one step: after a crash all is there or none. state takes the place of the one
// before, which an empty one leaves as it is. A version that is there already is stored once, and one with other octets takes its
// place. Nothing is kept of all and state after the call. It may be called beside the decider and the committer, by one
// goroutine or several.
//
// After an error, *NoRoom where the disk is full, the versions and the state are those before, and the store goes on; only the next opening may find
// the new ones, whole. PutVersions fails where Dead does.
func (s *Store) PutVersions(all []VersionRecord, state []byte) error {
	if err := fitVersions(all, state); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	v := &s.versions
	v.putting.Lock()
	defer v.putting.Unlock()
	if err := s.Dead(); err != nil {
		return err
	}
	if len(state) == 0 {
		state = v.table.state
	}
	state = slices.Clone(state)
	err := s.putVersions(all, state)
	if errors.Is(err, syscall.ENOSPC) {
		err = s.noRoomFor(all, state, err)
	}
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// noRoomFor says what there is no room for.
func (s *Store) noRoomFor(all []VersionRecord, state []byte, err error) *NoRoom {
	e := &NoRoom{What: "the versions of the configuration", Need: int64(len(state)), Free: -1, Err: err}
	for i := range all {
		e.Need += int64(len(all[i].Bytes))
	}
	if len(all) > 0 {
		e.Need += s.cfg.SegmentSize
	}
	if free, err := s.fs.Free(); err == nil {
		e.Free = free
	}
	return e
}

func fitVersions(all []VersionRecord, state []byte) error {
	for i := range all {
		if n := len(all[i].Bytes); n == 0 || n > MaxVersion {
			return fmt.Errorf("a version of %d octets", n)
		}
	}
	if len(state) > MaxVersionState {
		return fmt.Errorf("a state of the versions of %d octets", len(state))
	}
	return nil
}

func (s *Store) putVersions(all []VersionRecord, state []byte) error {
	v := &s.versions
	if v.file == nil || v.lost || v.adrift {
		return s.remakeVersions(all, state)
	}
	if v.wasteful() {
		if err := s.remakeVersions(all, state); err == nil || v.adrift {
			return err
		}
		v.patient = 2 * v.end
	}
	return s.extendVersions(all, state)
}

// maxWaste is how much of the file may be of no use before it is made anew, if it is more than half. Only tests change it.
var maxWaste int64 = 1 << 20

func (v *versions) wasteful() bool {
	waste := v.end - blocksSize - v.table.live
	return waste > maxWaste && waste > v.end/2 && v.end > v.patient
}

// EachVersion calls each with every version, in the order in which they were stored first, until it returns an error,
// which is returned. It reads from the disk, one version at a time; the octets are the caller's. It may be called beside PutVersions. After
// Recovery.VersionsLost there is none until the next PutVersions.
func (s *Store) EachVersion(each func(VersionRecord) error) error {
	return s.eachVersion(MaxVersion, each)
}

// EachVersionHead is EachVersion, but of each version only the beginning is read and handed out: at least so many octets, or all of
// them. A history costs a hundredth of the time so where its documents are long.
func (s *Store) EachVersionHead(octets int, each func(VersionRecord) error) error {
	return s.eachVersion(octets, each)
}

func (s *Store) eachVersion(octets int, each func(VersionRecord) error) error {
	v := &s.versions
	for i := range v.count() {
		r, err := v.nth(i, octets)
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
		if err := each(r); err != nil {
			return err
		}
	}
	return nil
}

// Version returns one version, read from the disk; false if it is not there.
func (s *Store) Version(id [16]byte) ([]byte, bool, error) {
	v := &s.versions
	v.mu.RLock()
	defer v.mu.RUnlock()
	i, ok := v.table.index[id]
	if !ok {
		return nil, false, nil
	}
	b, err := v.read(v.table.order[i], MaxVersion)
	if err != nil {
		return nil, false, fmt.Errorf("store: %w", err)
	}
	return b, true, nil
}

// VersionState returns a copy of the state that was stored last; nil if none is, or if it was lost, which Recovery says.
func (s *Store) VersionState() []byte {
	v := &s.versions
	v.mu.RLock()
	defer v.mu.RUnlock()
	return slices.Clone(v.table.state)
}

func (v *versions) count() int {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return len(v.table.order)
}

// nth reads so many octets of a version by its place in the order, which does not change while the store is open.
func (v *versions) nth(i, octets int) (VersionRecord, error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	p := v.table.order[i]
	b, err := v.read(p, octets)
	return VersionRecord{ID: p.id, Bytes: b}, err
}

// closeVersions lets go of the file. While the store was alive, the identity says how far it goes.
func (s *Store) closeVersions(alive bool) error {
	v := &s.versions
	v.putting.Lock()
	defer v.putting.Unlock()
	if alive && v.dirty {
		s.noteVersions()
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.file == nil {
		return nil
	}
	err := v.file.Close()
	v.file = nil
	return err
}

// errVersionRotten says that what was read at the start cannot be read any more.
var errVersionRotten = errors.New("a version of the configuration that was whole at the start is damaged on the disk")
