package pool

import "github.com/lessor-dhcp/lessor/internal/slab"

// runs is a set of numbers, kept as the runs of consecutive ones that it consists of: first → last. No two touch.
type runs struct{ spans slab.Ordered[slab.Key] }

// set makes the empty set that of all these runs, which it sorts.
func (s *runs) set(all []run) {
	for _, r := range joined(all) {
		s.spans.Set(r.first, r.last)
	}
}

func (s *runs) has(k slab.Key) bool {
	_, last := s.spans.Floor(k)
	return last != nil && !last.Less(k)
}

// add puts k in, and reports whether it was not there already.
func (s *runs) add(k slab.Key) bool {
	_, last := s.spans.Floor(k)
	if last != nil && !last.Less(k) {
		return false
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
			return true
		}
	}
	s.spans.Set(k, end)
	return true
}

// remove takes k out, and reports whether it was there.
func (s *runs) remove(k slab.Key) bool {
	first, last := s.spans.Floor(k)
	if last == nil || last.Less(k) {
		return false
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
	return true
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

// addRun puts all of r in; some of it may be there already.
func (s *runs) addRun(r run) {
	if first, last := s.spans.Floor(r.first); last != nil && !apart(*last, r.first) {
		r.first = first
		if r.last.Less(*last) {
			r.last = *last
		}
	}
	for {
		first, last := s.spans.Above(r.first)
		if last == nil || apart(r.last, first) {
			break
		}
		if r.last.Less(*last) {
			r.last = *last
		}
		s.spans.Delete(first)
	}
	s.spans.Set(r.first, r.last)
}

// removeRun takes all of r out; some of it may not be there.
func (s *runs) removeRun(r run) {
	if first, last := s.spans.Floor(r.first); last != nil && first.Less(r.first) && !last.Less(r.first) {
		end := *last
		*last = before(r.first)
		if r.last.Less(end) {
			next, _ := r.last.Plus(1)
			s.spans.Set(next, end)
			return
		}
	}
	for {
		first, last := s.from(r.first)
		if last == nil || r.last.Less(first) {
			return
		}
		end := *last
		s.spans.Delete(first)
		if r.last.Less(end) {
			next, _ := r.last.Plus(1)
			s.spans.Set(next, end)
			return
		}
	}
}

// from returns the first run that begins at k or above, nil if there is none.
func (s *runs) from(k slab.Key) (slab.Key, *slab.Key) {
	if last := s.spans.Get(k); last != nil {
		return k, last
	}
	return s.spans.Above(k)
}

// parts appends the parts of r that are in the set.
func (s *runs) parts(dst []run, r run) []run {
	first, last := s.spans.Floor(r.first)
	if last == nil || last.Less(r.first) {
		first, last = s.spans.Above(r.first)
	}
	for last != nil && !r.last.Less(first) {
		part, _ := run{first, *last}.within(r)
		dst = append(dst, part)
		first, last = s.spans.Above(first)
	}
	return dst
}

func (s *runs) memory() int64 { return s.spans.Memory() }
