package version

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/lessor-dhcp/lessor/internal/config"
)

const (
	mostShown = 200 // characters of a value that are shown on one line
	mostLines = 40  // lines of an object that are shown
)

// Text returns the changes for people: a key a paragraph, with its lines in the two documents, and what each says.
func Text(changes []Change) string {
	var b strings.Builder
	for i := range changes {
		changes[i].text(&b)
	}
	return b.String()
}

func (c *Change) text(b *strings.Builder) {
	b.WriteString(c.Key)
	switch {
	case c.BeforeLine > 0 && c.AfterLine > 0:
		fmt.Fprintf(b, "  (line %d → %d)", c.BeforeLine, c.AfterLine)
	case c.BeforeLine > 0 || c.AfterLine > 0:
		fmt.Fprintf(b, "  (line %d)", c.BeforeLine+c.AfterLine)
	}
	if c.Safety {
		b.WriteString("  waits until both members have it")
	}
	b.WriteByte('\n')
	if c.Kind == Moved {
		fmt.Fprintf(b, "  > %s → %s\n", clip(c.Before), clip(c.After))
		return
	}
	said(b, "  - ", c.Before, c.before)
	said(b, "  + ", c.After, c.after)
}

// said writes a value behind a mark: an object that is too long for a line on several.
func said(b *strings.Builder, mark, flow string, e *config.Element) {
	if e == nil {
		return
	}
	if e.Kind == config.Leaf || len(flow) <= mostShown || len(e.Children) == 0 {
		b.WriteString(mark + clip(flow) + "\n")
		return
	}
	lines := bytes.Split(bytes.TrimSuffix(e.AppendText(nil), []byte("\n")), []byte("\n"))
	for i, line := range lines {
		if i == mostLines {
			fmt.Fprintf(b, "%s… and %d more lines\n", mark, len(lines)-i)
			return
		}
		b.WriteString(mark + clip(string(line)) + "\n")
	}
}

// clip returns s as it is shown on a line.
func clip(s string) string {
	if utf8.RuneCountInString(s) <= mostShown {
		return s
	}
	n := 0
	for i := range s {
		if n == mostShown-1 {
			return s[:i] + "…"
		}
		n++
	}
	return s
}
