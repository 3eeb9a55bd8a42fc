package pool

import (
	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/slab"
)

// Counts says what the addresses of a pool are doing. Each is counted once, so that all the others sum up to Size. In
// a pool of 2^64 addresses or more Size is one less than 2^64.
type Counts struct {
	Size      uint64
	Active    uint64 // leased
	Grace     uint64 // Expired or Released, and not free yet
	Abandoned uint64 // in use by somebody else
	Offered   uint64 // none of these, and on offer
	Reserved  uint64 // none of these, and reserved for a host
	Free      uint64 // none of these, and this server's own
	// PartnerFree are none of these and not this server's own: it may not give them away, or only when the partner is
	// known to be down. It is 0 on a server alone.
	PartnerFree uint64
}

// Counts returns what the addresses of the pool are doing.
func (p *Pools) Counts(id ID) Counts {
	c := p.pools[id].counts
	used := c.Active + c.Grace + c.Abandoned + c.Offered + c.Reserved
	c.Free, c.PartnerFree = c.Size-used, 0
	if p.other != "" {
		q := &p.pools[id]
		partners := sum(q.theirs, slab.Key{Lo: uint64(q.queue[theirs].Len())})
		own := q.run().size().Minus(partners).Minus(slab.Key{Lo: used})
		c.Free, c.PartnerFree = split(c.Free, own, partners)
	}
	return c
}

// split returns how total is made up of a and b. Where they are more than that, since it was clipped to 64 bits, the
// smaller one is right if it can be.
func split(total uint64, a, b slab.Key) (uint64, uint64) {
	switch x, y := clipped(a), clipped(b); {
	case x <= total/2:
		return x, total - x
	case y <= total/2:
		return total - y, y
	}
	return total / 2, total - total/2
}

// of returns the count that an address in that state belongs to.
func (c *Counts) of(s binding.State, offered, reserved bool) *uint64 {
	switch s {
	case binding.Active:
		return &c.Active
	case binding.Expired, binding.Released:
		return &c.Grace
	case binding.Abandoned:
		return &c.Abandoned
	case binding.Free:
	}
	switch {
	case offered:
		return &c.Offered
	case reserved:
		return &c.Reserved
	}
	return &c.Free
}
