package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

func networkKeys() *object[Network] {
	scope := func(n *Network) *Scope { return &n.Scope }
	return &object[Network]{
		name: "network", what: "a network", where: "networks: NAME", example: "lan: {subnets: {10.0.0.0/24: {…}}}", scope: scope,
		keys: join([]key[Network]{
			{name: "interfaces", doc: "The server's interfaces on the link, where their addresses do not tell: a list, or by server name a list each.",
				shape: shape{"oneOf": []any{listOf(stringShape("", "eth0")), shape{"type": "object", "additionalProperties": listOf(stringShape("", "eth0"))}}},
				read:  (*parser).readInterfaces, noted: true},
			{name: "subnets", doc: "The subnets of the link by prefix.", shape: subnetsShape(), read: (*parser).readSubnets},
		}, withQuota(scopeKeys(scope), scope)),
	}
}

func (p *parser) readNetworks(d *Document, _, v *yaml.Node) {
	d.Networks = make([]Network, 0, p.count(v))
	p.entries(v, "networks", "networks: {lan: {subnets: {…}}}", func(k, v *yaml.Node) {
		n := Network{Name: p.name(k, "a network"), Scope: Scope{Position: position(k)}}
		fields(p, p.tables.network, v, &n)
		if len(n.Subnets) == 0 && !p.hasContent(v, "subnets") {
			p.fail(k, "network "+clip(n.Name)+" has no subnets", "write subnets: {10.0.0.0/24: {…}} under it, or take it out")
		}
		if n.ByMember != nil {
			n.Interfaces = n.ByMember[d.Server.Name]
		}
		d.Networks = append(d.Networks, n)
	})
}

// hasContent reports whether something is written at a key of n, be it right or wrong.
func (p *parser) hasContent(n *yaml.Node, key string) bool {
	c := child(n, key)
	return c != nil && (len(c.Content) > 0 || c.Kind == yaml.ScalarNode && !isNull(c))
}

func (p *parser) readInterfaces(n *Network, _, v *yaml.Node) {
	if v.Kind != yaml.MappingNode {
		n.Interfaces = p.interfaceNames(v)
		return
	}
	n.ByMember = map[binding.Member][]string{}
	p.entries(v, "interfaces", "interfaces: [eth0]", func(k, v *yaml.Node) {
		if m := p.member(k, k.Value); m != "" {
			n.ByMember[m] = p.interfaceNames(v)
		}
	})
}

func subnetKeys() *object[Subnet] {
	scope := func(s *Subnet) *Scope { return &s.Scope }
	return &object[Subnet]{
		name: "subnet", what: "a subnet", where: "networks: NAME: subnets: PREFIX", example: "10.0.0.0/24: {pools: [{range: 10.0.0.50-10.0.0.240}]}", scope: scope,
		keys: join([]key[Subnet]{
			{name: "relays", doc: "Further addresses of relays (giaddr) that belong to the link.", shape: listOf(addressShape()),
				read: (*parser).readRelays},
			{name: "pools", doc: "The ranges that addresses may be leased from.", shape: shape{"type": "array", "items": ref("pool")},
				read: (*parser).readPools},
			{name: "prefix-pools", later: withDHCPv6},
		}, withQuota(scopeKeys(scope), scope)),
	}
}

func (p *parser) readSubnets(n *Network, _, v *yaml.Node) {
	p.entries(v, "subnets", "subnets: {10.0.0.0/24: {…}}", func(k, v *yaml.Node) {
		s := Subnet{Scope: Scope{Position: position(k)}}
		var ok bool
		s.Prefix, ok = p.prefix(k)
		if !ok && strings.Contains(k.Value, ":") {
			return // of a later Lessor: nothing in it can be judged
		}
		fields(p, p.tables.subnet, v, &s)
		if ok {
			n.Subnets = append(n.Subnets, s)
		}
	})
	slices.SortStableFunc(n.Subnets, func(a, b Subnet) int { return comparePrefix(a.Prefix, b.Prefix) })
}

// comparePrefix orders by first address, then wider before narrower.
func comparePrefix(a, b netip.Prefix) int {
	if c := a.Addr().Compare(b.Addr()); c != 0 {
		return c
	}
	return a.Bits() - b.Bits()
}

// prefix returns the subnet that the key k names; false after it has said what is wrong.
func (p *parser) prefix(k *yaml.Node) (netip.Prefix, bool) {
	s := k.Value
	x, err := netip.ParsePrefix(s)
	switch {
	case err != nil && !strings.Contains(s, "/") && !strings.Contains(s, ":"):
		p.fail(k, clip(s)+" is not a subnet", "write the prefix with its length, as in 10.0.0.0/24")
	case err != nil && strings.Contains(s, ":") || err == nil && x.Addr().Is6():
		p.fail(k, clip(s)+": not yet: IPv6 comes with "+withDHCPv6, "leave it out for now")
	case err != nil:
		p.fail(k, clip(s)+" is not an IPv4 prefix", "write it as in 10.0.0.0/24")
	case x.Masked() != x:
		p.fail(k, fmt.Sprintf("%v has address bits beyond its length", x), fmt.Sprintf("write %v", x.Masked()))
	case x.Bits() == 0, x.Addr().As4()[0] == 0, x.Addr().As4()[0] == 127, x.Addr().As4()[0] >= 224:
		p.fail(k, fmt.Sprintf("%v holds no addresses of hosts", x), "write the prefix of a link, as in 10.0.0.0/24")
	default:
		return x, true
	}
	return netip.Prefix{}, false
}

func (p *parser) readRelays(s *Subnet, _, v *yaml.Node) {
	for _, e := range p.list(v, "relays") {
		a, ok := loopback(e)
		if !ok {
			a, ok = p.address(e, "the address of a relay")
		}
		if ok {
			s.Relays = append(s.Relays, a)
			s.RelayPositions = append(s.RelayPositions, position(e))
		}
	}
}
