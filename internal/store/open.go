package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/lessor-dhcp/lessor/internal/store/disk"
)

// Open opens a data directory, or begins a new one where there is nothing, and keeps all other processes out of it. An
// error says what the operator can do: the directory is in use (*disk.InUse), is another server's (*OtherServer), was
// written by a newer version (*NewerFormat), may be read by others (*TooOpen), or is not whole.
func Open(c Config) (*Store, error) {
	if err := c.complete(); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	s := &Store{cfg: c, fs: c.FS, kick: make(chan struct{}, 1), slots: make(map[string]slot)}
	s.maxBlob = int(min(maxBlob, (c.SegmentSize-blocksSize)/4-1024))
	if err := s.open(); err != nil {
		if s.lock != nil {
			err = errors.Join(err, s.lock.Close())
		}
		return nil, fmt.Errorf("data directory %s: %w", c.Dir, err)
	}
	return s, nil
}

// complete fills in the defaults and makes the directory.
func (c *Config) complete() error {
	if c.SegmentSize == 0 {
		c.SegmentSize = defaultSegmentSize
	}
	if c.SnapshotAfter == 0 {
		c.SnapshotAfter = defaultSnapshotAfter
	}
	switch {
	case c.SegmentSize < minSegmentSize || c.SegmentSize > maxSegmentSize || c.SegmentSize%sector != 0:
		return fmt.Errorf("segment size %d: must be a multiple of %d from %d to %d",
			c.SegmentSize, sector, minSegmentSize, maxSegmentSize)
	case c.Member == "" || len(c.Member) > maxMember:
		return fmt.Errorf("member name %q: must have 1 to %d octets", c.Member, maxMember)
	case c.FS != nil:
		return nil
	case c.Dir == "":
		return errors.New("no data directory is configured")
	}
	d := disk.Dir(c.Dir)
	c.FS = d
	if err := d.Make(); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	mode, err := d.Mode()
	if err == nil && mode.Perm()&0o077 != 0 {
		err = &TooOpen{Name: c.Dir, Mode: mode.Perm(), Want: 0o700}
	}
	return err
}

// OtherServer says that the directory belongs to another server.
type OtherServer struct{ Owner, Member string }

func (e *OtherServer) Error() string {
	return fmt.Sprintf("belongs to the server %q, not to %q. Give this server a directory of its own (server.data), "+
		"or its old name back (server.name)", e.Owner, e.Member)
}

// TooOpen says that others than the server's user may read or write a file.
type TooOpen struct {
	Name       string
	Mode, Want fs.FileMode
}

func (e *TooOpen) Error() string {
	return fmt.Sprintf("%s has mode %04o, so others may read who has which address; run: chmod %o %s",
		e.Name, uint32(e.Mode), uint32(e.Want), e.Name)
}

func (s *Store) open() error {
	infos, err := s.fs.ReadDir()
	if err != nil {
		return err
	}
	if err := refuseForeign(infos); err != nil {
		return err
	}
	if s.lock, err = s.fs.Lock(lockName); err != nil {
		return err
	}
	for _, i := range infos {
		if i.Mode.IsRegular() && i.Mode.Perm()&0o077 != 0 {
			return &TooOpen{Name: filepath.Join(s.cfg.Dir, i.Name), Mode: i.Mode.Perm(), Want: 0o600}
		}
	}
	found, err := lookAround(s.fs, infos)
	if err != nil {
		return err
	}
	s.slots, s.notes, s.nextName = found.slots, found.notes, found.highest
	isNew, err := s.identify(found.used || len(found.slots) > 0)
	if err != nil {
		return err
	}
	for _, name := range found.temps {
		if err := s.fs.Remove(name); err != nil {
			return err
		}
	}
	if err := s.count(isNew); err != nil {
		return fmt.Errorf("%s: %w", identityName, err)
	}
	if err := s.checkSlots(); err != nil {
		return err
	}
	if err := s.openHead(); err != nil {
		return err
	}
	return s.openVersions()
}

// beginnings are what a directory may hold that is not a store yet: what a first start that was interrupted leaves, the
// server's socket, the keys of a member that joined its group, and what a new file system brings along.
var beginnings = []string{lockName, identityName + tempSuffix, "lessor.sock", "keys", "lost+found"}

// refuseForeign refuses a directory that somebody else uses for something else. One with files of a store but without
// an identity is refused later, with another remedy.
func refuseForeign(infos []disk.Info) error {
	var foreign string
	for _, i := range infos {
		switch {
		case i.Name == identityName || ours(i.Name):
			return nil
		case foreign == "" && !slices.Contains(beginnings, i.Name):
			foreign = i.Name
		}
	}
	if foreign == "" {
		return nil
	}
	return fmt.Errorf("it is not a data directory of Lessor, and not empty: it holds %s; choose an empty directory, or one that does not exist yet (server.data)", foreign)
}

// checkSlots refuses files of another directory, and removes spares that have the wrong size. Those of the wrong size
// that hold a segment are kept until a snapshot has made them spares.
func (s *Store) checkSlots() error {
	for name, sl := range s.slots {
		switch {
		case sl.number > 0 && sl.id != s.id:
			return fmt.Errorf("%s is from another directory (%v, not %v); move it away", name, sl.id, s.id)
		case sl.number == 0 && sl.size != s.cfg.SegmentSize:
			if err := s.fs.Remove(name); err != nil {
				return err
			}
			delete(s.slots, name)
		}
	}
	return nil
}

// identify reads whose directory it is, and refuses one that is not ours. used says that there are files of a store.
func (s *Store) identify(used bool) (isNew bool, err error) {
	k, err := readIdentity(s.fs)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !used:
		s.id = s.cfg.NewID
		if s.id == (ID{}) {
			rand.Read(s.id[:])
		}
		return true, nil
	case errors.Is(err, fs.ErrNotExist):
		return false, fmt.Errorf("there are files of a store, but no %s: the directory is not whole. "+
			"Restore it from a backup, or move it away to start without any lease", identityName)
	case err != nil:
		return false, fmt.Errorf("%s: %w", identityName, err)
	case k.member != s.cfg.Member:
		return false, &OtherServer{Owner: string(k.member), Member: string(s.cfg.Member)}
	}
	if k.lost != 0 {
		s.notes = append(s.notes, identityLost(k.lost))
	}
	s.id, s.boot, s.mark, s.newest = k.id, k.boot, k.seq, k.copy
	s.versionsMark.Store(k.commit)
	return false, nil
}

// count counts the opening, durably, before anything else is written: the checksums of what this opening writes depend
// on it. It needs no space on the disk, unless the directory is new, so that a server also starts on a full one.
func (s *Store) count(isNew bool) error {
	if isNew {
		s.boot++
		return s.replace(identityName, s.identity())
	}
	// What was read may never have reached the disk, if an opening before this failed to sync it. It does before the other copy,
	// which did, is touched.
	if err := s.writeCopy(s.newest); err != nil {
		return err
	}
	s.boot++
	return s.writeIdentity()
}

// identity returns what the identity file is to hold.
func (s *Store) identity() []byte {
	k := block{kind: fileIdentity, id: s.id, boot: s.boot, seq: s.mark, commit: s.versionsMark.Load(), member: s.cfg.Member}
	return k.appendBlocks(nil)
}

// writeIdentity writes the identity in place: the newer of the two copies last, so that one is whole at any time, also where the
// other one was torn by a writing before this. The caller holds identifying, if the store is open.
func (s *Store) writeIdentity() error {
	for range 2 {
		if err := s.writeCopy(1 - s.newest); err != nil {
			return err
		}
		s.newest = 1 - s.newest
	}
	return s.fs.SyncDir()
}

// writeCopy writes one of the two copies of the identity, durably.
func (s *Store) writeCopy(n int) error {
	b := s.identity()
	f, err := s.fs.Open(identityName, disk.Write)
	if err != nil {
		return err
	}
	at := int64(n) * sector
	if _, err = f.WriteAt(b[at:at+sector], at); err == nil {
		err = f.Datasync()
	}
	return errors.Join(err, f.Close())
}

// note keeps in the identity that every frame before seq is durable, so that a journal that ends before it is known to
// have lost its end.
func (s *Store) note(seq uint64) error {
	s.identifying.Lock()
	defer s.identifying.Unlock()
	s.mark = seq
	if err := s.writeIdentity(); err != nil {
		return fmt.Errorf("%s: %w", identityName, err)
	}
	return nil
}

// AcceptLoss lets later openings take the journal for whole as far as it was read by Load. It belongs to the decider,
// before the first Begin.
func (s *Store) AcceptLoss() error { return s.note(s.plan.seq) }

// endLost returns the damage of a journal that ends at seq though every frame before mark was durable; false if it
// does not.
func endLost(seq, mark uint64) (Damage, bool) {
	if seq >= mark {
		return Damage{}, false
	}
	return Damage{Kind: RecordLost, File: "journal", Why: fmt.Sprintf("its end is missing: %d frames, from number %d on, "+
		"were on the disk and are not any more: a file was removed, cut short or overwritten", mark-seq, seq)}, true
}

func identityLost(copy int) Damage {
	return Damage{Kind: CopyLost, File: identityName, Offset: int64(copy-1) * sector, Why: "one of the two copies is unreadable"}
}

func readIdentity(from disk.FS) (blocks, error) {
	f, err := from.Open(identityName, disk.Read)
	if err != nil {
		return blocks{}, err
	}
	defer f.Close()
	return readBlocks(f, fileIdentity)
}

// replace puts b durably in place of what the file holds: before a crash the old, after it the old or the new.
func (s *Store) replace(name string, b []byte) error {
	temp := name + tempSuffix
	f, err := s.fs.Open(temp, disk.Create)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, 0)
	if err == nil {
		err = f.Datasync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = s.fs.Rename(temp, name)
	}
	if err != nil {
		_ = s.fs.Remove(temp)
		return err
	}
	return s.fs.SyncDir()
}
