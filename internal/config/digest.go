package config

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// digest names the group part of a document by what it means.
//
// The canonical form that is hashed is a tree. A value is its length (4 octets, network order) and its octets; a key is
// written like a value before what it holds; a map begins with '{' and ends with '}', a list with '[' and ']'. The keys
// of a map that has names ascend; those of an object stand in the order of this file. What the document does not say is
// not there, and defaults are not filled in: so a document keeps its digest when a later Lessor knows more keys, or has
// other defaults.
func digest(d *Document, definitions []option.Def) binding.Digest {
	c := canonical{h: sha256.New()}
	c.open('{')
	if d.Accept.HostName || d.Accept.LeaseMin != 0 || d.Accept.LeaseMax != 0 {
		c.key("accept")
		c.accept(&d.Accept)
	}
	c.classes(d.Classes)
	c.named("domains", d.Domains)
	c.key("enterprise")
	c.open('{')
	c.scope(&d.Enterprise)
	c.open('}')
	c.group(&d.Group)
	c.key("hosts")
	c.open('{')
	for i := range d.Hosts {
		c.key(d.Hosts[i].Name)
		c.host(&d.Hosts[i])
	}
	c.open('}')
	c.intranets(d.Intranets)
	c.key("networks")
	c.open('{')
	for i := range d.Networks {
		c.key(d.Networks[i].Name)
		c.network(&d.Networks[i])
	}
	c.open('}')
	c.key("option-definitions")
	c.definitions(definitions)
	c.precedence(&d.Precedence)
	c.named("server-classes", d.ServerClasses)
	c.named("servers", d.Servers)
	c.open('}')
	c.flush()
	return binding.Digest(c.h.Sum(nil)[:16])
}

// canonical writes the canonical form into a hash.
type canonical struct {
	h   hash.Hash
	buf []byte
}

func (c *canonical) flush() {
	c.h.Write(c.buf)
	c.buf = c.buf[:0]
}

func (c *canonical) open(bracket byte) {
	c.buf = append(c.buf, bracket)
	if len(c.buf) > 1<<15 {
		c.flush()
	}
}

func (c *canonical) key(s string) {
	c.buf = append(binary.BigEndian.AppendUint32(c.buf, uint32(len(s))), s...)
}

func (c *canonical) value(b []byte) {
	c.buf = append(binary.BigEndian.AppendUint32(c.buf, uint32(len(b))), b...)
}

// octets writes a key and its value, if there is one.
func (c *canonical) octets(key string, b []byte) {
	if b != nil {
		c.key(key)
		c.value(b)
	}
}

func (c *canonical) text(key, s string) {
	if s != "" {
		c.key(key)
		c.key(s)
	}
}

func (c *canonical) texts(key string, list []string) {
	if len(list) == 0 {
		return
	}
	c.key(key)
	c.open('[')
	for _, s := range list {
		c.key(s)
	}
	c.open(']')
}

func (c *canonical) address(key string, a netip.Addr) {
	if a.IsValid() {
		c.octets(key, a.AsSlice())
	}
}

func (c *canonical) duration(key string, d time.Duration) {
	if d != 0 {
		c.octets(key, binary.BigEndian.AppendUint64(nil, uint64(d)))
	}
}

func (c *canonical) flag(key string, b *bool) {
	if b == nil {
		return
	}
	c.key(key)
	if *b {
		c.value([]byte{1})
	} else {
		c.value([]byte{0})
	}
}

func (c *canonical) accept(a *Accept) {
	c.open('{')
	if a.HostName {
		c.flag("host-name", &a.HostName)
	}
	if a.LeaseMin != 0 || a.LeaseMax != 0 {
		c.key("lease-time")
		c.open('{')
		c.duration("max", a.LeaseMax)
		c.duration("min", a.LeaseMin)
		c.open('}')
	}
	c.open('}')
}

// scope writes the keys of a scope, which follow the object's own.
func (c *canonical) scope(s *Scope) {
	c.flag("authoritative", s.Authoritative)
	c.text("boot-file-name", s.BootFileName)
	if s.ConflictProbe != nil {
		c.octets("conflict-probe", binary.BigEndian.AppendUint64(nil, uint64(*s.ConflictProbe)))
	}
	if l := s.Lease; l.Default != 0 || l.Min != 0 || l.Max != 0 {
		c.key("lease")
		c.open('{')
		c.duration("default", l.Default)
		c.duration("max", l.Max)
		c.duration("min", l.Min)
		c.open('}')
	}
	c.address("next-server", s.NextServer)
	c.takeover("on-takeover", s.OnTakeover)
	if len(s.Options) > 0 {
		c.key("options")
		c.open('{')
		for i := range s.Options {
			c.setting(&s.Options[i])
		}
		c.open('}')
	}
	if shares := namedShares(s.Quota); len(shares) > 0 {
		c.key("quota")
		c.open('{')
		for _, q := range shares {
			c.text(q.key, q.share.String())
		}
		c.open('}')
	}
	c.flag("rapid-commit", s.RapidCommit)
	c.text("server-hostname", s.ServerHostname)
}

func (c *canonical) network(n *Network) {
	c.open('{')
	if n.ByMember == nil {
		c.texts("interfaces", n.Interfaces)
	} else {
		c.key("interfaces")
		c.open('{')
		for _, m := range slices.Sorted(maps.Keys(n.ByMember)) {
			c.texts(string(m), n.ByMember[m])
		}
		c.open('}')
	}
	c.key("subnets")
	c.open('{')
	for i := range n.Subnets {
		s := &n.Subnets[i]
		c.key(s.Prefix.String())
		c.subnet(s)
	}
	c.open('}')
	c.scope(&n.Scope)
	c.open('}')
}

func (c *canonical) subnet(s *Subnet) {
	c.open('{')
	if len(s.Pools) > 0 {
		c.key("pools")
		c.open('[')
		for i := range s.Pools {
			c.pool(&s.Pools[i])
		}
		c.open(']')
	}
	if len(s.Relays) > 0 {
		c.key("relays")
		c.open('[')
		for _, a := range s.Relays {
			c.value(a.AsSlice())
		}
		c.open(']')
	}
	c.scope(&s.Scope)
	c.open('}')
}

func (c *canonical) pool(p *Pool) {
	c.open('{')
	c.texts("allow", p.Allow)
	c.texts("deny", p.Deny)
	c.text("range", p.First.String()+"-"+p.Last.String())
	c.scope(&p.Scope)
	c.open('}')
}

func (c *canonical) host(h *Host) {
	c.open('{')
	c.address("address", h.Address)
	c.octets("circuit-id", h.CircuitID)
	c.octets("client-id", h.ClientID)
	if !h.Hardware.IsZero() {
		c.key("hardware")
		b := h.Hardware.Bytes()
		c.buf = append(binary.BigEndian.AppendUint32(c.buf, uint32(1+len(b))), h.Hardware.Type)
		c.buf = append(c.buf, b...)
	}
	if len(h.Options) > 0 {
		c.key("match-options")
		c.open('{')
		for _, o := range h.Options {
			c.number(uint64(o.Code), 2)
			c.value(o.Value)
		}
		c.open('}')
	}
	c.octets("remote-id", h.RemoteID)
	c.octets("subscriber-id", h.SubscriberID)
	c.scope(&h.Scope)
	c.open('}')
}

func (c *canonical) definitions(definitions []option.Def) {
	defs := slices.Clone(definitions)
	slices.SortFunc(defs, func(a, b option.Def) int { return cmp.Compare(a.Name, b.Name) })
	c.open('{')
	for _, d := range defs {
		c.key(d.Name)
		c.open('{')
		c.octets("code", binary.BigEndian.AppendUint16(nil, uint16(d.Code)))
		c.text("type", d.Type.String())
		c.open('}')
	}
	c.open('}')
}
