package class

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/operators"
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

// problemsOf returns what the language found wrong, in words for operators.
func problemsOf(text string, issues *cel.Issues, env *cel.Env) (all []Problem) {
	for _, e := range issues.Errors() {
		p := Problem{Offset: offsetOf(text, e.Location.Line(), e.Location.Column())}
		p.Message, p.Remedy = explain(e.Message, env)
		all = append(all, p)
	}
	return ordered(all)
}

// explain returns a message of the language in our words, where we have better ones.
func explain(message string, env *cel.Env) (string, string) {
	if name, ok := quoted(message, "undeclared reference to "); ok {
		return unknownName(name, env)
	}
	if name, ok := quoted(message, "found no matching overload for "); ok {
		_, args, _ := strings.Cut(message, "applied to '")
		return mismatch(name, strings.TrimSuffix(args, "'")), "see which values it takes in docs/classes.md"
	}
	if rest, ok := strings.CutPrefix(message, "Syntax error: "); ok {
		rest, _, _ = strings.Cut(rest, " expecting ")
		return "this is no expression: " + strings.ReplaceAll(rest, "<EOF>", "the end"), "write a condition, as in " + exampleExpression
	}
	return message, ""
}

// quoted returns the word between the quotes that follow a prefix.
func quoted(message, prefix string) (string, bool) {
	rest, ok := strings.CutPrefix(message, prefix+"'")
	if !ok {
		return "", false
	}
	word, _, ok := strings.Cut(rest, "'")
	return word, ok
}

func unknownName(name string, env *cel.Env) (string, string) {
	var names []string
	for v := range variables {
		names = append(names, v)
	}
	for f := range env.Functions() {
		if utf8.ValidString(f) && f != "" && (f[0] >= 'a' && f[0] <= 'z') {
			names = append(names, f)
		}
	}
	slices.Sort(names)
	return fmt.Sprintf("there is nothing called %s", clip(name)), didYouMean(name, names, "see the variables in docs/classes.md")
}

// mismatch says that a function or operator does not take its arguments, which the language gives as "(int, string)".
func mismatch(name, args string) string {
	if op, ok := operators.FindReverse(name); ok && op != "" {
		name = op
	} else if name == operators.Index {
		name = "[…]"
	}
	on, with, isMethod := strings.Cut(args, ".")
	if isMethod && !strings.HasPrefix(args, "(") {
		return fmt.Sprintf("%s cannot be used on a value of type %s with %s", name, on, with)
	}
	return fmt.Sprintf("%s cannot be used with %s", name, args)
}

// maxShown is how much is repeated of a name that is wrong, in characters.
const maxShown = 40

func clip(s string) string {
	if utf8.RuneCountInString(s) > maxShown {
		return string([]rune(s)[:maxShown]) + "…"
	}
	return s
}

// didYouMean returns the remedy for a wrong name: the nearest of names, or otherwise.
func didYouMean(name string, names []string, otherwise string) string {
	best, least := "", max(1, len(name)/3)+1
	for _, n := range names {
		if d := distance(name, n, least); d < least {
			best, least = n, d
		}
	}
	if best == "" {
		return otherwise
	}
	return "did you mean " + best + "?"
}

// distance returns how many characters must be inserted, left out or replaced to make b of a; limit or more if there
// are at least that many.
func distance(a, b string, limit int) int {
	if len(a) > 64 || len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
