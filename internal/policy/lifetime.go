package policy

import (
	"encoding/binary"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// The lifetimes that layer 1 gives (DESIGN §4).
const (
	DefaultLifetime = 4 * time.Hour
	MinLifetime     = 5 * time.Minute
	MaxLifetime     = 24 * time.Hour
)

// bounds collects the lifetimes that the layers set; the strongest layer that says anything of one sets it.
type bounds struct {
	lease  config.Lease
	reason []byte       // of the default
	layer  config.Layer // of the default
	// takeover is that of the scope of the default.
	takeover config.Takeover
}

func (b *bounds) lay(s *scope) {
	if b.lease.Default == 0 && s.lease.Default != 0 {
		b.lease.Default, b.reason, b.layer, b.takeover = s.lease.Default, s.parameters.leaseReason, s.layer, s.takeover
	}
	if b.lease.Min == 0 {
		b.lease.Min = s.lease.Min
	}
	if b.lease.Max == 0 {
		b.lease.Max = s.lease.Max
	}
}

// settle fills what no layer set. A default outside built-in bounds moves those bounds: who writes 20 s means 20 s.
func (b *bounds) settle() {
	l := &b.lease
	if l.Default == 0 {
		l.Default, b.reason, b.layer = DefaultLifetime, builtinLifetime, config.HostRequirements
		if l.Min != 0 {
			l.Default = max(l.Default, l.Min)
		}
		if l.Max != 0 {
			l.Default = min(l.Default, l.Max)
		}
	}
	if l.Min == 0 {
		l.Min = min(MinLifetime, l.Default)
	}
	if l.Max == 0 {
		l.Max = max(MaxLifetime, l.Default)
	}
}

// lifetime returns how long the client is to have its address: the default, or what it asks for within bounds. Without
// `accept: lease-time`, or where the layer of the default is stronger than the client's, a client may only shorten, down to
// the minimum.
func (p *Policy) lifetime(f *Facts, b *bounds) (time.Duration, []byte) {
	b.settle()
	l := &b.lease
	def := min(max(l.Default, l.Min), l.Max)
	asked, ok := requestedLifetime(f)
	if !ok {
		return def, b.reason
	}
	low, high := l.Min, def
	if p.accept.LeaseMax != 0 && !p.aboveClient.has(b.layer) { // who asks for more never gets less than who asks for nothing
		high = max(def, min(p.accept.LeaseMax, l.Max))
	}
	if p.accept.LeaseMin != 0 {
		low = max(low, p.accept.LeaseMin)
	}
	got := max(min(asked, high), min(low, high))
	if got == def {
		return def, b.reason
	}
	return got, suggestedLifetime
}

func requestedLifetime(f *Facts) (time.Duration, bool) {
	v, ok := f.Options.Option(uint16(option.CodeLeaseTime))
	if !ok || len(v) != 4 {
		return 0, false
	}
	secs := binary.BigEndian.Uint32(v)
	if secs == 0xffffffff {
		return binding.Infinite, true
	}
	return time.Duration(secs) * time.Second, true
}

var (
	builtinLifetime   = binding.AppendReason(nil, binding.Reason{Code: binding.ReasonLifetime, Layer: config.HostRequirements.String(), Rule: "default"})
	suggestedLifetime = binding.AppendReason(nil, binding.Reason{Code: binding.ReasonLifetime, Layer: config.ClientLayer.String(), Rule: "suggested"})
)

// LongestLifetime returns the longest lifetime that the document names. One without end does not count: it is never over.
func (p *Policy) LongestLifetime() time.Duration {
	longest := MaxLifetime
	for _, s := range p.scopes() {
		for _, d := range [...]time.Duration{s.lease.Max, s.lease.Default} {
			if d != binding.Infinite {
				longest = max(longest, d)
			}
		}
	}
	return longest
}

// scopes returns what every layer of the document sets.
func (p *Policy) scopes() []*scope {
	all := []*scope{&p.enterprise}
	all = append(all, p.intranets...)
	all = append(all, p.serverClasses...)
	for _, m := range p.members {
		if m.server != nil {
			all = append(all, m.server)
		}
	}
	for _, n := range p.networks {
		all = append(all, &n.scope)
		for _, s := range n.Subnets {
			all = append(all, &s.scope)
		}
	}
	for _, q := range p.pools {
		all = append(all, &q.scope)
	}
	for i := range p.classes {
		all = append(all, &p.classes[i].scope)
	}
	for _, s := range p.domains {
		all = append(all, s)
	}
	for _, h := range p.hosts.all {
		all = append(all, &h.scope)
	}
	return all
}
