package pool

import (
	"testing"

	"github.com/lessor-dhcp/lessor/internal/slab"
)

// ends are the numbers of a small world: the least and the greatest ones, between which there is nothing to see.
const ends = 40

func end(i int) slab.Key {
	if i < ends {
		return slab.Key{Lo: uint64(i)}
	}
	return most.Minus(slab.Key{Lo: uint64(2*ends - 1 - i)})
}

func TestRunsWithinRunsAgreeWithASetOfNumbers(t *testing.T) {
	r := newRandom(t)
	someRun := func() run {
		i := r.IntN(2 * ends)
		return run{end(i), end(min(i+r.IntN(8), 2*ends-1))}
	}
	var s runs
	var in [2 * ends]bool
	for step := range 20000 {
		x := someRun()
		parts := s.parts(nil, x)
		adds := step%2000 < 1000 == (r.IntN(4) > 0)
		if adds {
			s.addRun(x)
		} else {
			s.removeRun(x)
		}
		for i := range in {
			_, within := run{end(i), end(i)}.within(x)
			if got := among(parts, end(i)); got != (in[i] && within) {
				t.Fatalf("step %d: %d is among the parts within %v: %v", step, i, x, got)
			}
			if within {
				in[i] = adds
			}
			if s.has(end(i)) != in[i] {
				t.Fatalf("step %d: %d is in the set after %v: %v", step, i, x, !in[i])
			}
		}
		last := slab.Key{}
		for k, e := s.from(slab.Key{}); e != nil; k, e = s.spans.Above(k) {
			if e.Less(k) || k != (slab.Key{}) && last != (slab.Key{}) && !apart(last, k) {
				t.Fatalf("step %d: run %v-%v after %v", step, k, *e, last)
			}
			last = *e
		}
	}
}

func TestListsOfRunsAgreeWithASetOfNumbers(t *testing.T) {
	r := newRandom(t)
	some := func() (list []run, in [2 * ends]bool) {
		for range r.IntN(8) {
			i := r.IntN(2 * ends)
			j := min(i+r.IntN(10), 2*ends-1)
			list = append(list, run{end(i), end(j)})
			for ; i <= j; i++ {
				in[i] = true
			}
		}
		return joined(list), in
	}
	inOrder := func(what string, list []run) {
		t.Helper()
		for i, x := range list {
			if x.last.Less(x.first) || i > 0 && !list[i-1].last.Less(x.first) {
				t.Fatalf("%s: %v", what, list)
			}
		}
	}
	for range 5000 {
		a, inA := some()
		b, inB := some()
		rest, left := others(nil, a), except(nil, a, b)
		inOrder("joined", a)
		inOrder("others", rest)
		inOrder("except", left)
		for i := range inA {
			if k := end(i); among(a, k) != inA[i] || among(rest, k) == inA[i] || among(left, k) != (inA[i] && !inB[i]) {
				t.Fatalf("%d of %v, without %v: others %v, except %v", i, a, b, rest, left)
			}
		}
	}
}
