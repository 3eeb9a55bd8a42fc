package store

import (
	"errors"
	"fmt"

	"github.com/lessor-dhcp/lessor/internal/store/disk"
)

// Commit makes the batch durable with one sync and takes it back. On an error the store is dead: nothing of this batch
// may be told to anybody, no later batch is committed, and only opening the store anew says what is on the disk (a
// failed sync may have thrown the pages away, and a second one would succeed without them).
func (s *Store) Commit(b *Batch) error {
	defer b.recycle()
	if err := s.Dead(); err != nil {
		return err
	}
	if len(b.chunks) == 0 {
		return nil
	}
	b.closeChunk(flagEnd)
	if b.seq != s.out.seq {
		return s.die(fmt.Errorf("store: batch with frame %d committed where %d was due", b.seq, s.out.seq))
	}
	before := s.out.number
	for i := range b.chunks {
		if err := s.write(&b.chunks[i], b.buf); err != nil {
			return s.die(err)
		}
	}
	s.out.seq = b.end
	s.keepRelationship(b)
	s.committed.Store(b.end)
	if s.out.number != before { // once a segment, by Work: it takes three syncs more
		s.unnoted.Store(true)
		s.wake()
	}
	return nil
}

// write makes one chunk durable. A segment is complete on the disk before anything is written to the next one, which is
// how a reader knows that what is missing from it was lost.
func (s *Store) write(c *chunk, buf []byte) error {
	if s.out.file == nil || s.out.number != c.segment {
		if err := s.attach(c.segment); err != nil {
			return fmt.Errorf("journal segment %d: %w", c.segment, err)
		}
	}
	if _, err := s.out.file.WriteAt(buf[c.from:c.to], c.offset); err != nil {
		return fmt.Errorf("journal segment %d: %w", c.segment, err)
	}
	if err := s.out.file.Datasync(); err != nil {
		return fmt.Errorf("journal segment %d: %w", c.segment, err)
	}
	return nil
}

// attach takes a spare file for the segment.
func (s *Store) attach(number uint64) error {
	if f := s.out.file; f != nil {
		s.out.file = nil
		if err := f.Close(); err != nil {
			return err
		}
	}
	name, ok := s.takeSpare(number)
	if !ok {
		if err := s.addSpare(); err != nil { // Room was not asked, or not heeded
			return err
		}
		if name, ok = s.takeSpare(number); !ok {
			return errors.New("no file for it")
		}
	}
	f, err := s.fs.Open(name, disk.Write)
	if err != nil {
		return err
	}
	s.out.file, s.out.number = f, number
	s.wake()
	return nil
}

// takeSpare makes a spare file the segment's.
func (s *Store) takeSpare(number uint64) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.spares)
	if n == 0 {
		return "", false
	}
	name := s.spares[n-1]
	s.spares = s.spares[:n-1]
	s.tryAgain = true // to make the next one, whatever the disk said when it was asked last
	s.live, s.last = append(s.live, segment{number, name, s.cfg.SegmentSize}), number
	return name, true
}

// retire makes the file of a segment that is not needed any more a spare. The caller holds mu.
func (s *Store) retire(g segment) {
	if g.size == s.cfg.SegmentSize {
		s.spares = append(s.spares, g.name)
	} else {
		s.useless = append(s.useless, g.name)
	}
}
