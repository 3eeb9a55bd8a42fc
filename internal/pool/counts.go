package pool

import "github.com/lessor-dhcp/lessor/internal/binding"

// Counts says what the addresses of a pool are doing. Each is counted once, so that all the others sum up to Size. In
// a pool of 2^64 addresses or more Size is one less than 2^64.
type Counts struct {
	Size      uint64
	Active    uint64 // leased
	Grace     uint64 // Expired or Released, and not free yet
	Abandoned uint64 // in use by somebody else
	Offered   uint64 // none of these, and on offer
	Reserved  uint64 // none of these, and reserved for a host
	Free      uint64
}

// Counts returns what the addresses of the pool are doing.
func (p *Pools) Counts(id ID) Counts {
	c := p.pools[id].counts
	c.Free = c.Size - c.Active - c.Grace - c.Abandoned - c.Offered - c.Reserved
	return c
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
