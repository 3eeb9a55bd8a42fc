package config

import (
	"slices"
	"strconv"

	"go.yaml.in/yaml/v4"
)

// flowEnd returns where a value in brackets ends that begins at an offset.
func flowEnd(src []byte, at int) (int, bool) {
	depth := 0
	for i := at; i < len(src); i++ {
		switch c := src[i]; {
		case c == '{' || c == '[':
			depth++
		case (c == '}' || c == ']' || c == ',') && depth == 0:
			return i, true
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return i + 1, true
			}
		case (c == '"' || c == '\'') && beginsWord(src, at, i):
			end := quoteEnd(src, i)
			if i = end - 1; depth == 0 {
				return end, end > 0
			}
			if end < 0 {
				return 0, false
			}
		case c == '#' && i > 0 && (src[i-1] == ' ' || src[i-1] == '\n'):
			for i+1 < len(src) && src[i+1] != '\n' {
				i++
			}
		case c == '\n' && depth == 0:
			return 0, false
		}
	}
	return 0, false
}

// beginsWord reports whether a quote at i stands where a word begins, and is not part of one.
func beginsWord(src []byte, from, i int) bool {
	for i--; i >= from; i-- {
		switch src[i] {
		case ' ', '\n', '\r', '\t':
			continue
		case '{', '[', ',', ':':
			return true
		}
		return false
	}
	return true
}

// quoteEnd returns where the quoted word ends that begins at i; -1 if it does not.
func quoteEnd(src []byte, i int) int {
	quote := src[i]
	for i++; i < len(src); i++ {
		switch {
		case src[i] == '\\' && quote == '"':
			i++
		case src[i] == quote && quote == '\'' && i+1 < len(src) && src[i+1] == quote:
			i++
		case src[i] == quote:
			return i + 1
		}
	}
	return -1
}

// sameBut reports whether two documents say the same, but for the host of that name, which after has as value says, nil: not at all.
func sameBut(before, after *yaml.Node, name string, value *yaml.Node) bool {
	want := *before
	want.Content = slices.Clone(before.Content)
	hosts := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	at := -1
	for i := 0; i+1 < len(want.Content); i += 2 {
		if want.Content[i].Value == "hosts" {
			at = i + 1
			hosts.Content = slices.Clone(want.Content[at].Content)
		}
	}
	i := 0
	for i < len(hosts.Content) && hosts.Content[i].Value != name {
		i += 2
	}
	key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name}
	switch {
	case i < len(hosts.Content) && value == nil:
		hosts.Content = slices.Delete(hosts.Content, i, i+2)
	case i < len(hosts.Content):
		hosts.Content[i+1] = value
	case value != nil:
		hosts.Content = append(hosts.Content, key, value)
	}
	if at < 0 {
		want.Content = append(want.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "hosts"}, hosts)
	} else {
		want.Content[at] = hosts
	}
	return saysSame(&want, after)
}

// saysSame reports whether two trees say the same, however they are written.
func saysSame(a, b *yaml.Node) bool {
	if a.Kind != b.Kind || a.Value != b.Value || a.Anchor != b.Anchor || len(a.Content) != len(b.Content) {
		return false
	}
	if a.Kind == yaml.ScalarNode && a.Tag != b.Tag && !(a.Tag == "!!str" || b.Tag == "!!str") {
		return false
	}
	for i := range a.Content {
		if !saysSame(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}

// appendFlow appends a tree on one line.
func appendFlow(dst []byte, n *yaml.Node) []byte {
	switch n.Kind {
	case yaml.MappingNode:
		dst = append(dst, '{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = append(appendFlow(dst, n.Content[i]), ": "...)
			dst = appendFlow(dst, n.Content[i+1])
		}
		return append(dst, '}')
	case yaml.SequenceNode:
		dst = append(dst, '[')
		for i, c := range n.Content {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendFlow(dst, c)
		}
		return append(dst, ']')
	}
	quoted := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	return appendWord(dst, n.Value, quoted)
}

// appendWord appends a word, in quotes where it needs them.
func appendWord(dst []byte, s string, quoted bool) []byte {
	if quoted || !isBare(s) {
		return strconv.AppendQuote(dst, s)
	}
	return append(dst, s...)
}

// isBare reports whether a word needs no quotes, wherever it stands.
func isBare(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_' || c == '/':
		case (c == '.' || c == '-' || c == '+') && (i > 0 || len(s) > 1 && s[1] != ' ' && s != "---" && s != "..."):
		case c == ':' && i > 0 && i+1 < len(s):
		default:
			return false
		}
	}
	return s != ""
}
