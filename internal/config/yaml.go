package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// limits keeps the YAML reader from nesting so deep that its time is no longer in proportion to the text.
type limits struct{}

// emptyRemedy is the shortest document that serves somebody.
const emptyRemedy = "write networks: {lan: {subnets: {10.0.0.0/24: {pools: [{range: 10.0.0.50-10.0.0.240}]}}}}"

var errDeep = fmt.Errorf("nested deeper than %d", MaxDepth)

// CheckDepth implements yaml.LoaderLimitsPlugin.
func (limits) CheckDepth(depth int, _ *yaml.DepthContext) error {
	if depth > MaxDepth {
		return errDeep
	}
	return nil
}

// CheckAlias implements yaml.LoaderLimitsPlugin. Aliases are refused where they stand, and never expanded.
func (limits) CheckAlias(int, int) error { return nil }

// load returns the root of the document's tree, or nil after it has said why there is none.
func (p *parser) load() *yaml.Node {
	if !p.loadable() {
		return nil
	}
	if root := p.loadPieces(); root != nil {
		return root
	}
	first, second, err := compose(p.source.text)
	switch {
	case err != nil:
		p.syntax(err)
	case first == nil || first.Kind != yaml.DocumentNode || len(first.Content) != 1:
		p.add(Error, Position{}, "the document is empty", emptyRemedy)
	case second != nil:
		p.fail(second, "a second document begins here", "a file holds one document: take out the line ---, or the rest of the file")
	default:
		return first.Content[0]
	}
	return nil
}

// compose returns the first two documents of the text; nil where there are fewer. A serving process reads documents
// too, when it reloads, so a flaw of the YAML reader is an error like others, and does not end the process.
func compose(text []byte) (first, second *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the reader fails on it (%v)", r)
		}
	}()
	l, err := yaml.NewLoader(bytes.NewReader(text), yaml.WithPlugin(limits{}))
	if err != nil {
		return nil, nil, err
	}
	var found [2]*yaml.Node
	for i := range found {
		var n yaml.Node
		if err := l.Load(&n); err == io.EOF {
			break
		} else if err != nil {
			return nil, nil, err
		}
		found[i] = &n
	}
	return found[0], found[1], nil
}

// loadable reports whether the text is worth giving to the YAML reader; where it is not, it has said why.
func (p *parser) loadable() bool {
	text := p.source.text
	if len(text) > MaxSize {
		p.source.text = nil
		p.add(Error, Position{}, fmt.Sprintf("the document has %d MiB: at most %d are read", len(text)>>20, MaxSize>>20), "split the network over several servers")
		return false
	}
	if len(text) > 1 && (text[0] == 0xff && text[1] == 0xfe || text[0] == 0xfe && text[1] == 0xff) {
		p.source.text = nil
		p.add(Error, Position{}, "the document is UTF-16", "save it as UTF-8")
		return false
	}
	if at, what := unreadable(text); what != "" {
		remedy := "take it out; in a value, write it as an escape in double quotes: \"\\x1b\""
		switch what {
		case "not UTF-8":
			remedy = "save the document as UTF-8"
		case "a byte order mark":
			remedy = "take it out; it is invisible in most editors, so retype the line"
		}
		p.add(Error, p.source.at(at), fmt.Sprintf("this is %s (%#02x)", what, text[at]), remedy)
		return false
	}
	if n := values(text); n > MaxValues {
		p.add(Error, Position{}, fmt.Sprintf("the document holds about %d values: at most %d are read", n, MaxValues), "split the network over several servers")
		return false
	}
	return true
}

// values returns about how many values the text holds, and never fewer than half of them: each begins at a line, or
// after one of the marks of YAML.
func values(text []byte) (n int) {
	for i, c := range text {
		switch c {
		case '\n', '\r', ',', '[', '{':
			n++
		case ':', '-', '?':
			if i+1 == len(text) || text[i+1] <= ' ' || i > 0 && (text[i-1] == '"' || text[i-1] == '\'') {
				n++
			}
		}
	}
	return n
}

// syntax says what the YAML reader found wrong.
func (p *parser) syntax(err error) {
	var le *yaml.LoadError
	if !errors.As(err, &le) {
		p.add(Error, Position{}, "this is not YAML: "+err.Error(), "write it in a simpler way")
		return
	}
	pos := Position{le.Mark.Line, le.Mark.Column}
	context := Position{le.ContextMark.Line, le.ContextMark.Column}
	if strings.Contains(le.Message, "nested deeper") {
		p.add(Error, pos, fmt.Sprintf("lists and maps are nested deeper than %d here", MaxDepth), "close the brackets that are still open")
		return
	}
	if c := p.source.rune(pos); c == '}' || c == ']' {
		if strings.Contains(le.Message, "expected key") || strings.Contains(le.Message, "expected <document start>") {
			p.add(Error, pos, fmt.Sprintf("this %c closes nothing", c), "take it out, or add the bracket that it closes")
			return
		}
	}
	for _, s := range syntaxErrors {
		if !strings.Contains(le.Message, s.reader) || s.context != "" && !strings.Contains(le.ContextMsg, s.context) {
			continue
		}
		if s.atContext && context.Line > 0 {
			pos = context
		}
		p.add(Error, pos, s.message, s.remedy)
		return
	}
	if strings.Contains(le.Message, "cannot start any token") {
		p.badStart(pos)
		return
	}
	message := "this is not YAML: " + le.Message
	if le.ContextMsg != "" {
		message += " " + le.ContextMsg
	}
	p.add(Error, pos, message, "correct the line, or the one before it")
}

// badStart says why the character at pos cannot begin anything.
func (p *parser) badStart(pos Position) {
	c := p.source.rune(pos)
	if c == '\t' {
		p.add(Error, pos, "a tab is not an indentation", "indent with spaces")
		return
	}
	p.add(Error, pos, fmt.Sprintf("%q cannot begin a value", c), "write the value in quotes")
}

// syntaxErrors says in the operator's words what the YAML reader says in its own. The first that fits is taken.
var syntaxErrors = []struct {
	reader, context string // parts of the reader's message, and of what it was doing
	atContext       bool   // the place to look at is where the thing began
	message, remedy string
}{
	{"did not find expected ',' or ']'", "", true, "this list is not closed", "its values stand between [ and ], with commas between them"},
	{"did not find expected ',' or '}'", "", true, "this map is not closed", "its keys stand between { and }, with commas between them"},
	{"did not find expected node content", "", false, "a value is missing here", "close every [ with ] and every { with }"},
	{"mapping values are not allowed", "", false, `a ":" is out of place here`, `if a key begins here, check its indentation; if it belongs to a value, write the value in quotes`},
	{"did not find expected key", "", false, "a key is expected here", "keys of one map have the same indentation"},
	{"did not find expected '-' indicator", "", false, `a "-" is expected here`, "the entries of one list have the same indentation; a list and a map do not mix"},
	{"block sequence entries are not allowed", "", false, "a list entry cannot begin here", "begin the list on a line of its own"},
	{"could not find expected ':'", "", true, `a ":" is missing after this key`, "write KEY: VALUE"},
	{"unexpected end of stream", "quoted scalar", true, "the quote that begins here is never closed", "end the value with the same quote"},
	{"unknown escape character", "", false, "this escape is unknown", `in double quotes a backslash is written \\; single quotes know no escapes`},
	{"unknown anchor", "", false, aliasMessage, aliasRemedy},
	{"did not find expected alphabetic or numeric character", "anchor", false, "a value cannot begin with &", "write the value in quotes"},
	{"did not find expected alphabetic or numeric character", "alias", false, "a value cannot begin with *", "write the value in quotes"},
	{"did not find expected <document start>", "", false, "something stands before the document, or after its end", "take it out"},
}

// clip returns s as it can be shown in a message: quoted, escaped, and at most 60 characters long.
func clip(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) > most {
		s = firstRunes(s, most) + "…"
	}
	return fmt.Sprintf("%q", s)
}

// firstRunes returns the first n characters of s.
func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
