package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lessor-dhcp/lessor/internal/spelling"
)

func poolKeys() *object[Pool] {
	scope := func(p *Pool) *Scope { return &p.Scope }
	classes := func(name, doc string, at func(*Pool) *[]string) key[Pool] {
		return key[Pool]{name: name, doc: doc, shape: listOf(shape{"type": "string", "maxLength": MaxName, "examples": []string{ClassKnown}}), noted: true,
			read: func(p *parser, x *Pool, k, v *yaml.Node) {
				if *at(x) = p.classes(v, name); name == "allow" && v.Kind == yaml.SequenceNode && len(v.Content) == 0 {
					p.add(Warning, position(k), "allow names no class, so it keeps nobody from this pool", "name the classes that may use the pool, or take allow out")
				}
			}}
	}
	return &object[Pool]{
		name: "pool", what: "a pool", where: "networks: NAME: subnets: PREFIX: pools", example: "{range: 10.0.0.50-10.0.0.240}", scope: scope,
		required: []string{"range"},
		keys: join([]key[Pool]{
			{name: "range", doc: "The first and the last address, both included: 10.0.0.50-10.0.0.240.",
				shape: stringShape(`^[0-9.]+( *- *[0-9.]+)?$`, "10.0.0.50-10.0.0.240"), read: (*parser).readRange, noted: true},
			classes("allow", "The classes of which a client must be in one: those of the document, known (some host matches it) and unknown.", func(x *Pool) *[]string { return &x.Allow }),
			classes("deny", "The classes of which a client must be in none.", func(x *Pool) *[]string { return &x.Deny }),
		}, withQuota(scopeKeys(scope), scope)),
	}
}

func (p *parser) readPools(s *Subnet, _, v *yaml.Node) {
	if v.Kind == yaml.MappingNode || v.Kind == yaml.ScalarNode && !isNull(v) {
		p.fail(v, "pools must be a list, not "+kindOf(v), "write pools: [{range: 10.0.0.50-10.0.0.240}]")
		return
	}
	for _, e := range v.Content {
		if e.Kind != yaml.MappingNode {
			p.fail(e, "a pool must be a map, not "+kindOf(e), "write {range: 10.0.0.50-10.0.0.240}")
			continue
		}
		x := Pool{Scope: Scope{Position: position(e)}}
		fields(p, p.tables.pool, e, &x)
		p.checkUse(e, &x)
		if x.First.IsValid() {
			s.Pools = append(s.Pools, x)
		}
	}
}

// readRange reads FIRST-LAST, or one address.
func (p *parser) readRange(x *Pool, _, v *yaml.Node) {
	s, ok := p.scalar(v, "a range", "10.0.0.50-10.0.0.240")
	if !ok {
		return
	}
	if q, err := netip.ParsePrefix(s); err == nil && q.Addr().Is4() {
		p.fail(v, clip(s)+" is a prefix, not a range", fmt.Sprintf("write %v", usable(q.Masked())))
		return
	}
	from, to, both := strings.Cut(s, "-")
	if !both {
		to = from
	}
	first, wrong, remedy := parseAddress(strings.TrimSpace(from))
	if wrong == "" {
		x.Last, wrong, remedy = parseAddress(strings.TrimSpace(to))
	}
	switch {
	case wrong != "":
		p.fail(v, "range: "+wrong, remedy)
	case x.Last.Less(first):
		p.fail(v, fmt.Sprintf("range %v-%v ends before it begins", first, x.Last), fmt.Sprintf("write %v-%v", x.Last, first))
	default:
		x.First = first
	}
}

// classes returns the names in the list n.
func (p *parser) classes(n *yaml.Node, what string) []string {
	var names []string
	for _, e := range p.list(n, what) {
		s, ok := p.scalar(e, "a class", ClassKnown)
		switch {
		case !ok:
		case s != ClassKnown && s != ClassUnknown && !p.isClass[s]:
			p.noClass(e, s)
		case slices.Contains(names, s):
			p.fail(e, "class "+clip(s)+" stands twice in this list", "leave one of them")
		default:
			names = append(names, s)
			if p.pooled != nil {
				p.pooled[s] = true
			}
		}
	}
	return names
}

func (p *parser) noClass(e *yaml.Node, name string) {
	if p.full() {
		return
	}
	remedy := "declare it under classes, or write known or unknown"
	if near := spelling.Nearest(name, append([]string{ClassKnown, ClassUnknown}, p.classNames...)); near != "" {
		remedy = "did you mean " + near + "?"
	}
	p.fail(e, "there is no class "+clip(name), remedy)
}

// checkUse says so where a pool is for nobody.
func (p *parser) checkUse(n *yaml.Node, x *Pool) {
	if x.forNobody() {
		p.fail(n, "no client may use this pool: every class that it allows is denied", "change allow or deny")
	}
}

// usable returns the addresses of a subnet that hosts may have: all but the first and the last, where it has more than
// two (RFC 1122 §3.2.1.3, RFC 3021).
func usable(q netip.Prefix) poolRange {
	first, last := q.Addr(), lastOf(q)
	if q.Bits() < 31 {
		first, last = first.Next(), last.Prev()
	}
	return poolRange{first, last}
}

// lastOf returns the last address of an IPv4 prefix.
func lastOf(q netip.Prefix) netip.Addr {
	a := q.Addr().As4()
	for i := range a {
		a[i] |= byte(0xff >> min(max(q.Bits()-8*i, 0), 8))
	}
	return netip.AddrFrom4(a)
}

// poolRange is a range of addresses, as messages spell it.
type poolRange struct{ first, last netip.Addr }

func (r poolRange) String() string {
	if r.first == r.last {
		return r.first.String()
	}
	return r.first.String() + "-" + r.last.String()
}
