package class

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/operators"
)

// wording says what the language found wrong in words for operators.
type wording struct {
	text     string
	language *language
}

// problems returns what the language found wrong with the text. Of mistakes in its form only the first is told: the
// others mostly follow from it.
func (w wording) problems(errs []*common.Error) (all []Problem) {
	for _, e := range errs {
		p := Problem{Offset: offsetOf(w.text, e.Location.Line(), e.Location.Column())}
		if form, ok := strings.CutPrefix(e.Message, "Syntax error: "); ok {
			return []Problem{w.form(p.Offset, form)}
		}
		all = append(all, w.meaning(p, e.Message))
	}
	return ordered(all)
}

// misspelt are what people write for operators.
var misspelt = []struct{ written, remedy string }{
	{"=~", `write vendor_class.matches("…")`}, {"=", "write == to compare"}, {"and ", "write && for and"}, {"AND ", "write && for and"},
	{"or ", "write || for or"}, {"OR ", "write || for or"}, {"& ", "write && for and"}, {"| ", "write || for or"}, {"<>", "write != for different"},
	{"is ", "write == to compare"},
}

// form words a mistake in the form of an expression.
func (w wording) form(offset int, message string) Problem {
	message, _, _ = strings.Cut(message, " expecting ")
	message = strings.NewReplacer("mismatched input '<EOF>'", "it ends too early", "<EOF>", "the end", "unexpected token after expression", "nothing may follow here").Replace(message)
	p := Problem{offset, "this is no expression: " + message, "write a condition, as in " + exampleExpression}
	rest := w.text[offset:]
	for _, m := range misspelt {
		if strings.HasPrefix(rest, m.written) {
			p.Remedy = m.remedy
			return p
		}
	}
	switch {
	case strings.Contains(message, "unterminated string"):
		p.Remedy = "close the quotes"
	case strings.Contains(message, "expected ')'"):
		p.Remedy = "close the parenthesis"
	case strings.Contains(message, "expected ']'"):
		p.Remedy = "close the bracket"
	}
	if before := strings.TrimSpace(w.text[:offset]); before == "not" || strings.HasSuffix(before, " not") || strings.HasSuffix(before, "(not") {
		p.Remedy = "write ! for not"
	}
	return p
}

// meaning words what is wrong with an expression of the right form.
func (w wording) meaning(p Problem, message string) Problem {
	if name, ok := quoted(message, "undeclared reference to "); ok {
		return w.unknownName(p, name)
	}
	if name, ok := quoted(message, "found no matching overload for "); ok {
		_, args, _ := strings.Cut(message, "applied to '")
		p.Message, p.Remedy = mismatch(name, strings.TrimSuffix(args, "'")), "see which values it takes in docs/classes.md"
		return p
	}
	if found, ok := strings.CutPrefix(message, "expected type 'bool' but found "); ok {
		p.Message, p.Remedy = "a value of type "+strings.Trim(found, "'")+" stands where true or false belongs", "compare it with something, as in "+exampleExpression
		return p
	}
	p.Message = message
	return p
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

// macroUses are how the names are used that are no functions.
var macroUses = map[string]string{
	"has": `has(option.routers)`, "exists": `user_classes.exists(c, c == "kiosk")`, "all": `user_classes.all(c, c != "kiosk")`,
	"exists_one": `user_classes.exists_one(c, c == "kiosk")`, "filter": `user_classes.filter(c, c != "kiosk").size() > 1`,
	"map": `"a/b" in user_classes.map(c, c + "/b")`,
}

func (w wording) unknownName(p Problem, name string) Problem {
	if strings.HasSuffix(w.text[:p.Offset], name) { // of a function the language names the parenthesis
		p.Offset -= len(name)
	}
	if use, ok := macroUses[name]; ok {
		p.Message, p.Remedy = fmt.Sprintf("%s is not used so", name), "write it as in "+use
		return p
	}
	if variables[name] != nil {
		p.Message, p.Remedy = fmt.Sprintf("%s is no function", name), fmt.Sprintf("write %s without parentheses", name)
		if name == "option" || name == "relay" {
			p.Remedy = fmt.Sprintf("write brackets: %s[…]", name)
		}
		return p
	}
	p.Message = fmt.Sprintf("there is nothing called %s", clip(name))
	if start, word := wordAround(w.text, p.Offset); word != name {
		if whole := strings.ReplaceAll(word, "-", "_"); variables[whole] != nil {
			return Problem{start, fmt.Sprintf("there is nothing called %s", word), "did you mean " + whole + "?"}
		}
	}
	p.Remedy = didYouMean(name, w.names(), "see the variables in docs/classes.md")
	return p
}

// wordAround returns the run of letters, digits, dashes and underscores that the octet at offset is part of, and where
// it begins.
func wordAround(text string, offset int) (int, string) {
	in := func(r rune) bool { return r == '-' || r < 128 && isNameOctet(byte(r)) }
	start := strings.LastIndexFunc(text[:offset], func(r rune) bool { return !in(r) }) + 1
	end := strings.IndexFunc(text[offset:], func(r rune) bool { return !in(r) })
	if end < 0 {
		return start, text[start:]
	}
	return start, text[start : offset+end]
}

// names returns all that an expression may name.
func (w wording) names() (names []string) {
	for v := range variables {
		names = append(names, v)
	}
	for f := range w.language.env.Functions() {
		if f != "" && f[0] >= 'a' && f[0] <= 'z' {
			names = append(names, f)
		}
	}
	for m := range macroUses {
		names = append(names, m)
	}
	slices.Sort(names)
	return names
}

// mismatch says that a function or operator does not take its arguments, which the language gives as "(int, string)"
// or, of a method, as "string.(int)".
func mismatch(name, args string) string {
	switch op, ok := operators.FindReverse(name); {
	case ok && op != "":
		name = op
	case name == operators.Index:
		name = "[…]"
	case name == operators.Conditional:
		name = "? :"
	}
	if on, with, isMethod := strings.Cut(args, ".("); isMethod && !strings.HasPrefix(args, "(") {
		if with == ")" {
			return fmt.Sprintf("%s cannot be used on a value of type %s", name, on)
		}
		return fmt.Sprintf("%s cannot be used on a value of type %s with (%s", name, on, with)
	}
	return fmt.Sprintf("%s cannot be used with %s", name, args)
}
