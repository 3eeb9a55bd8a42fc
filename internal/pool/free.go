package pool

import (
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/slab"
)

// node is an address of a pool that was used before and is free again, neither reserved nor on offer.
type node struct {
	key   slab.Key
	since uint64 // second of the binding's Changed
	queue slab.Links
	chain uint32
	side  side  // the queue of its pool that it is in
	owner uint8 // number of its binding's Owner among owners; 0 if that is not known here
}

// Link is room for a number while the node is free.
func (n *node) Link() *uint32 { return &n.chain }

// Pick returns the address of the pool, of those that are this server's own, that nobody has used for longest: the
// first that nobody ever used, else the one whose binding has been Free for longest. It is neither reserved nor on
// offer; false if there is none. Pick changes nothing.
func (p *Pools) Pick(id ID) (netip.Addr, bool) { return p.pick(&p.pools[id], mine) }

// PickOf is Pick among what owner owns, which may be either of the two that share the pools; false for anybody else.
func (p *Pools) PickOf(id ID, owner binding.Member) (netip.Addr, bool) {
	s, ok := p.sideOf(owner)
	if !ok {
		return netip.Addr{}, false
	}
	return p.pick(&p.pools[id], s)
}

func (p *Pools) pick(q *pool, s side) (netip.Addr, bool) {
	if k, ok := p.closed[s].gap(q.first, q.last); ok {
		return addrOf(k), true
	}
	if _, i := q.queue[s].First(); i != 0 {
		return addrOf(p.nodes.At(i).key), true
	}
	return netip.Addr{}, false
}

// Available reports whether a is in a pool, free, this server's own, and neither reserved nor on offer.
func (p *Pools) Available(a netip.Addr) bool { return p.available(a, mine) }

// AvailableTo is Available among what owner owns.
func (p *Pools) AvailableTo(a netip.Addr, owner binding.Member) bool {
	s, ok := p.sideOf(owner)
	return ok && p.available(a, s)
}

func (p *Pools) available(a netip.Addr, s side) bool {
	if !a.IsValid() {
		return false
	}
	k := keyOf(a)
	return p.poolOf(k) != nil && p.isFreeOf(k, s)
}

// isFreeOf reports whether k, an address of a pool, is free and of that side, and neither reserved nor on offer.
func (p *Pools) isFreeOf(k slab.Key, s side) bool {
	if !p.closed[s].has(k) {
		return true
	}
	i := p.node(k)
	return i != 0 && p.nodes.At(i).side == s
}

// freeSide returns whose k is, an address of a pool that is free; mine if it is not.
func (p *Pools) freeSide(k slab.Key) side {
	if p.other != "" && p.isFreeOf(k, theirs) {
		return theirs
	}
	return mine
}

// Changed is to be told of every change of a's binding, after it was Put (or deleted: to is 0): the state that it had
// before, 0 if there was no record, and the one that it has now. The owner of a Free one is read from the bindings.
// Any address may be named.
func (p *Pools) Changed(a netip.Addr, from, to binding.State) {
	if from == to && to != binding.Free {
		return
	}
	k := keyOf(a)
	q := p.poolOf(k)
	if q == nil {
		return
	}
	var since time.Time
	if to == binding.Free {
		_, since = p.bindings.State(single(a))
	}
	p.change(q, k, from, to, since)
}

// change brings counts, queue and runs to the new state of k, an address of q.
func (p *Pools) change(q *pool, k slab.Key, from, to binding.State, since time.Time) {
	reserved, offer := p.isReserved(k), p.offers.at(k)
	*q.counts.of(from, offer != nil, reserved)--
	now := q.counts.of(to, offer != nil, reserved)
	*now++
	if offer != nil {
		offer.counted = now == &q.counts.Offered
	}
	if to != 0 {
		p.take(q, k)
	} else if offer == nil && !reserved {
		p.untake(q, k)
	}
	if to == binding.Free && offer == nil && !reserved {
		p.enqueue(q, k, second(since))
	} else {
		p.dequeue(q, k)
	}
}

// node returns the number of k's node, 0 if it has none.
func (p *Pools) node(k slab.Key) uint32 {
	i := *p.free.Chain(p.seed.Key(k))
	for i != 0 && p.nodes.At(i).key != k {
		i = p.nodes.At(i).chain
	}
	return i
}

// take says that there is something about k, an address of q: it is not one that nobody ever used any more.
func (p *Pools) take(q *pool, k slab.Key) {
	s := p.unusedBy(k)
	if p.closed[s].add(k) && s == theirs {
		q.theirs = before(q.theirs)
	}
}

// untake says that there is nothing about k any more.
func (p *Pools) untake(q *pool, k slab.Key) {
	s := p.unusedBy(k)
	if p.closed[s].remove(k) && s == theirs {
		q.theirs = sum(q.theirs, slab.Key{Lo: 1})
	}
}

// enqueue makes k, which has a Free binding, pickable by its owner, as free since that second.
func (p *Pools) enqueue(q *pool, k slab.Key, since uint64) {
	s, i := p.usedBy(k), p.node(k)
	if i == 0 {
		p.queueNew(q, k, s, since)
		return
	}
	n := p.nodes.At(i)
	n.owner = 0
	if n.since == since && n.side == s {
		return
	}
	q.queue[n.side].Remove(n.since, i)
	n.since, n.side = since, s
	q.queue[s].Add(since, i)
}

// queueNew is enqueue for an address that has no node yet.
func (p *Pools) queueNew(q *pool, k slab.Key, s side, since uint64) *node {
	i := p.nodes.New()
	n := p.nodes.At(i)
	n.key, n.since, n.side = k, since, s
	p.free.Add(p.seed.Key(k), i)
	q.queue[s].Add(since, i)
	return n
}

// dequeue makes k no longer pickable, if it was.
func (p *Pools) dequeue(q *pool, k slab.Key) {
	i := p.node(k)
	if i == 0 {
		return
	}
	n := p.nodes.At(i)
	q.queue[n.side].Remove(n.since, i)
	p.free.Remove(p.seed.Key(k), i)
	p.nodes.Free(i)
}

func single(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
