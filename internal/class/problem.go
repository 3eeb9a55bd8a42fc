package class

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lessor-dhcp/lessor/internal/spelling"
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

// maxProblems is how many problems of one expression are told.
const maxProblems = 10

// ordered returns problems in the order of the text, each once.
func ordered(all []Problem) []Problem {
	slices.SortStableFunc(all, func(a, b Problem) int { return a.Offset - b.Offset })
	all = slices.Compact(all)
	return all[:min(len(all), maxProblems)]
}

// maxShown is how much is repeated of a name that is wrong, in characters.
const maxShown = 40

func clip(s string) string {
	if utf8.RuneCountInString(s) > maxShown {
		return string([]rune(s)[:maxShown]) + "…"
	}
	return s
}

// didYouMean returns the remedy for a wrong name: the nearest of names, the first that begins so, or otherwise.
func didYouMean(name string, names []string, otherwise string) string {
	best := spelling.Nearest(name, names)
	if best == "" && len(name) > 2 {
		if i := slices.IndexFunc(names, func(n string) bool { return strings.HasPrefix(n, name) }); i >= 0 {
			best = names[i]
		}
	}
	if best == "" {
		return otherwise
	}
	return "did you mean " + best + "?"
}
