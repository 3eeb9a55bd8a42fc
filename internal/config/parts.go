package config

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// Part is a piece of the group's part of a document. Two members that are started with a file each compare theirs part
// by part, so that they can say what differs by its key.
type Part struct {
	// Name is the operator's key: group.failover.mclt; at most 255 octets.
	Name string
	// Digest names what the part says. Two parts that say the same have one, whatever the objects are called in which
	// they stand; for most parts, that name is something that they say.
	Digest binding.Digest
	// Vital says that safety stands on it, so that it must be the same in both.
	Vital bool
	// Says is its value for people; empty where that is long. At most 255 octets.
	Says string
}

// Parts returns the parts of the document that concern the group, in the order of the layers. Two documents of several
// members have equal sets of digests exactly when their Digest is equal. It costs as much as the document is large, and is
// asked for where a relationship is formed.
//
// Vital are the members, what their relationship is formed by, which addresses of a subnet are given away, and which
// client an address is kept for: of a network, a subnet or a host it is not vital what it is called.
func (d *Document) Parts() []Part {
	x := cutter{canonical: canonical{h: sha256.New()}}
	x.group(&d.Group)
	x.scope("enterprise", &d.Enterprise)
	for i := range d.Intranets {
		n := &d.Intranets[i]
		path := x.object("intranets", n.Name)
		x.plain(path+".networks", strings.Join(n.Networks, ", "), func() { x.texts("networks", slices.Sorted(slices.Values(n.Networks))) })
		x.scope(path, &n.Scope)
	}
	x.named("server-classes", d.ServerClasses)
	x.named("servers", d.Servers)
	for i := range d.Networks {
		x.network(&d.Networks[i])
	}
	x.classes(d.Classes)
	x.named("domains", d.Domains)
	for i := range d.Hosts {
		x.host(&d.Hosts[i])
	}
	x.accept(&d.Accept)
	for _, def := range d.definitions {
		x.plain("option-definitions."+def.Name, fmt.Sprintf("%d, %v", def.Code, def.Type), func() { x.canonical.definitions([]option.Def{def}) })
	}
	x.plain("precedence", d.Precedence.Profile, func() { x.canonical.precedence(&d.Precedence) })
	return x.parts
}

// cutter cuts a document into parts, whose digests are those of pieces of the canonical form.
type cutter struct {
	canonical
	parts []Part
}

// vital adds a part of that kind. write writes what it says; the name is not in it.
func (x *cutter) vital(kind, name, says string, write func()) {
	x.add(Part{Name: name, Vital: true, Says: says}, kind, write)
}

// plain adds a part that is not vital, whose name is something that it says.
func (x *cutter) plain(name, says string, write func()) {
	x.add(Part{Name: name, Says: says}, name, write)
}

func (x *cutter) add(p Part, label string, write func()) {
	x.h.Reset()
	x.key(label)
	write()
	x.flush()
	p.Digest = binding.Digest(x.h.Sum(nil)[:16])
	p.Name, p.Says = fitting(p.Name, p.Digest), shown(p.Says)
	x.parts = append(x.parts, p)
}

// fitting returns a name of a part that is not too long for one; where it is cut, the digest keeps it apart from others.
func fitting(name string, d binding.Digest) string {
	const most = 255
	if len(name) <= most {
		return name
	}
	return strings.ToValidUTF8(name[:most-12], "") + "…" + d.String()[:8]
}

// shown returns a value as it is shown to people: nothing, if it is long.
func shown(says string) string {
	const most = 100
	if len(says) > most {
		return ""
	}
	return says
}

// object adds a part that says that there is an object of that name, and returns its path.
func (x *cutter) object(section, name string) (path string) {
	path = section + "." + name
	x.plain(path, "", func() {})
	return path
}

func (x *cutter) group(g *Group) {
	name := cmp.Or(g.Name, DefaultGroup)
	x.vital("group", "group.name", name, func() { x.key(name) })
	for i := range g.Members {
		m := g.Members[i]
		path := "group.members." + string(m.Name)
		says := ""
		if m.Peer.IsValid() {
			says = m.Peer.String()
		}
		if m.Protocol != ProtocolLessor {
			says = strings.TrimSpace(says + " " + m.Protocol)
		}
		class := m.Class
		m.Class = ""
		x.vital("member", path, says, func() { x.member(&m) })
		if class != "" {
			x.plain(path+".class", class, func() { x.key(class) })
		}
	}
	x.vital("primary", "group.failover.primary", string(g.Primary), func() { x.key(string(g.Primary)) })
	x.failover(&g.Failover, name)
	takeover := "home"
	if g.OnTakeover == TakeoverLocal {
		takeover = "local"
	}
	x.plain("group.on-takeover", takeover, func() { x.key(takeover) })
}

func (x *cutter) failover(f *Failover, group string) {
	relationship := cmp.Or(f.Relationship, group)
	x.vital("relationship", "group.failover.relationship", relationship, func() { x.key(relationship) })
	x.vital("mclt", "group.failover.mclt", brief(f.MCLT), func() { x.key(f.MCLT.String()) })
	guard := "auto"
	if f.Guard > 0 {
		guard = brief(f.Guard)
	}
	for _, e := range []entry{
		{"split", strconv.Itoa(f.Split)},
		{"load-balance-secs", strconv.Itoa(f.LoadBalanceSecs)},
		{"receive-timer", brief(f.ReceiveTimer)},
		{"startup", brief(f.Startup)},
		{"reconnect", brief(f.Reconnect)},
		{"max-unacked", strconv.Itoa(f.MaxUnacked)},
		{"max-skew", brief(f.MaxSkew)},
		{"guard", guard},
		{"auto-partner-down", brief(f.AutoPartnerDown)},
	} {
		x.plain("group.failover."+e.key, e.value, func() { x.key(e.value) })
	}
}

func (x *cutter) named(section string, all []Named) {
	for i := range all {
		x.scope(x.object(section, all[i].Name), &all[i].Scope)
	}
}

func (x *cutter) network(n *Network) {
	path := x.object("networks", n.Name)
	if n.ByMember != nil || len(n.Interfaces) > 0 {
		says := ""
		if n.ByMember == nil {
			says = strings.Join(n.Interfaces, ", ")
		}
		x.plain(path+".interfaces", says, func() { x.canonical.network(&Network{Interfaces: n.Interfaces, ByMember: n.ByMember}) })
	}
	x.scope(path, &n.Scope)
	for i := range n.Subnets {
		x.subnet(path, &n.Subnets[i])
	}
}

func (x *cutter) subnet(path string, s *Subnet) {
	path = x.object(path+".subnets", s.Prefix.String())
	if len(s.Relays) > 0 {
		x.plain(path+".relays", joined(s.Relays), func() { x.canonical.subnet(&Subnet{Relays: s.Relays}) })
	}
	x.scope(path, &s.Scope)
	if len(s.Pools) == 0 {
		return
	}
	ranges := make([]poolRange, len(s.Pools))
	for i := range s.Pools {
		ranges[i] = s.Pools[i].span()
	}
	if len(ranges) > 1 { // which of several pools is taken from first is no matter of safety
		x.plain(path+".pools", joined(ranges), func() { x.ranges(s.Prefix, ranges) })
	}
	for i := range s.Pools {
		x.pool(path+".pools."+ranges[i].String(), &s.Pools[i])
	}
	ordered := slices.SortedFunc(slices.Values(ranges), func(a, b poolRange) int { return a.first.Compare(b.first) })
	x.vital("pools", path+".pools", joined(ordered), func() { x.ranges(s.Prefix, ordered) })
}

func (x *cutter) ranges(prefix netip.Prefix, all []poolRange) {
	x.key(prefix.String())
	x.open('[')
	for _, r := range all {
		x.value(r.first.AsSlice())
		x.value(r.last.AsSlice())
	}
	x.open(']')
}

func (x *cutter) pool(path string, p *Pool) {
	for _, list := range []struct {
		key   string
		names []string
	}{{".allow", p.Allow}, {".deny", p.Deny}} {
		if len(list.names) > 0 {
			x.plain(path+list.key, strings.Join(list.names, ", "), func() { x.texts("", list.names) })
		}
	}
	x.scope(path, &p.Scope)
}

func (x *cutter) classes(all []Class) {
	names := make([]string, len(all))
	for i := range all {
		c := all[i]
		names[i] = c.Name
		path, scope := "classes."+c.Name, c.Scope
		c.Scope = Scope{}
		x.plain(path, c.Text, func() { x.canonical.classes([]Class{c}) })
		x.scope(path, &scope)
	}
	if len(all) > 1 {
		x.plain("classes", strings.Join(names, ", "), func() { x.texts("", names) })
	}
}

func (x *cutter) host(h *Host) {
	path := "hosts." + h.Name
	x.plain(path, "", func() { x.canonical.host(h) })
	if h.Address.IsValid() {
		kept := *h
		kept.Scope = Scope{}
		x.vital("kept", path+".address", h.Address.String()+" for "+h.identity(), func() { x.canonical.host(&kept) })
	}
}

// identity names the client that h is for.
func (h *Host) identity() string {
	var all []string
	if !h.Hardware.IsZero() {
		all = append(all, h.Hardware.String())
	}
	if h.ClientID != nil {
		all = append(all, fmt.Sprintf("client-id %x", h.ClientID))
	}
	for _, id := range []struct {
		key   string
		value []byte
	}{{"circuit-id", h.CircuitID}, {"remote-id", h.RemoteID}, {"subscriber-id", h.SubscriberID}} {
		if id.value != nil {
			all = append(all, fmt.Sprintf("%s %q", id.key, id.value))
		}
	}
	for _, o := range h.Options {
		all = append(all, fmt.Sprintf("option-%d %x", o.Code, o.Value))
	}
	return strings.Join(all, " and ")
}

func (x *cutter) accept(a *Accept) {
	if a.HostName {
		x.plain("accept.host-name", "true", func() { x.canonical.accept(&Accept{HostName: true}) })
	}
	if a.LeaseMin != 0 || a.LeaseMax != 0 {
		x.plain("accept.lease-time", "", func() { x.canonical.accept(&Accept{LeaseMin: a.LeaseMin, LeaseMax: a.LeaseMax}) })
	}
}

func joined[T fmt.Stringer](all []T) string {
	var b strings.Builder
	for i, x := range all {
		if b.Len() > 200 {
			break // too long to be shown anyway
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(x.String())
	}
	return b.String()
}
