package config

import (
	"fmt"
	"net/netip"
	"slices"
	"sort"
)

// checkPools says which pools are outside their subnet, hold addresses that no host may have, or overlap.
func (p *parser) checkPools(all []placed) {
	for _, s := range all {
		for i := range s.Pools {
			p.pools = append(p.pools, &s.Pools[i])
			p.checkPool(s.Prefix, &s.Pools[i])
		}
	}
	slices.SortStableFunc(p.pools, func(a, b *Pool) int { return a.First.Compare(b.First) })
	pools := slices.Clone(p.pools)
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

// holder returns the pool that a is in, nil if there is none. Where pools overlap, which is an error, it may miss one.
func (p *parser) holder(a netip.Addr) *Pool {
	i := sort.Search(len(p.pools), func(i int) bool { return a.Less(p.pools[i].First) })
	if i == 0 || p.pools[i-1].Last.Less(a) {
		return nil
	}
	return p.pools[i-1]
}

// checkTaken warns of pools that hold an address which a relay or this server has.
func (p *parser) checkTaken(all []placed) {
	warn := func(a netip.Addr, whose string, pos Position) {
		if x := p.holder(a); x != nil {
			p.add(Warning, pos, fmt.Sprintf("%s %v is in pool %v on line %d: a client may be given its address", whose, a, x.span(), x.at("range").Line), "leave it out of the range")
		}
	}
	for _, s := range all {
		for i, a := range s.Relays {
			warn(a, "relay", s.RelayPositions[i])
		}
	}
	for i, a := range p.doc.Server.Listen {
		warn(a, "this server's address", p.listen[i])
	}
}
