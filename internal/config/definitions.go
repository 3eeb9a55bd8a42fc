package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lessor-dhcp/lessor/internal/option"
)

// definition is one entry of option-definitions while it is read.
type definition struct {
	code option.Code
	typ  option.Type
}

func definitionKeys() *object[definition] {
	return &object[definition]{
		name: "definition", what: "an option definition", where: "option-definitions: NAME", example: "acme-mode: {code: 224, type: uint8}",
		required: []string{"code", "type"},
		keys: []key[definition]{
			{name: "code", doc: "The option's number; 224 to 254 are free for private use (RFC 3942).",
				shape: shape{"type": "integer", "minimum": 1, "maximum": 254}, read: (*parser).readCode},
			{name: "type", doc: "The type of its value: uint8, uint16, uint32, int32, bool, string, binary, ipv4-address or fqdn; [TYPE] for a list; {record: [TYPE, TYPE]} for several fields.",
				shape: typeShape(), read: func(p *parser, d *definition, _, v *yaml.Node) {
					t, err := option.ParseType(input(v))
					if err != nil {
						p.inputError(v, "type", err)
						return
					}
					d.typ = t
				}},
			{name: "space", doc: "Whose numbers they are. Default: dhcp4.", shape: shape{"enum": []string{"dhcp4"}},
				read: func(p *parser, _ *definition, _, v *yaml.Node) {
					s, ok := p.scalar(v, "space", "dhcp4")
					switch {
					case !ok, s == "dhcp4":
					case s == "dhcp6":
						p.later(v, "space dhcp6", withDHCPv6)
					default:
						p.fail(v, "there is no option space "+clip(s), "write dhcp4")
					}
				}},
		},
	}
}

func (p *parser) readCode(d *definition, _, v *yaml.Node) {
	s, ok := p.scalar(v, "code", "a number of 1 to 254")
	if !ok {
		return
	}
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n < 1 || n > 254 {
		p.fail(v, clip(s)+" is not the number of an option", "write a number of 1 to 254; 224 to 254 are free for private use")
		return
	}
	d.code = option.Code(n)
	if x, ok := serverSets[d.code]; ok {
		p.fail(v, fmt.Sprintf("option %d cannot be defined: %s", n, x.why), "224 to 254 are free for private use")
		d.code = 0
	}
}

var definitionName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

// readDefinitions adds the document's own options to the registry.
func (p *parser) readDefinitions(n *yaml.Node) {
	p.entries(n, "option-definitions", "option-definitions: {acme-mode: {code: 224, type: uint8}}", func(k, v *yaml.Node) {
		var d definition
		fields(p, p.tables.definition, v, &d)
		if !definitionName.MatchString(k.Value) {
			p.fail(k, clip(k.Value)+" cannot name an option", "begin with a small letter, and use small letters, digits and hyphens")
			return
		}
		if isForm(k.Value) || k.Value == "hex" {
			p.fail(k, k.Value+" cannot name an option: it says how a value is meant", "take another name")
			return
		}
		if d.code == 0 || d.typ.Kind == 0 {
			if isNull(v) {
				p.fail(v, "this option definition is empty", "write {code: 224, type: uint8}")
			}
			return
		}
		def := option.Def{Code: d.code, Name: k.Value, Space: option.DHCPv4, Type: d.typ}
		r, err := p.registry.With(def)
		if err != nil {
			message, remedy, _ := strings.Cut(err.Error(), ": use ")
			p.fail(k, message, "use "+remedy)
			return
		}
		p.registry = r
		p.definitions = append(p.definitions, def)
	})
}
