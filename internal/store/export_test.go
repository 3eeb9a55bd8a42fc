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

// SetMaxWaste changes how much of a file of versions may be of no use before it is made anew, until undo is called.
func SetMaxWaste(n int64) (undo func()) {
	was := maxWaste
	maxWaste = n
	return func() { maxWaste = was }
}

// SetReadAhead changes how long a file must be to be read ahead in a goroutine, and how much of a snapshot is read at a time, until
// undo is called.
func SetReadAhead(short int64, window int) (undo func()) {
	was, wasWindow := shortFile, snapshotWindow
	shortFile, snapshotWindow = short, window
	return func() { shortFile, snapshotWindow = was, wasWindow }
}
