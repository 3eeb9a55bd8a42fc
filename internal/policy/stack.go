package policy

import (
	"slices"

	"github.com/lessor-dhcp/lessor/internal/config"
)

// place is one place in an order of layers: one layer, or kinds of classes that share it.
type place struct {
	layer config.Layer
	kinds uint16 // bit for bit the layers, if classes
}

func compileOrder(o config.Order) []place {
	ps := make([]place, 0, len(o))
	for _, layers := range o {
		var x place
		for _, l := range layers {
			x.layer = l
			switch l {
			case config.UserClass, config.VendorClass, config.HardwareClass:
				x.kinds |= 1 << l
			}
		}
		ps = append(ps, x)
	}
	return ps
}

// layers is a set of layers, bit for bit.
type layers uint16

func (ls layers) has(l config.Layer) bool { return ls>>l&1 == 1 }

// above returns the layers that are stronger than l.
func above(o config.Order, l config.Layer) (ls layers) {
	for _, place := range o {
		if slices.Contains(place, l) {
			break
		}
		for _, x := range place {
			ls |= 1 << x
		}
	}
	return ls
}

// serverScopes are the layers that depend on the member that answers. Nil: nobody wrote any.
type serverScopes struct{ server, class *scope }

// stack appends to dst the scopes that hold for d's client at its address, the strongest first; as are those of the server.
func (p *Policy) stack(dst []*scope, order []place, as serverScopes, d *Decision) []*scope {
	s, q := d.Subnet, d.Pool
	add := func(x *scope) {
		if x != nil {
			dst = append(dst, x)
		}
	}
	if p.habits.OwnMask {
		add(&s.mask)
	}
	for _, at := range order {
		if at.kinds != 0 {
			for _, i := range d.classes {
				if c := &p.classes[i].scope; at.kinds>>c.layer&1 == 1 {
					dst = append(dst, c)
				}
			}
			continue
		}
		switch at.layer {
		case config.ClientLayer:
			if len(d.suggested.values) > 0 {
				add(&d.suggested)
			}
		case config.HostLayer:
			if d.Host != nil {
				add(&d.Host.scope)
			}
		case config.DomainLayer:
			add(d.domain)
		case config.PoolLayer:
			if q != nil {
				add(&q.scope)
			}
		case config.SubnetLayer:
			add(&s.scope)
			if !p.habits.DerivedLast {
				add(&s.derived)
			}
		case config.SharedNetwork:
			add(&s.Network.scope)
		case config.ServerLayer:
			add(as.server)
		case config.ServerClassLayer:
			add(as.class)
		case config.IntranetLayer:
			add(s.Network.intranet)
		case config.EnterpriseLayer:
			add(&p.enterprise)
		case config.HostRequirements:
			if p.habits.DerivedLast {
				add(&s.derived)
			}
			add(&hostRequirements)
		}
	}
	return dst
}
