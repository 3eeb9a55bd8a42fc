package store

// Stats is how much the store keeps on the disk.
type Stats struct {
	Commit        uint64 // the highest number that was put into a batch
	Segments      int    // of the journal that are still needed
	JournalBytes  int64  // that they take
	SnapshotBytes int64  // of the newest snapshot; 0 if there is none
}

// Stats returns how much the store keeps. It belongs to the decider.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.live)
	return Stats{Commit: s.plan.commit, Segments: n, JournalBytes: int64(n) * s.cfg.SegmentSize, SnapshotBytes: s.snapBytes}
}
