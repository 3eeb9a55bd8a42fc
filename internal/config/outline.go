package config

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// Element is a piece of the group's part of a document in canonical form: what versions are compared and merged by. What
// it says stands in its Text or its Children, never in both.
type Element struct {
	// Key is its name in the map that it stands in; of a pool, its range.
	Key  string
	Kind ElementKind
	// Text is the value of a Leaf as the canonical form spells it, on one line.
	Text     string
	Children []Element
	// Position is where it stands in the document that it comes from, or where the object does that it belongs to; zero
	// if the document does not write it.
	Position Position
}

// ElementKind says what an Element is. The zero value is invalid.
type ElementKind uint8

const (
	_ ElementKind = iota
	// Leaf is one value, however long.
	Leaf
	// Section is a map that is there if there is something in it: networks, options.
	Section
	// Object is a map that says something by being there: a network, a host.
	Object
	// Ranked is a Section the order of whose entries says something: classes.
	Ranked
	// Ranges is a Ranked that a document writes as a list: pools.
	Ranges
)

// IsOrdered reports whether the order of what is in such an element says something.
func (k ElementKind) IsOrdered() bool { return k == Ranked || k == Ranges }

// Outline returns the group's part of the document as a tree: everything but Server, and nothing that the document does
// not say. Documents with equal digests have equal outlines, but for the positions. The order of every list and of classes
// is kept; what has no order stands in one that depends on nothing but the names. The primary is always named.
//
// It takes time and memory in proportion to the document.
func (d *Document) Outline() *Element {
	x := outliner{registry: d.Registry}
	root := &Element{Kind: Section}
	add := func(e Element) {
		if len(e.Children) > 0 || e.Kind == Leaf {
			root.Children = append(root.Children, e)
		}
	}
	add(x.group(&d.Group))
	add(sectionOf("enterprise", d.Enterprise.Position, x.scope(nil, &d.Enterprise)))
	add(x.intranets(d.Intranets))
	add(x.named("server-classes", d.ServerClasses))
	add(x.named("servers", d.Servers))
	add(x.networks(d.Networks))
	add(x.classes(d.Classes))
	add(x.named("domains", d.Domains))
	add(x.hosts(d.Hosts))
	add(x.accept(&d.Accept))
	add(x.definitions(d.definitions))
	if text := precedenceText(&d.Precedence); text != "" {
		add(Element{Key: "precedence", Kind: Leaf, Text: text})
	}
	return root
}

// outliner makes elements of the parts of a document.
type outliner struct {
	registry *option.Registry
}

func sectionOf(key string, pos Position, children []Element) Element {
	return Element{Key: key, Kind: Section, Children: children, Position: pos}
}

func leaf(key, text string, pos Position) Element {
	return Element{Key: key, Kind: Leaf, Text: text, Position: pos}
}

func (x *outliner) group(g *Group) Element {
	var all []Element
	failover := x.failover(g)
	if g.Name == "" && len(g.Members) == 0 && len(failover) == 0 && g.OnTakeover != TakeoverLocal {
		return sectionOf("group", g.Position, nil)
	}
	all = append(all, leaf("name", spelt(cmp.Or(g.Name, DefaultGroup)), g.Position))
	members := sectionOf("members", g.Position, nil)
	for _, m := range slices.SortedFunc(slices.Values(g.Members), func(a, b Member) int { return cmp.Compare(a.Name, b.Name) }) {
		members.Children = append(members.Children, x.member(&m))
	}
	if len(members.Children) > 0 {
		all = append(all, members)
	}
	if len(failover) > 0 {
		all = append(all, sectionOf("failover", g.Failover.Position, failover))
	}
	if g.OnTakeover == TakeoverLocal {
		all = append(all, leaf(takeoverKey, g.OnTakeover.String(), g.Position))
	}
	return sectionOf("group", g.Position, all)
}

func (x *outliner) member(m *Member) Element {
	e := Element{Key: string(m.Name), Kind: Object, Position: m.Position}
	if m.Peer.IsValid() {
		e.Children = append(e.Children, leaf("peer", spelt(m.Peer.String()), m.Position))
	}
	if m.Class != "" {
		e.Children = append(e.Children, leaf("class", spelt(m.Class), m.classPosition))
	}
	if m.Protocol != ProtocolLessor {
		e.Children = append(e.Children, leaf("protocol", spelt(m.Protocol), m.Position))
	}
	return e
}

// failover returns what is not as it is where the document says nothing, and always the primary.
func (x *outliner) failover(g *Group) (all []Element) {
	f, d, pos := &g.Failover, defaultFailover(), g.Failover.Position
	if g.Primary != "" {
		all = append(all, leaf("primary", spelt(string(g.Primary)), pos))
	}
	guard := func(f *Failover) string {
		if f.Guard == 0 {
			return "auto"
		}
		return brief(f.Guard)
	}
	for _, e := range []struct{ key, is, unsaid string }{
		{"mclt", brief(f.MCLT), brief(d.MCLT)},
		{"split", strconv.Itoa(f.Split), strconv.Itoa(d.Split)},
		{"load-balance-secs", strconv.Itoa(f.LoadBalanceSecs), strconv.Itoa(d.LoadBalanceSecs)},
		{"receive-timer", brief(f.ReceiveTimer), brief(d.ReceiveTimer)},
		{"startup", brief(f.Startup), brief(d.Startup)},
		{"reconnect", brief(f.Reconnect), brief(d.Reconnect)},
		{"max-unacked", strconv.Itoa(f.MaxUnacked), strconv.Itoa(d.MaxUnacked)},
		{"max-skew", brief(f.MaxSkew), brief(d.MaxSkew)},
		{"guard", guard(f), guard(&d)},
		{"auto-partner-down", brief(f.AutoPartnerDown), brief(d.AutoPartnerDown)},
		{"relationship", f.Relationship, d.Relationship},
	} {
		if e.is != e.unsaid {
			all = append(all, leaf(e.key, spelt(e.is), pos))
		}
	}
	return all
}

func (x *outliner) named(key string, all []Named) Element {
	e := sectionOf(key, Position{}, make([]Element, 0, len(all)))
	for i := range all {
		n := &all[i]
		e.Children = append(e.Children, Element{Key: n.Name, Kind: Object, Children: x.scope(nil, &n.Scope), Position: n.Position})
	}
	return e
}

func (x *outliner) intranets(all []Intranet) Element {
	e := sectionOf("intranets", Position{}, nil)
	for i := range all {
		n := &all[i]
		var children []Element
		if len(n.Networks) > 0 {
			children = append(children, leaf("networks", listText(slices.Sorted(slices.Values(n.Networks))), n.Position))
		}
		e.Children = append(e.Children, Element{Key: n.Name, Kind: Object, Children: x.scope(children, &n.Scope), Position: n.Position})
	}
	return e
}

func (x *outliner) accept(a *Accept) Element {
	e := sectionOf("accept", a.Position, nil)
	if a.HostName {
		e.Children = append(e.Children, leaf("host-name", "true", a.Position))
	}
	var bounds []Element
	if a.LeaseMin != 0 {
		bounds = append(bounds, leaf("min", DurationText(a.LeaseMin), a.Position))
	}
	if a.LeaseMax != 0 {
		bounds = append(bounds, leaf("max", DurationText(a.LeaseMax), a.Position))
	}
	if len(bounds) > 0 {
		e.Children = append(e.Children, sectionOf("lease-time", a.Position, bounds))
	}
	return e
}

func (x *outliner) definitions(definitions []option.Def) Element {
	e := sectionOf("option-definitions", Position{}, nil)
	for _, d := range slices.SortedFunc(slices.Values(definitions), func(a, b option.Def) int { return cmp.Compare(a.Name, b.Name) }) {
		e.Children = append(e.Children, Element{Key: d.Name, Kind: Object, Children: []Element{
			leaf("code", strconv.Itoa(int(d.Code)), Position{}), leaf("type", d.Type.String(), Position{}),
		}})
	}
	return e
}

// scope appends what a scope sets to the elements of its object.
func (x *outliner) scope(all []Element, s *Scope) []Element {
	if s.isEmpty() {
		return all
	}
	if l := s.Lease; l.Default != 0 || l.Min != 0 || l.Max != 0 {
		lease := sectionOf("lease", s.at("lease"), nil)
		for _, e := range []struct {
			key  string
			text string
			has  bool
		}{{"default", DurationText(l.Default), l.Default != 0}, {"min", DurationText(l.Min), l.Min != 0}, {"max", DurationText(l.Max), l.Max != 0}} {
			if e.has {
				lease.Children = append(lease.Children, leaf(e.key, e.text, lease.Position))
			}
		}
		all = append(all, lease)
	}
	if len(s.Options) > 0 {
		all = append(all, x.options(s))
	}
	if s.NextServer.IsValid() {
		all = append(all, leaf("next-server", s.NextServer.String(), s.at("next-server")))
	}
	if s.BootFileName != "" {
		all = append(all, leaf("boot-file-name", spelt(s.BootFileName), s.at("boot-file-name")))
	}
	if s.ServerHostname != "" {
		all = append(all, leaf("server-hostname", spelt(s.ServerHostname), s.at("server-hostname")))
	}
	if s.Authoritative != nil {
		all = append(all, leaf("authoritative", strconv.FormatBool(*s.Authoritative), s.at("authoritative")))
	}
	if s.ConflictProbe != nil {
		all = append(all, leaf("conflict-probe", brief(*s.ConflictProbe), s.at("conflict-probe")))
	}
	if shares := namedShares(s.Quota); len(shares) > 0 {
		quota := sectionOf("quota", s.at("quota"), nil)
		for _, q := range shares {
			quota.Children = append(quota.Children, leaf(q.key, q.share.String(), quota.Position))
		}
		all = append(all, quota)
	}
	if s.RapidCommit != nil {
		all = append(all, leaf("rapid-commit", strconv.FormatBool(*s.RapidCommit), s.at("rapid-commit")))
	}
	if s.OnTakeover != 0 {
		all = append(all, leaf(takeoverKey, s.OnTakeover.String(), s.at(takeoverKey)))
	}
	return all
}

func (x *outliner) options(s *Scope) Element {
	e := sectionOf("options", s.Position, make([]Element, len(s.Options)))
	for i := range s.Options {
		o := &s.Options[i]
		e.Children[i] = leaf(x.registry.ByCode(option.DHCPv4, o.Def.Code).Name, settingText(o), o.Position)
	}
	return e
}

// settingText spells what a layer says of an option.
func settingText(o *Setting) string {
	value := "true" // of unset
	if o.Form != Unset {
		value = valueText(o.Def, o.Value)
	}
	if o.Form == Set && o.OnTakeover == 0 {
		return value
	}
	text := "{" + o.Form.String() + ": " + value
	if o.OnTakeover != 0 {
		text += ", " + takeoverKey + ": " + o.OnTakeover.String()
	}
	return text + "}"
}

func memberNames(of map[binding.Member][]string) []string {
	names := make([]string, 0, len(of))
	for m := range of {
		names = append(names, string(m))
	}
	slices.Sort(names)
	return names
}
