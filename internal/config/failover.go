package config

import (
	"fmt"
	"strconv"
	"time"

	"go.yaml.in/yaml/v4"
)

func failoverKeys() *object[Failover] {
	span := func(name, doc string, least, most time.Duration, at func(*Failover) *time.Duration) key[Failover] {
		return key[Failover]{name: name, doc: doc, shape: durationShape(), read: func(p *parser, f *Failover, _, v *yaml.Node) {
			if d, ok := p.span(v, name, least, most); ok {
				*at(f) = d
			}
		}}
	}
	count := func(name, doc string, least, most int, at func(*Failover) *int) key[Failover] {
		return key[Failover]{name: name, doc: doc, shape: shape{"type": "integer", "minimum": least, "maximum": most}, read: func(p *parser, f *Failover, _, v *yaml.Node) {
			if n, ok := p.number(v, name, least, most); ok {
				*at(f) = n
			}
		}}
	}
	o := &object[Failover]{
		name: "failover", what: "failover", where: "group: failover", example: "failover: {mclt: 1h, split: 128}",
		keys: []key[Failover]{
			{name: "mclt", doc: "The maximum client lead time: how much longer than the partner knows a lease may last. Default: 1h.",
				shape: durationShape(), read: readMCLT},
			count("split", "How many of the 256 hash buckets of new clients the primary answers. Default: 128.", 0, 256,
				func(f *Failover) *int { return &f.Split }),
			count("load-balance-secs", "How many seconds a client must have asked in vain until both members answer it. Default: 3.", 0, 65535,
				func(f *Failover) *int { return &f.LoadBalanceSecs }),
			span("receive-timer", "After how long a silence of the partner the connection counts as lost; at least 3s, since it is told in whole seconds and a third of it is the time between signs of life. Default: 10s.", 3*time.Second, time.Hour,
				func(f *Failover) *time.Duration { return &f.ReceiveTimer }),
			span("startup", "How long a member that starts waits for its partner before it goes on by itself. Default: 5s.", 0, time.Hour,
				func(f *Failover) *time.Duration { return &f.Startup }),
			span("reconnect", "How long a member waits between two attempts to connect. Default: 5s.", 100*time.Millisecond, time.Hour,
				func(f *Failover) *time.Duration { return &f.Reconnect }),
			count("max-unacked", "How many binding updates may be on their way unacknowledged. Default: 100.", 1, 65535,
				func(f *Failover) *int { return &f.MaxUnacked }),
			span("max-skew", "How far the clocks of the members may be apart. Default: 30s.", 0, time.Hour,
				func(f *Failover) *time.Duration { return &f.MaxSkew }),
			{name: "guard", doc: "How long after its end a lease's address is kept back from others: auto, the default, or a duration.",
				shape: stringShape(`^(auto|([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+)$`, "auto"), read: readGuard},
			span("auto-partner-down", "After how long without contact the partner counts as down; 0s, the default: never by itself.", 0, 365*24*time.Hour,
				func(f *Failover) *time.Duration { return &f.AutoPartnerDown }),
			{name: "relationship", doc: "The relationship's name, where another vendor's server has another one than the group's.",
				shape: shape{"type": "string", "maxLength": MaxName}, read: func(p *parser, f *Failover, _, v *yaml.Node) {
					f.Relationship = p.text(v, "relationship", "campus", MaxName)
				}},
			{name: "primary", doc: "The member that is the primary. Default: the first of members.",
				shape: stringShape(memberName.String(), "west"), read: func(p *parser, f *Failover, _, v *yaml.Node) {
					if s, ok := p.scalar(v, "primary", "west"); ok {
						p.doc.Group.Primary, p.primary = p.member(v, s), position(v)
					}
				}},
		},
	}
	for i := range o.keys {
		o.keys[i].read = noting(o.keys[i].name, o.keys[i].read)
	}
	return o
}

// noting reads a key, and remembers where it stands.
func noting(name string, read func(*parser, *Failover, *yaml.Node, *yaml.Node)) func(*parser, *Failover, *yaml.Node, *yaml.Node) {
	return func(p *parser, f *Failover, k, v *yaml.Node) {
		if p.failoverKeys == nil {
			p.failoverKeys = map[string]Position{}
		}
		p.failoverKeys[name] = position(k)
		read(p, f, k, v)
	}
}

// readMCLT reads whole seconds: the failover protocol says the time in them.
func readMCLT(p *parser, f *Failover, _, v *yaml.Node) {
	d, ok := p.span(v, "mclt", time.Second, MaxLease)
	switch {
	case !ok:
	case d%time.Second != 0:
		p.fail(v, "mclt must be whole seconds", "write "+brief(d.Round(time.Second)))
	default:
		f.MCLT = d
	}
}

func readGuard(p *parser, f *Failover, _, v *yaml.Node) {
	if v.Kind == yaml.ScalarNode && v.Value == "auto" {
		f.Guard = 0
		return
	}
	if v.Kind == yaml.ScalarNode && !isNull(v) {
		if _, err := time.ParseDuration(v.Value); err != nil {
			p.fail(v, "guard: "+clip(v.Value)+" is neither auto nor a duration", "write auto, or "+meantDuration(v.Value))
			return
		}
	}
	if d, ok := p.span(v, "guard", time.Second, 24*time.Hour); ok {
		f.Guard = d
	}
}

// span returns a duration from least to most; false after it has said what is wrong.
func (p *parser) span(v *yaml.Node, what string, least, most time.Duration) (time.Duration, bool) {
	d, ok := p.duration(v, what)
	switch {
	case !ok:
	case d < least:
		p.fail(v, fmt.Sprintf("%s must be at least %s", what, brief(least)), "write "+brief(least)+" or more")
	case d > most:
		p.fail(v, fmt.Sprintf("%s must be at most %s", what, brief(most)), "write "+brief(most)+" or less")
	default:
		return d, true
	}
	return 0, false
}

// number returns a whole number from least to most; false after it has said what is wrong.
func (p *parser) number(v *yaml.Node, what string, least, most int) (int, bool) {
	s, ok := p.scalar(v, what, strconv.Itoa(most/2))
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < least || n > most {
		p.fail(v, fmt.Sprintf("%s: %s is not a number of %d to %d", what, clip(s), least, most), fmt.Sprintf("write a number of %d to %d", least, most))
		return 0, false
	}
	return n, true
}
