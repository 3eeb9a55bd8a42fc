package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

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
						s.Name, p.serverName = p.member(v, t), position(v)
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
			{name: "api", doc: "Where the REST interface is to be.", shape: ref("api"),
				read: func(p *parser, s *Server, k, v *yaml.Node) {
					s.API.Position = position(k)
					fields(p, p.tables.api, v, &s.API)
				}},
			{name: "tls", doc: "The files by which this server and the other members know each other.", shape: ref("tls"),
				read: func(p *parser, s *Server, k, v *yaml.Node) {
					s.TLS.Position = position(k)
					fields(p, p.tables.tls, v, &s.TLS)
				}},
		},
	}
}

func apiKeys() *object[API] {
	return &object[API]{
		name: "api", what: "api", where: "server: api", example: "api: {listen: 127.0.0.1:8067}",
		keys: []key[API]{
			{name: "listen", doc: fmt.Sprintf("ADDRESS:PORT, or ADDRESS for port %d. Plain HTTP on loopback without tls, TLS elsewhere. Default: the unix socket in the data directory only.", DefaultAPIPort),
				shape: stringShape("", "127.0.0.1:8067"), read: func(p *parser, a *API, _, v *yaml.Node) {
					a.Listen = p.endpoint(v, "listen", "127.0.0.1:8067", DefaultAPIPort)
				}},
			{name: "tls", doc: "The files of the certificate that browsers and programs are shown. Default: one that the server makes for itself, and that is known by its fingerprint.",
				shape: ref("api-tls"), read: func(p *parser, a *API, k, v *yaml.Node) {
					a.TLS.Position = position(k)
					fields(p, p.tables.apiTLS, v, &a.TLS)
				}},
			{name: "names", doc: "Names by which a proxy on this machine asks, beside loopback addresses and localhost; others are refused where nothing is encrypted.",
				shape: listOf(stringShape("", "dhcp.corp.example")), read: (*parser).readAPINames},
		},
	}
}

func apiTLSKeys() *object[TLS] {
	file := func(name, doc, example string, at func(*TLS) *string) key[TLS] {
		return key[TLS]{name: name, doc: doc, shape: stringShape("", example), read: func(p *parser, t *TLS, _, v *yaml.Node) {
			*at(t) = p.text(v, name, example, 1024)
		}}
	}
	return &object[TLS]{
		name: "api-tls", what: "tls", where: "server: api: tls", example: "tls: {certificate: /etc/lessor/api.pem, key: /etc/lessor/api.key}",
		required: []string{"certificate", "key"},
		keys: []key[TLS]{
			file("certificate", "The file of the certificate, with those of intermediate authorities behind it.", "/etc/lessor/api.pem", func(t *TLS) *string { return &t.Certificate }),
			file("key", "The file of its private key.", "/etc/lessor/api.key", func(t *TLS) *string { return &t.Key }),
		},
	}
}

// MaxAPINames is how many names the API may be asked by.
const MaxAPINames = 32

func (p *parser) readAPINames(a *API, _, v *yaml.Node) {
	for _, e := range p.list(v, "names") {
		name := strings.ToLower(strings.TrimSuffix(p.text(e, "a name of the API", "dhcp.corp.example", 253), "."))
		switch {
		case name == "":
		case strings.ContainsFunc(name, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.' }):
			p.fail(e, fmt.Sprintf("names: %s is no name of a machine", clip(name)), "write it as in dhcp.corp.example, without a port")
		case slices.Contains(a.Names, name):
			p.fail(e, "names: "+name+" stands twice in this list", "leave one of them")
		case len(a.Names) == MaxAPINames:
			p.fail(e, fmt.Sprintf("names: there are more than %d", MaxAPINames), "leave those that nobody asks by")
			return
		default:
			a.Names = append(a.Names, name)
		}
	}
}

func tlsKeys() *object[TLS] {
	file := func(name, doc, example string, at func(*TLS) *string) key[TLS] {
		return key[TLS]{name: name, doc: doc, shape: stringShape("", example), read: func(p *parser, t *TLS, _, v *yaml.Node) {
			*at(t) = p.text(v, name, example, 1024)
		}}
	}
	return &object[TLS]{
		name: "tls", what: "tls", where: "server: tls", example: "tls: {certificate: west.pem, key: west.key, authority: ca.pem}",
		required: []string{"certificate", "key", "authority"},
		keys: []key[TLS]{
			file("certificate", "The file of this server's certificate, which carries its name as a DNS name.", "west.pem", func(t *TLS) *string { return &t.Certificate }),
			file("key", "The file of the certificate's private key.", "west.key", func(t *TLS) *string { return &t.Key }),
			file("authority", "The file of the certificate of the group's authority.", "ca.pem", func(t *TLS) *string { return &t.Authority }),
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
