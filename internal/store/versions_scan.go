package store

import (
	"errors"
	"slices"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/store/disk"
)

// versionScan is one reading of a file of versions. What was durable once is missed, what was being written is cut: a
// group was durable if the file was made with it, if anything stands behind it, or if the identity says so. A history
// with a hole is none, so whatever is missed of versions makes the file useless; of the states only the newest counts.
type versionScan struct {
	seed   uint32
	length int64 // of the file when it was made: all of that was durable
	table  versionTable
	end    int64  // behind the last group that counts
	last   int64  // where that begins
	seq    uint64 // behind its last frame

	group     versionGroup
	stateLost bool     // no copy of the newest state can be read
	notes     []Damage // the last one says why the file is useless, if it is
}

// versionGroup is what was read of the group that is not known to be whole.
type versionGroup struct {
	start, stop int64  // stop is 0 while its end was not read
	seq         uint64 // of the next frame; 0: it may be any
	add         versionTable
	seen        bool // anything was read of it
	states      int  // copies of the state that are as they were written
	torn        bool // it may not have arrived whole
	hole        bool // more is damaged than copies of the state
	rotten      []Damage
}

// errVersionsLost is what a scan ends with when the file is useless.
var errVersionsLost = errors.New("the versions of the configuration are damaged")

// scanVersions reads the file that begins with k. mark is the number of a frame before which all were durable. The error
// is errVersionsLost, or one of reading.
func scanVersions(f disk.File, k *blocks, mark uint64) (*versionScan, error) {
	sc := &versionScan{seed: k.seed(), length: int64(k.length), table: newVersionTable(), end: blocksSize, last: blocksSize, seq: k.seq}
	size, err := f.Size()
	if err != nil {
		return sc, err
	}
	if k.lost != 0 {
		sc.note(int64(k.lost-1)*sector, CopyLost, "one of the two copies of the file's beginning is unreadable")
	}
	w := walker{seed: k.seed(), off: blocksSize, limit: size, seq: k.seq, group: -1}
	w.window = window{f: f, size: size, buf: make([]byte, 0, min(size, 2<<20))}
	sc.begin()
	for {
		e, ok, err := w.next()
		if err == nil && ok {
			err = sc.found(&e)
		}
		if err != nil {
			return sc, err
		}
		if !ok {
			err = sc.finish(&w, mark)
			return sc, err
		}
	}
}

func (sc *versionScan) begin() {
	sc.group = versionGroup{start: sc.end, add: newVersionTable()}
}

func (sc *versionScan) note(at int64, k DamageKind, why string) {
	sc.notes = append(sc.notes, Damage{Kind: k, File: versionsName, Offset: at, Why: why})
}

func (sc *versionScan) lose(at int64, why string) error {
	sc.note(at, VersionLost, why)
	return errVersionsLost
}

// found takes in what the walker found.
func (sc *versionScan) found(e *found) error {
	g := &sc.group
	if e.condition != gap && e.head.start != g.start { // so g was durable before this was written
		if err := sc.settle(); err != nil {
			return err
		}
		if e.head.start != g.start {
			return sc.lose(g.start, "what stands here cannot be read, and there is more behind it")
		}
	}
	g.found(e)
	if g.stop != 0 && !g.torn && !g.hole && len(g.rotten) == 0 {
		sc.keep()
	}
	return nil
}

// found takes in what was found of the group.
func (g *versionGroup) found(e *found) {
	follows := g.stop == 0 && (g.seq == 0 || e.condition == gap || e.head.seq == g.seq)
	g.seen, g.seq = true, e.head.seq+1
	state := e.condition != gap && e.head.kind == kindState
	switch {
	case e.condition == gap:
		g.seq = 0
		g.trouble(e.off, "nothing can be read here", true, true)
	case !follows:
		g.trouble(e.off, "a frame that does not follow the one before", true, true)
	case e.condition == headFlip || e.condition == bodyFlip:
		g.trouble(e.at, "an octet has changed", false, !state)
	case e.condition == bodyBad:
		g.trouble(e.off, "the second half of a frame is damaged", true, !state)
	case !g.take(e):
		g.trouble(e.off, "this is not what such a frame has in it", false, !state)
	}
	if e.condition != gap && e.head.flags&flagEnd != 0 {
		g.stop = alignSector(e.off + e.size)
	}
}

func (g *versionGroup) trouble(at int64, why string, torn, hole bool) {
	g.torn, g.hole = g.torn || torn, g.hole || hole
	g.rotten = append(g.rotten, Damage{Kind: CopyLost, File: versionsName, Offset: at, Why: why})
}

// take brings in a frame that is as it was written; false if it does not make sense.
func (g *versionGroup) take(e *found) bool {
	at, payload := uint32(e.off/align), e.payload()
	switch e.head.kind {
	case kindBlob:
		if len(payload) == 0 || len(payload) > maxPiece {
			return false
		}
		g.add.piece(e.head.digest(), piecePlace{at, uint32(len(payload))})
	case kindVersion:
		if _, ok := piecesOf(payload); !ok {
			return false
		}
		g.add.put(versionPlace{e.head.name, binding.Digest(payload[:versionFixed]), at, uint32(e.size)})
	case kindState:
		g.add.state = slices.Clone(payload)
		g.states++
	}
	return true
}

// settle keeps a group that was durable, or says that it is lost. A group of which nothing was read is none.
func (sc *versionScan) settle() error {
	g := &sc.group
	switch {
	case !g.seen:
		return nil
	case g.hole:
		return sc.lose(g.rotten[0].Offset, g.rotten[0].Why)
	case g.stop == 0:
		return sc.lose(g.start, "the end of what was written here is missing")
	}
	sc.notes = append(sc.notes, g.rotten...)
	sc.keep()
	return nil
}

// keep takes over what the group has.
func (sc *versionScan) keep() {
	g := &sc.group
	sc.stateLost = g.states == 0
	sc.table.adopt(&g.add)
	sc.last, sc.end, sc.seq = g.start, g.stop, g.seq
	sc.begin()
}

// finish looks at what is at the end.
func (sc *versionScan) finish(w *walker, mark uint64) error {
	g := &sc.group
	durable := g.start < sc.length || sc.seq < mark
	if !durable && g.stop != 0 && !g.torn {
		blank, err := w.blankSector(g.start, g.stop)
		if err != nil {
			return err
		}
		durable = !blank
	}
	if durable {
		if err := sc.settle(); err != nil {
			return err
		}
	}
	switch {
	case sc.end < sc.length:
		return sc.lose(sc.end, "what was written here when the file was made cannot be read")
	case sc.seq < mark:
		return sc.lose(sc.end, "its end was on the disk and is not any more")
	case sc.stateLost:
		return sc.lose(sc.last, "neither copy of the newest state can be read")
	}
	return nil
}

// blankSector reports whether a sector between two places is all zeros. In what was being written one is, if any is not
// as it was to be: there were zeros before, which the writer sees to. A changed octet leaves none.
func (w *walker) blankSector(from, to int64) (bool, error) {
	for ; from < to; from += sector {
		b, err := w.at(from, sector)
		if err != nil || blankSector(b) {
			return err == nil, err
		}
	}
	return false, nil
}
