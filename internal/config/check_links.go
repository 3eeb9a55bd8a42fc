package config

import (
	"fmt"
	"maps"
	"slices"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// checkInterfaces says which interface is on two links, or is named by a network and not heard.
func (p *parser) checkInterfaces() {
	type port struct {
		member binding.Member
		name   string
	}
	seen := map[port]*Network{}
	take := func(n *Network, member binding.Member, names []string) {
		for _, name := range names {
			first, ok := seen[port{member, name}]
			if !ok {
				seen[port{member, name}] = n
				continue
			}
			if n.at("interfaces").before(first.at("interfaces")) {
				first, n = n, first
			}
			p.add(Error, n.at("interfaces"), fmt.Sprintf("interface %s belongs to network %s already, on line %d", name, clip(first.Name), first.at("interfaces").Line),
				"an interface is on one link: subnets of one link belong to one network")
		}
	}
	for i := range p.doc.Networks {
		n := &p.doc.Networks[i]
		if n.ByMember == nil {
			take(n, p.doc.Server.Name, n.Interfaces)
			p.checkHeard(n)
			continue
		}
		for _, member := range slices.Sorted(maps.Keys(n.ByMember)) {
			take(n, member, n.ByMember[member])
		}
		p.checkHeard(n)
	}
}

func (p *parser) checkHeard(n *Network) {
	heard := p.doc.Server.Interfaces
	if len(heard) == 0 {
		return
	}
	for _, name := range n.Interfaces {
		if !slices.Contains(heard, name) {
			p.add(Warning, n.at("interfaces"), fmt.Sprintf("no client is heard on %s: server: interfaces does not name it", name), "add it there")
		}
	}
}
