package config

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"
)

// differs returns in what two trees differ that means something to the parser, "" if in nothing.
func differs(a, b *yaml.Node) string {
	const styles = yaml.TaggedStyle | yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle | yaml.FlowStyle
	if a.Kind != b.Kind || a.Value != b.Value || a.Style&styles != b.Style&styles || a.Anchor != b.Anchor || isNull(a) != isNull(b) ||
		isKey(a) != isKey(b) || plainTags[a.Tag] != plainTags[b.Tag] || position(a) != position(b) || len(a.Content) != len(b.Content) {
		return fmt.Sprintf("%d %q %s %d at %v, and %d %q %s %d at %v", a.Kind, a.Value, a.Tag, a.Style, position(a), b.Kind, b.Value, b.Tag, b.Style, position(b))
	}
	for i := range a.Content {
		if d := differs(a.Content[i], b.Content[i]); d != "" {
			return d
		}
	}
	return ""
}

// sameTree fails if the quick reader makes another tree of a text than the YAML reader; it reports whether it made one.
func sameTree(t *testing.T, q *quick, text string) bool {
	t.Helper()
	got := q.tree(text, 1)
	if got == nil {
		return false
	}
	want, second, err := compose([]byte(text))
	if err != nil || second != nil || want == nil || len(want.Content) != 1 {
		t.Fatalf("%v, a second document: %v, of\n%s", err, second != nil, text)
	}
	if d := differs(got, want.Content[0]); d != "" {
		t.Fatalf("%s of\n%s", d, text)
	}
	return true
}

func TestTheQuickReaderMakesTheTreeOfTheYAMLReader(t *testing.T) {
	var q quick
	for _, text := range []string{
		"  a: b\n", "  a:\n", "  a: \n", "  a: # c\n", "  a:   # c\n  b: c # d\n", "  a:\n    b: c\n  d:\n      e:\n        f: g\n  h: i\n",
		"  a: {b: c, d: [e, f, {g: 02:00:5e:00:00:01}], h: {}, i: [], j: 'k', l: \"m n\"}\n", "  a: b\r\n  c: {d: e}\r\n\r\n# f\r\n", "  a: null\n",
		"  a: {b: null, c: Null}\n", "  10.0.0.0/24: {range: 10.0.0.1-10.0.0.9}\n", "  a: b c, d\n", "\n  # c\n\n  a: b\n# d\n", "  a: b", "  a: {b: Phone 1}   # x\n",
		"  a:\n  - b\n  - {c: d}\n  e: f\n", "  a:\n    - b\n    - [c]\n  e:\n", "  a:\n    - b: c\n      d: e\n    -   f:\n          g: h\n        i: j\n    - 'k' # l\n  m: n\n",
		"  a:\n  - b:\n    - c\n    - d: e\n  - f\n",
	} {
		if !sameTree(t, &q, text) {
			t.Errorf("%q is not plain enough", text)
		}
	}
	for _, text := range []string{
		"", "\n", "a: b\n", "  a\n", "  a: b\n c: d\n", "  a: b\n   c: d\n", "  a: b\n    c\n", "  a: |\n    b\n", "  a: 'b''c'\n", "  a: \"b\\n\"\n", "  a: {b: c\n    }\n",
		"  a: &b c\n", "  a: *b\n", "  a: !b c\n", "  ? a\n", "  - a\n", "  a:\n  -\n  - b\n", "  a:\n  - b\n    c\n", "  a:\n  - - b\n", "  a:\n    - b\n   c: d\n", "  a:\n    - b\n    c: d\n", "  a:\n  -b\n",
		"  a:\n    - b: c\n     d: e\n", "  a: é\n", "  a:\tb\n", "  a: b\rc: d\n", "  a: {b}\n", "  a: [b: c]\n", "  a: {b: }\n",
		"  a: b: c\n", "  a: [b,]\n", "  a: ~\n", "  <<: a\n", "  a: 'b' c\n", "  a: {b: c} d\n", "  a: b#c\n", "  a: 'b'#c\n", "  a: 'b': c\n", "  a : b\n", "---\n  a: b\n",
	} {
		if sameTree(t, &q, text) {
			t.Errorf("%q is not the quick reader's", text)
		}
	}
}

// TestRandomTextsHaveOneTree puts together lines of which many are the quick reader's.
func TestRandomTextsHaveOneTree(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	parts := []string{
		"a", "b1", "null", "10.0.0.1", "02:00:5e", "x y", "'q'", "\"q\"", "{", "}", "[", "]", ": ", ", ", ":", " ", "-", "#", " # c", "\n  ", "\n    ", "\n", "\r\n  ",
		"true", "k: v", "{k: v}", "[v, w]", "k: {k: [v]}", "*", "'", "~", "\n  k: v", "\n  k:\n      k: v", "\n  l: {k: v, l: w}", "\n  - ", "\n    - v", "\n    - k: v\n      l:", "\n  l:\n  - k:\n    - v",
	}
	var q quick
	read := 0
	for range 100_000 {
		var b strings.Builder
		fmt.Fprintf(&b, "  k%d: ", r.IntN(3))
		for range r.IntN(8) {
			b.WriteString(parts[r.IntN(len(parts))])
		}
		if sameTree(t, &q, b.String()) {
			read++
		}
	}
	if read < 2000 {
		t.Errorf("only %d were read: the test shows little", read)
	}
}

func TestTheQuickReaderReadsWhatIsLarge(t *testing.T) {
	var s strings.Builder
	manyHosts(&s, 3000)
	_, hosts, _ := strings.Cut(s.String(), "hosts:\n")
	var q quick
	for range 3 {
		if !sameTree(t, &q, hosts) {
			t.Fatal("the hosts are not read")
		}
	}
}

func FuzzQuick(f *testing.F) {
	for _, dir := range []string{"good", "bad", "doubtful"} {
		for _, file := range documentsOf(dir) {
			f.Add(string(file))
		}
	}
	f.Add("  a: {b: c, d: [e, f]}\n  g:\n    h: 'i' # j\n")
	f.Fuzz(func(t *testing.T, text string) {
		var q quick
		sameTree(t, &q, text)
		sameTree(t, &q, "  "+strings.ReplaceAll(text, "\n", "\n  "))
	})
}

func documentsOf(dir string) (all [][]byte) {
	files, _ := filepath.Glob(filepath.Join("testdata", dir, "*.yaml"))
	for _, file := range files {
		if b, err := os.ReadFile(file); err == nil {
			all = append(all, b)
		}
	}
	return all
}
