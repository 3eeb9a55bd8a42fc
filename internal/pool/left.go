package pool

import "github.com/lessor-dhcp/lessor/internal/binding"

// Two servers that share a pool give addresses at once, each its own, and hear of each other late or, while they are apart, not at all. So
// each leaves to clients elsewhere its half of what is theirs, of what is free and its own: a tenth of the pool (that is what DefaultShare
// leaves), or less if the place may have more, without what they have already; and where they have that already, its half of what
// DefaultShare keeps for them of the rest. Clients elsewhere so find an address at either server; and where a place may have nine tenths or
// more, the two together do not pass that, whatever they know of each other.

// left returns how many free addresses of a side are left to clients elsewhere than at the place that f is about, of whose pool these are
// the counts; 0 on a server alone.
func (p *Pools) left(s side, c *Counts, f *Full) uint64 {
	if p.other == "" {
		return 0
	}
	part := min(f.Size-f.Most, othersPart(f.Size))
	rest := min(f.Size, c.Free+c.PartnerFree+f.Held+f.Offered) // what clients elsewhere do not have
	part -= min(part, f.Size-rest)
	if most := mostOfRest.of(rest); f.Most == most {
		part = max(part, rest-most)
	}
	if (s == mine) == p.primary {
		return part - part/2 // the primary has the odd one
	}
	return part / 2
}

func othersPart(size uint64) uint64 { return size - DefaultShare.of(size) }

// freeOf returns how many addresses of a side are free.
func (c *Counts) freeOf(s side) uint64 {
	if s == theirs {
		return c.PartnerFree
	}
	return c.Free
}

// Plenty reports whether so many addresses of the pool are free and owner's that Full is not so by what is left to others.
func (p *Pools) Plenty(id ID, owner binding.Member) bool {
	s, _ := p.sideOf(owner)
	c := p.Counts(id)
	return p.other == "" || c.freeOf(s) > othersPart(c.Size)/2+1
}

// spent reports whether what is free of a side is left to clients elsewhere than at the place that f is about, and makes f say so.
func (p *Pools) spent(id ID, s side, f *Full) bool {
	c := p.Counts(id)
	left := p.left(s, &c, f)
	if left == 0 || c.freeOf(s) > left {
		return false
	}
	f.Left = left
	return true
}
