package config

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lessor-dhcp/lessor/internal/option"
)

// Canonical returns the group's part of the document as text: that which every document with the same digest has, and
// which a version of the configuration holds. It is a document itself, and read it has that digest. What belongs to
// server, comments and the way in which something was written are not in it; what is long stands on several lines.
//
// The text belongs to the format of versions, since their names are made of it: another release must spell it alike.
func (d *Document) Canonical() []byte { return d.Outline().AppendText(nil) }

// What a line of the canonical text may be, before what it says is spread over several: so long, and so many brackets
// within each other.
const (
	lineWidth = 120
	lineDepth = 2
)

// AppendText appends the outline as a document.
func (e *Element) AppendText(dst []byte) []byte {
	if len(e.Children) == 0 {
		return append(dst, "networks: {}\n"...) // an empty text is no document
	}
	l := layout{text: dst}
	for i := range e.Children {
		l.block(&e.Children[i], 0)
	}
	return l.text
}

// Expanded returns the outline as a document in which every element has a line of its own, and for each line the path of
// its element: so what is wrong with the document can be told by key.
func (e *Element) Expanded() (text []byte, paths [][]string) {
	l := layout{expanded: true}
	for i := range e.Children {
		l.block(&e.Children[i], 0)
	}
	return l.text, l.paths
}

// Flow returns what the element says on one line: the value of a Leaf, or else a map or a list.
func (e *Element) Flow() string { return string(e.appendFlow(nil)) }

// layout lays elements out in lines.
type layout struct {
	text     []byte
	expanded bool // whatever is no Leaf stands on several lines
	at       []string
	paths    [][]string // of the lines, where they are expanded
}

// block writes the line of e, and those below it, behind so many blanks.
func (l *layout) block(e *Element, indent int) {
	l.begin(e, indent)
	l.text = append(appendSpelt(l.text, e.Key), ':')
	if e.Kind == Leaf || len(e.Children) == 0 || indent > 0 && l.short(e, lineWidth-indent-len(e.Key)-2) {
		l.text = append(e.appendFlow(append(l.text, ' ')), '\n')
		l.end()
		return
	}
	l.text = append(l.text, '\n')
	for i := range e.Children {
		if e.Kind == Ranges {
			l.pool(&e.Children[i], indent+2)
		} else {
			l.block(&e.Children[i], indent+2)
		}
	}
	l.end()
}

// pool writes an entry of a list of pools, on one line where it is short.
func (l *layout) pool(p *Element, indent int) {
	l.begin(p, indent)
	l.text = append(l.text, "- "...)
	if l.short(p, lineWidth-indent-len(p.Key)-11) {
		l.text = append(p.appendPool(l.text), '\n')
		l.end()
		return
	}
	l.text = append(append(append(l.text, "range: "...), p.Key...), '\n')
	for i := range p.Children {
		l.block(&p.Children[i], indent+2)
	}
	l.end()
}

// short reports whether e goes on one line, in which there is so much room.
func (l *layout) short(e *Element, room int) bool { return !l.expanded && e.fits(room, lineDepth) > 0 }

func (l *layout) begin(e *Element, indent int) {
	if l.expanded {
		l.at = append(l.at, e.Key)
		l.paths = append(l.paths, slices.Clone(l.at))
	}
	l.text = appendBlanks(l.text, indent)
}

func (l *layout) end() {
	if l.expanded {
		l.at = l.at[:len(l.at)-1]
	}
}

// fits returns how many octets of room are left on a line after what appendFlow appends, and 0 if it is too long, or has
// more than depth brackets within each other.
func (e *Element) fits(room, depth int) int {
	if e.Kind == Leaf {
		return max(room-len(e.Text), 0)
	}
	if depth == 0 {
		return 0
	}
	for i := range e.Children {
		c := &e.Children[i]
		if room = c.fits(room-len(c.Key)-4, depth-1); room <= 0 {
			return 0
		}
	}
	return max(room-2, 0)
}

func (e *Element) appendFlow(dst []byte) []byte {
	switch e.Kind {
	case Leaf:
		return append(dst, e.Text...)
	case Ranges:
		dst = append(dst, '[')
		for i := range e.Children {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = e.Children[i].appendPool(dst)
		}
		return append(dst, ']')
	}
	dst = append(dst, '{')
	for i := range e.Children {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = e.Children[i].appendEntry(dst)
	}
	return append(dst, '}')
}

func (e *Element) appendEntry(dst []byte) []byte {
	dst = appendSpelt(dst, e.Key)
	return e.appendFlow(append(dst, ": "...))
}

func (e *Element) appendPool(dst []byte) []byte {
	dst = append(append(dst, "{range: "...), e.Key...)
	for i := range e.Children {
		dst = e.Children[i].appendEntry(append(dst, ", "...))
	}
	return append(dst, '}')
}

func appendBlanks(dst []byte, n int) []byte {
	for range n {
		dst = append(dst, ' ')
	}
	return dst
}

// spelt returns s as a document spells it: plain, if nobody could take it for anything else, or else in quotes.
func spelt(s string) string {
	if isPlain(s) {
		return s
	}
	return quoted(s)
}

func appendSpelt(dst []byte, s string) []byte {
	if isPlain(s) {
		return append(dst, s...)
	}
	return append(dst, quoted(s)...)
}

// isPlain reports whether s can stand without quotes wherever a value or a key may.
func isPlain(s string) bool {
	if s == "" || !isWord[s[0]] || s == "null" || s == "Null" || s == "NULL" {
		return false
	}
	for i := 1; i < len(s); i++ {
		c := s[i]
		if !isWord[c] && c != '-' && (c != ':' || i+1 == len(s) || !isWord[s[i+1]]) {
			return false
		}
	}
	return true
}

// quoted returns s in single quotes if it has double ones or backslashes in it and nothing else that needs an escape,
// and in double quotes otherwise.
func quoted(s string) string {
	if strings.ContainsAny(s, `"\`) && !strings.Contains(s, "'") && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "'" + s + "'"
	}
	b := append(make([]byte, 0, len(s)+2), '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case unicode.IsPrint(r):
			b = utf8.AppendRune(b, r)
		case r <= 0xff:
			b = fmt.Appendf(b, `\x%02x`, r)
		case r <= 0xffff:
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = fmt.Appendf(b, `\U%08x`, r)
		}
	}
	return string(append(b, '"'))
}

func listText(all []string) string {
	b := []byte{'['}
	for i, s := range all {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendSpelt(b, s)
	}
	return string(append(b, ']'))
}

func hexText(b []byte) string { return `{hex: "` + hex.EncodeToString(b) + `"}` }

func unhex(digits string) []byte {
	b, _ := hex.DecodeString(digits)
	return b
}

// identifierText spells a sub-option of option 82.
func identifierText(b []byte) string {
	s := string(b)
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return hexText(b)
	}
	return spelt(s)
}

// valueText spells the octets of an option: as a person would, if that gives these very octets, or else in hexadecimal.
func valueText(d option.Def, b []byte) string {
	v, err := d.Decode(b)
	if err != nil {
		return hexText(b)
	}
	in, ok := inputOf(v)
	if !ok {
		return hexText(b)
	}
	if again, err := d.Encode(in); err != nil || !bytes.Equal(again, b) {
		return hexText(b)
	}
	return string(appendInput(nil, in))
}

// inputOf returns what Decode gave as a person writes it; false if a document cannot hold it.
func inputOf(v any) (option.Input, bool) {
	switch v := v.(type) {
	case string:
		return option.Input{Kind: option.Scalar, Scalar: v}, utf8.ValidString(v)
	case bool:
		return option.Input{Kind: option.Scalar, Scalar: strconv.FormatBool(v)}, true
	case int64:
		return option.Input{Kind: option.Scalar, Scalar: strconv.FormatInt(v, 10)}, true
	case []any:
		in := option.Input{Kind: option.List, List: make([]option.Input, len(v))}
		for i := range v {
			var ok bool
			if in.List[i], ok = inputOf(v[i]); !ok {
				return in, false
			}
		}
		return in, true
	case map[string]any:
		in := option.Input{Kind: option.Map}
		for k, x := range v {
			value, ok := inputOf(x)
			if !ok || k == "" || !utf8.ValidString(k) || isForm(k) {
				return in, false
			}
			in.Map = append(in.Map, option.Entry{Key: k, Value: value})
		}
		slices.SortFunc(in.Map, func(a, b option.Entry) int { return strings.Compare(a.Key, b.Key) })
		return in, true
	}
	return option.Input{}, false
}

func appendInput(dst []byte, in option.Input) []byte {
	switch in.Kind {
	case option.List:
		dst = append(dst, '[')
		for i, x := range in.List {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendInput(dst, x)
		}
		return append(dst, ']')
	case option.Map:
		dst = append(dst, '{')
		for i, e := range in.Map {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = append(appendSpelt(dst, e.Key), ": "...)
			dst = appendInput(dst, e.Value)
		}
		return append(dst, '}')
	}
	return appendSpelt(dst, in.Scalar)
}

// precedenceText spells the order of the layers: a profile where it is one, whatever it was called; nothing where it is
// what holds where nothing is said.
func precedenceText(x *Precedence) string {
	names := []string{"native", "isc", "kea", "cisco", "windows"}
	for i, name := range names {
		if x.equal(profiles[name]) {
			if i == 0 {
				return ""
			}
			return name
		}
	}
	options := orderText(x.Options)
	if x.Habits == (Habits{}) && x.Options.equal(x.Parameters) {
		return options
	}
	if x.Habits != (Habits{}) {
		for _, name := range names { // habits come with a profile's order only
			if p := profiles[name]; p.Habits == x.Habits && p.Options.equal(x.Options) {
				options = name
			}
		}
	}
	return "{options: " + options + ", parameters: " + orderText(x.Parameters) + "}"
}

func orderText(o Order) string {
	b := []byte{'['}
	for i, place := range o {
		if i > 0 {
			b = append(b, ", "...)
		}
		names := make([]string, len(place))
		for j, l := range place {
			names[j] = strings.ReplaceAll(l.String(), " ", "-")
		}
		if len(names) == 1 {
			b = append(b, names[0]...)
		} else {
			b = append(b, listText(names)...)
		}
	}
	return string(append(b, ']'))
}
