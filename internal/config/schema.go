package config

import (
	"encoding/json"
	"maps"

	"github.com/lessor-dhcp/lessor/internal/option"
)

// shape is a JSON Schema.
type shape = map[string]any

// Schema returns the JSON Schema (draft 2020-12) of the document, indented, for editors. It comes from the tables that
// the parser reads by, so it knows the same keys. Keys of later issues are not in it.
func Schema() []byte {
	t := newTables()
	defs := shape{"options": optionsShape(), "matched-options": matchedShape(), "form": formShape()}
	for _, s := range t.sections() {
		if name, _, _ := s.place(); name != "document" {
			defs[name] = s.schema()
		}
	}
	root := t.document.schema()
	maps.Copy(root, shape{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   "Lessor: the configuration document",
		"$defs":   defs,
	})
	b, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic(err) // our own tables cannot be spelt in JSON
	}
	return append(b, '\n')
}

func (o *object[T]) schema() shape {
	properties := shape{}
	for _, k := range o.keys {
		if k.later != "" {
			continue
		}
		s := maps.Clone(k.shape)
		s["description"] = k.doc
		properties[k.name] = s
	}
	// "pools:" with nothing after it is allowed, as people leave it when they comment out what was there.
	s := shape{"type": []string{"object", "null"}, "properties": properties, "additionalProperties": false}
	if len(o.required) > 0 {
		s["type"], s["required"] = "object", o.required
	}
	return s
}

func optionsShape() shape {
	r := option.Standard()
	properties := shape{}
	for _, name := range r.Names(option.DHCPv4) {
		d, _ := r.ByName(option.DHCPv4, name)
		if _, ok := serverSets[d.Code]; !ok {
			properties[name] = shape{"anyOf": []any{shape(d.Schema()), ref("form")}}
		}
	}
	return shape{
		"type": []string{"object", "null"}, "properties": properties,
		"description": "What clients are told, by option name: a standard one, one of option-definitions, or option-N.",
	}
}

// matchedShape describes options that a client must send. Their values are those of options, but which of them the
// editor checks.
func matchedShape() shape {
	return shape{"type": []string{"object", "null"}, "description": "Options that the client must send, by name, each with a value."}
}

func ref(name string) shape { return shape{"$ref": "#/$defs/" + name} }

func mapOf(name string) shape {
	return shape{"type": []string{"object", "null"}, "additionalProperties": ref(name)}
}

func subnetsShape() shape {
	s := mapOf("subnet")
	s["propertyNames"] = shape{"pattern": `^[0-9]+(\.[0-9]+){3}/[0-9]+$`}
	return s
}

// listOf is a list of items, or one of them.
func listOf(item shape) shape {
	return shape{"oneOf": []any{item, shape{"type": []string{"array", "null"}, "items": item}}}
}

func stringShape(pattern, example string) shape {
	s := shape{"type": "string", "examples": []string{example}}
	if pattern != "" {
		s["pattern"] = pattern
	}
	return s
}

func addressShape() shape { return shape{"type": "string", "format": "ipv4"} }

func durationShape() shape {
	return stringShape(`^([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+$`, "1h30m")
}

func lifetimeShape() shape {
	return stringShape(`^(infinite|([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+)$`, "4h")
}

func takeoverShape() shape { return shape{"enum": []string{"home", "local"}} }

// versionShape is that of a version's name. It has no type, since digits alone would be a number.
func versionShape() shape { return shape{"pattern": "^[0-9a-f]{32}$"} }

func hexShape() shape {
	return shape{"type": "object", "properties": shape{"hex": shape{"type": "string"}}, "required": []string{"hex"}, "additionalProperties": false}
}

func textShape() shape {
	return shape{"type": "object", "properties": shape{"text": shape{"type": "string"}}, "required": []string{"text"}, "additionalProperties": false}
}

func identifierShape() shape {
	return shape{"oneOf": []any{shape{"type": []string{"string", "number"}}, hexShape(), textShape()}}
}

func clientIDShape() shape {
	return shape{"oneOf": []any{shape{"type": []string{"string", "number"}, "examples": []string{"01:02:00:00:00:00:08"}}, hexShape(), textShape()}}
}

func typeShape() shape {
	kinds := shape{"enum": []string{"uint8", "uint16", "uint32", "int32", "bool", "string", "binary", "ipv4-address", "fqdn"}}
	record := shape{"type": "object", "properties": shape{"record": shape{"type": "array", "items": kinds, "minItems": 1, "maxItems": option.MaxFields}}, "required": []string{"record"}, "additionalProperties": false}
	one := shape{"oneOf": []any{kinds, record}}
	return shape{"oneOf": []any{kinds, record, shape{"type": "array", "items": one, "minItems": 1, "maxItems": 1}}}
}
