package store

// SegmentNumber returns the number of the segment that a file holds, 0 if none.
func SegmentNumber(b []byte) uint64 {
	if len(b) < blocksSize {
		return 0
	}
	k, err := pickBlock(b[:blocksSize], fileSegment)
	if err != nil {
		return 0
	}
	return k.number
}
