package main

import "strings"

// bashWords splits a line as a shell does, as far as quotes and backslashes go; the last word, which may be empty, is
// the one that is being typed, and quote is the quote that is open in it.
func bashWords(line string) (words []string, quote byte) {
	var word strings.Builder
	begun := false
	for i := 0; i < len(line); i++ {
		b := line[i]
		switch {
		case quote == '\'' && b != '\'':
			word.WriteByte(b)
		case quote == '"' && b != '"' && b != '\\':
			word.WriteByte(b)
		case quote != 0 && b == quote:
			quote = 0
		case b == '\\' && i+1 < len(line):
			i++
			if quote == '"' && !strings.ContainsRune("\"\\$`", rune(line[i])) {
				word.WriteByte(b)
			}
			word.WriteByte(line[i])
			begun = true
		case b == '\'' || b == '"':
			quote, begun = b, true
		case b == ' ' || b == '\t' || b == '\n':
			if begun {
				words = append(words, word.String())
				word.Reset()
			}
			begun = false
		default:
			word.WriteByte(b)
			begun = true
		}
	}
	return append(words, word.String()), quote
}

// bashWord returns a word as bash is to insert it for what is typed as current: bash has broken that at the last = or :
// and escapes nothing. What an open quote could not hold is left out.
func bashWord(word, current string, quote byte) (string, bool) {
	if quote != 0 {
		return word, !strings.ContainsAny(word, "\"'\\$`!")
	}
	if i := strings.LastIndexAny(current, "=:"); i >= 0 {
		word = word[i+1:]
	}
	var b strings.Builder
	for _, r := range word {
		if strings.ContainsRune(" \t\"'\\$`!&|;<>()[]{}*?#~^", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String(), true
}
