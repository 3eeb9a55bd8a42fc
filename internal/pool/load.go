package pool

import (
	"slices"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/slab"
)

// load brings new pools to what is reserved and what bindings has. It sorts first what would otherwise be put into
// its place one at a time: a reload waits for it.
func (p *Pools) load() {
	var taken []run
	for _, k := range p.reserved {
		if q := p.poolOf(k); q != nil {
			q.counts.Reserved++
			taken = appendRun(taken, k)
		}
	}
	var free []freed
	for from, done := uint64(0), false; !done; {
		from, done = p.bindings.Scan(from, 1<<20, func(b *binding.Binding) bool {
			if !b.Prefix.IsSingleIP() {
				return true
			}
			k := keyOf(b.Addr())
			q := p.poolOf(k)
			if q == nil {
				return true
			}
			reserved := p.isReserved(k)
			*q.counts.of(0, false, reserved)--
			*q.counts.of(b.State, false, reserved)++
			taken = appendRun(taken, k)
			if b.State == binding.Free && !reserved {
				free = append(free, freed{second(b.Changed), k})
			}
			return true
		})
	}
	p.taken.set(taken)
	slices.SortFunc(free, freed.compare)
	p.free.Expect(len(free))
	for _, n := range free {
		p.queueNew(p.poolOf(n.key), n.key, n.since)
	}
}

// freed is an address that is free again since that second.
type freed struct {
	since uint64
	key   slab.Key
}

func (f freed) compare(o freed) int {
	switch {
	case f.since < o.since:
		return -1
	case f.since > o.since:
		return 1
	}
	return compare(f.key, o.key)
}

// appendRun adds k to the runs, which need not be in order, nor apart.
func appendRun(all []run, k slab.Key) []run {
	if n := len(all); n > 0 {
		if next, over := all[n-1].last.Plus(1); next == k && !over {
			all[n-1].last = k
			return all
		}
	}
	return append(all, run{k, k})
}
