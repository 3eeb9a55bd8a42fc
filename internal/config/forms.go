package config

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lessor-dhcp/lessor/internal/spelling"
)

const takeoverKey = "on-takeover"

// formOf returns the form that is called name, 0 if none is.
func formOf(name string) Form {
	switch name {
	case "set":
		return Set
	case "append":
		return Append
	case "prepend":
		return Prepend
	case "merge":
		return Merge
	case "unset":
		return Unset
	case "force":
		return Force
	}
	return 0
}

// isForm reports whether a map with the key name says how a value meets weaker layers, rather than being a value.
func isForm(name string) bool { return formOf(name) != 0 || name == takeoverKey }

// formed reports whether v is a value with a form. A value may itself be a map, but none has a key that is called like a
// form: option-definitions refuses such names, and no standard option has one.
func formed(v *yaml.Node) bool {
	if v.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i+1 < len(v.Content); i += 2 {
		if isForm(v.Content[i].Value) {
			return true
		}
	}
	return false
}

// readSetting reads the value v of the option o.Def, which the document calls name; false after it has said what is
// wrong.
func (p *parser) readSetting(o *Setting, name string, v *yaml.Node) (ok bool) {
	if !formed(v) {
		o.Value, ok = p.optionValue(o.Def, name, v)
		return ok
	}
	form, value, ok := p.readForm(o, name, v)
	if !ok {
		return false
	}
	if value == nil {
		p.fail(v, name+" has no value: "+takeoverKey+" stands beside one", "write {set: VALUE, "+takeoverKey+": local}")
		return false
	}
	o.Form = formOf(form.Value)
	if o.Form == Unset {
		return p.isUnset(name, value)
	}
	if o.Value, ok = p.optionValue(o.Def, name, value); !ok {
		return false
	}
	return p.fits(o, name, form)
}

// readForm returns the key that is a form in the map v, and its value, nil if there is none; false after it has said
// what is wrong.
func (p *parser) readForm(o *Setting, name string, v *yaml.Node) (form, value *yaml.Node, ok bool) {
	ok = true
	for i := 0; i+1 < len(v.Content); i += 2 {
		k, c := v.Content[i], v.Content[i+1]
		switch {
		case !isKey(k): // refuseKeys says it
			ok = false
		case k.Value == takeoverKey:
			o.OnTakeover = p.takeover(c)
			ok = ok && o.OnTakeover != 0
		case formOf(k.Value) == 0:
			p.noForm(k, name)
			ok = false
		case form != nil && form.Value != k.Value:
			p.fail(k, fmt.Sprintf("%s has two forms, %s and %s", name, form.Value, k.Value), "a layer says one thing of an option: leave one of them")
			ok = false
		default:
			form, value = k, c
		}
	}
	return form, value, ok
}

func (p *parser) noForm(k *yaml.Node, name string) {
	remedy := "the forms are " + strings.Join(formNames[Set:], ", ") + "; a value that is a map stands under one, as in {set: {…}}"
	if near := spelling.Nearest(k.Value, append([]string{takeoverKey}, formNames[Set:]...)); near != "" {
		remedy = "did you mean " + near + "?"
	}
	p.fail(k, fmt.Sprintf("%s: %s is no form of a value", name, clip(k.Value)), remedy)
}

func (p *parser) isUnset(name string, v *yaml.Node) bool {
	if v.Kind == yaml.ScalarNode && v.Value == "true" {
		return true
	}
	switch {
	case v.Kind == yaml.ScalarNode && v.Value == "false":
		p.fail(v, name+": unset: false says nothing", "take it out, or write unset: true")
	case v.Kind == yaml.AliasNode:
	default:
		p.fail(v, name+": unset takes no value", "write {unset: true}")
	}
	return false
}

// fits reports whether the form of o is one that its option can have; false after it has said that it is not.
func (p *parser) fits(o *Setting, name string, form *yaml.Node) bool {
	switch o.Form {
	case Append, Prepend:
		if o.Def.Joins() {
			return true
		}
		p.fail(form, fmt.Sprintf("%s is no list: nothing can stand %s it", name, map[Form]string{Append: "behind", Prepend: "before"}[o.Form]),
			"write {set: VALUE}, or the plain value")
		return false
	case Merge:
		if o.Def.Merges() {
			return true
		}
		remedy := "write {set: VALUE}, or the plain value"
		if o.Def.Joins() {
			remedy = "write {append: …} or {prepend: …}"
		}
		p.fail(form, name+" has no keys to merge by", remedy)
		return false
	}
	return true
}

// formShape describes a value with its form.
func formShape() shape {
	properties := shape{takeoverKey: takeoverShape()}
	var one []any
	for f := Set; f <= Force; f++ {
		properties[f.String()] = shape{"description": formDocs[f]}
		one = append(one, shape{"required": []string{f.String()}})
	}
	properties[Unset.String()] = shape{"const": true, "description": formDocs[Unset]}
	return shape{"type": "object", "properties": properties, "oneOf": one, "additionalProperties": false,
		"description": "A value, and how it meets what weaker layers say: " + strings.Join(formNames[Set:], ", ") + "."}
}

var formDocs = [...]string{
	Set:     "The value, in the place of theirs: what the plain value means.",
	Append:  "The value stands behind theirs.",
	Prepend: "The value stands before theirs.",
	Merge:   "Entries take the place of theirs with the same key; the others stand behind theirs.",
	Unset:   "Nobody gets the option, whatever they say.",
	Force:   "As set, and the client gets it whether it asks for it or not.",
}
