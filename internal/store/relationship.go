package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/lessor-dhcp/lessor/internal/store/disk"
)

// maxRelationship is the longest record of a relationship.
const maxRelationship = 1 << 20

// Relationship returns what SetRelationship stored last; false if there is nothing, or if it is damaged, which Load reports.
// The octets are the caller's not to change.
func (s *Store) Relationship() ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.relationship, s.relationship != nil
}

// SetRelationship stores durably what the failover relationship keeps beside the bindings, in place of what was before. It
// writes to the disk. An error leaves what was before, or, after a failed sync, either.
func (s *Store) SetRelationship(record []byte) error {
	if len(record) == 0 || len(record) > maxRelationship {
		return fmt.Errorf("store: a relationship's record of %d octets", len(record))
	}
	if err := s.Dead(); err != nil {
		return err
	}
	k := block{kind: fileRelationship, id: s.id, boot: s.boot, length: uint64(len(record)), member: s.cfg.Member}
	b := k.appendBlocks(nil)
	copied := binary.LittleEndian.AppendUint32(slices.Clone(record), checksum(k.seed(), record))
	b = append(append(b, copied...), copied...) // twice: no journal could restore it
	if err := s.replace(relationshipName, b); err != nil {
		return fmt.Errorf("store: keep the relationship: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.relationship = slices.Clone(record)
	return nil
}

// openRelationship reads what was stored last. What is unreadable is noted: the server then recovers from its partner.
func (s *Store) openRelationship() error {
	b, lost, err := readRelationship(s.fs, s.id)
	var newer *NewerFormat
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.As(err, &newer):
		return fmt.Errorf("%s: %w", relationshipName, err)
	case err != nil:
		s.notes = append(s.notes, Damage{Kind: CopyLost, File: relationshipName, Why: err.Error()})
		return nil
	case lost != "":
		s.notes = append(s.notes, Damage{Kind: CopyLost, File: relationshipName, Why: lost})
	}
	s.relationship = b
	return nil
}

// readRelationship returns the record, and what is wrong with one of its two copies.
func readRelationship(from disk.FS, id ID) (record []byte, lost string, err error) {
	f, err := from.Open(relationshipName, disk.Read)
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	k, err := readBlocks(f, fileRelationship)
	if err != nil {
		return nil, "", err
	}
	if k.id != id || k.length == 0 || k.length > maxRelationship {
		return nil, "", errors.New("it is from another directory")
	}
	one := int(k.length) + trailSize
	b := make([]byte, 2*one)
	n, err := f.ReadAt(b, blocksSize)
	if n < one {
		return nil, "", fmt.Errorf("it is cut short: %w", err)
	}
	first, second := b[:one], b[one:]
	ok1, ok2 := intact(first, k.seed()), n == len(b) && intact(second, k.seed())
	if k.lost != 0 {
		lost = fmt.Sprintf("copy %d of its beginning is damaged", k.lost)
	}
	switch {
	case ok1 && ok2:
		return first[:k.length], lost, nil
	case ok1:
		return first[:k.length], "its second copy is damaged", nil
	case ok2:
		return second[:k.length], "its first copy is damaged", nil
	}
	return nil, "", errors.New("both of its copies are damaged")
}
