package policy

import (
	"net/netip"
	"slices"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/class"
	"github.com/lessor-dhcp/lessor/internal/config"
)

// classOf is a class, compiled.
type classOf struct {
	name  string
	line  int
	scope scope
}

// addClasses compiles the classes in the order of their strength: by priority, then by their place in the document.
func (p *Policy) addClasses(doc *config.Document) {
	order := make([]*config.Class, len(doc.Classes))
	for i := range doc.Classes {
		order[i] = &doc.Classes[i]
	}
	slices.SortStableFunc(order, func(a, b *config.Class) int { return b.Priority - a.Priority })
	matches := make([]*class.Match, len(order))
	p.classes, p.classNamed = make([]classOf, len(order)), make(map[string]uint32, len(order))
	for i, c := range order {
		matches[i] = c.Match
		p.classes[i] = classOf{name: c.Name, line: c.Position.Line, scope: compileScope(&c.Scope, c.Kind, c.Name)}
		p.classNamed[c.Name] = uint32(i)
	}
	p.classSet = class.NewSet(matches)
}

// classList is the classes that a pool allows or denies.
type classList struct {
	known, unknown bool
	classes        []uint32
}

func (l *classList) empty() bool { return !l.known && !l.unknown && len(l.classes) == 0 }

func (p *Policy) classList(names []string) (l classList) {
	for _, n := range names {
		switch n {
		case config.ClassKnown:
			l.known = true
		case config.ClassUnknown:
			l.unknown = true
		default:
			if i, ok := p.classNamed[n]; ok {
				l.classes = append(l.classes, i)
			}
		}
	}
	return l
}

// meets reports whether d's client is in a class of the list.
func (l *classList) meets(d *Decision) bool {
	known := d.Host != nil
	if l.known && known || l.unknown && !known {
		return true
	}
	for _, i := range l.classes {
		if d.in(i) {
			return true
		}
	}
	return false
}

// admits reports whether d's client may use the pool.
func (q *Pool) admits(d *Decision) bool {
	return (q.allow.empty() || q.allow.meets(d)) && !q.deny.meets(d)
}

// Place fills the half of d that does not depend on the address.
func (p *Policy) Place(as binding.Member, f *Facts, d *Decision) {
	f.readRelay()
	d.policy, d.as = p, p.members[as]
	d.Link, d.Host, d.Reserved, d.Pools = f.Link, p.hosts.of(f, d), netip.Addr{}, d.Pools[:0]
	d.Subnet, d.Pool = nil, nil
	d.keeper, d.agreed, d.waits = nil, nil, false
	if d.Host != nil && d.Host.fits(f.Link.Network) == 2 {
		d.Reserved, d.keeper = d.Host.Address, d.Host
	}
	p.classify(f, d)
	d.addPools(f.Link)
	for _, s := range f.Link.Network.Subnets {
		if s != f.Link {
			d.addPools(s)
		}
	}
}

func (d *Decision) addPools(s *Subnet) {
	for _, q := range s.Pools {
		if q.admits(d) {
			d.Pools = append(d.Pools, q)
		}
	}
}

// classify finds the client's classes and its domain.
func (p *Policy) classify(f *Facts, d *Decision) {
	d.classes, d.failed, d.domain = d.classes[:0], nil, nil
	if len(p.classes) == 0 && len(p.domains) == 0 {
		return
	}
	d.client = class.Client{Identity: f.Client, Options: f.Options, Relay: f.relay, GIAddr: f.GIAddr, Network: f.Link.Network.Name, Known: d.Host != nil}
	if len(p.classes) > 0 {
		d.classes, d.failed = p.classSet.Members(&d.client, &d.memory, d.classes)
		d.mark(len(p.classes))
	}
	if len(p.domains) > 0 {
		d.domainName = d.client.AppendDomain(d.domainName[:0])
		d.domain = p.domainOf(d.domainName)
	}
}

// mark makes a set of d.classes, for in.
func (d *Decision) mark(n int) {
	words := (n + 63) / 64
	d.member = slices.Grow(d.member[:0], words)[:words]
	clear(d.member)
	for _, i := range d.classes {
		d.member[i>>6] |= 1 << (i & 63)
	}
}

// in reports whether the client is in the class with this index.
func (d *Decision) in(i uint32) bool {
	return len(d.classes) > 0 && d.member[i>>6]&(1<<(i&63)) != 0
}

// domainOf returns the scope of the longest suffix of name, whole labels, that the document has; nil if none.
func (p *Policy) domainOf(name []byte) *scope {
	for len(name) > 0 {
		if s, ok := p.domains[string(name)]; ok {
			return s
		}
		dot := slices.Index(name, '.')
		if dot < 0 {
			return nil
		}
		name = name[dot+1:]
	}
	return nil
}

// Failed returns the classes whose expression failed for the client, so that it counts as no member. The slice is valid
// until the next Place.
func (d *Decision) Failed() []class.Failure { return d.failed }

// ClassName returns the name of the class with the index that a class.Failure has, and its line in the document.
func (p *Policy) ClassName(index int) (name string, line int) {
	return p.classes[index].name, p.classes[index].line
}

// Classes calls each with the names of the client's classes, the strongest first.
func (d *Decision) Classes(each func(name string)) {
	for _, i := range d.classes {
		each(d.policy.classes[i].name)
	}
}
