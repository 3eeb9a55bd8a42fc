package config

import (
	"fmt"
	"net/netip"
	"slices"
)

// checkPools says which pools are outside their subnet, hold addresses that no host may have, or overlap.
func (p *parser) checkPools(all []placed) {
	var pools []*Pool
	for _, s := range all {
		for i := range s.Pools {
			x := &s.Pools[i]
			pools = append(pools, x)
			p.checkPool(s.Prefix, x)
		}
	}
	slices.SortStableFunc(pools, func(a, b *Pool) int { return a.First.Compare(b.First) })
	for i := 1; i < len(pools); i++ {
		open, x := pools[i-1], pools[i]
		if open.Last.Less(x.First) {
			continue
		}
		if x.Last.Less(open.Last) {
			pools[i] = open // it reaches furthest: what follows is compared with it
		}
		if x.at("range").before(open.at("range")) {
			open, x = x, open
		}
		p.add(Error, x.at("range"), fmt.Sprintf("pool %v overlaps pool %v on line %d", x.span(), open.span(), open.at("range").Line), "an address belongs to one pool")
	}
}

func (x *Pool) span() poolRange { return poolRange{x.First, x.Last} }

func (p *parser) checkPool(prefix netip.Prefix, x *Pool) {
	u := usable(prefix)
	switch {
	case !prefix.Contains(x.First) || !prefix.Contains(x.Last):
		p.add(Error, x.at("range"), fmt.Sprintf("pool %v is outside its subnet %v", x.span(), prefix), fmt.Sprintf("write a range within %v", u))
	case x.First.Less(u.first):
		p.add(Error, x.at("range"), fmt.Sprintf("pool %v begins with the address of the subnet %v itself, which no host can have", x.span(), prefix), fmt.Sprintf("begin with %v", u.first))
	case u.last.Less(x.Last):
		p.add(Error, x.at("range"), fmt.Sprintf("pool %v ends with the broadcast address of its subnet %v, which no host can have", x.span(), prefix), fmt.Sprintf("end with %v", u.last))
	}
}

// holds returns the pool of the subnet that a is in, nil if there is none.
func (s *Subnet) holds(a netip.Addr) *Pool {
	for i := range s.Pools {
		if x := &s.Pools[i]; !a.Less(x.First) && !x.Last.Less(a) {
			return x
		}
	}
	return nil
}
