package node

import (
	"context"
	"encoding/json"
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

var _ Mapper = (*Node)(nil)

const (
	// cellBits is how many bits of an address the cells of a map tell apart.
	cellBits = 8
	// leastMap is the shortest prefix that is drawn, and leastExact the shortest of which each address is looked at.
	leastMap   = 8
	leastExact = 16
	// drawStride is how many addresses are looked at between two batches of packets.
	drawStride = 128
)

// MarshalJSON writes what there is: cells of one kind, and an empty list where there are none.
func (m Map) MarshalJSON() ([]byte, error) {
	type plain Map
	if m.Cell == 32 {
		notNilSlice(&m.Addresses)
	} else {
		notNilSlice(&m.Blocks)
	}
	return json.Marshal(plain(m))
}

// Map implements Mapper.
func (n *Node) Map(ctx context.Context, p netip.Prefix) (Map, error) {
	if !p.IsValid() || !p.Addr().Is4() || p.Bits() < leastMap {
		return Map{}, refused("%v is not an IPv4 prefix of %d to 32 bits, as in 198.51.100.0/24", p, leastMap)
	}
	p = p.Masked()
	m := Map{Prefix: p, Cell: min(p.Bits()+cellBits, 32)}
	var err error
	switch {
	case m.Cell == 32:
		err = n.drawAddresses(ctx, &m)
	case p.Bits() >= leastExact:
		err = n.drawBlocks(ctx, &m)
	default:
		err = n.drawRoughly(ctx, &m)
	}
	for i := range m.Blocks {
		m.Counts.sum(&m.Blocks[i].CellCounts)
	}
	if err != nil {
		return Map{}, err
	}
	return m, n.do(ctx, func(*Effects) { n.core.placeMap(&m) })
}

// placeMap says what a map is of.
func (c *Core) placeMap(m *Map) {
	if s := c.policy.SubnetOf(m.Prefix.Addr()); s != nil && contains(s.Prefix, m.Prefix) {
		m.Network, m.Subnet = s.Network.Name, s.Prefix.String()
	}
	for i := range m.Blocks {
		b := &m.Blocks[i]
		if s := c.policy.SubnetOf(b.Prefix.Addr()); s != nil && contains(s.Prefix, b.Prefix) {
			b.Subnet = s.Prefix.String()
		}
	}
	if up := m.Prefix.Bits() - cellBits; up >= leastMap {
		p := netip.PrefixFrom(m.Prefix.Addr(), up).Masked()
		for _, q := range c.policy.Pools() {
			if p.Contains(q.First) || p.Contains(q.Last) || contains(q.Subnet.Prefix, p) {
				m.Up = p
				return
			}
		}
	}
}

// eachAddress calls f with the addresses of p, in ascending order and some at a time, by the decider.
func (n *Node) eachAddress(ctx context.Context, p netip.Prefix, f func(c *Core, now time.Time, a netip.Addr)) error {
	a, last := p.Addr(), lastOf(p)
	for over := false; !over; {
		err := n.do(ctx, func(*Effects) {
			now := n.clock.now()
			for range drawStride {
				f(n.core, now, a)
				if over = a == last; over {
					return
				}
				a = a.Next()
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// drawAddresses draws each address.
func (n *Node) drawAddresses(ctx context.Context, m *Map) error {
	m.Addresses = make([]AddressCell, 0, MaxCells)
	return n.eachAddress(ctx, m.Prefix, func(c *Core, now time.Time, a netip.Addr) {
		cell, count := c.cell(now, a)
		m.Addresses = append(m.Addresses, cell)
		*count(&m.Counts)++
		m.Counts.Size++
	})
}

// drawBlocks looks at each address, and counts.
func (n *Node) drawBlocks(ctx context.Context, m *Map) error {
	return n.eachAddress(ctx, m.Prefix, func(c *Core, _ time.Time, a netip.Addr) {
		if p := netip.PrefixFrom(a, m.Cell).Masked(); len(m.Blocks) == 0 || m.Blocks[len(m.Blocks)-1].Prefix != p {
			m.Blocks = append(m.Blocks, BlockCell{Prefix: p})
		}
		b, known := c.table.Get(host(a))
		_, _, count := c.stands(a, &b, known)
		k := &m.Blocks[len(m.Blocks)-1].CellCounts
		*count(k)++
		k.Size++
	})
}

// drawRoughly counts bindings, and takes the rest from the ranges.
func (n *Node) drawRoughly(ctx context.Context, m *Map) error {
	shift := 32 - m.Cell
	first := numberAt(m.Prefix.Addr())
	for i := range uint32(MaxCells) {
		m.Blocks = append(m.Blocks, BlockCell{Prefix: netip.PrefixFrom(addressAt(first+i<<shift), m.Cell), CellCounts: CellCounts{Size: 1 << shift}})
	}
	next, last := m.Prefix.Addr(), lastOf(m.Prefix)
	for more := true; more && !last.Less(next); {
		err := n.do(ctx, func(*Effects) {
			next, more = n.core.table.Ascend(next, findStride, func(b *binding.Binding) bool {
				if last.Less(b.Addr()) {
					return false
				}
				k := &m.Blocks[(numberAt(b.Addr())-first)>>shift].CellCounts
				switch b.State {
				case binding.Active:
					k.Active++
				case binding.Expired, binding.Released:
					k.Grace++
				case binding.Abandoned:
					k.Abandoned++
				case binding.Free:
					return true
				}
				if n.core.pools.Covers(b.Addr()) {
					k.Free-- // of what is counted below
				}
				return true
			})
		})
		if err != nil {
			return err
		}
	}
	var pools []*policy.Pool
	if err := n.do(ctx, func(*Effects) { pools = n.core.policy.Pools() }); err != nil {
		return err
	}
	for _, q := range pools {
		if q.First.Is4() {
			spread(m, numberAt(q.First), numberAt(q.Last), first, shift)
		}
	}
	for i := range m.Blocks {
		k := &m.Blocks[i].CellCounts
		k.Outside = k.Size - k.Active - k.Grace - k.Abandoned - k.Free
	}
	return nil
}

// spread adds the addresses from low to high to the blocks that they lie in.
func spread(m *Map, low, high, first uint32, shift int) {
	for i := range m.Blocks {
		begin := first + uint32(i)<<shift
		end := begin + (1<<shift - 1)
		if low <= end && begin <= high {
			m.Blocks[i].Free += uint64(min(high, end)-max(low, begin)) + 1
		}
	}
}

func numberAt(a netip.Addr) uint32 {
	b := a.As4()
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

func addressAt(n uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

// sum adds counts.
func (k *CellCounts) sum(o *CellCounts) {
	k.Size += o.Size
	k.Active += o.Active
	k.Grace += o.Grace
	k.Abandoned += o.Abandoned
	k.Offered += o.Offered
	k.Reserved += o.Reserved
	k.Free += o.Free
	k.PartnerFree += o.PartnerFree
	k.Outside += o.Outside
}

// stands says how an address stands whose binding is b, if one is known: its state as AddressCell has it, who may give it away, and which
// count it belongs to.
func (c *Core) stands(a netip.Addr, b *binding.Binding, known bool) (state string, owner binding.Member, count func(*CellCounts) *uint64) {
	if known {
		switch b.State {
		case binding.Active:
			return b.State.String(), b.Home, func(k *CellCounts) *uint64 { return &k.Active }
		case binding.Expired, binding.Released:
			return b.State.String(), b.Home, func(k *CellCounts) *uint64 { return &k.Grace }
		case binding.Abandoned:
			return b.State.String(), "", func(k *CellCounts) *uint64 { return &k.Abandoned }
		case binding.Free:
		}
	}
	own, partners := c.owners(a)
	switch {
	case own:
		owner = c.self
		count = func(k *CellCounts) *uint64 { return &k.Free }
	case partners:
		owner = c.relation.config.Partner
		count = func(k *CellCounts) *uint64 { return &k.PartnerFree }
	case c.onOffer(a):
		return "offered", c.self, func(k *CellCounts) *uint64 { return &k.Offered }
	case c.policy.ReservedFor(a) != nil || c.pools.Covers(a):
		return "reserved", "", func(k *CellCounts) *uint64 { return &k.Reserved }
	default:
		return "outside", "", func(k *CellCounts) *uint64 { return &k.Outside }
	}
	if known {
		return "free", owner, count
	}
	return "unused", owner, count
}

// owners reports whether a free address is this server's own, or the other one's.
func (c *Core) owners(a netip.Addr) (own, partners bool) {
	if !c.pools.Covers(a) {
		return false, false
	}
	own = c.pools.Available(a)
	return own, !own && c.relation != nil && c.pools.AvailableTo(a, c.relation.config.Partner)
}

func (c *Core) onOffer(a netip.Addr) bool {
	_, other := c.pools.Offered(a, &binding.Client{})
	return other
}

// ages are how long ago something was, at most, to be of the age with that number.
var ages = [...]time.Duration{10 * time.Minute, time.Hour, 24 * time.Hour, 7 * 24 * time.Hour}

// ageOf returns the age of t, as AddressCell has it.
func ageOf(now, t time.Time) int {
	if t.IsZero() {
		return -1
	}
	for i, most := range ages {
		if now.Sub(t) <= most {
			return i
		}
	}
	return len(ages)
}

// cell draws an address.
func (c *Core) cell(now time.Time, a netip.Addr) (AddressCell, func(*CellCounts) *uint64) {
	b, known := c.table.Get(host(a))
	state, owner, count := c.stands(a, &b, known)
	cell := AddressCell{Address: a, State: state, Owner: string(owner), Age: -1}
	if h := c.policy.ReservedFor(a); h != nil {
		cell.Host = h.Name
	}
	if !known {
		return cell, count
	}
	cell.Age, cell.Since = ageOf(now, b.Changed), At(b.Changed)
	if b.State == binding.Active {
		cell.Age = ageOf(now, b.CLTT)
		cell.Stale = c.isStale(b.Prefix)
	}
	if b.Client.Hardware.IsZero() && len(b.Client.ID) == 0 {
		return cell, count
	}
	cell.Hardware, cell.ClientID, cell.Expires = b.Client.Hardware.String(), binding.FormatClientID(b.Client.ID), At(b.Expires)
	if v, ok := b.Facts.Option(uint16(option.CodeHostName)); ok {
		cell.Hostname = string(v)
	}
	return cell, count
}

// isStale reports whether p's client holds something else than it would get, as far as the ledger knows.
func (c *Core) isStale(p netip.Prefix) bool {
	e, ok := c.ledger.book.Get(p)
	return ok && e.Cause != 0
}
