package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxCell is the most characters of one text from the network or from the configuration in a table.
const maxCell = 40

// printable returns s as one line that a terminal only shows: whatever else could steer it, reorder the text or look
// like something that it is not is written as a \ escape. A backslash is doubled, so that no two texts look the same.
func printable(s string) string { return escape(s, unicode.IsPrint) }

// fromNetwork is printable for text that any machine on the link may have sent: nothing beyond ASCII is shown as it is.
func fromNetwork(s string) string {
	return escape(s, func(r rune) bool { return r < utf8.RuneSelf && unicode.IsPrint(r) })
}

// shown is printable for text whose writer has escaped it already, so that a backslash stays one.
func shown(s string) string { return strings.ReplaceAll(printable(s), `\\`, `\`) }

func escape(s string, shown func(rune) bool) string {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case r == '\\':
			b.WriteString(`\\`)
		case shown(r):
			b.WriteString(s[:n])
		default:
			q := strconv.QuoteRuneToASCII(r)
			b.WriteString(q[1 : len(q)-1])
		}
		s = s[n:]
	}
	return b.String()
}

// short returns s, cut where it is longer than a cell of a table may be.
func short(s string) string {
	if utf8.RuneCountInString(s) <= maxCell {
		return s
	}
	return string([]rune(s)[:maxCell-1]) + "…"
}

// orDash returns s, or what stands in a table where there is nothing.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// quoted returns s as the value of an attribute: in quotes if it holds a space or a quote, or is empty.
func quoted(s string) string {
	if s == "" || strings.ContainsAny(s, ` "=`) {
		return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"`
	}
	return s
}
