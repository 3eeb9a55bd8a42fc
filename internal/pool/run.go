package pool

import (
	"math/bits"
	"slices"

	"github.com/lessor-dhcp/lessor/internal/slab"
)

// run is the numbers from first to last, both included.
type run struct{ first, last slab.Key }

// most is the greatest number.
var most = slab.Key{Hi: 1<<64 - 1, Lo: 1<<64 - 1}

// joined sorts the runs, and returns them in the same memory, ascending, with those that touch or overlap made one.
func joined(all []run) []run {
	slices.SortFunc(all, func(a, b run) int { return compare(a.first, b.first) })
	n := 0
	for _, r := range all {
		if n > 0 && !apart(all[n-1].last, r.first) {
			if all[n-1].last.Less(r.last) {
				all[n-1].last = r.last
			}
			continue
		}
		all[n] = r
		n++
	}
	return all[:n]
}

// apart reports whether a run that ends at last neither overlaps nor touches a later one that begins at first.
func apart(last, first slab.Key) bool {
	next, over := last.Plus(1)
	return !over && next.Less(first)
}

// others appends the runs of all numbers that are in none of these, which are joined.
func others(dst, all []run) []run {
	at, over := slab.Key{}, false
	for _, r := range all {
		if at.Less(r.first) {
			dst = append(dst, run{at, before(r.first)})
		}
		at, over = r.last.Plus(1)
	}
	if !over {
		dst = append(dst, run{at, most})
	}
	return dst
}

// except appends the parts of the runs in all that are in none of without. Both are joined.
func except(dst, all, without []run) []run {
	for _, r := range all {
		over := false
		for len(without) > 0 && without[0].last.Less(r.first) {
			without = without[1:]
		}
		for _, w := range without {
			if over || r.last.Less(w.first) {
				break
			}
			if r.first.Less(w.first) {
				dst = append(dst, run{r.first, before(w.first)})
			}
			if r.first, over = w.last.Plus(1); r.last.Less(r.first) {
				over = true
			}
		}
		if !over {
			dst = append(dst, r)
		}
	}
	return dst
}

// among reports whether k is in one of the runs, which are joined.
func among(all []run, k slab.Key) bool {
	lo, hi := 0, len(all)
	for lo < hi {
		if mid := int(uint(lo+hi) / 2); all[mid].last.Less(k) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo < len(all) && !k.Less(all[lo].first)
}

// within returns what of r is in o as well; false if nothing is.
func (r run) within(o run) (run, bool) {
	if r.first.Less(o.first) {
		r.first = o.first
	}
	if o.last.Less(r.last) {
		r.last = o.last
	}
	return r, !r.last.Less(r.first)
}

// size returns how many numbers r has; of all there are, one less.
func (r run) size() slab.Key {
	n, over := r.last.Minus(r.first).Plus(1)
	if over {
		return most
	}
	return n
}

// before returns k - 1; k is not 0.
func before(k slab.Key) slab.Key { return k.Minus(slab.Key{Lo: 1}) }

func sum(a, b slab.Key) slab.Key {
	lo, carry := bits.Add64(a.Lo, b.Lo, 0)
	hi, _ := bits.Add64(a.Hi, b.Hi, carry)
	return slab.Key{Hi: hi, Lo: lo}
}

// clipped returns n, what 64 bits cannot hold as the most they can.
func clipped(n slab.Key) uint64 {
	if n.Hi > 0 {
		return 1<<64 - 1
	}
	return n.Lo
}
