package pool

import (
	"slices"

	"github.com/lessor-dhcp/lessor/internal/slab"
)

// runs is a set of numbers, kept as the runs of consecutive ones that it consists of: first → last. No two touch.
type runs struct{ spans slab.Ordered[slab.Key] }

// run is the numbers from first to last, both included.
type run struct{ first, last slab.Key }

// set makes the empty set that of all these runs, which it sorts.
func (s *runs) set(all []run) {
	slices.SortFunc(all, func(a, b run) int { return compare(a.first, b.first) })
	for i := 0; i < len(all); {
		r := all[i]
		for i++; i < len(all); i++ {
			next, over := r.last.Plus(1)
			if !over && next.Less(all[i].first) {
				break
			}
			if r.last.Less(all[i].last) {
				r.last = all[i].last
			}
		}
		s.spans.Set(r.first, r.last)
	}
}

func (s *runs) has(k slab.Key) bool {
	_, last := s.spans.Floor(k)
	return last != nil && !last.Less(k)
}

// add puts k in; it may be there already.
func (s *runs) add(k slab.Key) {
	_, last := s.spans.Floor(k)
	if last != nil && !last.Less(k) {
		return
	}
	end := k
	if first, far := s.spans.Above(k); far != nil {
		if next, _ := k.Plus(1); next == first {
			end = *far
			s.spans.Delete(first)
			_, last = s.spans.Floor(k)
		}
	}
	if last != nil {
		if next, _ := last.Plus(1); next == k {
			*last = end
			return
		}
	}
	s.spans.Set(k, end)
}

// remove takes k out, if it is there.
func (s *runs) remove(k slab.Key) {
	first, last := s.spans.Floor(k)
	if last == nil || last.Less(k) {
		return
	}
	end := *last
	if first == k {
		s.spans.Delete(k)
	} else {
		*last = k.Minus(slab.Key{Lo: 1})
	}
	if k != end {
		next, _ := k.Plus(1)
		s.spans.Set(next, end)
	}
}

// gap returns the least number from first to last that is not in the set.
func (s *runs) gap(first, last slab.Key) (slab.Key, bool) {
	_, end := s.spans.Floor(first)
	if end == nil || end.Less(first) {
		return first, true
	}
	k, over := end.Plus(1)
	return k, !over && !last.Less(k)
}

func (s *runs) memory() int64 { return s.spans.Memory() }
