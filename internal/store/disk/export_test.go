package disk

// SetSyncRange has f take the place of sync_file_range, until undo is called.
func SetSyncRange(f func(fd int, off, n int64, flags int) error) (undo func()) {
	was := syncRange
	syncRange = f
	return func() { syncRange = was }
}
