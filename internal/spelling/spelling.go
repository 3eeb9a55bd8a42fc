// Package spelling knows which of the words that there are a person meant who wrote one that there is not. It never
// corrects anything: whoever asks says "did you mean …?" and leaves the choice to the person.
package spelling

import "strings"

// MaxWord is the longest word, in octets, for which a near one is looked for: what is longer is no slip of the fingers.
const MaxWord = 64

// Nearest returns the name among names that a person who wrote word most probably meant, the first of those that are
// equally near; "" if none is near. A third of the characters may be wrong, and always one.
func Nearest(word string, names []string) string {
	if len(word) > MaxWord {
		return ""
	}
	best, least := "", max(1, len(word)/3)+1
	for _, name := range names {
		if d := Distance(word, name, least); d < least {
			best, least = name, d
		}
	}
	return best
}

// Meant is Nearest for a word of which letters may be capital or not, or that may be the beginning of a name; a name
// that it begins is taken only where no other begins so.
func Meant(word string, names []string) string {
	lower := make([]string, len(names))
	for i, name := range names {
		lower[i] = strings.ToLower(name)
	}
	word = strings.ToLower(word)
	begun := -1
	for i, name := range lower {
		switch {
		case word == "" || !strings.HasPrefix(name, word):
		case begun >= 0:
			begun = len(names)
		default:
			begun = i
		}
	}
	if begun >= 0 && begun < len(names) {
		return names[begun]
	}
	near := Nearest(word, lower)
	for i, name := range lower {
		if name == near && near != "" {
			return names[i]
		}
	}
	return ""
}

// Distance returns how many characters must be inserted, left out, replaced or exchanged with their neighbour to make
// b of a (Damerau and Levenshtein, no part changed twice); limit or more if there are at least that many.
func Distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
