package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity says whether a problem keeps the document from being used. The zero value is invalid.
type Severity uint8

const (
	_ Severity = iota
	// Error means that the document cannot be used.
	Error
	// Warning means that the document can be used, and that it probably does not do what its writer wants.
	Warning
)

// String returns "error" or "warning".
func (s Severity) String() string {
	switch s {
	case Error:
		return "error"
	case Warning:
		return "warning"
	}
	return "invalid"
}

// MarshalText makes a Severity its name in JSON.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (s *Severity) UnmarshalText(b []byte) error {
	for _, v := range []Severity{Error, Warning} {
		if v.String() == string(b) {
			*s = v
			return nil
		}
	}
	return fmt.Errorf("severity %q is neither error nor warning", b)
}

// Problem is one thing that is wrong with a document, where it stands, and what would be right.
type Problem struct {
	Severity Severity `json:"severity"`
	File     string   `json:"file"`
	// Line and Column count from 1, the column in characters. Line 0: the document as a whole.
	Line   int `json:"line"`
	Column int `json:"column"`
	// Source is the offending line, or, where that is long, a part of it: printable characters only.
	Source string `json:"source,omitempty"`
	// Caret is the character of Source, from 1, that the problem begins at.
	Caret   int    `json:"caret,omitempty"`
	Message string `json:"message"`
	Remedy  string `json:"remedy,omitempty"`
}

// String returns the problem over several lines: where and what, the line, a caret under the place, the remedy.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	fmt.Fprintf(&b, ": %v: %s", p.Severity, p.Message)
	if p.Source != "" {
		number := fmt.Sprint(p.Line)
		fmt.Fprintf(&b, "\n  %s | %s", number, p.Source)
		fmt.Fprintf(&b, "\n  %*s | %*s", len(number), "", max(p.Caret, 1), "^")
	}
	if p.Remedy != "" {
		b.WriteString("\n  → " + p.Remedy)
	}
	return b.String()
}

// Problems is everything that is wrong with a document, in the order of the document.
type Problems []Problem

// Errors reports whether any of them is an error.
func (ps Problems) Errors() bool { return ps.count(Error) > 0 }

func (ps Problems) count(s Severity) (n int) {
	for _, p := range ps {
		if p.Severity == s {
			n++
		}
	}
	return n
}

// String returns all problems, with an empty line between two of them.
func (ps Problems) String() string {
	all := make([]string, len(ps))
	for i, p := range ps {
		all[i] = p.String()
	}
	return strings.Join(all, "\n\n")
}

// Error implements error, for a document that somebody wanted to be used.
func (ps Problems) Error() string { return ps.String() }

func (ps Problems) sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// Warning returns a problem with the document that does not stand in it, such as a file that it names and that is not
// there: at is the place that it is about.
func (d *Document) Warning(at Position, message, remedy string) Problem {
	x := Problem{Severity: Warning, File: d.File, Line: at.Line, Column: at.Column, Message: message, Remedy: remedy}
	if at.Line > 0 {
		s := source{text: trimBOM(d.Source)}
		x.Source, x.Caret = s.excerpt(at)
	}
	return x
}
