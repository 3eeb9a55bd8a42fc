package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/class"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// unmatched says of the options that nothing can be matched by why, and what to write instead.
var unmatched = map[option.Code]struct{ why, instead string }{
	52: {"it belongs to one message (RFC 2132 §9.3)", ""},
	53: {"it belongs to one message (RFC 2132 §9.6)", ""},
	54: {"it belongs to one message (RFC 2132 §9.7)", ""},
	57: {"it belongs to one message (RFC 2132 §9.10)", ""},
	82: {"it is the relay's, not the client's (RFC 3046)", "write circuit-id, remote-id or subscriber-id"},
	90: {"it belongs to one message (RFC 3118)", ""},
}

// sent is an option that a client must send, with one of several values.
type sent struct {
	def    option.Def
	values [][]byte
	pos    Position
}

// sentOptions returns the options in the map v, in ascending order of code, each once. Those of a host have one value.
func (p *parser) sentOptions(v *yaml.Node, what string, ofHost bool) (all []sent) {
	p.entries(v, what, what+": {vendor-class-identifier: Phone}", func(k, v *yaml.Node) {
		d, ok := p.registry.ByName(option.DHCPv4, k.Value)
		if !ok {
			p.unknownOption(k)
			return
		}
		if d.Code == option.CodeClientID && ofHost {
			p.fail(k, k.Value+" is not matched here: a host has a key for it", "write client-id beside match-options")
			return
		}
		if x, ok := unmatched[d.Code]; ok {
			p.fail(k, fmt.Sprintf("nothing can be matched by %s: %s", k.Value, x.why), cmp.Or(x.instead, "take it out"))
			return
		}
		if i := slices.IndexFunc(all, func(s sent) bool { return s.def.Code == d.Code }); i >= 0 {
			p.fail(k, fmt.Sprintf("%s is option %d, which line %d names already", k.Value, d.Code, all[i].pos.Line), "leave one of them")
			return
		}
		if values := p.sentValues(d, k.Value, v, !ofHost); values != nil {
			all = append(all, sent{d, values, position(k)})
		}
	})
	slices.SortFunc(all, func(a, b sent) int { return cmp.Compare(a.def.Code, b.def.Code) })
	return all
}

// sentValues returns the values that v spells. What can be read as one value is one, so a list is the value of an
// option that is a list; else it is a list of values of which one must be sent.
func (p *parser) sentValues(d option.Def, name string, v *yaml.Node, alternatives bool) [][]byte {
	if alternatives && v.Kind == yaml.SequenceNode && len(v.Content) > 0 {
		if _, err := d.Encode(input(v)); err != nil && (!d.Type.List && d.Type.Kind != option.Record || v.Content[0].Kind == yaml.SequenceNode) {
			values := make([][]byte, 0, len(v.Content))
			for _, e := range v.Content {
				if b, ok := p.optionValue(d, name, e); ok {
					values = append(values, b)
				}
			}
			if len(values) < len(v.Content) {
				return nil
			}
			slices.SortFunc(values, func(a, b []byte) int { return strings.Compare(string(a), string(b)) })
			return slices.CompactFunc(values, func(a, b []byte) bool { return string(a) == string(b) })
		}
	}
	if formed(v) {
		p.fail(v, name+" is compared with a value, which has no form here", "write the plain value")
		return nil
	}
	if b, ok := p.optionValue(d, name, v); ok {
		return [][]byte{b}
	}
	return nil
}

// matchOptions reads the options of a simple match: all must be sent.
func (p *parser) matchOptions(m *simpleMatch, _, v *yaml.Node) {
	var all []*class.Match
	var texts []string
	for _, s := range p.sentOptions(v, "options", false) {
		var values []*class.Match
		var spelt []string
		for _, b := range s.values {
			values, spelt = append(values, class.Option(s.def.Code, b, true)), append(spelt, fmt.Sprintf(`{hex: "%x"}`, b))
		}
		text := spelt[0]
		if len(spelt) > 1 {
			text = "[" + strings.Join(spelt, ", ") + "]"
		}
		all, texts = append(all, class.Any(values...)), append(texts, fmt.Sprintf("option-%d: %s", s.def.Code, text))
	}
	if len(all) > 0 {
		m.terms = append(m.terms, term{"options", class.All(all...), "{" + strings.Join(texts, ", ") + "}"})
	}
}

// readMatchOptions reads the options that a host must send.
func (p *parser) readMatchOptions(h *Host, _, v *yaml.Node) {
	for _, s := range p.sentOptions(v, "match-options", true) {
		h.Options = append(h.Options, binding.Fact{Code: uint16(s.def.Code), Value: s.values[0]})
	}
}
