package store

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/lessor-dhcp/lessor/internal/binding"
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
	a := versionAudit{versionReader{f: f, seed: sc.seed, end: sc.end}, make(map[piecePlace]binding.Digest, len(sc.table.pieces))}
	for d, p := range sc.table.pieces {
		a.pieces[p] = d
	}
	v.notes = append(v.notes, a.run(&sc.table)...)
	return nil
}

// versionAudit compares every digest in a file of versions.
type versionAudit struct {
	versionReader
	pieces map[piecePlace]binding.Digest
}

func (a *versionAudit) run(t *versionTable) (notes []Damage) {
	note := func(at uint32, format string, args ...any) {
		notes = append(notes, Damage{Kind: VersionLost, File: versionsName, Offset: int64(at) * align, Why: fmt.Sprintf(format, args...)})
	}
	for _, p := range slices.SortedFunc(maps.Keys(a.pieces), func(a, b piecePlace) int { return cmp.Compare(a.at, b.at) }) {
		e, err := a.frame(kindBlob, int64(p.at)*align, int64(frameSize(int(p.n))))
		if err != nil {
			note(p.at, "%v", err)
		} else if d := binding.DigestOf(e.payload()); d != a.pieces[p] {
			note(p.at, "a piece has the digest %v, and is called %v", d, a.pieces[p])
		}
	}
	for _, p := range t.order {
		if err := a.version(p); err != nil {
			note(p.at, "the version %x: %v", p.id, err)
		}
	}
	return notes
}

// version compares the sum of a version with its pieces.
func (a *versionAudit) version(p versionPlace) error {
	list, err := a.list(p)
	if err != nil {
		return err
	}
	names := make([]binding.Digest, 0, len(list))
	for _, e := range list {
		d, ok := a.pieces[e]
		if !ok {
			return fmt.Errorf("it has a piece at octet %d of the file, and there is none", int64(e.at)*align)
		}
		names = append(names, d)
	}
	if sum := sumOf(names); sum != p.sum {
		return fmt.Errorf("its pieces have the sum %v, and it says %v", sum, p.sum)
	}
	return nil
}
