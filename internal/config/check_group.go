package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/spelling"
)

// member returns the member of that name, nil if there is none.
func (g *Group) member(name binding.Member) *Member {
	if i := slices.IndexFunc(g.Members, func(m Member) bool { return m.Name == name }); i >= 0 {
		return &g.Members[i]
	}
	return nil
}

func (g *Group) names() []string {
	names := make([]string, len(g.Members))
	for i, m := range g.Members {
		names[i] = string(m.Name)
	}
	return names
}

// checkGroup says what is wrong with the members and their relationship, and chooses the primary.
func (p *parser) checkGroup() {
	g := &p.doc.Group
	if len(g.Members) == 0 {
		if p.primary != (Position{}) {
			p.add(Error, p.primary, "there are no members, so none can be the primary", "name them under group: members, or take the line out")
		}
		return
	}
	p.checkSelf(g)
	p.checkPeers(g)
	switch {
	case g.Primary == "":
		g.Primary = g.Members[0].Name
	case g.member(g.Primary) == nil:
		p.add(Error, p.primary, fmt.Sprintf("the primary %s is not a member of the group", g.Primary), meantOf(string(g.Primary), g.names()))
	}
	if len(g.Members) > 2 {
		p.add(Warning, g.Position, fmt.Sprintf("the group has %d members, and two at most can share their addresses: `lessor serve` refuses this document", len(g.Members)),
			"leave two of them")
	}
	p.checkPair()
}

// checkSelf says so where this server is no member, or is one that another vendor's program is.
func (p *parser) checkSelf(g *Group) {
	name := p.doc.Server.Name
	if name == "" {
		return
	}
	switch m := g.member(name); {
	case m == nil:
		p.add(Error, p.serverName, fmt.Sprintf("this server, %s, is not a member of the group", name), meantOf(string(name), g.names()))
	case m.Protocol == ProtocolISC:
		p.add(Error, m.Position, fmt.Sprintf("member %s is this server, which does not speak %s", name, ProtocolISC), "write protocol: lessor, or take it out")
	}
}

func (p *parser) checkPeers(g *Group) {
	p.checkAlone(g)
	seen := map[netip.AddrPort]*Member{}
	for i := range g.Members {
		m := &g.Members[i]
		if m.Protocol == ProtocolISC {
			p.add(Warning, m.Position, fmt.Sprintf("member %s speaks %s, without TLS: only its address tells who it is", m.Name, ProtocolISC),
				"let the two talk over a network that nobody else can send from")
		}
		switch first, ok := seen[m.Peer]; {
		case !m.Peer.IsValid():
			if len(g.Members) > 1 && !m.peerWritten {
				p.add(Error, m.Position, fmt.Sprintf("member %s has no peer: the others cannot reach it", m.Name), "write peer: ADDRESS:PORT")
			}
		case ok:
			p.add(Error, m.Position, fmt.Sprintf("members %s and %s have one peer, %v", first.Name, m.Name, m.Peer), "each has an address and port of its own")
		default:
			seen[m.Peer] = m
		}
	}
}

// checkAlone says so where a member that only its address tells has not that address to itself.
func (p *parser) checkAlone(g *Group) {
	for i := range g.Members {
		for j := range g.Members {
			m, o := &g.Members[i], &g.Members[j]
			if i != j && m.Protocol == ProtocolISC && m.Peer.IsValid() && m.Peer.Addr() == o.Peer.Addr() && m.Peer != o.Peer {
				p.add(Error, m.Position, fmt.Sprintf("member %s has the address of member %s: nothing but its address tells who it is", m.Name, o.Name),
					"give one of them an address of its own")
			}
		}
	}
}

// meantOf returns what to write instead of word, which must be one of names.
func meantOf(word string, names []string) string {
	if near := spelling.Nearest(word, names); near != "" {
		return "did you mean " + near + "?"
	}
	const few = 8
	if len(names) == 0 {
		return "there are none"
	}
	s := "write one of"
	for i, n := range names {
		if i == few {
			return s + " …"
		}
		if i > 0 {
			s += ","
		}
		s += " " + firstRunes(n, 60)
	}
	return s
}

// Serves returns nil if the server that d is of, with Server.Name filled in (see As), can serve it, alone or as one of two, and
// else says in the operator's words why not and what to do.
func (d *Document) Serves() error {
	g := &d.Group
	switch {
	case len(g.Members) > 2:
		return fmt.Errorf("%s: the group has %d members, and two at most can share their addresses: leave two of them under group: members", d.File, len(g.Members))
	case len(g.Members) > 0 && g.member(d.Server.Name) == nil:
		names := make([]string, len(g.Members))
		for i, m := range g.Members {
			names[i] = string(m.Name)
		}
		return fmt.Errorf("%s: this server, %s, is not a member of the group, which has %s: write its name in server: name", d.File, d.Server.Name, strings.Join(names, " and "))
	}
	return nil
}
