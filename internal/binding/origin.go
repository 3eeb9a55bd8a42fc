package binding

import "strings"

// origin is what very many bindings have in common: a group has few members and few versions in use.
type origin struct {
	owner, home Member
	version     Digest
}

// origins numbers the origins in use and counts the references to each. Number 0 is the origin that says nothing.
type origins struct {
	known map[origin]uint32
	slots []originSlot
	free  []uint32
}

type originSlot struct {
	origin
	refs uint32
}

func (t *origins) init() {
	t.known = make(map[origin]uint32)
	t.slots = make([]originSlot, 1)
}

// take returns the number of o and counts one more reference to it.
func (t *origins) take(o origin) uint32 {
	if o == (origin{}) {
		return 0
	}
	i, ok := t.known[o]
	if !ok {
		i = t.add(o)
	}
	t.slots[i].refs++
	return i
}

// add numbers o, whose names may lie in memory that is not to be kept.
func (t *origins) add(o origin) uint32 {
	o.owner, o.home = Member(strings.Clone(string(o.owner))), Member(strings.Clone(string(o.home)))
	i := uint32(len(t.slots))
	if n := len(t.free); n > 0 {
		i, t.free = t.free[n-1], t.free[:n-1]
		t.slots[i] = originSlot{origin: o}
	} else {
		t.slots = append(t.slots, originSlot{origin: o})
	}
	t.known[o] = i
	return i
}

func (t *origins) release(i uint32) {
	if i == 0 {
		return
	}
	s := &t.slots[i]
	s.refs--
	if s.refs == 0 {
		delete(t.known, s.origin)
		*s = originSlot{}
		t.free = append(t.free, i)
	}
}

// originOverhead is about what an origin costs: its slot, and a place in the map.
const originOverhead = 56 + 60

func (t *origins) memory() int64 { return int64(cap(t.slots)) * originOverhead }
