package config

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/option"
)

func (x *outliner) networks(all []Network) Element {
	e := sectionOf("networks", Position{}, make([]Element, 0, len(all)))
	for i := range all {
		n := &all[i]
		var children []Element
		switch {
		case n.ByMember != nil:
			by := sectionOf("interfaces", n.at("interfaces"), nil)
			for _, m := range memberNames(n.ByMember) {
				if of := n.ByMember[binding.Member(m)]; len(of) > 0 {
					by.Children = append(by.Children, leaf(m, listText(of), by.Position))
				}
			}
			if len(by.Children) == 0 {
				by = leaf("interfaces", "{}", by.Position)
			}
			children = append(children, by)
		case len(n.Interfaces) > 0:
			children = append(children, leaf("interfaces", listText(n.Interfaces), n.at("interfaces")))
		}
		children = x.scope(children, &n.Scope)
		subnets := sectionOf("subnets", n.Position, make([]Element, 0, len(n.Subnets)))
		for j := range n.Subnets {
			subnets.Children = append(subnets.Children, x.subnet(&n.Subnets[j]))
		}
		if len(subnets.Children) > 0 {
			children = append(children, subnets)
		}
		e.Children = append(e.Children, Element{Key: n.Name, Kind: Object, Children: children, Position: n.Position})
	}
	return e
}

func (x *outliner) subnet(s *Subnet) Element {
	children := make([]Element, 0, 4)
	if len(s.Relays) > 0 {
		pos := s.Position
		if len(s.RelayPositions) > 0 {
			pos = s.RelayPositions[0]
		}
		children = append(children, leaf("relays", "["+strings.Join(texts(s.Relays), ", ")+"]", pos))
	}
	children = x.scope(children, &s.Scope)
	if len(s.Pools) > 0 {
		pools := Element{Key: "pools", Kind: Ranges, Children: make([]Element, 0, len(s.Pools)), Position: s.Position}
		for i := range s.Pools {
			pools.Children = append(pools.Children, x.pool(&s.Pools[i]))
		}
		children = append(children, pools)
	}
	return Element{Key: s.Prefix.String(), Kind: Object, Children: children, Position: s.Position}
}

func texts(all []netip.Addr) []string {
	s := make([]string, len(all))
	for i, a := range all {
		s[i] = a.String()
	}
	return s
}

func (x *outliner) pool(p *Pool) Element {
	e := Element{Key: p.span().String(), Kind: Object, Position: p.Position}
	if len(p.Allow) > 0 {
		e.Children = append(e.Children, leaf("allow", listText(p.Allow), p.at("allow")))
	}
	if len(p.Deny) > 0 {
		e.Children = append(e.Children, leaf("deny", listText(p.Deny), p.at("deny")))
	}
	e.Children = x.scope(e.Children, &p.Scope)
	return e
}

func (x *outliner) classes(all []Class) Element {
	e := Element{Key: "classes", Kind: Ranked, Children: make([]Element, 0, len(all))}
	for i := range all {
		c := &all[i]
		match := spelt(c.Text)
		if c.simple {
			match = x.conditions(c.Text)
		}
		kind, _, _ := strings.Cut(c.Kind.String(), " ")
		children := []Element{leaf("kind", kind, c.Position), leaf("match", match, c.at("match"))}
		if c.Priority != 0 {
			children = append(children, leaf("priority", strconv.Itoa(c.Priority), c.Position))
		}
		e.Children = append(e.Children, Element{Key: c.Name, Kind: Object, Children: x.scope(children, &c.Scope), Position: c.Position})
	}
	return e
}

// The two things that the canonical text of conditions spells in another way than a document does: neither can stand
// within quotes there, since those in it are escaped.
var (
	beginning    = regexp.MustCompile(`\{begins: \{hex: "([0-9a-f]*)"\}\}`)
	alternatives = regexp.MustCompile(`option-([0-9]+): \[(\{hex: "[0-9a-f]*"\}(?:, \{hex: "[0-9a-f]*"\})+)\]`)
	hexValue     = regexp.MustCompile(`\{hex: "([0-9a-f]*)"\}`)
)

// conditions returns the canonical text of a simple match as a document can write it.
func (x *outliner) conditions(text string) string {
	text = beginning.ReplaceAllStringFunc(text, func(s string) string {
		return quoted(string(unhex(beginning.FindStringSubmatch(s)[1])) + "*")
	})
	return alternatives.ReplaceAllStringFunc(text, func(s string) string {
		parts := alternatives.FindStringSubmatch(s)
		code, _ := strconv.Atoi(parts[1])
		d := x.registry.ByCode(option.DHCPv4, option.Code(code))
		if !d.Type.List && d.Type.Kind != option.Record {
			return s
		}
		// Octets in a list would be read as the elements of one value.
		values := hexValue.ReplaceAllStringFunc(parts[2], func(s string) string {
			return valueText(d, unhex(hexValue.FindStringSubmatch(s)[1]))
		})
		return fmt.Sprintf("option-%d: [%s]", code, values)
	})
}

func (x *outliner) hosts(all []Host) Element {
	e := sectionOf("hosts", Position{}, make([]Element, len(all)))
	for i := range all {
		h := &all[i]
		children := make([]Element, 0, 3)
		if !h.Hardware.IsZero() {
			children = append(children, leaf("hardware", h.Hardware.String(), h.Position))
		}
		if h.ClientID != nil {
			children = append(children, leaf("client-id", binding.FormatClientID(h.ClientID), h.Position))
		}
		for _, id := range [...]struct {
			key   string
			value []byte
		}{{"circuit-id", h.CircuitID}, {"remote-id", h.RemoteID}, {"subscriber-id", h.SubscriberID}} {
			if id.value != nil {
				children = append(children, leaf(id.key, identifierText(id.value), h.Position))
			}
		}
		if len(h.Options) > 0 {
			match := sectionOf("match-options", h.Position, nil)
			for _, o := range h.Options {
				d := x.registry.ByCode(option.DHCPv4, option.Code(o.Code))
				match.Children = append(match.Children, leaf(d.Name, valueText(d, o.Value), h.Position))
			}
			children = append(children, match)
		}
		if h.Address.IsValid() {
			children = append(children, leaf("address", h.Address.String(), h.AddressPosition))
		}
		e.Children[i] = Element{Key: h.Name, Kind: Object, Children: x.scope(children, &h.Scope), Position: h.Position}
	}
	return e
}
