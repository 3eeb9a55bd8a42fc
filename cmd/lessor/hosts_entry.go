package main

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// hostSaid is what a command line says of a host: all of it as text, or parts.
type hostSaid struct {
	text    string
	known   bool // fields say what its client is known by
	fields  []setting
	options []setting
}

type setting struct{ key, value string }

// into returns an entry, which is YAML, with what was said in it. What was not said stays.
func (s *hostSaid) into(entry string) (string, error) {
	host, err := entryTree(entry)
	if err != nil {
		return "", err
	}
	for _, f := range s.fields {
		v, err := valueSaid(f.value)
		if err != nil {
			return "", fmt.Errorf("--%s: %w", f.key, err)
		}
		put(host, f.key, v)
	}
	for _, o := range s.options {
		v, err := yamlValue(o.value)
		if err != nil {
			return "", fmt.Errorf("--option %s: %w", printable(o.key), err)
		}
		options := valueOfKey(host, "options")
		if options == nil || options.Kind != yaml.MappingNode {
			options = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
			put(host, "options", options)
		}
		put(options, o.key, v)
	}
	host.Style = yaml.FlowStyle
	b, err := yaml.Dump(host, yaml.WithLineWidth(-1))
	return strings.TrimSpace(string(b)), err
}

// entryTree reads an entry that the configuration has.
func entryTree(entry string) (*yaml.Node, error) {
	var doc yaml.Node
	err := yaml.Load([]byte(entry), &doc)
	if err == nil && len(doc.Content) == 1 && doc.Content[0].Kind == yaml.MappingNode {
		return doc.Content[0], nil
	}
	return nil, errors.New("the entry that there is cannot be changed by flags\n  → give all that it is to be: lessor hosts set NAME ENTRY")
}

// valueSaid reads the value of an identifier: text, or {hex: …}.
func valueSaid(text string) (*yaml.Node, error) {
	if strings.HasPrefix(text, "{") {
		return yamlValue(text)
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}, nil
}

// yamlValue reads a value as it stands in a document.
func yamlValue(text string) (*yaml.Node, error) {
	var doc yaml.Node
	if err := yaml.Load([]byte(text), &doc); err != nil || len(doc.Content) != 1 {
		return nil, fmt.Errorf("%q is no value as a configuration file has it", printable(text))
	}
	return doc.Content[0], nil
}

func valueOfKey(m *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return m.Content[i+1]
		}
	}
	return nil
}

// put sets a key of a map.
func put(m *yaml.Node, key string, v *yaml.Node) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			m.Content[i+1] = v
			return
		}
	}
	m.Content = append(m.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, v)
}
