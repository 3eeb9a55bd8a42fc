package main

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// page is what there is to know of a command. Its --help and its manual page are two ways to show it.
type page struct {
	name  string // as it is given: lessor config apply
	usage string
	lead  string // in a sentence
	about []passage
	args  []entry
	// flags in groups: its own, and those that say which server is asked.
	flags    []entries
	commands []entries
	examples []string
	exits    []entry
	also     []string // names of commands, and of documents under docs/
}

// passage is a paragraph, or lines that stand as they are.
type passage struct {
	text  string
	lines []string
}

// entry is a word and what it means.
type entry struct{ word, text string }

// entries are those under one heading.
type entries struct {
	title string
	all   []entry
}

// exitCodes are the general meanings of the exit codes.
var exitCodes = []entry{
	{"0", "Done."}, {"1", "The answer is no, or the input is wrong."}, {"2", "Wrong usage of the command line."}, {"3", "No server answers, or the server stopped."},
}

// pageOf returns the page of a command, or of the whole program.
func pageOf(app *kong.Application, n *kong.Node) *page {
	p := &page{name: n.FullPath(), usage: strings.TrimSpace(app.Name + " " + n.Summary()), lead: n.Help, exits: exitCodes}
	if n.Type == kong.ApplicationNode {
		p.usage = app.Name + " <command> [flags]"
		p.lead, p.about = "", []passage{{text: n.Help}}
	}
	p.read(n.Detail)
	for _, a := range n.Positional {
		p.args = append(p.args, entry{a.Summary(), valueHelp(a)})
	}
	p.flags = flagsOf(n)
	p.commands = commandsOf(n)
	if n.Leaf() {
		p.exits = exitsOf(p, n)
	}
	p.also = alsoOf(n)
	return p
}

// read reads the text of a command: paragraphs, lines that stand as they are behind two spaces, and the examples last.
func (p *page) read(detail string) {
	examples := false
	for par := range strings.SplitSeq(strings.TrimSpace(detail), "\n\n") {
		switch {
		case par == "":
		case par == "Example:" || par == "Examples:":
			examples = true
		case strings.HasPrefix(par, "  "):
			var lines []string
			for line := range strings.SplitSeq(par, "\n") {
				lines = append(lines, strings.TrimPrefix(line, "  "))
			}
			if examples {
				p.examples = append(p.examples, lines...)
			} else {
				p.about = append(p.about, passage{lines: lines})
			}
		default:
			p.about = append(p.about, passage{text: strings.ReplaceAll(par, "\n", " ")})
		}
	}
}

// valueHelp returns what a flag or an argument means, with what it may be.
func valueHelp(v *kong.Value) string {
	s := v.Help
	if v.Enum != "" && !strings.Contains(s, v.EnumSlice()[0]) {
		s = strings.TrimSuffix(s, ".") + ": " + strings.Join(v.EnumSlice(), ", ") + "."
	}
	if len(v.Tag.Envs) > 0 {
		s += " Environment: " + strings.Join(v.Tag.Envs, ", ") + "."
	}
	return s
}

func flagsOf(n *kong.Node) []entries {
	own, server := entries{title: "Flags"}, entries{title: "Which server is asked"}
	for _, group := range n.AllFlags(true) {
		for _, f := range group {
			e := entry{flagWord(f), valueHelp(f.Value)}
			// --config of explain is of the same name, and no server is asked then.
			if slices.Contains(serverFlags(), f.Name) && asksServer(n) && !(f.Name == "config" && n.Name == "explain") {
				server.all = append(server.all, e)
			} else {
				own.all = append(own.all, e)
			}
		}
	}
	// --help is said last: who reads it knows it.
	if i := slices.IndexFunc(own.all, func(e entry) bool { return strings.Contains(e.word, "--help") }); i >= 0 {
		own.all = append(slices.Delete(own.all, i, i+1), entry{"-h, --help", "Show this."})
	}
	all := []entries{own}
	if len(server.all) > 0 {
		all = append(all, server)
	}
	return all
}

// flagWord returns a flag as it is given: -n, --limit=N.
func flagWord(f *kong.Flag) string {
	s := "--" + f.Name
	if f.Short != 0 {
		s = "-" + string(f.Short) + ", " + s
	}
	switch {
	case f.Tag.Get("optional-value") != "":
		return s + "[=" + f.Tag.Get("optional-value") + "]"
	case f.IsBool() || f.IsCounter():
		return s
	}
	return s + "=" + f.FormatPlaceHolder()
}

// commandsOf returns the commands below n, each group of them under its title.
func commandsOf(n *kong.Node) (all []entries) {
	for _, leaf := range n.Leaves(true) {
		title := "Commands"
		if g := leaf.ClosestGroup(); g != nil && n.Type == kong.ApplicationNode {
			title = strings.TrimSuffix(g.Title, ":")
		}
		i := slices.IndexFunc(all, func(e entries) bool { return e.title == title })
		if i < 0 {
			i, all = len(all), append(all, entries{title: title})
		}
		all[i].all = append(all[i].all, entry{leaf.Path(), leaf.Help})
	}
	return all
}

// asksServer reports whether a command asks a running server.
func asksServer(n *kong.Node) bool {
	return slices.ContainsFunc(n.Flags, func(f *kong.Flag) bool { return f.Name == "socket" })
}

// serverFlags are the names of the flags that say which server is asked.
func serverFlags() (names []string) {
	p, err := serverParser(&struct {
		whichServer `embed:""`
	}{})
	if err != nil {
		return nil
	}
	for _, f := range p.Model.Flags {
		if f.Name != "help" {
			names = append(names, f.Name)
		}
	}
	return names
}

// exitsOf returns what the exit codes of one command mean.
func exitsOf(p *page, n *kong.Node) []entry {
	codes := slices.Clone(exitCodes)
	if no := noMeans[strings.TrimPrefix(p.name, "lessor ")]; no != "" {
		codes[1].text = no
	}
	if !asksServer(n) && n.Name != "serve" {
		codes = codes[:3]
	}
	return codes
}

// alsoOf returns what else is worth reading.
func alsoOf(n *kong.Node) []string {
	name := strings.TrimSpace(strings.TrimPrefix(n.FullPath(), "lessor"))
	also := slices.Clone(seeAlso[name])
	if n.Parent != nil && n.Parent.Type == kong.CommandNode && len(also) == 0 {
		for _, sister := range n.Parent.Children {
			if sister != n {
				also = append(also, "lessor "+sister.Path())
			}
		}
	}
	return also
}
