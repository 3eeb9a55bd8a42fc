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
	"time"

	"github.com/gaissmai/bart"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/pool"
)

// Policy is one version of the configuration, compiled for serving.
type Policy struct {
	Version  binding.Digest
	Document *config.Document

	registry *option.Registry
	networks []*Network
	byName   map[string]*Network
	// byInterface has the networks that name interfaces; each has a subnet.
	byInterface map[string]*Network
	subnets     bart.Table[*Subnet]
	relays      map[netip.Addr]*Subnet
	pools       []*Pool // the index is the pool.ID
	hosts       hostIndex
	weakest     scope // enterprise
	accept      config.Accept
}

// Network is a shared network: one link.
type Network struct {
	Name    string
	Subnets []*Subnet

	scope scope
}

// Subnet is one range of addresses with a mask on a Network.
type Subnet struct {
	Prefix  netip.Prefix
	Network *Network
	Pools   []*Pool

	scope   scope
	derived []Value // subnet-mask and broadcast-address
}

// Pool is a range that addresses are leased from.
type Pool struct {
	ID          pool.ID
	First, Last netip.Addr
	Subnet      *Subnet

	allow, deny classSet
	scope       scope
}

// Name returns the range as it is written in a document.
func (p *Pool) Name() string { return p.First.String() + "-" + p.Last.String() }

// Has reports whether a lies in the pool's range.
func (p *Pool) Has(a netip.Addr) bool { return p.First.Compare(a) <= 0 && a.Compare(p.Last) <= 0 }

// classSet is a set of the built-in classes.
type classSet uint8

const (
	known classSet = 1 << iota
	unknown
)

func classesOf(names []string) (s classSet) {
	for _, n := range names {
		switch n {
		case config.ClassKnown:
			s |= known
		case config.ClassUnknown:
			s |= unknown
		}
	}
	return s
}

// Value is one option that a client gets, and why.
type Value struct {
	Code   uint16
	Bytes  []byte // as on the wire, whole
	Layer  config.Layer
	Object string // which network, subnet, … ; empty for layers of which there is one
	Line   int    // in the document; 0 if it is nowhere written
	Rule   string // "set", "derived", "default", "suggested"
	// OnlyAsked says that only a client which names the option in its request list gets it.
	OnlyAsked bool

	reason []byte // the same, encoded once for binding.Reasons
}

func newValue(code uint16, b []byte, l config.Layer, object string, line int, rule string) Value {
	v := Value{Code: code, Bytes: b, Layer: l, Object: object, Line: line, Rule: rule}
	v.reason = binding.AppendReason(nil, binding.Reason{Code: code, Layer: l.String(), Object: object, Line: uint32(line), Rule: rule})
	return v
}

// scope is what one layer sets, compiled.
type scope struct {
	values     []Value
	lease      config.Lease
	parameters parameters
}

// parameters are what a layer sets that is no option: each with its reason, or nil.
type parameters struct {
	nextServer     netip.Addr
	bootFile       []byte
	serverHostname []byte

	nextServerReason, bootFileReason, serverHostnameReason, leaseReason []byte

	authoritative, rapidCommit *bool
	probe                      *time.Duration
}

func compileScope(s *config.Scope, l config.Layer, object string) scope {
	c := scope{lease: s.Lease}
	for _, o := range s.Options {
		c.values = append(c.values, newValue(uint16(o.Def.Code), o.Value, l, object, o.Position.Line, "set"))
	}
	reason := func(code uint16, line int) []byte {
		return binding.AppendReason(nil, binding.Reason{Code: code, Layer: l.String(), Object: object, Line: uint32(line), Rule: "set"})
	}
	p := &c.parameters
	p.nextServer, p.bootFile, p.serverHostname = s.NextServer, []byte(s.BootFileName), []byte(s.ServerHostname)
	p.nextServerReason = reason(binding.ReasonNextServer, s.LinePositions["next-server"].Line)
	p.bootFileReason = reason(binding.ReasonBootFile, s.LinePositions["boot-file-name"].Line)
	p.serverHostnameReason = reason(binding.ReasonServerHostname, s.LinePositions["server-hostname"].Line)
	p.leaseReason = reason(binding.ReasonLifetime, s.Lease.Position.Line)
	p.authoritative, p.rapidCommit, p.probe = s.Authoritative, s.RapidCommit, s.ConflictProbe
	return c
}

// Compile returns the policy that doc describes. A Document has been validated, so this cannot fail.
func Compile(doc *config.Document) *Policy {
	p := &Policy{
		Version: doc.Digest, Document: doc, registry: doc.Registry, accept: doc.Accept,
		byName: map[string]*Network{}, byInterface: map[string]*Network{}, relays: map[netip.Addr]*Subnet{},
		weakest: compileScope(&doc.Enterprise, config.EnterpriseLayer, ""),
	}
	for i := range doc.Networks {
		p.addNetwork(&doc.Networks[i])
	}
	p.hosts.build(doc.Hosts)
	return p
}

func (p *Policy) addNetwork(c *config.Network) {
	n := &Network{Name: c.Name, scope: compileScope(&c.Scope, config.SharedNetwork, c.Name)}
	for i := range c.Subnets {
		n.Subnets = append(n.Subnets, p.addSubnet(n, &c.Subnets[i]))
	}
	for _, i := range c.Interfaces {
		if len(n.Subnets) > 0 {
			p.byInterface[i] = n
		}
	}
	p.networks = append(p.networks, n)
	p.byName[n.Name] = n
}

func (p *Policy) addSubnet(n *Network, c *config.Subnet) *Subnet {
	name := c.Prefix.String()
	s := &Subnet{Prefix: c.Prefix, Network: n, scope: compileScope(&c.Scope, config.SubnetLayer, name), derived: derive(c)}
	p.subnets.Insert(c.Prefix, s)
	for _, r := range c.Relays {
		p.relays[r] = s
	}
	for i := range c.Pools {
		cp := &c.Pools[i]
		q := &Pool{ID: pool.ID(len(p.pools)), First: cp.First, Last: cp.Last, Subnet: s, allow: classesOf(cp.Allow), deny: classesOf(cp.Deny)}
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

// Summary says in a few words how large the policy is, for the log.
func (p *Policy) Summary() string {
	return fmt.Sprintf("%d networks, %d pools, %d hosts", len(p.networks), len(p.pools), len(p.hosts.all))
}
