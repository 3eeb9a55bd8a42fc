package config

import (
	"fmt"
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/option"
)

// setting returns what a scope says of an option, nil if nothing.
func (s *Scope) setting(c option.Code) *Setting {
	for i := range s.Options {
		if s.Options[i].Def.Code == c {
			return &s.Options[i]
		}
	}
	return nil
}

// addresses returns the addresses that an option's value consists of.
func (o *Setting) addresses() []netip.Addr {
	if o == nil {
		return nil
	}
	var as []netip.Addr
	for b := o.Value; len(b) >= 4; b = b[4:] {
		as = append(as, netip.AddrFrom4([4]byte(b)))
	}
	return as
}

// checkRouters warns of routers that a client could not reach, or that a pool would give to a client, and of masks that
// are not the subnet's.
func (p *parser) checkRouters(all []placed) {
	for i := range p.doc.Networks {
		n := &p.doc.Networks[i]
		routers := n.setting(option.CodeRouters)
		for _, a := range routers.addresses() {
			if in, ok := find(all, a); !ok || in.network != n {
				p.add(Warning, routers.Position, fmt.Sprintf("router %v is in no subnet of network %s: its clients cannot reach it", a, clip(n.Name)), "write a router that is in the subnet")
			}
		}
		for j := range n.Subnets {
			s := &n.Subnets[j]
			p.checkSubnetRouters(s, &s.Scope)
			for k := range s.Pools {
				p.checkSubnetRouters(s, &s.Pools[k].Scope)
			}
		}
	}
}

func (p *parser) checkSubnetRouters(s *Subnet, scope *Scope) {
	routers := scope.setting(option.CodeRouters)
	for _, a := range routers.addresses() {
		if !s.Prefix.Contains(a) {
			p.add(Warning, routers.Position, fmt.Sprintf("router %v is outside subnet %v: its clients cannot reach it", a, s.Prefix), "write a router that is in the subnet")
		} else if x := p.holder(a); x != nil {
			p.add(Warning, routers.Position, fmt.Sprintf("router %v is in pool %v: a client may be given its address", a, x.span()), "leave it out of the range")
		}
	}
	mask := scope.setting(option.CodeSubnetMask)
	if as := mask.addresses(); len(as) == 1 && as[0] != maskOf(s.Prefix) {
		p.add(Warning, mask.Position, fmt.Sprintf("subnet-mask %v is not that of subnet %v", as[0], s.Prefix), "leave it out: it follows from the subnet")
	}
}

func maskOf(q netip.Prefix) netip.Addr {
	return netip.AddrFrom4([4]byte{
		^byte(0xff >> min(max(q.Bits(), 0), 8)), ^byte(0xff >> min(max(q.Bits()-8, 0), 8)),
		^byte(0xff >> min(max(q.Bits()-16, 0), 8)), ^byte(0xff >> min(max(q.Bits()-24, 0), 8)),
	})
}

// checkShared warns of values that many clients would share and that should be of one client each.
func (p *parser) checkShared() {
	p.doc.eachScope(func(l Layer, s *Scope) {
		if l == HostLayer {
			return
		}
		if o := s.setting(option.CodeHostName); o != nil && o.Form != Unset {
			p.add(Warning, o.Position, "every client here is told the same host name", "write it in a host")
		}
	})
}
