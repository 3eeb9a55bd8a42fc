package config

import (
	"fmt"

	"go.yaml.in/yaml/v4"
)

const (
	aliasMessage = "anchors and aliases (&name, *name) are not used in this document"
	aliasRemedy  = "write the value out; what many clients share belongs to a wider layer, such as enterprise or a network"
)

// plainTags are the types that YAML itself gives to what is written without a tag.
var plainTags = map[string]bool{
	"": true, "!!str": true, "!!int": true, "!!float": true, "!!bool": true, "!!null": true, "!!map": true,
	"!!seq": true, "!!timestamp": true,
}

// refuseTree says everywhere in the tree what YAML has and this document has not: anchors, aliases, merge keys, tags,
// keys that are no scalars, and keys that stand twice. The tree's depth is bounded by MaxDepth.
func (p *parser) refuseTree(n *yaml.Node) {
	if p.full() {
		return
	}
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		p.fail(n, aliasMessage, aliasRemedy)
		return
	case n.Style&yaml.TaggedStyle != 0 || !plainTags[n.Tag] && n.Tag != "!!merge":
		p.fail(n, "tags such as "+clip(n.Tag)+" are not used in this document", "leave the tag out")
		return
	}
	if n.Kind == yaml.MappingNode {
		p.refuseKeys(n)
	}
	for _, c := range n.Content {
		if c.Kind != yaml.ScalarNode || c.Anchor != "" || c.Style&yaml.TaggedStyle != 0 {
			p.refuseTree(c)
		}
	}
}

// refuseKeys says which keys of a map cannot be keys.
func (p *parser) refuseKeys(n *yaml.Node) {
	const few = 12 // comparing few keys with each other is faster than hashing them
	var seen map[string]*yaml.Node
	if len(n.Content) > 2*few {
		seen = make(map[string]*yaml.Node, len(n.Content)/2)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		switch {
		case k.Kind == yaml.AliasNode:
			continue // refuseTree says it
		case k.Kind != yaml.ScalarNode:
			p.fail(k, "a key is one word, not a list or a map", "write KEY: VALUE")
			continue
		case k.Tag == "!!merge":
			p.fail(k, "merge keys (<<) are not used in this document", aliasRemedy)
			continue
		case k.Value == "" || k.Tag == "!!null":
			p.fail(k, "a key is missing here", "write KEY: VALUE")
			continue
		}
		var first *yaml.Node
		if seen != nil {
			if first = seen[k.Value]; first == nil {
				seen[k.Value] = k
			}
		} else {
			first = sameKey(n.Content[:i], k)
		}
		if first != nil {
			p.fail(k, fmt.Sprintf("%s stands twice in this map: first on line %d", clip(k.Value), first.Line), "leave one of them")
		}
	}
}

func sameKey(before []*yaml.Node, k *yaml.Node) *yaml.Node {
	for i := 0; i < len(before); i += 2 {
		if before[i].Kind == yaml.ScalarNode && before[i].Value == k.Value {
			return before[i]
		}
	}
	return nil
}

// isNull reports whether nothing is written at n, as after "pools:".
func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// child returns the value of a key in a map, nil if there is none.
func child(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Kind == yaml.ScalarNode && n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// entries calls each with every key and value of the map n, in the order of the document. Nothing written counts as an
// empty map, and so does an alias, which refuseTree has refused. Where n is something else it says so: what names the map.
func (p *parser) entries(n *yaml.Node, what, example string, each func(key, value *yaml.Node)) {
	if b := p.bodies[n]; b != nil {
		p.inPieces(b, each)
		return
	}
	if isNull(n) || n.Kind == yaml.AliasNode {
		return
	}
	if n.Kind != yaml.MappingNode {
		p.fail(n, fmt.Sprintf("%s must be a map, not %s", what, kindOf(n)), "write "+example)
		return
	}
	for i := 0; i+1 < len(n.Content) && !p.full(); i += 2 {
		if k := n.Content[i]; isKey(k) {
			each(k, n.Content[i+1])
		}
	}
}

// isKey reports whether k can be a key; refuseKeys says why where it cannot.
func isKey(k *yaml.Node) bool {
	return k.Kind == yaml.ScalarNode && k.Value != "" && k.Tag != "!!null" && k.Tag != "!!merge"
}

// list returns the elements of the list n. One value counts as a list of one, and nothing written as an empty list.
func (p *parser) list(n *yaml.Node, what string) []*yaml.Node {
	switch {
	case isNull(n), n.Kind == yaml.AliasNode:
		return nil
	case n.Kind == yaml.SequenceNode:
		return n.Content
	case n.Kind == yaml.ScalarNode:
		return []*yaml.Node{n}
	}
	p.fail(n, fmt.Sprintf("%s must be a list, not %s", what, kindOf(n)), "write [FIRST, SECOND]")
	return nil
}

func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a map"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(n):
		return "nothing"
	}
	return clip(n.Value)
}
