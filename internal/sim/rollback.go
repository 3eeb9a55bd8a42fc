package sim

import "github.com/lessor-dhcp/lessor/internal/failover"

// rollBack puts the disk back to what it was some hours ago; false if that is not known.
func (m *Member) rollBack(hours int) bool {
	if len(m.past) == 0 {
		return false
	}
	i := max(len(m.past)-1-hours, 0)
	m.plug(m.past[i].fs.Clone())
	m.past = m.past[:i+1]
	m.w.oracle.mustHear[m.i] = true
	return true
}

// wholeSector is from which N on a whole sector rots, and not a bit.
const wholeSector = 50

// rot turns a bit over somewhere on the disk, or makes a sector something else. A sector of what was written last looks as if the power
// had failed before: then it is the other server that finds that the store went back.
func (m *Member) rot(n int) {
	files := m.fs.Files()
	if len(files) == 0 {
		return
	}
	name := files[n%len(files)]
	b := m.fs.Content(name)
	if len(b) == 0 {
		return
	}
	m.w.marks.hit(MarkRot)
	at := m.rng.IntN(len(b))
	if m.rotten = true; n < wholeSector {
		b[at] ^= 1 << m.rng.IntN(8)
	} else {
		m.tailRotten, m.w.oracle.mustHear[m.i] = true, true
		for at -= at % sector; at < len(b) && (at+1)%sector != 0; at++ {
			b[at] = byte(m.rng.IntN(256))
		}
	}
	m.fs.Set(name, b)
}

// sector is what a disk reads and writes as one.
const sector = 512

// mayLose reports whether a server may lose something of its store: the other one serves and has not lost anything itself (A6). Where
// the store is not gone but older, the other server has heard of all that is lost: what it never heard of, nobody can miss.
func (w *World) mayLose(m *Member, what Kind) bool {
	if w.set.Outside {
		return true
	}
	o := m.other()
	if !o.serves() || o.core.Endpoint() == nil || w.oracle.lost_[o.i] || w.oracle.lost_[m.i] {
		return false
	}
	if m.keep != nil && (m.keep.stored.Tip.IsZero() || o.keep.stored.Tip.IsZero()) {
		return false // one of the two stores has the versions (A6)
	}
	return what == Wipe || m.agrees() && o.agrees()
}

// agrees reports whether a server is in NORMAL, and the other one has acknowledged all that it knows.
func (m *Member) agrees() bool {
	if !m.serves() || m.core.Endpoint() == nil {
		return false
	}
	s := m.core.Endpoint().Status(m.clk.now())
	return s.State == failover.Normal && s.Connected && s.Unacked == 0 && !m.core.Untold()
}
