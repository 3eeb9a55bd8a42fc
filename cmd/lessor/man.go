package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

type manCommand struct {
	Command []string `arg:"" optional:"" complete:"command" help:"The command whose page is printed; nothing: that of the whole program."`
	Dir     string   `type:"path" placeholder:"DIR" help:"Write all pages into this directory, which is made: lessor.1, and lessor-COMMAND.1 for each command."`
}

func (manCommand) Help() string {
	return `The pages say what --help says, in the language of man(1). Their date is that of the commit, or SOURCE_DATE_EPOCH.

Examples:

  lessor man config apply | man -l -
  lessor man --dir /usr/local/share/man/man1`
}

// Run prints a page, or writes all.
func (x manCommand) Run(k *kong.Context, c *console) error {
	m := manual{app: k.Model, date: c.builtOn(), version: buildVersion()}
	if x.Dir != "" {
		if len(x.Command) > 0 {
			return usageError{fmt.Errorf("--dir writes the pages of all commands: leave %q out", strings.Join(x.Command, " ")), "lessor man --help"}
		}
		return m.writeAll(x.Dir)
	}
	n := k.Model.Node
	for _, word := range x.Command {
		next := childOf(n, word)
		if next == nil {
			return usageError{fmt.Errorf("there is no command %q%s", strings.Join(x.Command, " "), meantCommand(k.Model, n, word)), "lessor man --help"}
		}
		n = next
	}
	_, err := fmt.Fprint(c.out, m.page(n))
	return err
}

// builtOn returns the day of what this program was built from; today, if that is not known.
func (c *console) builtOn() time.Time {
	if secs, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		return time.Unix(secs, 0).UTC()
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if t, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil {
				return t.UTC()
			}
		}
	}
	return c.now().UTC()
}

// manual makes manual pages in the language of man(7).
type manual struct {
	app     *kong.Application
	date    time.Time
	version string
}

// writeAll writes the page of the program and one for each command.
func (m *manual) writeAll(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("the manual pages cannot be written: %w", err)
	}
	var write func(n *kong.Node) error
	write = func(n *kong.Node) error {
		file := filepath.Join(dir, strings.ReplaceAll(n.FullPath(), " ", "-")+".1")
		if err := os.WriteFile(file, []byte(m.page(n)), 0o644); err != nil {
			return fmt.Errorf("the manual pages cannot be written: %w", err)
		}
		for _, child := range n.Children {
			if child.Hidden {
				continue
			}
			if err := write(child); err != nil {
				return err
			}
		}
		return nil
	}
	return write(m.app.Node)
}

// page returns the manual page of a command.
func (m *manual) page(n *kong.Node) string {
	p := pageOf(m.app, n)
	name := strings.ReplaceAll(p.name, " ", "-")
	r := &roff{}
	// The hyphens of a date are no text: as such they would be no date.
	fmt.Fprintf(r, ".TH \"%s\" \"1\" \"%s\" \"%s\" \"Lessor\"\n", roffText(strings.ToUpper(name)), m.date.Format(time.DateOnly), roffText("lessor "+m.version))
	r.section("NAME")
	lead := p.lead
	if n.Type == kong.ApplicationNode {
		lead = strings.TrimPrefix(n.Help, "Lessor is ")
	}
	r.text(name + " - " + lowered(strings.TrimSuffix(lead, ".")))
	r.section("SYNOPSIS")
	r.bold(p.usage)
	m.description(r, n, p)
	m.words(r, p)
	if len(p.examples) > 0 {
		r.section("EXAMPLES")
		r.code(p.examples)
	}
	r.section("EXIT STATUS")
	r.entries(p.exits)
	if n.Type == kong.ApplicationNode {
		r.section("ENVIRONMENT")
		r.entries(environment)
	}
	m.also(r, n, p)
	return r.String()
}

// environment is what the program looks at beside its command line.
var environment = []entry{
	{"LESSOR_SOCKET", "The socket of the server that is asked, where no flag says it."},
	{"NO_COLOR, CLICOLOR=0", "No colour, also on a terminal."},
	{"TERM=dumb", "Nothing that steers the terminal."},
	{"COLUMNS", "How wide --help becomes where it is not written to a terminal."},
}

func (m *manual) description(r *roff, n *kong.Node, p *page) {
	if len(p.about) == 0 {
		return
	}
	r.section("DESCRIPTION")
	if p.lead != "" {
		r.text(p.lead)
	}
	for i, b := range p.about {
		if i > 0 || p.lead != "" {
			r.request("PP")
		}
		if b.text != "" {
			r.text(b.text)
		}
		if len(b.lines) > 0 {
			r.code(b.lines)
		}
	}
	if n.Type == kong.ApplicationNode {
		r.request("PP")
		r.text("Each command has a page of its own: lessor-status(1), lessor-config-apply(1).")
	}
}

// words writes what the arguments, flags and commands mean.
func (m *manual) words(r *roff, p *page) {
	if len(p.args) > 0 {
		r.section("ARGUMENTS")
		r.entries(p.args)
	}
	if len(p.commands) > 0 {
		r.section("COMMANDS")
		for _, group := range p.commands {
			if len(p.commands) > 1 {
				r.request("SS", group.title)
			}
			r.entries(group.all)
		}
	}
	if len(p.flags) > 0 {
		r.section("OPTIONS")
		for _, group := range p.flags {
			if len(p.flags) > 1 && group.title != "Flags" {
				r.request("SS", group.title)
			}
			r.entries(group.all)
		}
	}
}

// documents is where the package puts what stands under docs/.
const documents = "/usr/share/doc/lessor/"

func (m *manual) also(r *roff, n *kong.Node, p *page) {
	var all []string
	if n.Type != kong.ApplicationNode {
		all = append(all, "lessor(1)")
	}
	for _, name := range p.also {
		if doc, ok := strings.CutPrefix(name, "docs/"); ok {
			all = append(all, documents+doc)
		} else {
			all = append(all, strings.ReplaceAll(name, " ", "-")+"(1)")
		}
	}
	if len(all) > 0 {
		r.section("SEE ALSO")
		r.text(strings.Join(all, ", "))
	}
}

// lowered returns a sentence as it stands behind a dash.
func lowered(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
