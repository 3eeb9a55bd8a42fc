package pool

import (
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/slab"
)

// Covers reports whether a is in a pool.
func (p *Pools) Covers(a netip.Addr) bool {
	_, ok := p.Of(a)
	return ok
}

// Ranges returns how many pools there are.
func (p *Pools) Ranges() int { return len(p.pools) }

// FreeOf returns how many addresses of pool i were used before, are owner's, free, and neither reserved nor on offer.
func (p *Pools) FreeOf(i int, owner binding.Member) uint64 {
	s, ok := p.sideOf(owner)
	if !ok {
		return 0
	}
	return uint64(p.pools[i].queue[s].Len())
}

// EachFree calls each for the bindings of the addresses that FreeOf counts, the one that has been free for longest
// first, until it says false. The binding is each's for the call, in which nothing is to be changed and EachFree not
// to be called.
func (p *Pools) EachFree(i int, owner binding.Member, each func(*binding.Binding) bool) {
	s, ok := p.sideOf(owner)
	if !ok {
		return
	}
	p.pools[i].queue[s].While(func(n uint32) bool {
		p.walked, _ = p.bindings.Get(single(addrOf(p.nodes.At(n).key)))
		return each(&p.walked)
	})
}

// EachUnused calls each for the runs of addresses of pool i that nobody ever used and that are neither reserved nor on
// offer, whoever owns them, ascending and apart, until it says false. Nothing is to be changed meanwhile.
func (p *Pools) EachUnused(i int, each func(first, last netip.Addr) bool) {
	q := &p.pools[i]
	own, partners := gapsOf(&p.closed[mine], q.run()), gapsOf(&p.closed[theirs], q.run())
	for own.ok || partners.ok {
		from := &own
		if !own.ok || partners.ok && partners.at.first.Less(own.at.first) {
			from = &partners
		}
		r := from.at
		from.next()
		for { // one goes on where the other ends
			switch {
			case own.ok && !apart(r.last, own.at.first):
				r.last = own.at.last
				own.next()
				continue
			case partners.ok && !apart(r.last, partners.at.first):
				r.last = partners.at.last
				partners.next()
				continue
			}
			break
		}
		if !each(addrOf(r.first), addrOf(r.last)) {
			return
		}
	}
}

// gaps walks over the runs of numbers within a run that are not in a set, ascending.
type gaps struct {
	set *runs
	at  run // the one that it is at, if ok
	ok  bool
	end slab.Key
}

func gapsOf(set *runs, r run) gaps {
	g := gaps{set: set, end: r.last}
	g.from(r.first)
	return g
}

func (g *gaps) from(k slab.Key) {
	if g.at.first, g.ok = g.set.gap(k, g.end); !g.ok {
		return
	}
	g.at.last = g.end
	if next, last := g.set.spans.Above(g.at.first); last != nil && !g.end.Less(next) {
		g.at.last = before(next)
	}
}

func (g *gaps) next() {
	if next, over := g.at.last.Plus(1); !over && !g.end.Less(next) {
		g.from(next)
		return
	}
	g.ok = false
}
