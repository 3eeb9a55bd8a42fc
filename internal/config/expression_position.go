package config

import (
	"sort"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// within returns the place in the document of the octet at offset of the value n; that of n itself where it cannot be
// told. A value is written with escapes, over several lines, with indentation: all that these change is blanks and what
// stands after a backslash or a quote, so the characters that are no blanks are counted in both.
func (s *source) within(n *yaml.Node, offset int) Position {
	here := position(n)
	at, ok := s.offset(here)
	if !ok || offset < 0 || n.Kind != yaml.ScalarNode {
		return here
	}
	w := written{text: s.text, at: at}
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		w.quote, w.at = '"', at+1
	case n.Style&yaml.SingleQuotedStyle != 0:
		w.quote, w.at = '\'', at+1
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		for w.at < len(s.text) && lineBreak(s.text, w.at) == 0 { // the line of the | or >
			w.at++
		}
	}
	w.skipBlanks()
	last := w.at
	for i := 0; i < len(n.Value); {
		r, size := utf8.DecodeRuneInString(n.Value[i:])
		if isBlank(r) {
			if offset < i+size {
				return s.at(last)
			}
			i += size
			continue
		}
		w.skipBlanks()
		if offset < i+size {
			return s.at(w.at)
		}
		if w.next() != r {
			return here
		}
		last = w.at
		i += size
	}
	return s.at(last)
}

// written is the text of a value as it stands in the document.
type written struct {
	text  []byte
	at    int
	quote byte // 0: the value has none
}

func isBlank(r rune) bool {
	switch r {
	case ' ', '\t', '\n', '\r', 0x85, 0x2028, 0x2029:
		return true
	}
	return false
}

// skipBlanks goes on to the next character that is no blank, however that is written.
func (w *written) skipBlanks() {
	for w.at < len(w.text) {
		r, size := w.decode()
		if !isBlank(r) {
			return
		}
		w.at += size
	}
}

// next returns the character that is written here, and goes past it.
func (w *written) next() rune {
	r, size := w.decode()
	w.at += size
	return r
}

// decode returns the character that is written here, and how many octets spell it.
func (w *written) decode() (rune, int) {
	if w.at >= len(w.text) {
		return utf8.RuneError, 0
	}
	r, size := utf8.DecodeRune(w.text[w.at:])
	switch {
	case w.quote == '\'' && r == '\'' && w.at+1 < len(w.text) && w.text[w.at+1] == '\'':
		return r, 2
	case w.quote == '"' && r == '\\' && w.at+1 < len(w.text):
		return w.escape()
	}
	return r, size
}

// escape returns the character of an escape in double quotes (YAML 1.2 §5.7). A backslash at the end of a line is a
// blank here: it joins the lines.
func (w *written) escape() (rune, int) {
	c := w.text[w.at+1]
	if digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]; digits > 0 {
		var r rune
		for i := range digits {
			if w.at+2+i >= len(w.text) {
				return utf8.RuneError, 2
			}
			r = r<<4 | hexDigit(w.text[w.at+2+i])
		}
		return r, 2 + digits
	}
	if n := lineBreak(w.text, w.at+1); n > 0 {
		return '\n', 1 + n
	}
	if r, ok := escapes[c]; ok {
		return r, 2
	}
	return rune(c), 2
}

var escapes = map[byte]rune{
	'0': 0, 'a': 7, 'b': 8, 't': 9, 'n': 10, 'v': 11, 'f': 12, 'r': 13, 'e': 27, 'N': 0x85, '_': 0xa0, 'L': 0x2028, 'P': 0x2029,
}

func hexDigit(c byte) rune {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return rune(c|0x20-'a') + 10
	}
	return 0
}

// offset returns where in the text pos is; false if there is no such place.
func (s *source) offset(pos Position) (int, bool) {
	s.index()
	if pos.Line < 1 || pos.Line > len(s.lines) {
		return 0, false
	}
	at := s.lines[pos.Line-1]
	for column := 1; column < pos.Column; column++ {
		if at >= len(s.text) {
			return 0, false
		}
		_, n := utf8.DecodeRune(s.text[at:])
		at += n
	}
	return at, at < len(s.text)
}

// lineOf returns the number, from 1, of the line that the octet at offset is on.
func (s *source) lineOf(offset int) int {
	s.index()
	return sort.Search(len(s.lines), func(i int) bool { return s.lines[i] > offset })
}
