package config

import (
	"cmp"
	"slices"
)

// sortByName puts everything that has a name, but for classes, into the order that Document promises.
func sortByName(d *Document) {
	named := func(a, b Named) int { return cmp.Compare(a.Name, b.Name) }
	slices.SortStableFunc(d.Intranets, func(a, b Intranet) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortStableFunc(d.ServerClasses, named)
	slices.SortStableFunc(d.Servers, named)
	slices.SortStableFunc(d.Domains, named)
	slices.SortStableFunc(d.Networks, func(a, b Network) int { return cmp.Compare(a.Name, b.Name) })
	sortHosts(d)
}

// sortHosts sorts places in the list rather than the hosts themselves, which are large and may be many.
func sortHosts(d *Document) {
	if len(d.Hosts) < 2 {
		return
	}
	order := make([]int, len(d.Hosts))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(d.Hosts[a].Name, d.Hosts[b].Name) })
	sorted := make([]Host, len(d.Hosts))
	for i, at := range order {
		sorted[i] = d.Hosts[at]
	}
	d.Hosts = sorted
}

// check finds what no single value can tell. Its cost is n log n in the number of subnets, pools and hosts.
func (p *parser) check() {
	subnets := p.placedSubnets()
	p.checkSubnets(subnets)
	p.checkPools(subnets)
	p.checkRelays(subnets)
	p.checkInterfaces()
	p.checkLeases()
	p.checkRouters(subnets)
	p.checkShared()
	p.checkHosts(subnets)
	p.checkGroup()
	p.checkIntranets()
	p.checkServers()
	p.checkClasses()
	p.checkPrecedence()
	if len(p.doc.Networks) == 0 && !p.problems.Errors() {
		p.add(Warning, Position{}, "the document has no networks: no client is served", emptyRemedy)
	}
}

// before reports whether a stands before b in the document.
func (a Position) before(b Position) bool {
	return a.Line < b.Line || a.Line == b.Line && a.Column < b.Column
}

// at returns where a key of the scope stands, or where the scope does.
func (s *Scope) at(key string) Position {
	if pos, ok := s.LinePositions[key]; ok {
		return pos
	}
	return s.Position
}
