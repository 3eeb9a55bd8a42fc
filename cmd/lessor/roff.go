package main

import (
	"fmt"
	"strings"
)

// roff writes the language of manual pages, man(7).
type roff struct{ strings.Builder }

// request writes a request with its arguments.
func (r *roff) request(name string, args ...string) {
	r.WriteString("." + name)
	for _, a := range args {
		fmt.Fprintf(r, ` "%s"`, strings.ReplaceAll(roffText(a), `"`, `\(dq`))
	}
	r.WriteByte('\n')
}

func (r *roff) section(title string) { r.request("SH", title) }

// text writes a paragraph, a sentence a line, as the language wants it for the space between two.
func (r *roff) text(s string) {
	for _, sentence := range strings.Split(strings.ReplaceAll(s, ". ", ".\n"), "\n") {
		r.line(roffText(sentence))
	}
}

// line writes a line of text, which is no request whatever it begins with.
func (r *roff) line(s string) {
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	r.WriteString(s + "\n")
}

func (r *roff) bold(s string) { r.line(`\fB` + roffText(s) + `\fR`) }

// code writes lines as they are.
func (r *roff) code(lines []string) {
	r.request("RS", "4")
	r.request("EX")
	for _, line := range lines {
		r.line(roffText(line))
	}
	r.request("EE")
	r.request("RE")
}

func (r *roff) entries(all []entry) {
	for _, e := range all {
		r.request("TP")
		r.bold(e.word)
		r.text(e.text)
	}
}

// roffText escapes text for the language: what steers it, hyphens that are to be copied, and all beyond ASCII.
func roffText(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\\':
			b.WriteString(`\e`)
		case r == '-':
			b.WriteString(`\-`)
		case r == '`':
			b.WriteString(`\(ga`)
		case r == '^':
			b.WriteString(`\(ha`)
		case r == '~':
			b.WriteString(`\(ti`)
		case r == '\'':
			b.WriteString(`\(aq`)
		case r < 0x80:
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\[u%04X]`, r)
		}
	}
	return b.String()
}
