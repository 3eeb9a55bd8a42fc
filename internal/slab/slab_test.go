package slab

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// newRandom returns a source of random numbers, and says with which seed if the test fails.
func newRandom(t testing.TB) *rand.Rand {
	seed := rand.Uint64()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}

type item struct {
	value uint64
	chain uint32
	links Links
}

func (i *item) Link() *uint32 { return &i.chain }

func TestSlabItemsKeepTheirNumberAndBeginEmpty(t *testing.T) {
	r := newRandom(t)
	var s Slab[item, *item]
	model := map[uint32]uint64{}
	var numbers []uint32
	for range 20000 {
		if len(numbers) > 0 && r.IntN(5) < 2 {
			k := r.IntN(len(numbers))
			i := numbers[k]
			if s.At(i).value != model[i] {
				t.Fatalf("item %d has %d, want %d", i, s.At(i).value, model[i])
			}
			s.Free(i)
			delete(model, i)
			numbers = slices.Delete(numbers, k, k+1)
			continue
		}
		i := s.New()
		if _, used := model[i]; used || i == 0 || i >= s.Limit() || *s.At(i) != (item{}) {
			t.Fatalf("item %d: used %v, %+v", i, used, *s.At(i))
		}
		model[i] = r.Uint64()
		s.At(i).value = model[i]
		numbers = append(numbers, i)
	}
	if s.Len() != len(model) {
		t.Errorf("Len %d, want %d", s.Len(), len(model))
	}
}

func TestIndexFindsWhatIsInItWhileItGrows(t *testing.T) {
	r := newRandom(t)
	for _, expected := range []int{0, 5000, 100000} {
		items := make([]item, 50001)
		hash := func(i uint32) uint64 { return items[i].value * 0x9e3779b97f4a7c15 >> 7 }
		x := NewIndex(hash, func(i uint32) *uint32 { return &items[i].chain })
		x.Expect(expected)
		in := map[uint32]bool{}
		find := func(i uint32) bool {
			for j := *x.Chain(hash(i)); j != 0; j = items[j].chain {
				if j == i {
					return true
				}
			}
			return false
		}
		for n := range 100000 {
			i := uint32(1 + r.IntN(len(items)-1))
			switch {
			case !in[i] && r.IntN(3) > 0:
				items[i].value = r.Uint64N(30000) // some hashes are equal
				x.Add(hash(i), i)
				in[i] = true
			case in[i] && r.IntN(3) == 0:
				if !x.Remove(hash(i), i) {
					t.Fatalf("step %d: %d was not there", n, i)
				}
				delete(in, i)
			}
			if find(i) != in[i] || x.Len() != len(in) {
				t.Fatalf("step %d: found %v, want %v; %d of %d", n, !in[i], in[i], x.Len(), len(in))
			}
		}
		for i := range in {
			if !find(i) {
				t.Fatalf("%d is lost", i)
			}
		}
		if x.Remove(hash(1)+1, 0) {
			t.Error("removed nothing")
		}
	}
}

func TestIndexChainsStayShort(t *testing.T) {
	const n = 100000
	items := make([]item, n+1)
	seed := NewSeed()
	hash := func(i uint32) uint64 { return seed.Key(Key{Lo: uint64(i)}) }
	x := NewIndex(hash, func(i uint32) *uint32 { return &items[i].chain })
	for i := range uint32(n) {
		x.Add(hash(i+1), i+1)
	}
	longest, steps := 0, 0
	for i := range uint32(n) {
		length := 1
		for j := *x.Chain(hash(i + 1)); j != i+1; j = items[j].chain {
			length++
		}
		longest, steps = max(longest, length), steps+length
	}
	if longest > 16 || steps > 2*n {
		t.Errorf("%d steps in the longest chain, %.2f on average", longest, float64(steps)/n)
	}
}

func TestOrderedAgreesWithASortedSlice(t *testing.T) {
	r := newRandom(t)
	for _, span := range []uint64{50, 2000, 1 << 40} {
		var o Ordered[uint32]
		model := map[Key]uint32{}
		for n := range 20000 {
			k := Key{Hi: r.Uint64N(2), Lo: r.Uint64N(span)}
			switch growing := n%8000 < 5000; {
			case r.IntN(3) > 0 == growing:
				v := r.Uint32()
				o.Set(k, v)
				model[k] = v
			default:
				for have := range model { // any
					if r.IntN(2) == 0 {
						k = have
					}
					break
				}
				_, had := model[k]
				if o.Delete(k) != had {
					t.Fatalf("step %d: Delete(%v) was not %v", n, k, had)
				}
				delete(model, k)
			}
			if n%97 == 0 {
				compareOrdered(t, r, &o, model, span)
			}
		}
	}
}

func compareOrdered(t *testing.T, r *rand.Rand, o *Ordered[uint32], model map[Key]uint32, span uint64) {
	t.Helper()
	var keys []Key
	for k := range model {
		keys = append(keys, k)
	}
	compare := func(a, b Key) int {
		switch {
		case a.Less(b):
			return -1
		case b.Less(a):
			return 1
		}
		return 0
	}
	slices.SortFunc(keys, compare)
	i := 0
	for k, v := o.First(); v != nil; k, v = o.Above(k) {
		if i >= len(keys) || k != keys[i] || *v != model[k] {
			t.Fatalf("key %d of %d is %v", i, len(keys), k)
		}
		i++
	}
	if i != len(keys) || o.Len() != len(keys) {
		t.Fatalf("%d keys, Len %d, want %d", i, o.Len(), len(keys))
	}
	k := Key{Hi: r.Uint64N(3), Lo: r.Uint64N(span)}
	at, found := slices.BinarySearchFunc(keys, k, compare)
	if (o.Get(k) != nil) != found {
		t.Fatalf("Get(%v) found %v", k, !found)
	}
	if !found {
		at--
	}
	floor, v := o.Floor(k)
	if (v != nil) != (at >= 0) || v != nil && floor != keys[at] {
		t.Fatalf("Floor(%v) = %v", k, floor)
	}
	above, v := o.Above(k)
	if (v != nil) != (at+1 < len(keys)) || v != nil && above != keys[at+1] {
		t.Fatalf("Above(%v) = %v", k, above)
	}
}

func TestOrderedFillsItsPages(t *testing.T) {
	for name, order := range map[string]func(i int) uint64{
		"ascending":  func(i int) uint64 { return uint64(i) },
		"descending": func(i int) uint64 { return uint64(1<<30 - i) },
		"random":     func(i int) uint64 { return uint64(i) * 0x9e3779b97f4a7c15 },
	} {
		const n = 100000
		var o Ordered[uint32]
		for i := range n {
			o.Set(Key{Lo: order(i)}, 0)
		}
		if per := float64(o.Memory()) / n; per > 48 {
			t.Errorf("%s: %.1f octets a key", name, per)
		}
		for i := range n - 100 {
			o.Delete(Key{Lo: order(i)})
		}
		if pages := len(o.pages); pages > 20 {
			t.Errorf("%s: %d pages for 100 keys", name, pages)
		}
	}
}

func TestCalendarGivesWhatIsEarliest(t *testing.T) {
	r := newRandom(t)
	items := make([]item, 500)
	c := NewCalendar(func(i uint32) *Links { return &items[i].links })
	in := map[uint32]int{} // when it was added
	for step := range 20000 {
		i := uint32(1 + r.IntN(len(items)-1))
		if _, ok := in[i]; ok {
			c.Remove(items[i].value, i)
			delete(in, i)
		}
		if r.IntN(3) > 0 {
			items[i].value = r.Uint64N(60)
			c.Add(items[i].value, i)
			in[i] = step
		}
		if step%20 > 0 {
			continue
		}
		var want, got []uint32
		for i := range in {
			want = append(want, i)
		}
		slices.SortFunc(want, func(a, b uint32) int {
			if items[a].value != items[b].value {
				return int(items[a].value) - int(items[b].value)
			}
			return in[a] - in[b]
		})
		c.Each(func(i uint32) { got = append(got, i) })
		if !slices.Equal(got, want) || c.Len() != len(want) {
			t.Fatalf("step %d: got %v, want %v", step, got, want)
		}
		second, first := c.First()
		if len(want) == 0 && first != 0 || len(want) > 0 && (first != want[0] || second != items[first].value) {
			t.Fatalf("step %d: first %d at %d", step, first, second)
		}
	}
}

func TestOctetsNeverShareASlot(t *testing.T) {
	r := newRandom(t)
	var o Octets
	type run struct {
		i    uint32
		want []byte
	}
	var runs []run
	for step := range 60000 {
		if len(runs) > 0 && (r.IntN(5) < 2 || step > 50000) {
			k := r.IntN(len(runs))
			if got := o.At(runs[k].i, len(runs[k].want)); !bytes.Equal(got, runs[k].want) {
				t.Fatalf("step %d: %x, want %x", step, got, runs[k].want)
			}
			o.Free(runs[k].i)
			runs[k] = runs[len(runs)-1]
			runs = runs[:len(runs)-1]
			continue
		}
		n := r.IntN(100)
		if r.IntN(10) == 0 {
			n = r.IntN(MaxOctets + 1)
		}
		i := o.New(n)
		if (i == 0) != (n == 0) || !o.Fits(i, n) || n > 0 && n+8 <= MaxOctets && int(classes[classOf[(n+7)/8]]) < n {
			t.Fatalf("step %d: %d octets got %d", step, n, i)
		}
		b := o.At(i, n)
		for k := range b {
			b[k] = byte(r.Uint32())
		}
		runs = append(runs, run{i, bytes.Clone(b)})
	}
	for _, x := range runs {
		if !bytes.Equal(o.At(x.i, len(x.want)), x.want) {
			t.Fatal("overwritten")
		}
		o.Free(x.i)
	}
	if most := int64(idleBlocks*blockBytes + 24*cap(o.blocks)); o.Memory() > most {
		t.Errorf("%d octets held for nothing", o.Memory())
	}
}

func TestOctetsOfOneLengthServeAnother(t *testing.T) {
	var o Octets
	for n := 8; n <= MaxOctets; n += 8 {
		var all []uint32
		for range 3000 {
			all = append(all, o.New(n))
		}
		for _, i := range all {
			o.Free(i)
		}
	}
	if most := int64(3000*MaxOctets*2 + idleBlocks*blockBytes); o.Memory() > most {
		t.Errorf("%d octets held for nothing", o.Memory())
	}
}

func TestKeysAreNumbers(t *testing.T) {
	top := Key{1<<64 - 1, 1<<64 - 1}
	if sum, over := top.Plus(1); !over || sum != (Key{}) {
		t.Errorf("%v, %v", sum, over)
	}
	if sum, over := (Key{1, 1<<64 - 1}).Plus(1); over || sum != (Key{2, 0}) {
		t.Errorf("%v, %v", sum, over)
	}
	if d := (Key{2, 0}).Minus(Key{1, 1<<64 - 1}); d != (Key{0, 1}) {
		t.Errorf("%v", d)
	}
}

// Ahead names what the next Adds look at of what is there already, and nothing where there is room for them.
func TestIndexLooksAhead(t *testing.T) {
	var next [20000]uint32
	var looked []uint32
	hash := func(i uint32) uint64 { return uint64(i) * 0x9e3779b97f4a7c15 >> 20 }
	x := NewIndex(func(i uint32) uint64 { looked = append(looked, i); return hash(i) }, func(i uint32) *uint32 { return &next[i] })
	i := uint32(1)
	add := func(n int) {
		for looked = looked[:0]; n > 0; n-- {
			x.Add(hash(i), i)
			i++
		}
	}
	add(chunkLen - 8)
	for i < 19000 {
		one, there := x.Ahead(nil, 1), i
		add(1)
		if looked = slices.DeleteFunc(looked, func(k uint32) bool { return k >= there }); !slices.Equal(one, looked[:min(1, len(looked))]) {
			t.Fatalf("%d: looked at %v, and not at %v first", there, looked, one)
		}
		many := x.Ahead(nil, 8)
		add(8)
		for _, k := range many {
			if !slices.Contains(looked, k) {
				t.Fatalf("%d: looked at %v, and not at all of %v", there, looked, many)
			}
		}
	}
}
