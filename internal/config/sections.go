package config

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

func namedKeys(name, what, where, example string) *object[Named] {
	scope := func(n *Named) *Scope { return &n.Scope }
	return &object[Named]{name: name, what: what, where: where, example: example, scope: scope, keys: scopeKeys(scope)}
}

func serverClassKeys() *object[Named] {
	return namedKeys("server-class", "a server class", "server-classes: NAME", "core: {options: {log-servers: [10.9.0.5]}}")
}

func oneServerKeys() *object[Named] {
	return namedKeys("one-server", "an entry of servers", "servers: NAME", "west: {next-server: 10.9.0.1}")
}

func domainKeys() *object[Named] {
	return namedKeys("domain", "a domain", "domains: NAME", "guests.corp.example: {options: {domain-search: [guests.corp.example]}}")
}

// named returns the objects of the map v by the table o, in the order of the document.
func (p *parser) named(v *yaml.Node, o *object[Named], section, what string) (all []Named) {
	p.entries(v, section, section+": {"+o.example+"}", func(k, v *yaml.Node) {
		n := Named{Name: p.name(k, what), Scope: Scope{Position: position(k)}}
		fields(p, o, v, &n)
		all = append(all, n)
	})
	return all
}

func (p *parser) readServers(d *Document, _, v *yaml.Node) {
	p.entries(v, "servers", "servers: {west: {next-server: 10.9.0.1}}", func(k, v *yaml.Node) {
		n := Named{Name: string(p.member(k, k.Value)), Scope: Scope{Position: position(k)}}
		fields(p, p.tables.oneServer, v, &n)
		if n.Name != "" {
			d.Servers = append(d.Servers, n)
		}
	})
}

func (p *parser) readDomains(d *Document, _, v *yaml.Node) {
	first := map[string]Position{}
	p.entries(v, "domains", "domains: {guests.corp.example: {…}}", func(k, v *yaml.Node) {
		name, ok := p.domain(k)
		n := Named{Name: name, Scope: Scope{Position: position(k)}}
		fields(p, p.tables.domain, v, &n)
		if !ok {
			return
		}
		if at, twice := first[name]; twice {
			p.fail(k, fmt.Sprintf("domain %s stands twice: first on line %d", name, at.Line), "case and a dot at the end make no difference: make one of them")
			return
		}
		first[name] = n.Position
		d.Domains = append(d.Domains, n)
	})
}

// domain returns the DNS name at n in lower case, without a dot at its end; false after it has said what is wrong.
func (p *parser) domain(n *yaml.Node) (string, bool) {
	name := strings.TrimSuffix(strings.ToLower(n.Value), ".")
	switch wrong := wrongDomain(name); {
	case strings.HasPrefix(name, "*."), strings.HasPrefix(name, "."):
		p.fail(n, clip(n.Value)+" is not a domain name", "write "+strings.TrimLeft(name, "*.")+": what is below a domain belongs to it")
	case wrong != "":
		p.fail(n, clip(n.Value)+" is not a domain name: "+wrong, "write labels of letters, digits and hyphens, as in guests.corp.example")
	default:
		return name, true
	}
	return "", false
}

// wrongDomain returns what keeps name from being a DNS name of hosts (RFC 1035 §2.3.4, RFC 1123 §2.1), "" if nothing
// does. Underscores are let through, since clients send them.
func wrongDomain(name string) string {
	if len(name) > 253 {
		return "it has more than 253 characters"
	}
	for label := range strings.SplitSeq(name, ".") {
		switch {
		case label == "":
			return "a label is empty"
		case len(label) > 63:
			return "a label has more than 63 characters"
		case label[0] == '-' || label[len(label)-1] == '-':
			return "a label begins or ends with a hyphen"
		case strings.ContainsFunc(label, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_')
		}):
			return "it has a character that no name of a host has"
		}
	}
	return ""
}

func intranetKeys() *object[Intranet] {
	scope := func(n *Intranet) *Scope { return &n.Scope }
	return &object[Intranet]{
		name: "intranet", what: "an intranet", where: "intranets: NAME", example: "lab: {networks: [floor1]}", scope: scope,
		keys: join([]key[Intranet]{
			{name: "networks", doc: "The shared networks that belong to it; each belongs to one intranet at most.", shape: listOf(stringShape("", "floor1")),
				read: func(p *parser, n *Intranet, _, v *yaml.Node) {
					seen := map[string]bool{}
					for _, e := range p.list(v, "networks") {
						s, ok := p.scalar(e, "a network", "floor1")
						switch {
						case !ok:
						case seen[s]:
							p.fail(e, fmt.Sprintf("network %s stands twice in this list", clip(s)), "leave one of them")
						default:
							seen[s] = true
							n.Networks = append(n.Networks, s)
							n.positions = append(n.positions, position(e))
						}
					}
				}},
		}, scopeKeys(scope)),
	}
}

func (p *parser) readIntranets(d *Document, _, v *yaml.Node) {
	p.entries(v, "intranets", "intranets: {lab: {networks: [floor1]}}", func(k, v *yaml.Node) {
		n := Intranet{Name: p.name(k, "an intranet"), Scope: Scope{Position: position(k)}}
		before := len(p.problems)
		fields(p, p.tables.intranet, v, &n)
		if len(n.Networks) == 0 && len(p.problems) == before {
			p.add(Warning, position(k), "intranet "+clip(n.Name)+" has no networks: it holds for nobody", "write networks: [NAME] in it, or take it out")
		}
		d.Intranets = append(d.Intranets, n)
	})
}

// checkIntranets says which of their networks do not exist, or are in two.
func (p *parser) checkIntranets() {
	type place struct {
		of  *Intranet
		pos Position
	}
	seen := map[string]place{}
	var names []string
	exists := make(map[string]bool, len(p.doc.Networks))
	for i := range p.doc.Networks {
		exists[p.doc.Networks[i].Name] = true
	}
	for i := range p.doc.Intranets {
		n := &p.doc.Intranets[i]
		for j, name := range n.Networks {
			here := place{n, n.positions[j]}
			first, taken := seen[name]
			switch {
			case p.full():
				return
			case !exists[name]:
				if names == nil {
					for i := range p.doc.Networks {
						names = append(names, p.doc.Networks[i].Name)
					}
				}
				p.add(Error, here.pos, "there is no network "+clip(name), meantOf(name, names))
			case !taken:
				seen[name] = here
			default:
				if here.pos.before(first.pos) {
					first, here = here, first
				}
				p.add(Error, here.pos, fmt.Sprintf("network %s belongs to intranet %s already, on line %d", clip(name), clip(first.of.Name), first.pos.Line), "a network is in one intranet at most")
			}
		}
	}
}

// checkServers says which server classes nobody has, and which servers nobody is.
func (p *parser) checkServers() {
	g, self := &p.doc.Group, p.doc.Server.Name
	has := map[string]bool{}
	var classes []string
	for _, c := range p.doc.ServerClasses {
		classes = append(classes, c.Name)
	}
	for i := range g.Members {
		m := &g.Members[i]
		has[m.Class] = true
		if m.Class != "" && !slices.Contains(classes, m.Class) {
			p.add(Warning, m.classPosition, fmt.Sprintf("member %s has class %s, which is not one of server-classes", m.Name, clip(m.Class)), meantOf(m.Class, classes))
		}
	}
	for _, c := range p.doc.ServerClasses {
		if !has[c.Name] {
			p.add(Warning, c.Position, fmt.Sprintf("no member has server class %s: it holds for nobody", clip(c.Name)), "write class: NAME in a member under group: members, or take it out")
		}
	}
	for _, s := range p.doc.Servers {
		switch {
		case len(g.Members) > 0:
			if g.member(binding.Member(s.Name)) == nil {
				p.add(Error, s.Position, fmt.Sprintf("server %s is not a member of the group", s.Name), meantOf(s.Name, g.names()))
			}
		case self != "" && s.Name != string(self):
			p.add(Warning, s.Position, fmt.Sprintf("this server is %s: what stands under %s holds for nobody", self, s.Name), "correct the name, or list the servers under group: members")
		}
	}
}
