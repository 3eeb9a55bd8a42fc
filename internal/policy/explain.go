package policy

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// Explain says what the client that q describes would get, and why. The error says which link or member there is not.
func (p *Policy) Explain(q *Question) (Explanation, error) {
	as, f, notes, err := p.Facts(q)
	if err != nil {
		return Explanation{}, err
	}
	var d Decision
	p.Place(as, f, &d)
	a := q.Address
	if !a.IsValid() {
		a = d.Reserved
	}
	switch {
	case a.IsValid():
		p.Settle(as, f, a, &d)
	default:
		p.Resolve(as, f, &d)
	}
	shown := d.sent(f)
	if RequestList(f.Options) == nil { // every option counts as asked for
		shown = d.all()
	}
	e := p.explain(as, f, &d, shown)
	if a.IsValid() {
		e.Address = &a
	}
	e.Notes = append(e.Notes, notes...)
	e.Notes = append(e.Notes, p.doubts(&d, a)...)
	return e, nil
}

// doubts says what keeps the client from the address a, or from any.
func (p *Policy) doubts(d *Decision, a netip.Addr) []string {
	switch {
	case !a.IsValid() && len(d.Pools) == 0:
		return []string{"the client gets no address: it may use no pool of its link, and none is reserved for it"}
	case a.IsValid() && !d.Link.Network.Has(a):
		return []string{fmt.Sprintf("the client may not have %v: it is not on network %s", a, d.Link.Network.Name)}
	case a.IsValid() && !p.May(d, a):
		why := "it is in no pool that the client may use"
		if h := p.ReservedFor(a); h != nil {
			why = "it is reserved for host " + h.Name
		}
		return []string{fmt.Sprintf("the client may not have %v: %s", a, why)}
	case d.Host != nil && d.Host.Address.IsValid() && !d.Reserved.IsValid():
		return []string{fmt.Sprintf("%v is reserved for the client on another network", d.Host.Address)}
	}
	return nil
}

// explain says all that d, which is settled, decided for a client with the facts f, and of the options those that are
// shown.
func (p *Policy) explain(as binding.Member, f *Facts, d *Decision, shown []*Value) Explanation {
	e := Explanation{
		Server: string(as), Version: p.Version.String(), Source: p.Source(), Network: d.Subnet.Network.Name, Subnet: d.Subnet.Prefix.String(),
		Classes: []string{}, Options: []ExplainedOption{}, Unset: []ExplainedOption{}, Pools: p.explainPools(d),
		Failed: []FailedClass{}, Notes: []string{}, Lease: p.explainLease(f, d), Parameters: p.explainParameters(d),
	}
	if d.Pool != nil {
		e.Pool = d.Pool.Name()
	}
	if d.Host != nil {
		e.Host = d.Host.Name
	}
	if d.domain != nil {
		e.Domain = d.domain.object
	}
	d.Classes(func(name string) { e.Classes = append(e.Classes, name) })
	for _, x := range d.failed {
		name, line := p.ClassName(x.Index)
		e.Failed = append(e.Failed, FailedClass{Class: name, Line: line, Error: x.Err})
	}
	for _, v := range shown {
		e.Options = append(e.Options, p.explainOption(d, v))
	}
	for _, v := range d.options.unset {
		x := p.explainOption(d, v)
		x.Value, x.Text = nil, ""
		e.Unset = append(e.Unset, x)
	}
	slices.SortFunc(e.Unset, func(a, b ExplainedOption) int { return cmp.Compare(a.Code, b.Code) })
	told := d.Told(f)
	e.Result = binding.DigestOf(d.AppendResult(nil, f, &told)).String()
	return e
}

// sent returns the options that the client is sent with an address, in ascending order of code.
func (d *Decision) sent(f *Facts) (vs []*Value) {
	var codes Codes
	for _, c := range d.AppendSent(nil, f, true) {
		codes.Add(c)
	}
	return slices.DeleteFunc(d.all(), func(v *Value) bool { return !codes.Has(uint8(v.Code)) })
}

// all returns all options, in ascending order of code.
func (d *Decision) all() (vs []*Value) {
	for i := range d.options.values {
		vs = append(vs, &d.options.values[i])
	}
	slices.SortFunc(vs, func(a, b *Value) int { return cmp.Compare(a.Code, b.Code) })
	return vs
}

func (v *Value) origin() Origin {
	return Origin{Layer: v.Layer.String(), Object: v.Object, Line: v.Line, Rule: v.Rule}
}

func (p *Policy) explainOption(d *Decision, v *Value) ExplainedOption {
	def := p.registry.ByCode(option.DHCPv4, option.Code(v.Code))
	x := ExplainedOption{
		Name: def.Name, Code: v.Code, Value: decoded(def, v.Bytes), Text: def.Text(v.Bytes), Origin: v.origin(), Forced: v.Forced,
		Takeover: v.Takeover.String(), Losers: []ExplainedValue{},
	}
	parts, losers := d.sources(v.Code)
	for _, w := range losers {
		x.Losers = append(x.Losers, p.explainValue(w))
	}
	if len(parts) > 1 {
		for _, w := range parts {
			x.Parts = append(x.Parts, p.explainValue(w))
		}
	}
	return x
}

func (p *Policy) explainValue(v *Value) ExplainedValue {
	def := p.registry.ByCode(option.DHCPv4, option.Code(v.Code))
	if v.form == config.Unset {
		return ExplainedValue{Origin: v.origin()}
	}
	return ExplainedValue{Origin: v.origin(), Value: decoded(def, v.Bytes), Text: def.Text(v.Bytes)}
}

// decoded returns a value as a document has it, or its octets in hexadecimal.
func decoded(def option.Def, b []byte) any {
	if x, err := def.Decode(b); err == nil {
		return x
	}
	return map[string]string{"hex": hex.EncodeToString(b)}
}

// sources returns what has a part in an option and what lost, each the strongest first.
func (d *Decision) sources(code uint16) (parts, losers []*Value) {
	if code == option.CodeMSClasslessStaticRoutes && d.options.mirrored {
		parts, losers = d.sources(option.CodeClasslessStaticRoutes)
		return parts, losers
	}
	open := true
	for _, s := range d.scopes {
		v := s.find(code)
		switch {
		case v == nil:
		case open:
			parts, open = append(parts, v), v.open()
		default:
			losers = append(losers, v)
		}
	}
	return parts, losers
}

func (p *Policy) explainPools(d *Decision) []ExplainedPool {
	pools := []ExplainedPool{}
	add := func(s *Subnet) {
		for _, q := range s.Pools {
			pools = append(pools, ExplainedPool{Range: q.Name(), Subnet: s.Prefix.String(), Refused: p.refused(q, d)})
		}
	}
	add(d.Link)
	for _, s := range d.Link.Network.Subnets {
		if s != d.Link {
			add(s)
		}
	}
	return pools
}

// refused says why the client may not use the pool, nothing if it may.
func (p *Policy) refused(q *Pool, d *Decision) string {
	for _, i := range q.deny.classes {
		if d.in(i) {
			return "it denies class " + p.classes[i].name
		}
	}
	switch known := d.Host != nil; {
	case q.deny.known && known:
		return "it denies known clients"
	case q.deny.unknown && !known:
		return "it denies unknown clients"
	case q.admits(d):
		return ""
	}
	var names []string
	for _, i := range q.allow.classes {
		names = append(names, p.classes[i].name)
	}
	if q.allow.known {
		names = append(names, config.ClassKnown)
	}
	if q.allow.unknown {
		names = append(names, config.ClassUnknown)
	}
	return "it allows only " + list(names)
}

// explainLease says which lifetime the client gets and which layers named others.
func (p *Policy) explainLease(f *Facts, d *Decision) ExplainedLease {
	var b bounds
	scopes := p.parameterScopes(d.as, d, &d.settled)
	for _, s := range scopes {
		b.lay(s)
	}
	e := ExplainedLease{Lifetime: config.DurationText(d.Lifetime), Seconds: 0xffffffff, Losers: []ExplainedValue{}}
	if d.Lifetime != binding.Infinite {
		e.Seconds = uint32(d.Lifetime / time.Second)
	}
	if rs, ok := binding.DecodeReasons(d.LifetimeReason); ok && len(rs) > 0 {
		e.Origin = Origin{Layer: rs[0].Layer, Object: rs[0].Object, Line: int(rs[0].Line), Rule: rs[0].Rule}
	}
	won := e.Layer == config.ClientLayer.String() // then the strongest default lost to what the client asked for
	for _, s := range scopes {
		if s.lease.Default == 0 {
			continue
		}
		if !won {
			won = true
			continue
		}
		text := config.DurationText(s.lease.Default)
		e.Losers = append(e.Losers, ExplainedValue{Origin: s.origin("lease", s.lease.Position.Line), Value: text, Text: text})
	}
	b.settle()
	e.Default, e.Min, e.Max = config.DurationText(b.lease.Default), config.DurationText(b.lease.Min), config.DurationText(b.lease.Max)
	return e
}

// origin says where one of the scope's parameters stands.
func (s *scope) origin(key string, line int) Origin {
	if line == 0 {
		line = s.parameters.lines[key].Line
	}
	return Origin{Layer: s.layer.String(), Object: s.object, Line: line, Rule: "set"}
}

// parameterValues are the parameters other than lifetimes, as a document has them; nil where a scope does not set one.
var parameterValues = []struct {
	name string
	of   func(*parameters) any
}{
	{"next-server", func(p *parameters) any {
		if !p.nextServer.IsValid() {
			return nil
		}
		return p.nextServer.String()
	}},
	{"boot-file-name", func(p *parameters) any { return textOrNil(p.bootFile) }},
	{"server-hostname", func(p *parameters) any { return textOrNil(p.serverHostname) }},
	{"authoritative", func(p *parameters) any { return flagOrNil(p.authoritative) }},
	{"conflict-probe", func(p *parameters) any {
		if p.probe == nil {
			return nil
		}
		return config.DurationText(*p.probe)
	}},
	{"rapid-commit", func(p *parameters) any { return flagOrNil(p.rapidCommit) }},
}

func textOrNil(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return string(b)
}

func flagOrNil(b *bool) any {
	if b == nil {
		return nil
	}
	return *b
}

func (p *Policy) explainParameters(d *Decision) []ExplainedParameter {
	es := []ExplainedParameter{}
	for _, kind := range parameterValues {
		e := ExplainedParameter{Name: kind.name, Losers: []ExplainedValue{}}
		for _, s := range p.parameterScopes(d.as, d, &d.settled) {
			v := kind.of(&s.parameters)
			switch {
			case v == nil:
			case e.Value == nil:
				e.Value, e.Origin = v, s.origin(kind.name, 0)
			default:
				e.Losers = append(e.Losers, ExplainedValue{Origin: s.origin(kind.name, 0), Value: v, Text: fmt.Sprint(v)})
			}
		}
		if e.Value != nil {
			es = append(es, e)
		}
	}
	return es
}

// ExplainBinding says what the member as would tell the client of b today, by what the client said when it was last told
// anything. It is false if that is not known any more (FactsOf).
func (p *Policy) ExplainBinding(as binding.Member, b *binding.Binding) (Explanation, bool) {
	f, ok := p.FactsOf(b)
	if !ok {
		return Explanation{}, false
	}
	var d Decision
	p.Place(as, f, &d)
	a := b.Addr()
	p.Settle(as, f, a, &d)
	e := p.explain(as, f, &d, d.sent(f))
	e.Address = &a
	e.Notes = append(e.Notes, p.doubts(&d, a)...)
	return e, true
}
