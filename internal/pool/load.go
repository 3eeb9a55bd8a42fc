package pool

import (
	"slices"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/slab"
)

// load brings new pools to what is reserved and what bindings has. It sorts first what would otherwise be put into
// its place one at a time: a reload waits for it.
func (p *Pools) load() {
	var taken loading
	for _, k := range p.reserved {
		if q := p.poolOf(k); q != nil {
			q.counts.Reserved++
			q.kept++
			taken.add(q, k)
		}
	}
	var free []freed
	var where counting
	for from, done := uint64(0), false; !done; {
		from, done = p.bindings.Scan(from, 1<<20, func(b *binding.Binding) bool {
			if !b.Prefix.IsSingleIP() {
				return true
			}
			k := keyOf(b.Addr())
			id, within := p.idOf(k)
			if !within {
				return true
			}
			q, reserved := &p.pools[id], p.isReserved(k)
			if !reserved {
				where.count(p, id, b)
			}
			*q.counts.of(0, false, reserved)--
			*q.counts.of(b.State, false, reserved)++
			taken.add(q, k)
			if b.State == binding.Free && !reserved {
				free = append(free, freed{second(b.Changed), k, p.owners.number(b.Owner)})
			}
			return true
		})
	}
	p.held[port].addAll(where.ports)
	p.closed[mine].set(taken.runs)
	slices.SortFunc(free, freed.compare)
	p.free.Expect(len(free))
	for _, n := range free {
		p.queueNew(p.poolOf(n.key), n.key, mine, n.since).owner = n.owner
	}
}

// freed is an address that is free again since that second.
type freed struct {
	since uint64
	key   slab.Key
	owner uint8 // as that of a node
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

// loading is runs that are neither in order nor apart yet. Records stand in about the order in which their addresses
// were first given away, which is ascending in each pool, so that there are few of them.
type loading struct {
	runs []run
	last map[*pool]int // index of the run that the pool's last number went to
}

func (l *loading) add(q *pool, k slab.Key) {
	if i, ok := l.last[q]; ok {
		if next, over := l.runs[i].last.Plus(1); next == k && !over {
			l.runs[i].last = k
			return
		}
	}
	if l.last == nil {
		l.last = make(map[*pool]int)
	}
	l.last[q] = len(l.runs)
	l.runs = append(l.runs, run{k, k})
}
