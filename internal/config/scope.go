package config

import (
	"net/netip"
	"slices"
	"time"

	"go.yaml.in/yaml/v4"
)

// scopeKeys returns the keys that every layer from 2 to 13 takes; scope returns where a T keeps them.
func scopeKeys[T any](scope func(*T) *Scope) []key[T] {
	flag := func(name, doc string, set func(*Scope, *bool)) key[T] {
		return key[T]{name: name, doc: doc, noted: true, shape: shape{"type": "boolean"}, read: func(p *parser, t *T, _, v *yaml.Node) {
			b := p.flag(v, name)
			set(scope(t), &b)
		}}
	}
	text := func(name, doc, example string, most int, set func(*Scope, string)) key[T] {
		return key[T]{name: name, doc: doc, noted: true, shape: shape{"type": "string", "maxLength": most}, read: func(p *parser, t *T, _, v *yaml.Node) {
			set(scope(t), p.text(v, name, example, most))
		}}
	}
	return []key[T]{
		{name: "options", doc: "What clients are told, by option name.", shape: ref("options"),
			read: func(p *parser, t *T, _, v *yaml.Node) { p.readOptions(scope(t), v) }},
		{name: "lease", noted: true, doc: "Bounds of the lifetime of a lease. Built in: 4h, at least 5m, at most 24h; what is written here moves them.",
			shape: ref("lease"), read: func(p *parser, t *T, k, v *yaml.Node) {
				scope(t).Lease.Position = position(k)
				fields(p, p.tables.lease, v, &scope(t).Lease)
			}},
		{name: "next-server", noted: true, doc: "The server that a client boots from next (siaddr).", shape: addressShape(),
			read: func(p *parser, t *T, _, v *yaml.Node) { scope(t).NextServer = p.nextServer(v) }},
		text("boot-file-name", "The file that a client boots from: in the header's field, or option 67.", "pxelinux.0", 127,
			func(s *Scope, v string) { s.BootFileName = v }),
		text("server-hostname", "The boot server's name: in the header's field, or option 66.", "boot.corp.example", 63,
			func(s *Scope, v string) { s.ServerHostname = v }),
		flag("authoritative", "Whether a client that asks for an address of which there is no record is told no (DHCPNAK) rather than nothing. Default: false.",
			func(s *Scope, v *bool) { s.Authoritative = v }),
		{name: "conflict-probe", noted: true, doc: "How long an answer to an ICMP echo is waited for before an address is offered on a directly attached link; 0s: no probe. Default: 300ms, at most 3s.",
			shape: durationShape(), read: func(p *parser, t *T, _, v *yaml.Node) { p.readProbe(scope(t), v) }},
		flag("rapid-commit", "Whether a DISCOVER that asks for it is answered by an ACK at once (RFC 4039). Default: true.",
			func(s *Scope, v *bool) { s.RapidCommit = v }),
		{name: "on-takeover", noted: true, doc: "By whose configuration a member answers a client whose home is another member, as far as this layer goes: home (the client's) or local (its own).",
			shape: takeoverShape(), read: func(p *parser, t *T, _, v *yaml.Node) { scope(t).OnTakeover = p.takeover(v) }},
	}
}

// takeover returns home or local; 0 after it has said what is wrong.
func (p *parser) takeover(v *yaml.Node) Takeover {
	s, ok := p.scalar(v, "on-takeover", "home or local")
	switch {
	case !ok:
	case s == "home":
		return TakeoverHome
	case s == "local":
		return TakeoverLocal
	default:
		p.fail(v, "on-takeover must be home or local, not "+clip(s), "write home (as the client's home member would) or local (as the answering member does)")
	}
	return 0
}

func enterpriseKeys() *object[Scope] {
	self := func(s *Scope) *Scope { return s }
	return &object[Scope]{name: "enterprise", what: "enterprise", where: "enterprise", example: "enterprise: {lease: {default: 4h}}", scope: self, keys: withQuota(scopeKeys(self), self)}
}

func (p *parser) nextServer(v *yaml.Node) netip.Addr {
	a, _ := p.address(v, "next-server")
	return a
}

func (p *parser) readProbe(s *Scope, v *yaml.Node) {
	d, ok := p.duration(v, "conflict-probe")
	if !ok {
		return
	}
	if d > MaxConflictProbe {
		p.fail(v, "conflict-probe is longer than "+MaxConflictProbe.String()+": a client would have given up", "write 300ms, or 0s for no probe")
		return
	}
	s.ConflictProbe = &d
}

func leaseKeys() *object[Lease] {
	lifetime := func(name, doc string, at func(*Lease) *time.Duration) key[Lease] {
		return key[Lease]{name: name, doc: doc, shape: lifetimeShape(), read: func(p *parser, l *Lease, _, v *yaml.Node) {
			*at(l) = p.lifetime(v, "lease: "+name)
		}}
	}
	return &object[Lease]{
		name: "lease", what: "lease", where: "lease", example: "lease: {default: 4h}",
		keys: []key[Lease]{
			lifetime("default", "The lifetime of a lease whose client asks for none.", func(l *Lease) *time.Duration { return &l.Default }),
			lifetime("min", "The shortest lifetime.", func(l *Lease) *time.Duration { return &l.Min }),
			lifetime("max", "The longest lifetime.", func(l *Lease) *time.Duration { return &l.Max }),
			{name: "preferred", later: withDHCPv6},
			{name: "valid", later: withDHCPv6},
		},
	}
}

// join returns the keys of an object of its own before those of its scope.
func join[T any](own []key[T], scope []key[T]) []key[T] { return slices.Concat(own, scope) }
