package class

import (
	"strings"
	"unicode/utf8"
)

// Problem is what is wrong with an expression.
type Problem struct {
	Offset  int // the octet of the text, from 0, where the trouble is; never beyond the text
	Message string
	Remedy  string // what would be right; may be empty
}

// offsetOf returns the octet at a line, from 1, and a column, from 0 in characters, which is how the language counts.
func offsetOf(text string, line, column int) int {
	at := 0
	for ; line > 1; line-- {
		n := strings.IndexByte(text[at:], '\n')
		if n < 0 {
			break
		}
		at += n + 1
	}
	for ; column > 0 && at < len(text) && text[at] != '\n'; column-- {
		_, n := utf8.DecodeRuneInString(text[at:])
		at += n
	}
	return at
}
