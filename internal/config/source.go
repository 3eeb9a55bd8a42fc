package config

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// sourceWidth is how many characters of a long line are shown around a caret.
const sourceWidth = 120

// source is the text of a document, for showing its lines.
type source struct {
	text  []byte
	lines []int // where each line begins; nil until a line is asked for
}

// lineBreak returns the length of the line break at text[i], 0 if there is none. They are the breaks that the YAML
// reader counts.
func lineBreak(text []byte, i int) int {
	switch text[i] {
	case '\n':
		return 1
	case '\r':
		if i+1 < len(text) && text[i+1] == '\n' {
			return 2
		}
		return 1
	case 0xc2: // NEL
		if i+1 < len(text) && text[i+1] == 0x85 {
			return 2
		}
	case 0xe2: // LS, PS
		if i+2 < len(text) && text[i+1] == 0x80 && (text[i+2] == 0xa8 || text[i+2] == 0xa9) {
			return 3
		}
	}
	return 0
}

func (s *source) index() {
	if s.lines != nil {
		return
	}
	s.lines = []int{0}
	for i := 0; i < len(s.text); {
		n := lineBreak(s.text, i)
		if n == 0 {
			i++
			continue
		}
		i += n
		s.lines = append(s.lines, i)
	}
}

// line returns line number n, from 1, without its break.
func (s *source) line(n int) []byte {
	s.index()
	if n < 1 || n > len(s.lines) {
		return nil
	}
	rest := s.text[s.lines[n-1]:]
	if n < len(s.lines) {
		rest = rest[:s.lines[n]-s.lines[n-1]]
	}
	for i := range rest {
		if lineBreak(rest, i) > 0 {
			return rest[:i]
		}
	}
	return rest
}

// rune returns the character at pos, 0 if there is none.
func (s *source) rune(pos Position) rune {
	line := s.line(pos.Line)
	for column := 1; len(line) > 0; column++ {
		r, n := utf8.DecodeRune(line)
		if column == pos.Column {
			return r
		}
		line = line[n:]
	}
	return 0
}

// at returns the position of the octet at offset.
func (s *source) at(offset int) Position {
	n := s.lineOf(offset)
	return Position{Line: n, Column: 1 + utf8.RuneCount(s.text[s.lines[n-1]:min(offset, len(s.text))])}
}

// excerpt returns what is to be shown of the line that pos is on, and where in it, from 1, pos is.
func (s *source) excerpt(pos Position) (shown string, caret int) {
	line := s.line(pos.Line)
	if len(line) == 0 {
		return "", 0
	}
	column := max(pos.Column, 1)
	skip := 0
	if column > sourceWidth-20 {
		skip = column - sourceWidth/2
	}
	var b strings.Builder
	if skip > 0 {
		b.WriteRune('…')
		column = column - skip + 1
	}
	shownRunes := 0
	for i := 0; len(line) > 0; i++ {
		r, n := utf8.DecodeRune(line)
		line = line[n:]
		if i < skip {
			continue
		}
		if shownRunes == sourceWidth {
			b.WriteRune('…')
			break
		}
		b.WriteRune(printable(r))
		shownRunes++
	}
	return strings.TrimRight(b.String(), " "), column
}

// printable returns r, or what stands for it where it would disturb a terminal.
func printable(r rune) rune {
	switch {
	case r == '\t':
		return ' '
	case r == utf8.RuneError, !unicode.IsPrint(r):
		return '�'
	}
	return r
}

// unreadable returns the offset of the first octet that no YAML document may contain, and what it is; "" if there is
// none.
func unreadable(text []byte) (offset int, what string) {
	for i := 0; i < len(text); {
		c := text[i]
		if c >= 0x20 && c < 0x7f || c == '\n' || c == '\t' || c == '\r' {
			i++
			continue
		}
		if c < 0x80 {
			return i, "a control character"
		}
		r, n := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			return i, "not UTF-8"
		case r < 0xa0 && r != 0x85, r == 0xfffe, r == 0xffff:
			return i, "a control character"
		case r == 0xfeff && i > 0:
			return i, "a byte order mark"
		}
		i += n
	}
	return 0, ""
}
