// Package policy is the configuration, compiled: which link a message belongs to, which pools and which reservation
// its client may use, and which options and parameters it gets, each with the reason.
//
// It is pure and immutable: a Policy is swapped whole. It never decides whether to answer (responder), never looks at
// who holds what (binding, pool), and never reads a clock.
package policy

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/class"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/pool"
)

// Policy is one version of the configuration, compiled for serving.
type Policy struct {
	// Version is the name of the version in the group's history (Named); without one, the document's digest.
	Version  binding.Digest
	Document *config.Document
	// before are the names of the versions that this one comes from, where it is named.
	before map[binding.Digest]struct{}
	named  bool
	// lost are versions that it takes the place of, though it does not come from them (WithLost): few.
	lost []binding.Digest

	registry *option.Registry
	networks []*Network
	byName   map[string]*Network
	// byInterface has the networks that name interfaces; each has a subnet.
	byInterface map[string]*Network
	subnets     *bart.Table[*Subnet]
	relays      map[netip.Addr]*Subnet
	pools       []*Pool // the index is the pool.ID
	hosts       hostIndex
	classes     []classOf // the strongest first
	classNamed  map[string]uint32
	classSet    *class.Set
	domains     map[string]*scope
	members     map[binding.Member]serverScopes
	intranets   []*scope
	// serverClasses are those of all members.
	serverClasses []*scope
	enterprise    scope
	accept        config.Accept

	optionOrder, parameterOrder []place // the strongest first
	sameOrder                   bool
	aboveClient                 layers // those that are stronger than the client, for parameters
	habits                      config.Habits
	takeovers                   takeovers
}

// Network is a shared network: one link.
type Network struct {
	Name    string
	Subnets []*Subnet

	line     int
	scope    scope
	intranet *scope // nil: it is in none
}

// Subnet is one range of addresses with a mask on a Network.
type Subnet struct {
	Prefix  netip.Prefix
	Network *Network
	Pools   []*Pool

	scope   scope
	derived scope // subnet-mask and broadcast-address
	// mask is the subnet-mask where no layer may say another, and derived is without it then.
	mask scope
}

// Pool is a range that addresses are leased from.
type Pool struct {
	ID          pool.ID
	First, Last netip.Addr
	Subnet      *Subnet
	// Quota is how much of it clients at one place may have.
	Quota pool.Quota

	allow, deny classList
	scope       scope
}

// Name returns the range as it is written in a document.
func (p *Pool) Name() string { return p.First.String() + "-" + p.Last.String() }

// Has reports whether a lies in the pool's range.
func (p *Pool) Has(a netip.Addr) bool { return p.First.Compare(a) <= 0 && a.Compare(p.Last) <= 0 }

// Compile returns the policy that doc describes. A Document has been validated, so this cannot fail.
func Compile(doc *config.Document) *Policy {
	p := &Policy{
		Version: doc.Digest, Document: doc, registry: doc.Registry, accept: doc.Accept,
		subnets: new(bart.Table[*Subnet]),
		byName:  map[string]*Network{}, byInterface: map[string]*Network{}, relays: map[netip.Addr]*Subnet{},
		domains: map[string]*scope{}, members: map[binding.Member]serverScopes{},
		enterprise: compileScope(&doc.Enterprise, config.EnterpriseLayer, ""),
		habits:     doc.Precedence.Habits,
	}
	p.optionOrder, p.parameterOrder = compileOrder(doc.Precedence.Options), compileOrder(doc.Precedence.Parameters)
	p.sameOrder = slices.Equal(p.optionOrder, p.parameterOrder)
	p.aboveClient = above(doc.Precedence.Parameters, config.ClientLayer)
	p.addClasses(doc) // before the pools, which name them
	p.addMembers(doc)
	for i := range doc.Domains {
		s := compileScope(&doc.Domains[i].Scope, config.DomainLayer, doc.Domains[i].Name)
		p.domains[doc.Domains[i].Name] = &s
	}
	for i := range doc.Networks {
		p.addNetwork(&doc.Networks[i])
	}
	p.addIntranets(doc)
	p.hosts.build(doc.Hosts)
	p.takeovers = p.findTakeovers()
	return p
}

// addMembers compiles the layers of servers: of each member, and of each that only `servers` names.
func (p *Policy) addMembers(doc *config.Document) {
	classes := make(map[string]*scope, len(doc.ServerClasses))
	for i := range doc.ServerClasses {
		s := compileScope(&doc.ServerClasses[i].Scope, config.ServerClassLayer, doc.ServerClasses[i].Name)
		classes[doc.ServerClasses[i].Name] = &s
	}
	for _, m := range doc.Group.Members {
		p.members[m.Name] = serverScopes{class: classes[m.Class]}
	}
	for i := range doc.Servers {
		s := compileScope(&doc.Servers[i].Scope, config.ServerLayer, doc.Servers[i].Name)
		name := binding.Member(doc.Servers[i].Name)
		p.members[name] = serverScopes{server: &s, class: p.members[name].class}
	}
	p.serverClasses = slices.Collect(maps.Values(classes))
}

func (p *Policy) addIntranets(doc *config.Document) {
	for i := range doc.Intranets {
		c := &doc.Intranets[i]
		s := compileScope(&c.Scope, config.IntranetLayer, c.Name)
		p.intranets = append(p.intranets, &s)
		for _, name := range c.Networks {
			if n := p.byName[name]; n != nil {
				n.intranet = &s
			}
		}
	}
}

func (p *Policy) addNetwork(c *config.Network) {
	n := &Network{Name: c.Name, line: c.Position.Line, scope: compileScope(&c.Scope, config.SharedNetwork, c.Name)}
	for i := range c.Subnets {
		n.Subnets = append(n.Subnets, p.addSubnet(n, c.Quota.Over(p.Document.Enterprise.Quota), &c.Subnets[i]))
	}
	for _, i := range c.Interfaces {
		if len(n.Subnets) > 0 {
			p.byInterface[i] = n
		}
	}
	p.networks = append(p.networks, n)
	p.byName[n.Name] = n
}

func (p *Policy) addSubnet(n *Network, quota pool.Quota, c *config.Subnet) *Subnet {
	name := c.Prefix.String()
	s := &Subnet{
		Prefix: c.Prefix, Network: n, scope: compileScope(&c.Scope, config.SubnetLayer, name),
		derived: scope{layer: config.SubnetLayer, object: name, values: derive(c), takeover: c.OnTakeover},
	}
	if p.habits.OwnMask {
		s.mask, s.derived.values = s.derived, s.derived.values[1:]
		s.mask.values = derive(c)[:1]
	}
	p.subnets.Insert(c.Prefix, s)
	for _, r := range c.Relays {
		p.relays[r] = s
	}
	for i := range c.Pools {
		cp := &c.Pools[i]
		q := &Pool{ID: pool.ID(len(p.pools)), First: cp.First, Last: cp.Last, Subnet: s, allow: p.classList(cp.Allow), deny: p.classList(cp.Deny)}
		q.Quota = cp.Quota.Over(c.Quota).Over(quota)
		q.scope = compileScope(&cp.Scope, config.PoolLayer, q.Name())
		s.Pools = append(s.Pools, q)
		p.pools = append(p.pools, q)
	}
	return s
}

// derive returns the options that follow from the subnet itself.
func derive(c *config.Subnet) []Value {
	a := c.Prefix.Masked().Addr().As4()
	var mask, last [4]byte
	for i := range mask {
		bits := min(max(c.Prefix.Bits()-8*i, 0), 8)
		mask[i] = ^byte(0xff >> bits)
		last[i] = a[i] | ^mask[i]
	}
	line, name := c.Position.Line, c.Prefix.String()
	vs := []Value{newValue(uint16(option.CodeSubnetMask), mask[:], config.SubnetLayer, name, line, "derived")}
	if c.Prefix.Bits() < 31 { // RFC 3021: a /31 has no broadcast address
		vs = append(vs, newValue(uint16(option.CodeBroadcastAddress), last[:], config.SubnetLayer, name, line, "derived"))
	}
	for i := range vs {
		vs[i].Takeover = c.OnTakeover
	}
	return vs
}

// Ranges returns the ranges of all pools; the index is the pool.ID.
func (p *Policy) Ranges() []pool.Range {
	rs := make([]pool.Range, len(p.pools))
	for i, q := range p.pools {
		rs[i] = pool.Range{First: q.First, Last: q.Last}
	}
	return rs
}

// Pools returns all pools; the index is the pool.ID.
func (p *Policy) Pools() []*Pool { return p.pools }

// Networks returns all shared networks in ascending order of name.
func (p *Policy) Networks() []*Network { return p.networks }

// Reserved returns the addresses that are kept for one host each.
func (p *Policy) Reserved() []netip.Addr {
	var as []netip.Addr
	for _, h := range p.hosts.all {
		if h.Address.IsValid() {
			as = append(as, h.Address)
		}
	}
	return as
}

// Relays returns the addresses of relays that the document names; they are taken, wherever they lie.
func (p *Policy) Relays() []netip.Addr {
	return slices.SortedFunc(maps.Keys(p.relays), netip.Addr.Compare)
}

// SubnetOf returns the subnet that a lies in, nil if none.
func (p *Policy) SubnetOf(a netip.Addr) *Subnet {
	s, ok := p.subnets.Lookup(a)
	if !ok {
		return nil
	}
	return s
}

// Registry returns the options that the document knows.
func (p *Policy) Registry() *option.Registry { return p.registry }

// Size is about how many objects the policy has: a measure of the memory that it takes.
func (p *Policy) Size() int {
	return len(p.networks) + p.subnets.Size() + len(p.pools) + len(p.hosts.all) + len(p.classes) + len(p.domains)
}

// Summary says in a few words how large the policy is, for the log.
func (p *Policy) Summary() string {
	s := fmt.Sprintf("%d networks, %d pools, %d hosts", len(p.networks), len(p.pools), len(p.hosts.all))
	if len(p.classes) > 0 {
		s += fmt.Sprintf(", %d classes", len(p.classes))
	}
	return s
}
