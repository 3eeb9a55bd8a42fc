package option

// Schema describes, as JSON Schema, what a person may write for the option. The map is the caller's.
func (d Def) Schema() map[string]any {
	return anyOf(d.Type.schema(), hexSchema())
}

func (t Type) schema() map[string]any {
	one := codecs[t.Kind].schema(t)
	if !t.List {
		return one
	}
	array := arrayOf(one)
	if t.Least < 0 {
		array["minItems"] = 0
	}
	return anyOf(one, array)
}

func anyOf(schemas ...map[string]any) map[string]any {
	list := []any{}
	for _, s := range schemas {
		if inner, ok := s["anyOf"].([]any); ok && len(s) == 1 {
			list = append(list, inner...)
		} else {
			list = append(list, s)
		}
	}
	return map[string]any{"anyOf": list}
}

func arrayOf(item map[string]any) map[string]any {
	return map[string]any{"type": "array", "items": item, "minItems": 1}
}

func scalarSchema(typ string) map[string]any { return map[string]any{"type": typ} }

func textSchema() map[string]any {
	return map[string]any{"type": []any{"string", "number", "boolean"}}
}

func hexSchema() map[string]any {
	return keySchema("hex", map[string]any{"type": []any{"string", "integer"}, "pattern": "^(0x)?([0-9A-Fa-f]{2}[: -]?)*$"})
}

// keySchema is a map with exactly one key.
func keySchema(key string, value map[string]any) map[string]any {
	return map[string]any{"type": "object", "properties": map[string]any{key: value}, "required": []any{key}, "additionalProperties": false}
}

func mapSchema(pattern string, value map[string]any) map[string]any {
	return map[string]any{"type": "object", "patternProperties": map[string]any{pattern: value}, "additionalProperties": false, "minProperties": 1}
}

// itemSchema is a text, or a value that says its own type.
func itemSchema() map[string]any { return anyOf(textSchema(), ownTypeSchema()) }

// ownTypeSchema is a value that says its own type: {uint16: 5}.
func ownTypeSchema() map[string]any {
	p := map[string]any{"hex": hexSchema()["properties"].(map[string]any)["hex"], "text": textSchema()}
	for k := Bool; k <= Name; k++ {
		p[kindNames[k]] = map[string]any{}
	}
	return map[string]any{"type": "object", "properties": p, "additionalProperties": false, "minProperties": 1, "maxProperties": 1}
}

func schemaBinary(Type) map[string]any { return ownTypeSchema() }
func schemaBool(Type) map[string]any   { return scalarSchema("boolean") }
func schemaText(Type) map[string]any   { return anyOf(textSchema(), hexSchema()) }
func schemaName(Type) map[string]any   { return scalarSchema("string") }
func schemaEmpty(Type) map[string]any  { return map[string]any{"const": true} }

func schemaInt(t Type) map[string]any {
	least, most := t.bounds()
	return map[string]any{"type": "integer", "minimum": least, "maximum": most}
}

func schemaAddress(Type) map[string]any {
	return map[string]any{"type": "string", "format": "ipv4"}
}

func schemaAddress6(Type) map[string]any {
	return map[string]any{"type": "string", "format": "ipv6"}
}

func schemaRecord(t Type) map[string]any {
	items := []any{}
	for _, k := range t.fields() {
		items = append(items, codecs[k].schema(Type{Kind: k}))
	}
	s := map[string]any{"type": "array", "prefixItems": items, "minItems": len(items)}
	if t.Tail {
		s["items"] = items[len(items)-1]
	} else {
		s["items"] = false
	}
	return anyOf(s, textSchema())
}

func schemaSearchList(Type) map[string]any {
	return anyOf(scalarSchema("string"), arrayOf(scalarSchema("string")))
}

func schemaRoutes(Type) map[string]any {
	route := anyOf(scalarSchema("string"), map[string]any{
		"type":       "object",
		"properties": map[string]any{"to": scalarSchema("string"), "via": schemaAddress(Type{})},
		"required":   []any{"to", "via"}, "additionalProperties": false,
	})
	return anyOf(route, arrayOf(route))
}

func schemaUserClass(Type) map[string]any { return anyOf(itemSchema(), arrayOf(itemSchema())) }

func schemaFQDN(Type) map[string]any {
	return map[string]any{"type": "object", "properties": map[string]any{
		"flags": map[string]any{"type": "string", "pattern": "^[SOEN]*$"}, "name": scalarSchema("string"),
	}, "additionalProperties": false}
}

func schemaVendorClasses(Type) map[string]any {
	array := arrayOf(itemSchema())
	array["minItems"] = 0
	return mapSchema("^[0-9]+$", anyOf(itemSchema(), array))
}

func innerSchema() map[string]any {
	nested := map[string]any{"type": "object", "patternProperties": map[string]any{"^[0-9]+$": map[string]any{}}, "additionalProperties": false}
	return anyOf(scalarSchema("string"), arrayOf(schemaAddress(Type{})), ownTypeSchema(), nested)
}

func schemaVendorOptions(Type) map[string]any {
	return mapSchema("^[0-9]+$", map[string]any{"type": "object", "patternProperties": map[string]any{"^[0-9]+$": innerSchema()}, "additionalProperties": false})
}

func schemaSubOptions(t Type) map[string]any {
	s := mapSchema("^[0-9]+$", innerSchema())
	if t.Sub == 0 {
		s["properties"] = map[string]any{"end": map[string]any{"const": true}}
	} else {
		s["patternProperties"] = map[string]any{"^[a-z0-9-]+$": map[string]any{}}
		s["minProperties"] = 0
	}
	return anyOf(s, keySchema("text", textSchema()))
}

func schemaSIPServers(Type) map[string]any {
	return anyOf(scalarSchema("string"), arrayOf(scalarSchema("string")))
}

func schemaAddressLists(Type) map[string]any {
	return anyOf(schemaAddress(Type{}), arrayOf(anyOf(schemaAddress(Type{}), arrayOf(schemaAddress(Type{})))))
}

func schemaLongTexts(Type) map[string]any { return anyOf(itemSchema(), arrayOf(itemSchema())) }

func schemaResolvers(Type) map[string]any {
	r := map[string]any{"type": "object", "properties": map[string]any{
		"priority":   schemaInt(Type{Kind: Uint16}),
		"name":       scalarSchema("string"),
		"addresses":  anyOf(schemaAddress(Type{}), arrayOf(schemaAddress(Type{}))),
		"parameters": schemaParams(),
	}, "required": []any{"name"}, "additionalProperties": false}
	return anyOf(r, arrayOf(r))
}

func schemaParams() map[string]any {
	return map[string]any{"type": "object", "properties": map[string]any{
		"alpn": anyOf(itemSchema(), arrayOf(itemSchema())), "port": schemaInt(Type{Kind: Uint16}), "dohpath": textSchema(),
	}, "patternProperties": map[string]any{"^key[0-9]+$": itemSchema()}, "additionalProperties": false}
}
