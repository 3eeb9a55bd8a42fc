package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/spelling"
)

// serverSets says of the options that no layer can set why, and what to write instead.
var serverSets = map[option.Code]struct{ why, instead string }{
	50:  {"a client sends it to ask for an address (RFC 2132 §9.1)", ""},
	51:  {"it is the lifetime of the lease", "write lease: {default: 4h}"},
	52:  {"the server overloads fields where a message is full (RFC 2132 §9.3)", ""},
	53:  {"it is the type of the message", ""},
	54:  {"it is the address that the server answers from", ""},
	55:  {"a client sends it to ask for options (RFC 2132 §9.8)", ""},
	56:  {"the server says in it why it refuses a request (RFC 2132 §9.9)", ""},
	57:  {"a client sends it to say how much it can receive (RFC 2132 §9.10)", ""},
	58:  {"the server computes it from the time that it grants (RFC 2131 §4.4.5)", "write lease: {default: 4h}"},
	59:  {"the server computes it from the time that it grants (RFC 2131 §4.4.5)", "write lease: {default: 4h}"},
	61:  {"the server gives back what the client sent (RFC 6842)", ""},
	80:  {"the server sends it when it answers a DISCOVER at once (RFC 4039)", "write rapid-commit: true or false beside options"},
	81:  {"the server answers what the client sent (RFC 4702)", ""},
	82:  {"the server gives back what the relay sent (RFC 3046)", "write circuit-id or remote-id in a host to match it"},
	90:  {"it authenticates one message (RFC 3118)", ""},
	91:  {"only a leasequery is answered with it (RFC 4388)", ""},
	92:  {"only a leasequery is answered with it (RFC 4388)", ""},
	118: {"a relay or client sends it to choose a subnet (RFC 3011)", ""},
	145: {"it authenticates FORCERENEW messages (RFC 6704)", ""},
}

// readOptions reads the options of one layer into s, in ascending order of code.
func (p *parser) readOptions(s *Scope, n *yaml.Node) {
	p.entries(n, "options", "options: {routers: [10.0.0.1]}", func(k, v *yaml.Node) {
		d, ok := p.registry.ByName(option.DHCPv4, k.Value)
		if !ok {
			p.unknownOption(k)
			return
		}
		if x, ok := serverSets[d.Code]; ok {
			p.fail(k, fmt.Sprintf("%s cannot be set: %s", k.Value, x.why), cmp.Or(x.instead, "take it out"))
			return
		}
		o := Setting{Def: d, Form: Set, Position: position(k)}
		if !p.readSetting(&o, k.Value, v) {
			return
		}
		if i := slices.IndexFunc(s.Options, func(o Setting) bool { return o.Def.Code == d.Code }); i >= 0 {
			p.fail(k, fmt.Sprintf("%s is option %d, which line %d has set already", k.Value, d.Code, s.Options[i].Position.Line), "leave one of them")
			return
		}
		s.Options = append(s.Options, o)
	})
	slices.SortFunc(s.Options, func(a, b Setting) int { return cmp.Compare(a.Def.Code, b.Def.Code) })
}

func (p *parser) unknownOption(k *yaml.Node) {
	if p.full() {
		return
	}
	if digits, ok := strings.CutPrefix(k.Value, "option-"); ok && isNumber(digits) {
		p.fail(k, clip(k.Value)+" is no option: they have the numbers 1 to 254", "write its number without leading zeros; 0 and 255 are marks between options (RFC 2132 §3)")
		return
	}
	if p.names == nil {
		p.names = p.registry.Names(option.DHCPv4)
	}
	remedy := "define it under option-definitions, or write option-224: {hex: \"0a0b\"} with its number"
	if near := spelling.Nearest(k.Value, p.names); near != "" {
		remedy = "did you mean " + near + "?"
	}
	p.fail(k, "there is no option "+clip(k.Value), remedy)
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// optionValue returns the octets of the value v of an option; false after it has said what is wrong, at the very value.
func (p *parser) optionValue(d option.Def, name string, v *yaml.Node) ([]byte, bool) {
	switch {
	case isNull(v):
		p.fail(v, name+" has no value", "write one, or take the line out")
		return nil, false
	case v.Kind == yaml.AliasNode:
		return nil, false
	}
	b, err := d.Encode(input(v))
	if err == nil {
		return b, true
	}
	p.inputError(v, name, err)
	return nil, false
}

// inputError says what package option found wrong with the value v, at the part of v that it means.
func (p *parser) inputError(v *yaml.Node, name string, err error) {
	var ie *option.InputError
	if !errors.As(err, &ie) {
		p.fail(v, name+": "+err.Error(), "")
		return
	}
	p.fail(part(v, ie.Path, ie.OnKey), name+": "+ie.Reason, ie.Remedy)
}

// part returns the node of v that the path of an option.InputError leads to.
func part(v *yaml.Node, path []int, onKey bool) *yaml.Node {
	for depth, i := range path {
		switch {
		case v.Kind == yaml.SequenceNode && i < len(v.Content):
			v = v.Content[i]
		case v.Kind == yaml.MappingNode && 2*i+1 < len(v.Content):
			if onKey && depth == len(path)-1 {
				return v.Content[2*i]
			}
			v = v.Content[2*i+1]
		default: // a scalar that stands for a list of one
			return v
		}
	}
	return v
}

// input returns what is written at n. The tree has no aliases in it, and its depth is bounded.
func input(n *yaml.Node) option.Input {
	switch n.Kind {
	case yaml.SequenceNode:
		in := option.Input{Kind: option.List, List: make([]option.Input, len(n.Content))}
		for i, c := range n.Content {
			in.List[i] = input(c)
		}
		return in
	case yaml.MappingNode:
		in := option.Input{Kind: option.Map, Map: make([]option.Entry, 0, len(n.Content)/2)}
		for i := 0; i+1 < len(n.Content); i += 2 {
			in.Map = append(in.Map, option.Entry{Key: n.Content[i].Value, Value: input(n.Content[i+1])})
		}
		return in
	}
	return option.Input{Kind: option.Scalar, Scalar: n.Value}
}
