package config

import (
	"time"

	"go.yaml.in/yaml/v4"
)

func acceptKeys() *object[Accept] {
	return &object[Accept]{
		name: "accept", what: "accept", where: "accept", example: "accept: {host-name: true}",
		keys: []key[Accept]{
			{name: "host-name", doc: "Whether the host name that a client suggests (option 12) is stored, and sent back if it asks for it. Default: false.",
				shape: shape{"type": "boolean"}, read: func(p *parser, a *Accept, _, v *yaml.Node) { a.HostName = p.flag(v, "host-name") }},
			{name: "lease-time", doc: "Bounds of a lifetime that a client asks for. Without them it may only ask for a shorter one than the default.",
				shape: ref("suggested"), read: func(p *parser, a *Accept, _, v *yaml.Node) {
					fields(p, p.tables.suggested, v, a)
					if a.LeaseMin != 0 && a.LeaseMax != 0 && a.LeaseMin > a.LeaseMax {
						p.fail(v, "min is longer than max", "exchange them")
					}
				}},
		},
	}
}

func suggestedKeys() *object[Accept] {
	lifetime := func(name, doc string, at func(*Accept) *time.Duration) key[Accept] {
		return key[Accept]{name: name, doc: doc, shape: lifetimeShape(), read: func(p *parser, a *Accept, _, v *yaml.Node) {
			*at(a) = p.lifetime(v, "lease-time: "+name)
		}}
	}
	return &object[Accept]{
		name: "suggested", what: "accept: lease-time", where: "accept: lease-time", example: "lease-time: {max: 12h}",
		keys: []key[Accept]{
			lifetime("min", "The shortest lifetime that a client may ask for.", func(a *Accept) *time.Duration { return &a.LeaseMin }),
			lifetime("max", "The longest lifetime that a client may ask for.", func(a *Accept) *time.Duration { return &a.LeaseMax }),
		},
	}
}
