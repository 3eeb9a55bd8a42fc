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
}

// Link is room for a number while the node is free.
func (n *node) Link() *uint32 { return &n.chain }

// Pick returns the address of the pool that nobody has used for longest: the first that nobody ever used, else the
// one whose binding has been Free for longest. It is neither reserved nor on offer; false if there is none. Pick
// changes nothing.
func (p *Pools) Pick(id ID) (netip.Addr, bool) {
	q := &p.pools[id]
	if k, ok := p.taken.gap(q.first, q.last); ok {
		return addrOf(k), true
	}
	if _, i := q.queue.First(); i != 0 {
		return addrOf(p.nodes.At(i).key), true
	}
	return netip.Addr{}, false
}

// Available reports whether a is in a pool, free, and neither reserved nor on offer.
func (p *Pools) Available(a netip.Addr) bool {
	if !a.IsValid() {
		return false
	}
	k := keyOf(a)
	return p.poolOf(k) != nil && (!p.taken.has(k) || p.node(k) != 0)
}

// Changed is to be told of every change of a's binding, after it was Put (or deleted: to is 0): the state that it had
// before, 0 if there was no record, and the one that it has now. Any address may be named.
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
		p.taken.add(k)
	} else if offer == nil && !reserved {
		p.taken.remove(k)
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

// enqueue makes k pickable, as free since that second.
func (p *Pools) enqueue(q *pool, k slab.Key, since uint64) {
	i := p.node(k)
	if i == 0 {
		p.queueNew(q, k, since)
		return
	}
	n := p.nodes.At(i)
	if n.since == since {
		return
	}
	q.queue.Remove(n.since, i)
	n.since = since
	q.queue.Add(since, i)
}

// queueNew is enqueue for an address that has no node yet.
func (p *Pools) queueNew(q *pool, k slab.Key, since uint64) {
	i := p.nodes.New()
	n := p.nodes.At(i)
	n.key, n.since = k, since
	p.free.Add(p.seed.Key(k), i)
	q.queue.Add(since, i)
}

// dequeue makes k no longer pickable, if it was.
func (p *Pools) dequeue(q *pool, k slab.Key) {
	i := p.node(k)
	if i == 0 {
		return
	}
	q.queue.Remove(p.nodes.At(i).since, i)
	p.free.Remove(p.seed.Key(k), i)
	p.nodes.Free(i)
}

func single(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
