package pool

import (
	"testing"

	"github.com/lessor-dhcp/lessor/internal/slab"
)

func TestRunsAgreeWithASetOfNumbers(t *testing.T) {
	r := newRandom(t)
	const n = 4000
	var s runs
	in := map[uint64]bool{}
	for step := range 60000 {
		k := r.Uint64N(n)
		if step%20000 < 10000 == (r.IntN(3) > 0) {
			s.add(slab.Key{Lo: k})
			in[k] = true
		} else {
			s.remove(slab.Key{Lo: k})
			delete(in, k)
		}
		if j := r.Uint64N(n); s.has(slab.Key{Lo: j}) != in[j] {
			t.Fatalf("step %d: %d in the set: %v", step, j, !in[j])
		}
		first := r.Uint64N(n)
		last := first + r.Uint64N(n-first)
		want := first
		for want <= last && in[want] {
			want++
		}
		if got, ok := s.gap(slab.Key{Lo: first}, slab.Key{Lo: last}); ok != (want <= last) || ok && got.Lo != want {
			t.Fatalf("step %d: gap from %d to %d is %d, %v; want %d", step, first, last, got.Lo, ok, want)
		}
		if step%5000 == 0 {
			checkRuns(t, &s, in)
		}
	}
}

// checkRuns checks that no two runs touch, and that together they are the set.
func checkRuns(t *testing.T, s *runs, in map[uint64]bool) {
	t.Helper()
	count, before := 0, slab.Key{Lo: 1 << 63}
	for k, last := s.spans.First(); last != nil; k, last = s.spans.Above(k) {
		if next, _ := before.Plus(1); next == k || last.Less(k) {
			t.Fatalf("run %v-%v after %v", k, *last, before)
		}
		for i := k.Lo; i <= last.Lo; i++ {
			if !in[i] {
				t.Fatalf("%d is in a run", i)
			}
			count++
		}
		before = *last
	}
	if count != len(in) {
		t.Fatalf("%d numbers in runs, want %d", count, len(in))
	}
}

func TestRunsAreLaidDownFromAnyOrder(t *testing.T) {
	r := newRandom(t)
	for range 200 {
		in := map[uint64]bool{}
		var all loading
		pools := make([]pool, 3)
		k := uint64(0)
		for range r.IntN(60) {
			if k++; r.IntN(3) == 0 {
				k = r.Uint64N(100)
			}
			in[k] = true
			all.add(&pools[r.IntN(3)], slab.Key{Lo: k})
		}
		var s runs
		s.set(all.runs)
		checkRuns(t, &s, in)
	}
}

func TestRunsJoinWhereTheirPagesDo(t *testing.T) {
	var s runs
	in := map[uint64]bool{}
	for k := uint64(0); k <= 400; k += 2 {
		s.add(slab.Key{Lo: k})
		in[k] = true
	}
	for k := uint64(0); k < 300; k += 2 { // pages become sparse, the last one too
		if k < 140 || k > 240 {
			s.remove(slab.Key{Lo: k})
			delete(in, k)
		}
	}
	for k := uint64(399); k > 240; k -= 2 {
		s.add(slab.Key{Lo: k})
		in[k] = true
		checkRuns(t, &s, in)
	}
}
