package store

import (
	"errors"
	"fmt"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/store/disk"
)

// survey is what stands in the directory, by the names and the beginnings of the files.
type survey struct {
	slots   map[string]slot
	notes   []Damage
	temps   []string // what a crash left half made
	highest int      // number in the name of a journal file
	used    bool     // there is more than files that were never written to
}

// lookAround reads the beginning of every file of the journal.
func lookAround(from disk.FS, infos []disk.Info) (survey, error) {
	v := survey{slots: make(map[string]slot)}
	for _, i := range infos {
		if temp, ok := strings.CutSuffix(i.Name, tempSuffix); ok && ours(temp) {
			v.temps = append(v.temps, i.Name)
			continue
		}
		n, ok := isSlot(i.Name)
		if !ok {
			v.used = v.used || i.Name == snapshotName || i.Name == headName || i.Name == versionsName
			continue
		}
		v.highest = max(v.highest, n)
		sl, err := v.slot(from, i)
		if err != nil {
			return v, fmt.Errorf("%s: %w", i.Name, err)
		}
		v.used = v.used || sl.number > 0
		v.slots[i.Name] = sl
	}
	return v, nil
}

func ours(name string) bool {
	_, isJournal := isSlot(name)
	return isJournal || name == snapshotName || name == headName || name == identityName || name == versionsName
}

// slot reads the beginning of a file of the journal. A spare that was never used has number 0.
func (v *survey) slot(from disk.FS, i disk.Info) (slot, error) {
	sl := slot{name: i.Name, size: min(i.Size, maxSegmentSize)}
	f, err := from.Open(i.Name, disk.Read)
	if err != nil {
		return sl, err
	}
	defer f.Close()
	sl.blocks, err = readBlocks(f, fileSegment)
	if !errors.Is(err, errNoBlock) {
		return sl, err
	}
	if !sl.blank && hasData(f) {
		// A crash cannot do this: it leaves each of the two copies old or new.
		v.notes = append(v.notes, Damage{Kind: RecordLost, File: i.Name,
			Why: "both copies of the file's beginning are unreadable; if the file was a part of the journal, all that was in it is lost"})
	}
	return sl, nil
}

// hasData reports whether something stands where the first frame of a segment does.
func hasData(f disk.File) bool {
	var b [sector]byte
	n, _ := f.ReadAt(b[:], blocksSize)
	return !blankSector(b[:n])
}
