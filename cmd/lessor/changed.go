package main

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// painting is what a console writes to paint, and nothing else that steers a terminal.
var painting = regexp.MustCompile(`\x1b\[[0-9;]*m`)

func withoutPaint(s string) string { return painting.ReplaceAllString(s, "") }

// ticking is a word that tells how long ago something was, which is no change.
var ticking = regexp.MustCompile(`^\(?(\d+(\.\d+)?[dhms])+[),;]*$`)

// changedWords tells which words of the lines after are others than before. A line that is new is so as a whole.
func changedWords(before, after []string) [][]bool {
	marks := make([][]bool, len(after))
	old := aligned(before, after)
	for i, line := range after {
		words, was := strings.Fields(line), []string(nil)
		if old[i] >= 0 {
			was = strings.Fields(before[old[i]])
		}
		marks[i] = make([]bool, len(words))
		for k, word := range words {
			marks[i][k] = k >= len(was) || word != was[k] && !(ticking.MatchString(word) && ticking.MatchString(was[k]))
		}
	}
	return marks
}

// aligned returns for each line after which one before it was, -1 for one that is new: lines that are the same, in
// order, as many as there can be, and between these those that begin with the same word.
func aligned(before, after []string) []int {
	common := make([][]int, len(before)+1) // how many are the same of before[i:] and after[k:]
	for i := range common {
		common[i] = make([]int, len(after)+1)
	}
	same := func(i, k int) bool { return before[i] == after[k] }
	for i := len(before) - 1; i >= 0; i-- {
		for k := len(after) - 1; k >= 0; k-- {
			common[i][k] = max(common[i+1][k], common[i][k+1])
			if same(i, k) {
				common[i][k] = common[i+1][k+1] + 1
			}
		}
	}
	old := make([]int, len(after))
	i, k := 0, 0
	for k < len(after) {
		switch {
		case i < len(before) && same(i, k):
			old[k] = i
			i, k = i+1, k+1
		case i < len(before) && firstWord(before[i]) == firstWord(after[k]) && common[i+1][k+1] == common[i][k]:
			old[k] = i
			i, k = i+1, k+1
		case i < len(before) && common[i+1][k] == common[i][k] && known(before[i+1:], after[k]):
			i++
		default:
			old[k] = -1
			k++
		}
	}
	return old
}

func firstWord(s string) string {
	s, _, _ = strings.Cut(strings.TrimLeft(s, " "), " ")
	return s
}

// known reports whether a line, or one that begins so, is among lines.
func known(lines []string, line string) bool {
	for _, l := range lines {
		if firstWord(l) == firstWord(line) {
			return true
		}
	}
	return false
}

// marked returns a line with some of its words in reverse, whatever paint they have.
func marked(line string, words []bool) string {
	var b strings.Builder
	at, inside := -1, false
	end := func() {
		if inside && words[at] {
			b.WriteString("\x1b[27m")
		}
		inside = false
	}
	for len(line) > 0 {
		if loc := painting.FindStringIndex(line); loc != nil && loc[0] == 0 {
			if inside && at < len(words) && words[at] { // a reset would end the mark too early
				b.WriteString("\x1b[27m" + line[:loc[1]] + "\x1b[7m")
			} else {
				b.WriteString(line[:loc[1]])
			}
			line = line[loc[1]:]
			continue
		}
		_, n := utf8.DecodeRuneInString(line)
		switch {
		case line[0] == ' ':
			end()
		case !inside:
			if at+1 >= len(words) {
				return b.String() + line
			}
			at, inside = at+1, true
			if words[at] {
				b.WriteString("\x1b[7m")
			}
		}
		b.WriteString(line[:n])
		line = line[n:]
	}
	end()
	return b.String()
}

// clippedPainted returns a line, which may be painted, in at most n columns.
func clippedPainted(line string, n int) string {
	if columns(withoutPaint(line)) <= n {
		return line
	}
	var b strings.Builder
	room := n - 1
	for len(line) > 0 {
		if loc := painting.FindStringIndex(line); loc != nil && loc[0] == 0 {
			b.WriteString(line[:loc[1]])
			line = line[loc[1]:]
			continue
		}
		r, size := utf8.DecodeRuneInString(line)
		if room -= columnsOf(r); room < 0 {
			break
		}
		b.WriteString(line[:size])
		line = line[size:]
	}
	b.WriteString("…")
	if strings.Contains(b.String(), "\x1b[") {
		b.WriteString("\x1b[0m")
	}
	return b.String()
}
