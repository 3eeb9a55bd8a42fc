package config

import (
	"go.yaml.in/yaml/v4"
)

// quick makes trees of text that is written in the plainest YAML: printable ASCII, block maps and lists, flow maps and
// lists that end on the line they begin on, words, and quotes without escapes. That is how nearly all of a large document is
// written, and it is read several times faster than all of YAML can be. Whatever is anything else, or may be wrong, is
// left to the YAML reader, with which a test compares every tree.
type quick struct {
	text string
	at   int // the next octet
	line int // its line
	// The content of the line that is next: from begin to end. At the end of the text, begin is len(text).
	begin, end, indent int

	nodes   []yaml.Node // of which used are in the tree
	used    int
	content []*yaml.Node // likewise
	filled  int
	stack   []*yaml.Node // of the maps and lists that are still open
}

const (
	quickDepth = 16   // of maps and lists within each other
	quickKey   = 128  // octets of a key
	slab       = 4096 // nodes that are allocated at once
)

// tree returns the map that text spells, whose first line has a number; nil if it is not all in the plainest YAML. The
// tree is valid until the next call.
func (q *quick) tree(text string, line int) *yaml.Node {
	q.text, q.at, q.line = text, 0, line-1
	q.used, q.filled, q.stack = 0, 0, q.stack[:0]
	if !q.nextLine() || q.begin == len(q.text) || q.indent == 0 {
		return nil
	}
	n := q.block(0)
	if n == nil || q.begin < len(q.text) {
		return nil
	}
	return n
}

// nextLine goes to the next line that is not empty or a comment; false if it has something else than printable ASCII.
func (q *quick) nextLine() bool {
	for q.at < len(q.text) {
		start := q.at
		q.line++
		i := start
		for i < len(q.text) && q.text[i] >= ' ' && q.text[i] < 0x7f {
			i++
		}
		end := i
		if i < len(q.text) && q.text[i] == '\r' {
			i++
		}
		if i < len(q.text) && q.text[i] != '\n' || i == len(q.text) && end != i {
			return false
		}
		q.at = min(i+1, len(q.text))
		q.begin = start
		for q.begin < end && q.text[q.begin] == ' ' {
			q.begin++
		}
		if q.begin == end || q.text[q.begin] == '#' {
			continue
		}
		for q.text[end-1] == ' ' {
			end--
		}
		q.indent, q.end = q.begin-start, end
		return true
	}
	q.begin, q.end, q.indent = len(q.text), len(q.text), -1
	return true
}

// node returns a new node at an octet of the line.
func (q *quick) node(kind yaml.Kind, tag string, at int) *yaml.Node {
	if q.used == len(q.nodes) {
		if q.used > 0 { // those that are in the tree stay where they are
			q.nodes = make([]yaml.Node, 2*len(q.nodes))
			q.used = 0
		} else {
			q.nodes = make([]yaml.Node, slab)
		}
	}
	n := &q.nodes[q.used]
	q.used++
	*n = yaml.Node{Kind: kind, Tag: tag, Line: q.line, Column: 1 + at - q.begin + q.indent}
	return n
}

// close gives n what was put on the stack since it had the height mark.
func (q *quick) close(n *yaml.Node, mark int) *yaml.Node {
	children := q.stack[mark:]
	if q.filled+len(children) > len(q.content) {
		q.content, q.filled = make([]*yaml.Node, max(2*len(q.content), slab, len(children))), 0
	}
	n.Content = q.content[q.filled : q.filled+len(children) : q.filled+len(children)]
	q.filled += copy(n.Content, children)
	q.stack = q.stack[:mark]
	return n
}

// block returns the map whose first key the line begins with, and goes past it.
func (q *quick) block(depth int) *yaml.Node {
	indent, mark := q.indent, len(q.stack)
	n := q.node(yaml.MappingNode, "!!map", q.begin)
	for q.indent == indent {
		colon := q.key(q.begin, q.end)
		if colon < 0 || depth == quickDepth {
			return nil
		}
		q.stack = append(q.stack, q.word(q.begin, colon))
		at := q.skip(colon + 1)
		var v *yaml.Node
		if at == q.end || q.text[at] == '#' {
			v = q.below(depth, indent, colon+1)
		} else {
			v = q.inline(at, indent)
		}
		if v == nil {
			return nil
		}
		q.stack = append(q.stack, v)
	}
	if q.indent > indent {
		return nil
	}
	return q.close(n, mark)
}

// below returns the map or list that stands under a key without a value of its own; the key's map is at indent.
func (q *quick) below(depth, indent, at int) *yaml.Node {
	null := q.node(yaml.ScalarNode, "!!null", at)
	switch {
	case !q.nextLine():
		return nil
	case q.indent >= indent && q.item():
		return q.list(depth + 1)
	case q.indent > indent:
		return q.block(depth + 1)
	}
	return null
}

// item reports whether the line begins with an entry of a block list.
func (q *quick) item() bool {
	return q.begin+1 < q.end && q.text[q.begin] == '-' && q.text[q.begin+1] == ' '
}

// list returns the list whose first entry the line begins with, and goes past it.
func (q *quick) list(depth int) *yaml.Node {
	indent, mark := q.indent, len(q.stack)
	n := q.node(yaml.SequenceNode, "!!seq", q.begin)
	for q.indent == indent && q.item() {
		at := q.skip(q.begin + 1)
		var v *yaml.Node
		if depth < quickDepth && q.key(at, q.end) >= 0 { // a map that begins on the line of its entry
			q.indent, q.begin = q.indent+at-q.begin, at
			v = q.block(depth + 1)
		} else {
			v = q.inline(at, indent)
		}
		if v == nil {
			return nil
		}
		q.stack = append(q.stack, v)
	}
	return q.close(n, mark)
}

// inline returns the value that begins in the line at an octet, and goes to the next line, which must not continue it.
func (q *quick) inline(at, indent int) *yaml.Node {
	var v *yaml.Node
	if c := q.text[at]; c == '{' || c == '[' || c == '"' || c == '\'' {
		v, at = q.flow(at, 0)
		if at = q.skip(at); v == nil || at < q.end && (q.text[at] != '#' || q.text[at-1] != ' ') {
			return nil
		}
	} else if v = q.rest(at); v == nil {
		return nil
	}
	if !q.nextLine() || q.indent > indent {
		return nil
	}
	return v
}

// rest returns the word that reaches from an octet to the end of the line, or to a comment.
func (q *quick) rest(at int) *yaml.Node {
	if !isWord[q.text[at]] {
		return nil
	}
	end := q.end
	for i := at; i < q.end; i++ {
		switch c := q.text[i]; {
		case isWord[c] || c == ' ' || isInner[c] || c == ',':
		case c == ':' && i+1 < q.end && isWord[q.text[i+1]]:
		case c == '#' && q.text[i-1] == ' ':
			for end = i; q.text[end-1] == ' '; end-- {
			}
			return q.word(at, end)
		default:
			return nil
		}
	}
	return q.word(at, end)
}

// word returns the scalar from one octet of the line to another.
func (q *quick) word(begin, end int) *yaml.Node {
	n := q.node(yaml.ScalarNode, "!!str", begin)
	n.Value = q.text[begin:end]
	switch n.Value {
	case "null", "Null", "NULL":
		n.Tag = "!!null"
	}
	return n
}

// key returns where the colon behind the key is that begins at an octet; negative if there is no plain key.
func (q *quick) key(begin, end int) int {
	if !isWord[q.text[begin]] {
		return -1
	}
	for i := begin; i < min(end, begin+quickKey); i++ {
		switch c := q.text[i]; {
		case isWord[c], c == '-':
		case c != ':':
			return -1
		case i+1 == end, q.text[i+1] == ' ':
			return i
		case !isWord[q.text[i+1]]:
			return -1
		}
	}
	return -1
}

// skip returns the next octet of the line that is no blank, or the line's end.
func (q *quick) skip(at int) int {
	for at < q.end && q.text[at] == ' ' {
		at++
	}
	return at
}

// flow returns the value that begins at an octet within a line, and the octet behind it; nil if it does not end there.
func (q *quick) flow(at, depth int) (*yaml.Node, int) {
	if at == q.end || depth == quickDepth {
		return nil, at
	}
	switch c := q.text[at]; {
	case c == '{':
		return q.flowMap(at, depth)
	case c == '[':
		return q.flowList(at, depth)
	case c == '"' || c == '\'':
		return q.quoted(at)
	case !isWord[c]:
		return nil, at
	}
	end := at
	for ; end < q.end; end++ {
		c := q.text[end]
		if isWord[c] || isInner[c] || (c == ':' || c == ' ') && end+1 < q.end && isWord[q.text[end+1]] {
			continue
		}
		break
	}
	return q.word(at, end), end
}

func (q *quick) flowMap(at, depth int) (*yaml.Node, int) {
	mark := len(q.stack)
	n := q.node(yaml.MappingNode, "!!map", at)
	n.Style = yaml.FlowStyle
	at = q.skip(at + 1)
	for first := true; ; first = false {
		if at < q.end && q.text[at] == '}' && first {
			return q.close(n, mark), at + 1
		}
		if at == q.end {
			return nil, at
		}
		colon := q.key(at, q.end)
		if colon < 0 {
			return nil, at
		}
		k := q.word(at, colon)
		var v *yaml.Node
		if v, at = q.flow(q.skip(colon+1), depth+1); v == nil {
			return nil, at
		}
		q.stack = append(q.stack, k, v)
		if at = q.skip(at); at < q.end && q.text[at] == '}' {
			return q.close(n, mark), at + 1
		}
		if at == q.end || q.text[at] != ',' {
			return nil, at
		}
		at = q.skip(at + 1)
	}
}

func (q *quick) flowList(at, depth int) (*yaml.Node, int) {
	mark := len(q.stack)
	n := q.node(yaml.SequenceNode, "!!seq", at)
	n.Style = yaml.FlowStyle
	at = q.skip(at + 1)
	for first := true; ; first = false {
		if at < q.end && q.text[at] == ']' && first {
			return q.close(n, mark), at + 1
		}
		var v *yaml.Node
		if v, at = q.flow(at, depth+1); v == nil {
			return nil, at
		}
		q.stack = append(q.stack, v)
		if at = q.skip(at); at < q.end && q.text[at] == ']' {
			return q.close(n, mark), at + 1
		}
		if at == q.end || q.text[at] != ',' {
			return nil, at
		}
		at = q.skip(at + 1)
	}
}

// quoted returns a text in quotes that has neither escapes nor quotes in it.
func (q *quick) quoted(at int) (*yaml.Node, int) {
	quote := q.text[at]
	for i := at + 1; i < q.end; i++ {
		switch c := q.text[i]; {
		case c == '\\':
			return nil, at
		case c != quote:
		case i+1 < q.end && q.text[i+1] == quote:
			return nil, at
		default:
			n := q.node(yaml.ScalarNode, "!!str", at)
			n.Value, n.Style = q.text[at+1:i], yaml.DoubleQuotedStyle
			if quote == '\'' {
				n.Style = yaml.SingleQuotedStyle
			}
			return n, i + 1
		}
	}
	return nil, at
}

// isWord are the characters that a word may begin with, wherever it stands. isInner are further ones that may stand
// within it, but not in keys.
var isWord, isInner = func() (word, inner [256]bool) {
	for c := range 256 {
		word[c] = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '/'
		inner[c] = c == '-' || c == '+' || c == '=' || c == '(' || c == ')' || c == '*' || c == '@' || c == ';'
	}
	return word, inner
}()
