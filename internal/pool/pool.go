package pool

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/slab"
)

// ID is a range's index in what New was given.
type ID int

// Range is the addresses from First to Last, both included, of one family.
type Range struct{ First, Last netip.Addr }

// Pools is what is free in a set of ranges. The goroutine that owns the bindings owns it too.
type Pools struct {
	ranges   []Range    // as given to New
	pools    []pool     // by ID
	firsts   []slab.Key // ascending, each the first address of the pool at the same place in ids
	ids      []ID       // in the order of firsts
	reserved []slab.Key // ascending, each once
	bindings *binding.Table

	seed   slab.Seed
	closed [sides]runs // what a side cannot give away as never used
	nodes  slab.Slab[node, *node]
	free   slab.Index // the nodes by address
	shares
	offers
	held   [levels]held
	direct uint64          // hash of the gate of clients that are heard without a relay
	octets []byte          // for one call
	walked binding.Binding // by EachFree
}

type pool struct {
	first, last slab.Key
	queue       [sides]slab.Calendar // the nodes of the pool, by when the address became free
	counts      Counts               // Free and PartnerFree are not kept
	theirs      slab.Key             // how many addresses nobody ever used that are theirs
	kept        uint64               // how many addresses are reserved, used or not
	gates       int                  // at how many gates addresses are held
}

// New returns the pools of these ranges, without offers; reserved addresses, in a range or not, are never picked. An
// address is free when bindings has no record of it, or one in state Free. All are this server's own, until Share. It
// panics if a range is empty or overlaps another, which config refuses.
func New(ranges []Range, reserved []netip.Addr, bindings *binding.Table) *Pools {
	p := &Pools{ranges: slices.Clone(ranges), reserved: keysOf(reserved), bindings: bindings, seed: bindings.Seed()}
	p.free = slab.NewIndex(
		func(i uint32) uint64 { return p.seed.Key(p.nodes.At(i).key) },
		func(i uint32) *uint32 { return &p.nodes.At(i).chain })
	p.offers.init(&p.seed)
	for level := range p.held {
		p.held[level].init()
	}
	p.direct = max(p.seed.Octets([]byte("direct")), 1)
	p.closed[theirs].addRun(run{last: most})
	p.layRanges()
	p.load()
	return p
}

func (p *Pools) layRanges() {
	links := func(i uint32) *slab.Links { return &p.nodes.At(i).queue }
	p.pools = make([]pool, len(p.ranges))
	for id, r := range p.ranges {
		q := pool{first: keyOf(r.First), last: keyOf(r.Last), queue: [sides]slab.Calendar{slab.NewCalendar(links), slab.NewCalendar(links)}}
		if !r.First.IsValid() || r.First.BitLen() != r.Last.BitLen() || q.last.Less(q.first) {
			panic(fmt.Sprintf("pool: %v-%v is no range", r.First, r.Last))
		}
		q.counts.Size = clipped(q.run().size())
		p.pools[id] = q
		p.ids = append(p.ids, ID(id))
	}
	slices.SortFunc(p.ids, func(a, b ID) int { return compare(p.pools[a].first, p.pools[b].first) })
	for i, id := range p.ids {
		p.firsts = append(p.firsts, p.pools[id].first)
		if i > 0 && !p.pools[p.ids[i-1]].last.Less(p.pools[id].first) {
			panic(fmt.Sprintf("pool: %v overlaps %v", p.ranges[id], p.ranges[p.ids[i-1]]))
		}
	}
}

// Same reports whether New was given the same ranges, in the same order, and the same reserved addresses, in any.
func (p *Pools) Same(ranges []Range, reserved []netip.Addr) bool {
	return slices.Equal(p.ranges, ranges) && slices.Equal(p.reserved, keysOf(reserved))
}

// Of returns the pool that a is in; false if it is in none.
func (p *Pools) Of(a netip.Addr) (ID, bool) {
	if !a.IsValid() {
		return 0, false
	}
	return p.idOf(keyOf(a))
}

func (p *Pools) idOf(k slab.Key) (ID, bool) {
	i, found := slices.BinarySearchFunc(p.firsts, k, compare)
	if !found {
		i--
	}
	if i < 0 || p.pools[p.ids[i]].last.Less(k) {
		return 0, false
	}
	return p.ids[i], true
}

// poolOf returns the pool that k is in, nil for none.
func (p *Pools) poolOf(k slab.Key) *pool {
	id, ok := p.idOf(k)
	if !ok {
		return nil
	}
	return &p.pools[id]
}

func (p *Pools) isReserved(k slab.Key) bool {
	_, found := slices.BinarySearchFunc(p.reserved, k, compare)
	return found
}

// Memory returns how many octets the pools and the offers hold.
func (p *Pools) Memory() int64 {
	const perPool = 400
	bytes := p.nodes.Memory() + p.free.Memory() + p.shares.memory() + p.offers.memory() + p.held[gate].memory() + p.held[port].memory() +
		int64(len(p.pools))*perPool + int64(len(p.reserved))*16
	for s := range p.closed {
		bytes += p.closed[s].memory()
	}
	for i := range p.pools {
		for s := range p.pools[i].queue {
			bytes += p.pools[i].queue[s].Memory()
		}
	}
	return bytes
}

func (q *pool) run() run { return run{q.first, q.last} }

// keyOf returns an address as a number; an IPv4 address has that of its IPv4-mapped form (RFC 4291 §2.5.5.2).
func keyOf(a netip.Addr) slab.Key {
	b := a.As16()
	return slab.Key{Hi: binary.BigEndian.Uint64(b[:8]), Lo: binary.BigEndian.Uint64(b[8:])}
}

func keysOf(addrs []netip.Addr) []slab.Key {
	keys := make([]slab.Key, 0, len(addrs))
	for _, a := range addrs {
		if a.IsValid() {
			keys = append(keys, keyOf(a))
		}
	}
	slices.SortFunc(keys, compare)
	return slices.Compact(keys)
}

func addrOf(k slab.Key) netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], k.Hi)
	binary.BigEndian.PutUint64(b[8:], k.Lo)
	return netip.AddrFrom16(b).Unmap()
}

func compare(a, b slab.Key) int {
	switch {
	case a.Less(b):
		return -1
	case b.Less(a):
		return 1
	}
	return 0
}

// second returns a time as a number of the same order, fractions of a second rounded up; 0 for the zero time.
func second(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	s := max(t.Unix(), 0) + 1
	if t.Nanosecond() > 0 {
		s++
	}
	return uint64(s)
}

// timeOf returns the time that second made s of.
func timeOf(s uint64) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(int64(s)-1, 0).UTC()
}
