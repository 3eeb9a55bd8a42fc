package config

import (
	"fmt"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// bound is a lifetime and where it was written.
type bound struct {
	time.Duration
	pos Position
}

// bounds are the lifetimes that hold in some scope: what the document writes in it and in wider ones. Those that it
// does not write are not set: what is built in gives way to what is written (defaults.go).
type bounds struct{ def, min, max bound }

// within returns the bounds that hold in a scope inside the one of b, and says where they contradict each other.
func (p *parser) within(b bounds, s *Scope) bounds {
	l := s.Lease
	if l.Default == 0 && l.Min == 0 && l.Max == 0 {
		return b
	}
	for _, x := range []struct {
		written time.Duration
		into    *bound
	}{{l.Default, &b.def}, {l.Min, &b.min}, {l.Max, &b.max}} {
		if x.written != 0 {
			*x.into = bound{x.written, l.Position}
		}
	}
	for _, x := range []struct {
		what, than string
		low, high  bound
	}{
		{"min", "max", b.min, b.max}, {"min", "default", b.min, b.def}, {"default", "max", b.def, b.max},
	} {
		if x.low.Duration != 0 && x.high.Duration != 0 && x.low.Duration > x.high.Duration {
			p.add(Error, l.Position, fmt.Sprintf("lease: %s (%s) is longer than %s (%s)", x.what, x.low.say(l), x.than, x.high.say(l)),
				"min, default and max must ascend")
			break
		}
	}
	return b
}

// say names a bound, with its line where it was not written in l itself.
func (b bound) say(l Lease) string {
	s := "infinite"
	if b.Duration != binding.Infinite {
		s = brief(b.Duration)
	}
	if b.pos != l.Position {
		s += fmt.Sprintf(" on line %d", b.pos.Line)
	}
	return s
}

// checkLeases says where lifetimes contradict each other, on the way from the widest scope to each pool. Those of the
// layers beside that way are compared with the enterprise's only, since their clients may be anywhere. Where the document
// has another order for parameters, the wider scope need not be the weaker one, and each is looked at alone.
func (p *parser) checkLeases() {
	if !p.doc.Precedence.Parameters.nested() {
		p.doc.eachScope(func(_ Layer, s *Scope) { p.within(bounds{}, s) })
		return
	}
	all := p.within(bounds{}, &p.doc.Enterprise)
	ofIntranet := map[string]bounds{}
	for i := range p.doc.Intranets {
		n := &p.doc.Intranets[i]
		b := p.within(all, &n.Scope)
		for _, name := range n.Networks {
			ofIntranet[name] = b
		}
	}
	for i := range p.doc.Networks {
		n := &p.doc.Networks[i]
		wider, ok := ofIntranet[n.Name]
		if !ok {
			wider = all
		}
		ofNetwork := p.within(wider, &n.Scope)
		for j := range n.Subnets {
			s := &n.Subnets[j]
			ofSubnet := p.within(ofNetwork, &s.Scope)
			for k := range s.Pools {
				p.within(ofSubnet, &s.Pools[k].Scope)
			}
		}
	}
	p.doc.eachScope(func(l Layer, s *Scope) {
		switch l {
		case ServerClassLayer, ServerLayer, UserClass, VendorClass, HardwareClass, DomainLayer, HostLayer:
			p.within(all, s)
		}
	})
}

// nested reports whether in o the enterprise is weaker than every other layer that a document sets, and from the intranet
// to the pool the narrower layer is the stronger one.
func (o Order) nested() bool {
	var rank [Layers + 1]int
	for i, place := range o {
		for _, l := range place {
			rank[l] = i
		}
	}
	for l := EnterpriseLayer + 1; l < ClientLayer; l++ {
		if rank[l] > rank[EnterpriseLayer] {
			return false
		}
	}
	return rank[IntranetLayer] > rank[SharedNetwork] && rank[SharedNetwork] > rank[SubnetLayer] && rank[SubnetLayer] > rank[PoolLayer]
}
