package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/store/disk"
)

// HeadRecord is the version of the configuration that this server has adopted.
type HeadRecord struct {
	Digest   binding.Digest
	Since    time.Time // when it was adopted, in whole seconds
	Document []byte    // its text, at most 64 MiB
}

// head is a HeadRecord as read.
type head struct{ HeadRecord }

const (
	maxDocument = 64 << 20
	headFixed   = 16 + 8 // digest, seconds
)

// Head returns the version that was adopted last; false if there is none, or if what was stored is damaged, which Load
// reports.
func (s *Store) Head() (HeadRecord, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.head == nil {
		return HeadRecord{}, false
	}
	return s.head.HeadRecord, true
}

// SetHead stores durably that h is adopted, in place of what was before. It writes to the disk. An error leaves the
// version before, or, after a failed sync, either.
func (s *Store) SetHead(h HeadRecord) error {
	if len(h.Document) > maxDocument {
		return fmt.Errorf("store: a configuration of %d octets is too long", len(h.Document))
	}
	if err := s.Dead(); err != nil {
		return err
	}
	k := block{kind: fileHead, id: s.id, boot: s.boot, length: uint64(len(h.Document)), member: s.cfg.Member}
	b := k.appendBlocks(nil)
	b = append(b, h.Digest[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.Since.Unix()))
	b = append(b, h.Document...)
	b = binary.LittleEndian.AppendUint32(b, checksum(k.seed(), b[blocksSize:]))
	if err := s.replace(headName, b); err != nil {
		return fmt.Errorf("store: adopt configuration %v: %w", h.Digest, err)
	}
	h.Since = time.Unix(h.Since.Unix(), 0).UTC()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.head = &head{h}
	return nil
}

// openHead reads the version that was adopted last. What is unreadable is noted; it can be adopted again.
func (s *Store) openHead() error {
	h, err := readHead(s.fs, s.id)
	var newer *NewerFormat
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.As(err, &newer):
		return fmt.Errorf("%s: %w", headName, err)
	case err != nil:
		s.notes = append(s.notes, Damage{Kind: CopyLost, File: headName, Why: err.Error()})
		return nil
	}
	s.head = &head{h}
	return nil
}

func readHead(from disk.FS, id ID) (HeadRecord, error) {
	f, err := from.Open(headName, disk.Read)
	if err != nil {
		return HeadRecord{}, err
	}
	defer f.Close()
	k, err := readBlocks(f, fileHead)
	if err != nil {
		return HeadRecord{}, err
	}
	if k.id != id || k.length > maxDocument {
		return HeadRecord{}, errors.New("it is from another directory")
	}
	b := make([]byte, headFixed+int(k.length)+trailSize)
	if n, err := f.ReadAt(b, blocksSize); n < len(b) {
		return HeadRecord{}, fmt.Errorf("it is cut short: %w", err)
	}
	if !intact(b, k.seed()) {
		return HeadRecord{}, errors.New("its checksum is wrong")
	}
	h := HeadRecord{Digest: binding.Digest(b[:16]), Since: time.Unix(int64(binary.LittleEndian.Uint64(b[16:])), 0).UTC()}
	h.Document = b[headFixed : headFixed+int(k.length)]
	return h, nil
}
