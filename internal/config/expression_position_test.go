package config

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// TestEveryCharacterOfAValueHasItsPlaceInTheDocument writes random texts in every style that YAML has, and looks for each
// of their characters at the place that within gives.
func TestEveryCharacterOfAValueHasItsPlaceInTheDocument(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	alphabet := []string{"a", "b", "==", " ", "  ", "'", "\"", "\\", "\n", "é", "日", "#", ":", "|", "\t", "%", "&&"}
	for range 4000 {
		var text strings.Builder
		for range 1 + r.IntN(40) {
			text.WriteString(alphabet[r.IntN(len(alphabet))])
		}
		style := []yaml.Style{0, yaml.SingleQuotedStyle, yaml.DoubleQuotedStyle, yaml.LiteralStyle, yaml.FoldedStyle}[r.IntN(5)]
		tree := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{
			{Kind: yaml.ScalarNode, Value: "k"}, {Kind: yaml.MappingNode, Content: []*yaml.Node{
				{Kind: yaml.ScalarNode, Value: "kéy"}, {Kind: yaml.ScalarNode, Tag: "!!str", Value: text.String(), Style: style},
			}}, {Kind: yaml.ScalarNode, Value: "last"}, {Kind: yaml.ScalarNode, Value: "x"},
		}}
		src, err := yaml.Dump(tree, yaml.WithLineWidth(20+r.IntN(60)))
		if err != nil {
			t.Fatal(err)
		}
		if r.IntN(2) == 0 {
			src = []byte(strings.ReplaceAll(string(src), "\n", "\r\n"))
		}
		if !stands(t, src) {
			t.Fatalf("in\n%s", src)
		}
	}
}

// stands reports whether every character of the first value below the first key that is no blank stands where within
// says.
func stands(t *testing.T, src []byte) bool {
	t.Helper()
	root, _, err := compose(src)
	if err != nil {
		t.Fatalf("%v in\n%s", err, src)
	}
	n := root.Content[0].Content[1].Content[1]
	s := source{text: src}
	for i, c := range n.Value {
		if isBlank(c) {
			continue
		}
		pos := s.within(n, i)
		at, ok := s.offset(pos)
		if !ok {
			t.Errorf("octet %d of %q has no place", i, n.Value)
			return false
		}
		w := written{text: src, at: at}
		if n.Style&yaml.DoubleQuotedStyle != 0 {
			w.quote = '"'
		}
		if got, _ := w.decode(); got != c {
			t.Errorf("octet %d of %q, which is %q, is said to be at %v, where %q stands", i, n.Value, c, pos, got)
			return false
		}
	}
	return true
}

func TestAnEndAndABlankHaveAPlaceToo(t *testing.T) {
	const src = "k:\n  v: 'a  b\n\n    c'  # end\n"
	root, _, err := compose([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	n := root.Content[0].Content[1].Content[1]
	if n.Value != "a  b\nc" {
		t.Fatalf("%q", n.Value)
	}
	s := source{text: []byte(src)}
	for offset, want := range map[int]Position{
		-1: {2, 6}, 0: {2, 7}, 1: {2, 8}, 3: {2, 10}, 4: {2, 11}, 5: {4, 5}, 6: {4, 6}, 7: {4, 6}, 1000: {4, 6},
	} {
		if got := s.within(n, offset); got != want {
			t.Errorf("octet %d is at %v, want %v", offset, got, want)
		}
	}
}

func FuzzWithin(f *testing.F) {
	f.Add([]byte("k:\n  v: 'a b'\n"), 2)
	f.Add([]byte("k:\n  v: \"a\\x41\\\n  b\"\n"), 2)
	f.Add([]byte("k:\n  v: |2-\n\n    b\n   c\n"), 3)
	f.Add([]byte("k:\n  v: >+ # c\n    b\n    c\n\n\n"), 3)
	f.Fuzz(func(t *testing.T, src []byte, offset int) {
		if _, what := unreadable(src); what != "" || len(src) > 1<<12 {
			return
		}
		root, _, err := compose(src)
		if err != nil || root == nil {
			return
		}
		s := source{text: src}
		var walk func(n *yaml.Node)
		walk = func(n *yaml.Node) {
			if n.Kind == yaml.ScalarNode {
				pos := s.within(n, offset)
				if pos.Line < n.Line || pos.Column < 1 {
					t.Fatalf("%q at %v is said to be at %v", n.Value, position(n), pos)
				}
				if offset >= 0 && offset < len(n.Value) && utf8.RuneStart(n.Value[offset]) && pos.Line > len(s.lines) {
					t.Fatalf("%v is beyond the text", pos)
				}
			}
			for _, c := range n.Content {
				walk(c)
			}
		}
		walk(root)
	})
}
