package store

import "fmt"

// pending is something that was read but is not settled: it belongs to a batch of which it is not known yet whether
// all of it was written.
type pending struct {
	reading
	seed    uint32
	file    string
	segment uint64
	// missing frames, numbered from first, were lost with the octets of found, which is a gap then.
	first, missing uint64
}

// segmentReader reads the segments of the journal in their order and settles the batches one by one. A batch counts
// if anything was written after it, since that was only done once it was durable. The last one counts if all of it is
// there, but perhaps for single changed octets, which no interrupted write leaves behind.
type segmentReader struct {
	*replay
	batch []pending
	tail  Tail
	seal  bool // the last frame that was settled says that the server was closed
	// lastGroup is where the last group of the segment that was read begins.
	lastGroup int64
}

// place is where the journal goes on.
type place struct {
	segment uint64
	off     int64
	seq     uint64
}

// groupState is what is known of the group that is being read.
type groupState struct {
	start int64  // -1: none is open
	first uint64 // number of its first frame
	end   int64  // of its last readable frame
	count int    // of its readable frames
	flags flags  // of all its readable frames
	holes bool   // something in it is unreadable, and more than one octet
}

// read reads one segment. next is the number of the first frame behind it, if that is known because there is a later
// segment, else 0. It returns where the data that count end.
func (sr *segmentReader) read(w *walker, next uint64) (place, error) {
	g := groupState{start: -1}
	sr.lastGroup = blocksSize
	var hole found
	err := sr.each(w, func(x *reading) {
		if x.condition == gap {
			hole = x.found
			sr.close(&g) // a gap is only found before something that was written later
			sr.open(&g, &x.found, x.expect)
			g.holes = true
			return
		}
		if n := x.head.seq - x.expect; n > 0 {
			sr.note(hole, w.seed, x.expect, n)
		}
		if g.start >= 0 && x.head.start != g.start {
			sr.settle() // a later group was written, so all before it was durable
			g.start = -1
		}
		sr.open(&g, &x.found, x.expect)
		sr.add(&g, x, w)
	})
	if err != nil {
		return place{}, fmt.Errorf("%s: %w", sr.file, err)
	}
	if w.pinned && next > w.seq {
		sr.note(hole, w.seed, w.seq, next-w.seq)
	}
	return sr.finish(&g, w), nil
}

// open opens a group with its first thing, unless one is open.
func (sr *segmentReader) open(g *groupState, e *found, expect uint64) {
	if g.start >= 0 {
		return
	}
	*g = groupState{start: e.off, first: expect, end: e.off}
	sr.lastGroup = e.off
	if e.condition == gap {
		return
	}
	g.start, g.holes = e.head.start, e.head.start != e.off
	sr.lastGroup = g.start
	if e.head.flags&flagContinued == 0 {
		sr.batch = sr.batch[:0] // what the segment before began was never completed
	}
}

// close closes the open group if its last frame was read.
func (sr *segmentReader) close(g *groupState) {
	if g.start < 0 || g.flags&(flagEnd|flagMore) == 0 {
		return
	}
	if g.flags&flagEnd != 0 {
		sr.settle()
	}
	g.start = -1
}

// add adds a frame to the open group, and settles it if that is its last one and the segment has a successor.
func (sr *segmentReader) add(g *groupState, x *reading, w *walker) {
	g.holes = g.holes || x.condition == bodyBad || x.head.seq != x.expect
	g.end, g.flags, g.count = x.off+x.size, g.flags|x.head.flags, g.count+1
	sr.batch = append(sr.batch, pending{reading: *x, seed: w.seed, file: sr.file, segment: sr.segment})
	if w.pinned {
		sr.close(g)
	}
}

// note notes frames that were lost with the octets of hole.
func (sr *segmentReader) note(hole found, seed uint32, first, n uint64) {
	sr.batch = append(sr.batch, pending{reading: reading{found: hole}, seed: seed, file: sr.file, segment: sr.segment, first: first, missing: n})
}

// finish decides about the last group of the segment.
func (sr *segmentReader) finish(g *groupState, w *walker) place {
	at := place{segment: sr.segment, off: alignSector(w.off), seq: w.seq}
	switch {
	case w.pinned:
		if g.start >= 0 {
			sr.settle()
		}
		return at
	case g.start < 0 && len(sr.batch) == 0:
		return at
	case g.start >= 0 && g.flags&flagEnd != 0 && !g.holes:
		sr.settle()
		return at
	case g.start >= 0:
		at.off, at.seq = g.start, g.first
	}
	sr.cut(g, at)
	return at
}

// cut drops the batch that was being written when the server stopped.
func (sr *segmentReader) cut(g *groupState, at place) {
	t := Tail{Segment: at.segment, Offset: at.off, Frames: len(sr.batch), Why: "its last frame is missing"}
	if g.start >= 0 {
		t.Bytes = g.end - g.start
	}
	if g.holes {
		t.Why = "some of its sectors were not written"
	}
	for i := range sr.batch {
		if p := &sr.batch[i]; p.segment != at.segment && p.missing == 0 {
			t.Bytes += p.size
		}
	}
	if t.Bytes > 0 {
		sr.tail = t
	}
	sr.batch = sr.batch[:0]
}

// settle brings in what is pending: it was durable.
func (sr *segmentReader) settle() {
	file, segment := sr.file, sr.segment
	for i := range sr.batch {
		p := &sr.batch[i]
		sr.file, sr.segment = p.file, p.segment
		if p.missing > 0 {
			sr.missing(&p.found, p.seed, p.first, p.missing)
			continue
		}
		sr.apply(&p.reading)
		sr.seal = p.head.kind == kindSeal
	}
	sr.file, sr.segment = file, segment
	sr.batch = sr.batch[:0]
}
