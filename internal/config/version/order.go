package version

import (
	"cmp"
	"container/heap"
	"slices"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/config"
)

// order puts the merged entries into an order in which
//
//   - of two entries that both sides have, the one stands first that does so on both sides, or, where they differ, on the
//     side that moved one of them;
//   - an entry that one side alone has stands between those between which that side has it;
//   - what nothing is said of stands in ascending order of name.
//
// Where there is none, that is a conflict, and the entries stand as on the side that is taken.
func (m *merger) order(at path, merged, base, a, b *config.Element) {
	stays := make(map[string]bool, len(merged.Children))
	for i := range merged.Children {
		stays[merged.Children[i].Key] = true
	}
	inBase, inA, inB := names(base, stays), names(a, stays), names(b, stays)
	common, ok := commonOrder(inBase, inA, inB)
	if ok {
		if sorted, acyclic := between(common, inA, inB); acyclic {
			arrange(merged, sorted)
			return
		}
	}
	m.conflicts = append(m.conflicts, Conflict{
		Key: at.String(), Reason: Order, Base: strings.Join(inBase, ", "), A: strings.Join(inA, ", "), B: strings.Join(inB, ", "), at: at,
	})
	if m.take == TakeB {
		inA, inB = inB, inA
	}
	arrange(merged, append(slices.Clone(inA), without(inB, inA)...))
}

// names returns the keys of the entries of e that stay, in their order.
func names(e *config.Element, stays map[string]bool) []string {
	if e == nil {
		return nil
	}
	all := make([]string, 0, len(e.Children))
	for i := range e.Children {
		if key := e.Children[i].Key; stays[key] {
			all = append(all, key)
		}
	}
	return all
}

func set(all []string) map[string]int {
	at := make(map[string]int, len(all))
	for i, s := range all {
		at[s] = i
	}
	return at
}

// within returns those of all that are in a set, in their order; without those that are not in a list.
func within(all []string, in map[string]int) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { _, ok := in[s]; return !ok })
}

func without(all, not []string) []string {
	in := set(not)
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { _, ok := in[s]; return ok })
}

// pairwise is up to how many entries that both sides moved are compared with each other; beyond, it is a conflict.
const pairwise = 1000

// commonOrder returns the order of the entries that both sides have; false if there is none.
func commonOrder(base, a, b []string) ([]string, bool) {
	a, b = within(a, set(b)), within(b, set(a))
	if slices.Equal(a, b) {
		return a, true
	}
	inBase := set(base)
	known := within(base, set(a))
	switch {
	case len(known) == len(a) && slices.Equal(known, a):
		return b, true
	case len(known) == len(a) && slices.Equal(known, b):
		return a, true
	case len(a) > pairwise:
		return nil, false
	}
	inB := set(b)
	after := map[string][]string{}
	for i, x := range a {
		for _, y := range a[i+1:] {
			first, second := x, y // as a has them
			if inB[y] < inB[x] {
				bx, inX := inBase[x]
				by, inY := inBase[y]
				switch {
				case !inX || !inY:
					return nil, false // both put a new one there, each elsewhere
				case bx < by:
					first, second = y, x // b moved one of them
				}
			}
			after[first] = append(after[first], second)
		}
	}
	return sorted(a, after)
}

// between returns an order of all entries of both sides, in which the common ones stand as given; false if there is none.
func between(common, a, b []string) ([]string, bool) {
	after := map[string][]string{}
	link := func(all []string, wanted func(x, y string) bool) {
		for i := 1; i < len(all); i++ {
			if x, y := all[i-1], all[i]; wanted(x, y) {
				after[x] = append(after[x], y)
			}
		}
	}
	link(common, func(_, _ string) bool { return true })
	shared := set(common)
	alone := func(x, y string) bool {
		_, first := shared[x]
		_, second := shared[y]
		return !first || !second
	}
	link(a, alone)
	link(b, alone)
	return sorted(append(slices.Clone(a), without(b, a)...), after)
}

// sorted returns the names in an order in which everything stands behind what it is to stand after, and else in ascending
// order; false if there is none.
func sorted(names []string, after map[string][]string) ([]string, bool) {
	waits := make(map[string]int, len(names))
	for _, all := range after {
		for _, y := range all {
			waits[y]++
		}
	}
	var free words
	for _, x := range names {
		if waits[x] == 0 {
			free = append(free, x)
		}
	}
	heap.Init(&free)
	order := make([]string, 0, len(names))
	for free.Len() > 0 {
		x := heap.Pop(&free).(string)
		order = append(order, x)
		for _, y := range after[x] {
			if waits[y]--; waits[y] == 0 {
				heap.Push(&free, y)
			}
		}
	}
	return order, len(order) == len(names)
}

// words has the first in ascending order first.
type words []string

func (w words) Len() int           { return len(w) }
func (w words) Swap(i, j int)      { w[i], w[j] = w[j], w[i] }
func (w words) Less(i, j int) bool { return w[i] < w[j] }
func (w *words) Push(x any)        { *w = append(*w, x.(string)) }
func (w *words) Pop() any {
	last := (*w)[len(*w)-1]
	*w = (*w)[:len(*w)-1]
	return last
}

// arrange puts the entries of e into the order of their names in a list that has each of them.
func arrange(e *config.Element, order []string) {
	at := set(order)
	slices.SortStableFunc(e.Children, func(a, b config.Element) int { return cmp.Compare(at[a.Key], at[b.Key]) })
}
