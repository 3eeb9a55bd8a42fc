package config

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lessor-dhcp/lessor/internal/spelling"
)

func groupKeys() *object[Group] {
	return &object[Group]{
		name: "group", what: "group", where: "group", example: "group: {name: campus, members: {west: {peer: 10.9.0.1:647}}}",
		keys: []key[Group]{
			{name: "name", doc: "The group's name, which its members tell each other. Default: " + DefaultGroup + ".", shape: shape{"type": "string", "maxLength": MaxName},
				read: func(p *parser, g *Group, _, v *yaml.Node) { g.Name = p.text(v, "the group's name", "campus", MaxName) }},
			{name: "members", doc: "The servers by name. The first is the primary, unless failover names another.",
				shape: mapOf("member"), read: (*parser).readMembers},
			{name: "failover", doc: "How two members share their work.", shape: ref("failover"),
				read: func(p *parser, g *Group, k, v *yaml.Node) {
					g.Failover.Position = position(k)
					fields(p, p.tables.failover, v, &g.Failover)
				}},
			{name: "on-takeover", doc: "By whose configuration a member answers a client whose home is another member: home (the client's), the default, or local (its own).",
				shape: takeoverShape(), read: func(p *parser, g *Group, _, v *yaml.Node) { g.OnTakeover = p.takeover(v) }},
		},
	}
}

func memberKeys() *object[Member] {
	return &object[Member]{
		name: "member", what: "a member", where: "group: members: NAME", example: "west: {peer: 10.9.0.1:647}",
		keys: []key[Member]{
			{name: "peer", doc: "Where the other members reach it: ADDRESS:PORT, or ADDRESS for port " + strconv.Itoa(DefaultPeerPort) + ". May be left out where it is the only one.",
				shape: stringShape("", "10.9.0.1:647"), read: func(p *parser, m *Member, _, v *yaml.Node) {
					m.peerWritten = true
					m.Peer = p.endpoint(v, "peer", "10.9.0.1:647", DefaultPeerPort)
				}},
			{name: "class", doc: "Its server class: one of server-classes.", shape: shape{"type": "string", "maxLength": MaxName},
				read: func(p *parser, m *Member, _, v *yaml.Node) {
					m.Class = p.text(v, "class", "core", MaxName)
					m.classPosition = position(v)
				}},
			{name: "protocol", doc: "What it speaks with the other members: lessor, the default, or isc-dhcpd.",
				shape: shape{"enum": []string{ProtocolLessor, ProtocolISC}}, read: (*parser).readProtocol},
		},
	}
}

func (p *parser) readMembers(g *Group, _, v *yaml.Node) {
	p.entries(v, "members", "members: {west: {peer: 10.9.0.1:647}}", func(k, v *yaml.Node) {
		m := Member{Name: p.member(k, k.Value), Protocol: ProtocolLessor, Position: position(k)}
		fields(p, p.tables.member, v, &m)
		if m.Name == "" {
			return
		}
		if len(g.Members) == MaxMembers {
			p.fail(k, fmt.Sprintf("the group has more than %d members", MaxMembers), "make several groups of them")
			return
		}
		g.Members = append(g.Members, m)
	})
}

func (p *parser) readProtocol(m *Member, _, v *yaml.Node) {
	s, ok := p.scalar(v, "protocol", ProtocolLessor)
	if !ok {
		return
	}
	if s == ProtocolLessor || s == ProtocolISC {
		m.Protocol = s
		return
	}
	remedy := "write " + ProtocolLessor + " or " + ProtocolISC
	if near := spelling.Nearest(strings.ToLower(s), []string{ProtocolLessor, ProtocolISC, "isc", "dhcpd"}); near != "" {
		if near != ProtocolLessor {
			near = ProtocolISC
		}
		remedy = "did you mean " + near + "?"
	}
	p.fail(v, "there is no protocol "+clip(s), remedy)
}

// endpoint returns the address and port that v spells, with the port other where it names none.
func (p *parser) endpoint(v *yaml.Node, what, example string, other uint16) (to netip.AddrPort) {
	s, ok := p.scalar(v, what, example)
	if !ok {
		return to
	}
	to, err := netip.ParseAddrPort(s)
	if err != nil {
		a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
		if err != nil {
			p.fail(v, fmt.Sprintf("%s: %s is no address with a port", what, clip(s)), "write numbers, as in "+example+": names are not looked up")
			return netip.AddrPort{}
		}
		to = netip.AddrPortFrom(a, other)
	}
	switch {
	case to.Port() == 0:
		p.fail(v, what+": port 0 is no port", "write "+netip.AddrPortFrom(to.Addr(), other).String())
	case to.Addr().IsMulticast(), to.Addr() == netip.AddrFrom4([4]byte{255, 255, 255, 255}), to.Addr().Is4In6():
		p.fail(v, fmt.Sprintf("%s: %v is not the address of a host", what, to.Addr()), "write "+example)
	default:
		return to
	}
	return netip.AddrPort{}
}
