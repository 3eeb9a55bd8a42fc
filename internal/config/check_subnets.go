package config

import (
	"fmt"
	"net/netip"
	"slices"
	"sort"
)

// placed is a subnet and the network that it belongs to.
type placed struct {
	*Subnet
	network *Network
}

// placedSubnets returns all subnets of the document in ascending order of prefix.
func (p *parser) placedSubnets() []placed {
	var all []placed
	for i := range p.doc.Networks {
		n := &p.doc.Networks[i]
		for j := range n.Subnets {
			all = append(all, placed{&n.Subnets[j], n})
		}
	}
	slices.SortStableFunc(all, func(a, b placed) int { return comparePrefix(a.Prefix, b.Prefix) })
	return all
}

// find returns the subnet that a is in; false if there is none. all is in ascending order, and does not overlap.
func find(all []placed, a netip.Addr) (placed, bool) {
	i := sort.Search(len(all), func(i int) bool { return a.Less(all[i].Prefix.Addr()) })
	if i == 0 || !all[i-1].Prefix.Contains(a) {
		return placed{}, false
	}
	return all[i-1], true
}

// checkSubnets says which subnets overlap, once for each that comes later in the document. Prefixes nest or are disjoint,
// so each need only be compared with the narrowest that is still open.
func (p *parser) checkSubnets(all []placed) {
	var open []placed
	told := map[Position]bool{}
	for _, s := range all {
		for len(open) > 0 && !open[len(open)-1].Prefix.Overlaps(s.Prefix) {
			open = open[:len(open)-1]
		}
		open = append(open, s)
		if len(open) == 1 {
			continue
		}
		first, second := open[len(open)-2], s
		if second.Position.before(first.Position) {
			first, second = second, first
		}
		if told[second.Position] {
			continue
		}
		told[second.Position] = true
		p.add(Error, second.Position, fmt.Sprintf("subnet %v overlaps subnet %v of network %s on line %d", second.Prefix, first.Prefix, clip(first.network.Name), first.Position.Line),
			"an address belongs to one subnet: make one of them smaller, or take it out")
	}
}

// checkRelays says which relays do not tell one network.
func (p *parser) checkRelays(all []placed) {
	type relay struct {
		subnet placed
		pos    Position
	}
	seen := map[netip.Addr]relay{}
	p.checkTaken(all)
	for _, s := range all {
		for i, a := range s.Relays {
			pos := s.RelayPositions[i]
			if first, ok := seen[a]; ok {
				p.relayTwice(a, first.subnet, s, first.pos, pos)
				continue
			}
			seen[a] = relay{s, pos}
			if in, ok := find(all, a); ok && in.network != s.network {
				p.add(Warning, pos, fmt.Sprintf("relay %v lies in subnet %v of network %s: what it relays counts as from network %s", a, in.Prefix, clip(in.network.Name), clip(s.network.Name)),
					"take it out, unless that network's own clients use another relay")
			}
		}
	}
}

func (p *parser) relayTwice(a netip.Addr, x, y placed, posX, posY Position) {
	if posY.before(posX) {
		x, y, posX, posY = y, x, posY, posX
	}
	if x.network == y.network {
		p.add(Error, posY, fmt.Sprintf("relay %v stands twice in network %s: first on line %d", a, clip(x.network.Name), posX.Line), "leave one of them")
		return
	}
	p.add(Error, posY, fmt.Sprintf("relay %v belongs to network %s already, on line %d", a, clip(x.network.Name), posX.Line), "a relay's address tells the network of its clients: name it in one")
}
