package main

import (
	"fmt"
	"os"
	"strings"
)

// keep shows a chapter, and puts it in the place of the one of the same title in the file out; - leaves the file alone.
func (p *plan) keep(out, title, text string) error {
	fmt.Print("# " + title + "\n\n" + text)
	if out == "-" {
		return nil
	}
	old, err := os.ReadFile(out)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	return os.WriteFile(out, []byte(withChapter(string(old), title, text)), 0o644)
}

// withChapter returns the page with the chapter in the place of the one of the same title, or at the end.
func withChapter(page, title, text string) string {
	var b strings.Builder
	written, skipping := false, false
	for line := range strings.Lines(page) {
		if name, ok := strings.CutPrefix(line, "# "); ok {
			if skipping = strings.TrimSpace(name) == title; skipping && !written {
				written = true
				fmt.Fprintf(&b, "# %s\n\n%s\n", title, strings.TrimSpace(text)+"\n")
			}
		}
		if !skipping {
			b.WriteString(line)
		}
	}
	out := strings.TrimRight(b.String(), "\n") + "\n"
	if !written {
		out = strings.TrimLeft(out+fmt.Sprintf("\n# %s\n\n%s\n", title, strings.TrimSpace(text)), "\n")
	}
	return out
}
