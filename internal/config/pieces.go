package config

import (
	"bytes"

	"go.yaml.in/yaml/v4"
)

// pieceSize is about how many octets of a large section are made a tree at once. The tree takes twenty times as much
// memory as the text, so a document of 100,000 hosts is read entry by entry rather than as one tree.
const pieceSize = 1 << 18

// sectionsInPieces are the maps of the top level that may be large.
var sectionsInPieces = []string{"hosts", "networks"}

// body is what stands indented under a key of the top level, which is left out of the root's tree.
type body struct {
	key         string
	begin, end  int // in the text, from one line's beginning to another's
	line        int // that the key stands on, from 1
	indentation int // of its entries
	entries     int // about how many there are
}

// pieces returns the large sections of the text, if they can be read piece by piece. It only looks at the beginnings of
// lines, so it may be wrong about what it sees: inside of quotes, for instance. That shows when the parts are read, since
// each must be whole by itself, and then the document is read as one tree.
func pieces(s *source, least int) (all []body) {
	for _, name := range sectionsInPieces {
		if b, ok := bodyOf(s, name); ok && b.end-b.begin > least {
			all = append(all, b)
		}
	}
	if len(all) == 2 && all[1].begin < all[0].begin {
		all[0], all[1] = all[1], all[0]
	}
	return all
}

func bodyOf(s *source, name string) (b body, ok bool) {
	at := 0
	if prefix := []byte(name + ":"); !bytes.HasPrefix(s.text, prefix) {
		if at = bytes.Index(s.text, []byte("\n"+name+":")) + 1; at == 0 {
			return b, false
		}
	}
	rest := s.text[at+len(name)+1:]
	n := bytes.IndexByte(rest, '\n')
	if n < 0 {
		return b, false
	}
	if after := bytes.Trim(rest[:n], " \r"); len(after) > 0 && (after[0] != '#' || rest[0] != ' ') {
		return b, false
	}
	b = body{key: name, begin: at + len(name) + 1 + n + 1, line: s.lineOf(at)}
	b.end = len(s.text)
	for at := b.begin; at < len(s.text); {
		line, next := cutLine(s.text, at)
		indent := indentOf(line)
		switch {
		case indent == len(line) || line[indent] == '#' || line[indent] == '\t':
		case indent == 0:
			b.end = at
			return b, b.indentation > 0
		case b.indentation == 0:
			b.indentation, b.entries = indent, 1
		case indent == b.indentation:
			b.entries++
		}
		at = next
	}
	return b, b.indentation > 0
}

// cutLine returns the line that begins at an offset, without its end, and where the next one begins.
func cutLine(text []byte, at int) (line []byte, next int) {
	n := bytes.IndexByte(text[at:], '\n')
	if n < 0 {
		return text[at:], len(text)
	}
	return bytes.TrimSuffix(text[at:at+n], []byte("\r")), at + n + 1
}

func indentOf(line []byte) int {
	for i, c := range line {
		if c != ' ' {
			return i
		}
	}
	return len(line)
}

// next returns the octets of the next piece of b that begins at an offset: whole entries, about size octets in all.
func (b *body) next(text []byte, at, size int) (end int) {
	for end = at; end < b.end; {
		line, next := cutLine(text, end)
		if end-at >= size && indentOf(line) == b.indentation && beginsEntry(line[b.indentation:]) {
			return end
		}
		end = next
	}
	return b.end
}

// beginsEntry reports whether a line can only be that of a key, if it is not within something that began before it.
func beginsEntry(s []byte) bool {
	if len(s) == 0 {
		return false
	}
	c := s[0] | 0x20
	return c >= 'a' && c <= 'z' || s[0] >= '0' && s[0] <= '9' || s[0] == '"' || s[0] == '\''
}

// without returns the text without the lines of the bodies, which are in ascending order.
func without(text []byte, bodies []body) []byte {
	rest := make([]byte, 0, len(text))
	at := 0
	for _, b := range bodies {
		rest = append(rest, text[at:b.begin]...)
		at = b.end
	}
	return append(rest, text[at:]...)
}

// loadPieces returns the root of the document without its large sections, which entries reads when it comes to them; nil
// if it is to be read as one tree.
func (p *parser) loadPieces() *yaml.Node {
	bodies := pieces(&p.source, p.pieceSize)
	if len(bodies) == 0 {
		return nil
	}
	root, second, err := compose(without(p.source.text, bodies))
	if err != nil || second != nil || root == nil || root.Kind != yaml.DocumentNode || len(root.Content) != 1 || root.Content[0].Kind != yaml.MappingNode {
		return nil
	}
	top := root.Content[0]
	for i := len(bodies) - 1; i >= 0; i-- { // from the last, so that the lines before are still those of the shortened text
		b := &bodies[i]
		removed := p.source.lineOf(b.end) - p.source.lineOf(b.begin)
		if b.end == len(p.source.text) {
			removed = 0 // nothing stands behind it
		}
		cutBefore := 0
		for _, other := range bodies[:i] {
			cutBefore += p.source.lineOf(other.end) - p.source.lineOf(other.begin)
		}
		line := b.line - cutBefore
		shift(top, removed, line)
		v := emptyAt(top, b.key, line)
		if v == nil {
			return nil
		}
		if p.bodies == nil {
			p.bodies = map[*yaml.Node]*body{}
		}
		p.bodies[v] = b
	}
	return top
}

// emptyAt returns the value of a key that stands at the beginning of a line without a value, nil if there is none.
func emptyAt(top *yaml.Node, key string, line int) *yaml.Node {
	for i := 0; i+1 < len(top.Content); i += 2 {
		if k, v := top.Content[i], top.Content[i+1]; k.Value == key && k.Kind == yaml.ScalarNode && k.Line == line && k.Column == 1 {
			if isNull(v) && v.Value == "" && v.Anchor == "" && v.Style == 0 && k.Style == 0 && k.Anchor == "" {
				return v
			}
		}
	}
	return nil
}

// shift adds lines to the position of every node below n that stands behind a line.
func shift(n *yaml.Node, lines, behind int) {
	for _, c := range n.Content {
		if c.Line > behind {
			c.Line += lines
		}
		if len(c.Content) > 0 {
			shift(c, lines, behind)
		}
	}
}

// count returns about how many entries the map n has.
func (p *parser) count(n *yaml.Node) int {
	if b := p.bodies[n]; b != nil {
		return b.entries
	}
	if n.Kind != yaml.MappingNode {
		return 0
	}
	return len(n.Content) / 2
}

// inPieces calls each with the entries of a body, as entries does. Where a part is not whole by itself or is refused, it
// gives up the reading in pieces.
func (p *parser) inPieces(b *body, each func(key, value *yaml.Node)) {
	seen := make(map[string]bool, b.entries)
	for at := b.begin; at < b.end && !p.whole; {
		end := b.next(p.source.text, at, p.pieceSize)
		part := p.piece(b, p.source.text[at:end], p.source.lineOf(at))
		if part == nil {
			p.whole = true
			return
		}
		p.refuseTree(part)
		for i, c := 0, part.Content; i+1 < len(c); i += 2 {
			if !isKey(c[i]) || seen[c[i].Value] {
				p.whole = true
				return
			}
			seen[c[i].Value] = true
			each(c[i], c[i+1])
		}
		at = end
	}
}

// piece returns the map of a part of b whose first line has a number; nil if it is not whole by itself.
func (p *parser) piece(b *body, text []byte, line int) *yaml.Node {
	if part := p.quick.tree(string(text), line); part != nil {
		return part
	}
	part, second, err := compose(text)
	if err != nil || second != nil || part == nil || part.Kind != yaml.DocumentNode || len(part.Content) != 1 {
		return nil
	}
	top := part.Content[0]
	if top.Kind != yaml.MappingNode || top.Style&yaml.FlowStyle != 0 || top.Column != b.indentation+1 {
		return nil
	}
	shift(part, line-1, 0)
	return top
}
