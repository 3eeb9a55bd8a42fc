package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/lessor-dhcp/lessor/internal/store/disk"
)

// openVersions reads the file of versions. One that is damaged is noted, and not used.
func (s *Store) openVersions() error {
	v := &s.versions
	v.table, v.seq = newVersionTable(), s.boot<<32
	f, err := s.fs.Open(versionsName, disk.Write)
	if errors.Is(err, fs.ErrNotExist) {
		if v.lost = s.versionsMark.Load() > 0; v.lost {
			s.notes = append(s.notes, versionsMissing())
		}
		return nil
	}
	if err != nil {
		return err
	}
	sc, err := readVersions(f, s.id, s.versionsMark.Load())
	s.notes = append(s.notes, sc.notes...)
	if err == nil {
		err = sc.confirm(f)
	}
	if err != nil {
		err = errors.Join(err, f.Close())
		if errors.Is(err, errVersionsLost) {
			v.lost = true
			return nil
		}
		return fmt.Errorf("%s: %w", versionsName, err)
	}
	size, err := f.Size()
	v.file, v.seed, v.end, v.table, v.remains = f, sc.seed, sc.end, sc.table, err != nil || size > sc.end
	s.versionsMark.Store(max(s.versionsMark.Load(), sc.seq))
	return nil
}

func versionsMissing() Damage {
	return Damage{Kind: VersionLost, File: versionsName, Why: "the file was there, and is not any more"}
}

// readVersions reads a file of versions from its beginning.
func readVersions(f disk.File, id ID, mark uint64) (*versionScan, error) {
	k, err := readBlocks(f, fileVersions)
	switch {
	case errors.Is(err, errNoBlock):
		sc := new(versionScan)
		return sc, sc.lose(0, "both copies of the file's beginning are unreadable")
	case err != nil:
		return new(versionScan), err
	case k.id != id:
		return new(versionScan), fmt.Errorf("it is from another directory (%v, not %v); move it away", k.id, id)
	}
	return scanVersions(f, &k, mark)
}

// confirm writes the last group again as it is, and syncs it, as load.confirm does for the journal, unless the file was
// made with it, which was synced before it got its name.
func (sc *versionScan) confirm(f disk.File) error {
	if sc.last < sc.length || sc.last >= sc.end {
		return nil
	}
	b := make([]byte, min(sc.end-sc.last, maxPayload))
	for at := sc.last; at < sc.end; at += int64(len(b)) {
		b = b[:min(int64(len(b)), sc.end-at)]
		n, err := f.ReadAt(b, at)
		if n < len(b) && err != io.EOF {
			return fmt.Errorf("read: %w", err)
		}
		clear(b[n:]) // of the zeros behind the last frame some may be missing
		if _, err := f.WriteAt(b, at); err != nil {
			return err
		}
	}
	return f.Datasync()
}
