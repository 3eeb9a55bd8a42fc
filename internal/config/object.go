package config

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lessor-dhcp/lessor/internal/spelling"
)

// key is one key that a map of the document may have: the parser, the suggestions and the schema come from it.
type key[T any] struct {
	name string
	doc  string // what the key says, in one sentence, for the schema
	// shape is the JSON Schema of its value.
	shape shape
	// read reads the value v of the key k into a T.
	read func(p *parser, into *T, k, v *yaml.Node)
	// later says what the key comes with, if it is not read yet. It has neither shape nor read then.
	later string
	// noted says that the scope remembers where the key stands (Scope.LinePositions).
	noted bool
}

// object is a map with known keys.
type object[T any] struct {
	name  string // in the schema: subnet
	what  string // in messages: a subnet
	where string // where such a map stands: networks: NAME: subnets: PREFIX
	// example is how such a map is written.
	example string
	keys    []key[T]
	// scope returns the scope that the object has, nil if it has none.
	scope func(*T) *Scope
	// required are the keys that must be there.
	required []string
}

func (o *object[T]) find(name string) *key[T] {
	for i := range o.keys {
		if o.keys[i].name == name {
			return &o.keys[i]
		}
	}
	return nil
}

// known returns the names of the keys that are read.
func (o *object[T]) known() []string {
	var names []string
	for i := range o.keys {
		if o.keys[i].later == "" {
			names = append(names, o.keys[i].name)
		}
	}
	return names
}

func (o *object[T]) place() (name, what, where string) { return o.name, o.what, o.where }

// section is an object of any type.
type section interface {
	known() []string
	place() (name, what, where string)
	schema() shape
}

// fields reads the map n into a T by the table o, and says which of its keys are unknown.
func fields[T any](p *parser, o *object[T], n *yaml.Node, into *T) {
	var scope *Scope
	if o.scope != nil {
		scope = o.scope(into)
	}
	p.entries(n, o.what, o.example, func(k, v *yaml.Node) {
		f := o.find(k.Value)
		switch {
		case f == nil:
			p.unknown(k, o)
		case f.later != "":
			p.later(k, k.Value, f.later)
		default:
			if scope != nil && f.noted {
				scope.note(f.name, position(k))
			}
			f.read(p, into, k, v)
		}
	})
	for _, name := range o.required {
		if n.Kind == yaml.MappingNode && child(n, name) == nil {
			p.fail(n, fmt.Sprintf("%s needs the key %s", o.what, name), "write "+o.example)
		}
	}
}

func (s *Scope) note(name string, pos Position) {
	if s.LinePositions == nil {
		s.LinePositions = make(map[string]Position, 2)
	}
	s.LinePositions[name] = pos
}

// later says that something is part of the document, but of a later Lessor's.
func (p *parser) later(at *yaml.Node, name, with string) {
	p.fail(at, name+": not yet: comes with "+with, "leave it out for now")
}

// unknown says that o has no such key, and which was probably meant.
func (p *parser) unknown(k *yaml.Node, o section) {
	_, what, _ := o.place()
	p.fail(k, fmt.Sprintf("%s has no key %s", what, clip(k.Value)), p.meant(k.Value, o))
}

// meant returns what is to be written instead of a key that o does not have.
func (p *parser) meant(word string, o section) string {
	if p.full() {
		return ""
	}
	own := o.known()
	if f, ok := foreign[word]; ok && slices.Contains(own, f.key) {
		return "write " + f.example
	}
	var elsewhere []string
	for _, s := range p.tables.sections() {
		if slices.Contains(s.known(), word) {
			_, _, where := s.place()
			elsewhere = append(elsewhere, where)
		}
	}
	if near := spelling.Nearest(word, own); near != "" && (len(elsewhere) == 0 || spelling.Distance(word, near, 2) == 1) {
		return fmt.Sprintf("did you mean %s?", near)
	}
	if len(elsewhere) > 0 {
		const few = 5
		more := ""
		if len(elsewhere) > few {
			elsewhere, more = elsewhere[:few], ", or another layer"
		}
		return fmt.Sprintf("%s belongs under %s", word, strings.Join(elsewhere, ", or ")) + more
	}
	return "the keys here are " + strings.Join(own, ", ")
}

// foreign says what the words of other servers' configurations are in this document.
var foreign = map[string]struct{ key, example string }{
	"shared-networks":    {"networks", "networks: {NAME: {subnets: {…}}}"},
	"shared-network":     {"networks", "networks: {NAME: {subnets: {…}}}"},
	"reservations":       {"hosts", "hosts: {NAME: {hardware: …, address: …}}"},
	"subnet4":            {"networks", "networks: {NAME: {subnets: {10.0.0.0/24: {…}}}}"},
	"dhcp4":              {"networks", "the keys of this document: server, enterprise, networks, hosts"},
	"option-def":         {"option-definitions", "option-definitions: {NAME: {code: 224, type: uint8}}"},
	"option-data":        {"options", "options: {routers: [10.0.0.1]}"},
	"option":             {"options", "options: {routers: [10.0.0.1]}"},
	"default-lease-time": {"lease", "lease: {default: 4h}"},
	"max-lease-time":     {"lease", "lease: {max: 24h}"},
	"min-lease-time":     {"lease", "lease: {min: 5m}"},
	"valid-lifetime":     {"lease", "lease: {default: 4h}"},
	"max-valid-lifetime": {"lease", "lease: {max: 24h}"},
	"min-valid-lifetime": {"lease", "lease: {min: 5m}"},
	"filename":           {"boot-file-name", "boot-file-name: pxelinux.0"},
	"ping-check":         {"conflict-probe", "conflict-probe: 300ms"},
	"mac":                {"hardware", "hardware: 02:00:00:00:00:07"},
	"ethernet":           {"hardware", "hardware: 02:00:00:00:00:07"},
	"hw-address":         {"hardware", "hardware: 02:00:00:00:00:07"},
	"ip-address":         {"address", "address: 10.0.0.9"},
	"fixed-address":      {"address", "address: 10.0.0.9"},
	"hostname":           {"options", "options: {host-name: printer1}"},
	"pool":               {"range", "range: 10.0.0.50-10.0.0.240"},
}
