package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
)

type helpCommand struct {
	Command []string `arg:"" optional:"" complete:"command" help:"The command; nothing: all of them."`
}

func (helpCommand) Help() string {
	return `The same as --help behind the command.

Examples:

  lessor help config apply
  lessor help`
}

// Run shows the page of a command.
func (x helpCommand) Run(k *kong.Context, c *console) error {
	n := k.Model.Node
	for _, word := range x.Command {
		next := childOf(n, word)
		if next == nil {
			return usageError{err: fmt.Errorf("there is no command %q%s", strings.Join(x.Command, " "), meantCommand(k.Model, n, word))}
		}
		n = next
	}
	return c.help(k.Model, n)
}

func childOf(n *kong.Node, name string) *kong.Node {
	for _, child := range n.Children {
		if child.Name == name {
			return child
		}
	}
	return nil
}

// helpWidth is how wide a page becomes: what is longer is hard to read.
const helpWidth = 100

// help writes the page of a command.
func (c *console) help(app *kong.Application, n *kong.Node) error {
	width := 80
	if c.width() > 0 {
		width = c.page(helpWidth)
	} else if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil {
		width = max(minPage, min(n, helpWidth))
	}
	return c.buffered(func(w *bufio.Writer) error {
		(&helpPage{console: c, w: w, wide: width}).write(pageOf(app, n))
		return nil
	})
}

// helpPage writes a page for a terminal. The writer keeps its first error.
type helpPage struct {
	*console
	w    *bufio.Writer
	wide int
}

func (h *helpPage) write(p *page) {
	fmt.Fprintf(h.w, "%s %s\n", h.paint(bold, "Usage:"), p.usage)
	h.paragraph(p.lead)
	for _, b := range p.about {
		h.paragraph(b.text)
		h.lines(b.lines)
	}
	if len(p.args) > 0 {
		h.entries(entries{"Arguments", p.args})
	}
	if p.commands == nil {
		for _, group := range p.flags {
			h.entries(group)
		}
	}
	for _, group := range p.commands {
		h.entries(group)
	}
	if len(p.examples) > 0 {
		h.heading("Examples")
		for _, line := range p.examples {
			fmt.Fprintf(h.w, "%s\n", strings.TrimRight("  "+line, " "))
		}
	}
	if p.commands == nil {
		h.entries(entries{"Exit codes", p.exits})
	} else {
		fmt.Fprintf(h.w, "\n`%s COMMAND --help` explains one, with examples.\n", p.name)
	}
	if len(p.also) > 0 {
		for i, line := range wrapped(strings.Join(p.also, ", "), h.wide-10) {
			if i == 0 {
				line = "\n" + h.paint(bold, "See also:") + " " + line
			} else {
				line = strings.Repeat(" ", 10) + line
			}
			fmt.Fprintln(h.w, line)
		}
	}
}

func (h *helpPage) heading(title string) { fmt.Fprintf(h.w, "\n%s\n", h.paint(bold, title+":")) }

func (h *helpPage) paragraph(text string) {
	if text == "" {
		return
	}
	fmt.Fprintln(h.w)
	for _, line := range wrapped(text, h.wide) {
		fmt.Fprintln(h.w, line)
	}
}

func (h *helpPage) lines(lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintln(h.w)
	for _, line := range lines {
		fmt.Fprintln(h.w, "  "+line)
	}
}

// maxWord is how long a word may be before what it means stands below it.
const maxWord = 26

func (h *helpPage) entries(e entries) {
	h.heading(e.title)
	left := 0
	for _, x := range e.all {
		if n := columns(x.word); n <= maxWord {
			left = max(left, n)
		}
	}
	for _, x := range e.all {
		pad := left - columns(x.word)
		for i, line := range wrapped(x.text, max(h.wide-left-4, minFlexible)) {
			switch {
			case i > 0:
				fmt.Fprintf(h.w, "%*s%s\n", left+4, "", line)
			case pad < 0:
				fmt.Fprintf(h.w, "  %s\n%*s%s\n", x.word, left+4, "", line)
			default:
				fmt.Fprintf(h.w, "  %s%*s  %s\n", x.word, pad, "", line)
			}
		}
	}
}
