package store

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/lessor-dhcp/lessor/internal/store/disk"
)

// versions reads the file of versions as a server does, and then every version, with the digests of all its pieces. mark
// is what the identity says of it.
func (r *Report) versions(from disk.FS, v *survey, mark uint64) error {
	f, err := from.Open(versionsName, disk.Read)
	if errors.Is(err, fs.ErrNotExist) {
		if mark > 0 {
			v.notes = append(v.notes, versionsMissing())
		}
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	sc, err := readVersions(f, r.ID, mark)
	v.notes = append(v.notes, sc.notes...)
	if errors.Is(err, errVersionsLost) {
		return nil
	}
	if err != nil {
		return err
	}
	r.Versions, r.VersionState, r.VersionsBytes = len(sc.table.order), len(sc.table.state), sc.end
	each := versionReader{f: f, seed: sc.seed, end: sc.end}
	for _, p := range sc.table.order {
		if err := each.audit(p); err != nil {
			v.notes = append(v.notes, Damage{Kind: VersionLost, File: versionsName, Offset: int64(p.at) * align,
				Why: fmt.Sprintf("the version %x: %v", p.id, err)})
		}
	}
	return nil
}
