package config

import (
	"fmt"
	"net/netip"
	"slices"

	"go.yaml.in/yaml/v4"
)

func serverKeys() *object[Server] {
	return &object[Server]{
		name: "server", what: "server", where: "server", example: "server: {name: west}",
		keys: []key[Server]{
			{name: "name", doc: "The server's name among the members. Default: the machine's name up to its first dot.",
				shape: stringShape(memberName.String(), "west"),
				read: func(p *parser, s *Server, _, v *yaml.Node) {
					if t, ok := p.scalar(v, "the server's name", "west"); ok {
						s.Name = p.member(v, t)
					}
				}},
			{name: "interfaces", doc: "Where clients are heard directly. Default: every interface with an address.",
				shape: listOf(stringShape("", "eth0")),
				read: func(p *parser, s *Server, _, v *yaml.Node) {
					s.Interfaces = p.interfaceNames(v)
				}},
			{name: "listen", doc: "Addresses for relayed and unicast packets. Default: those of the interfaces.",
				shape: listOf(addressShape()), read: (*parser).readListen},
			{name: "data", doc: "The directory of the durable state, made with mode 0700 if missing. Default: " + DefaultData + ".",
				shape: stringShape("", DefaultData),
				read: func(p *parser, s *Server, _, v *yaml.Node) {
					s.Data = p.text(v, "the data directory", DefaultData, 1024)
				}},
			{name: "api", later: withREST},
			{name: "tls", later: withGroup},
		},
	}
}

func (p *parser) readListen(s *Server, _, v *yaml.Node) {
	for _, e := range p.list(v, "listen") {
		if e.Kind == yaml.ScalarNode && e.Value == "0.0.0.0" {
			p.fail(e, "0.0.0.0 is no address to listen on: replies leave from the address that was asked", "leave listen out to listen on every address")
			continue
		}
		a, ok := loopback(e)
		if !ok {
			if a, ok = p.address(e, "an address to listen on"); !ok {
				continue
			}
		}
		if slices.Contains(s.Listen, a) {
			p.fail(e, a.String()+" stands twice in this list", "leave one of them")
			continue
		}
		if len(s.Listen) == MaxListen {
			p.fail(e, fmt.Sprintf("listen has more than %d addresses", MaxListen), "leave listen out to listen on every address")
			return
		}
		s.Listen = append(s.Listen, a)
		p.listen = append(p.listen, position(e))
	}
}

// loopback returns the loopback address at n. Servers and relays on one machine
// may use it.
func loopback(n *yaml.Node) (netip.Addr, bool) {
	a, err := netip.ParseAddr(n.Value)
	return a, err == nil && a.Is4() && a.IsLoopback()
}
