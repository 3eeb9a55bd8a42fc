package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/lessor-dhcp/lessor/internal/spelling"
)

// usageOf returns what a person is told whose command line the parser did not understand.
func usageOf(app *kong.Application, err error) error {
	n, args := app.Node, []string(nil)
	if p, ok := errors.AsType[*kong.ParseError](err); ok && p.Context.Selected() != nil {
		n, args = p.Context.Selected(), p.Context.Args
	}
	text, _, _ := strings.Cut(err.Error(), ", did you mean")
	return usageError{err: errors.New(text + meantWord(app, n, args, text)), help: n.FullPath() + " --help"}
}

// meantWord says what was meant by the word that the parser complains about in text, in a clause; empty if nothing is near.
func meantWord(app *kong.Application, n *kong.Node, args []string, text string) string {
	if word, ok := strings.CutPrefix(text, "unexpected argument "); ok {
		if p := n.Parent; p != nil && p.DefaultCmd == n { // the word before it may have been meant as a command
			return meantCommand(app, p, firstBeside(args, n))
		}
		return meantCommand(app, n, word)
	}
	if word, ok := strings.CutPrefix(text, "unknown flag "); ok {
		return meantFlag(app, n, word)
	}
	if flag, rest, ok := strings.Cut(text, " must be one of "); ok {
		if _, got, ok := strings.Cut(rest, " but got "); ok {
			return meant(strings.Trim(got, `"`), enumOf(n, flag))
		}
	}
	return ""
}

// meant says which of names was meant by word, in a clause; empty if none is near.
func meant(word string, names []string) string {
	if near := spelling.Meant(word, names); near != "" {
		return ": did you mean " + near + "?"
	}
	return ""
}

// suggesting returns err with which of names was meant by word, where that is not said yet.
func suggesting(err error, word string, names []string) error {
	if near := meant(word, names); near != "" && !strings.Contains(err.Error(), "did you mean") {
		return fmt.Errorf("%w%s", err, near)
	}
	return err
}

// firstBeside returns the first of args that is neither a flag nor the name of what leads to n.
func firstBeside(args []string, n *kong.Node) string {
	for _, a := range args {
		if !strings.HasPrefix(a, "-") && a != n.Parent.Name && a != n.Name {
			return a
		}
	}
	return ""
}

// meantCommand says which command was meant by a word that stands behind those that lead to n.
func meantCommand(app *kong.Application, n *kong.Node, word string) string {
	near := spelling.Meant(word, names(n.Children))
	for _, leaf := range app.Leaves(true) {
		if leaf.Name == word && n.Type == kong.ApplicationNode { // lessor apply, for lessor config apply
			return ": did you mean " + leaf.FullPath() + "?"
		}
	}
	if near == "" {
		return ""
	}
	return ": did you mean " + n.FullPath() + " " + near + "?"
}

// meantFlag says which flag was meant: one of this command, or of another that knows it by that name.
func meantFlag(app *kong.Application, n *kong.Node, word string) string {
	var own, others []string
	for _, group := range n.AllFlags(true) {
		for _, f := range group {
			own = append(own, "--"+f.Name)
		}
	}
	for _, leaf := range app.Leaves(true) {
		if slices.ContainsFunc(leaf.Flags, func(f *kong.Flag) bool { return "--"+f.Name == word }) {
			others = append(others, leaf.FullPath())
		}
	}
	switch {
	case len(others) == 0:
		return meant(word, own)
	case len(others) > maxOthers:
		return ": other commands have it, this one has not"
	}
	return ": it is one of " + strings.Join(others, " and of ")
}

// maxOthers is how many commands are named that know a flag.
const maxOthers = 3

// names returns the names of commands.
func names(commands []*kong.Node) (all []string) {
	for _, n := range commands {
		if !n.Hidden {
			all = append(all, n.Name)
		}
	}
	return all
}

// enumOf returns what a flag or an argument of a command may be, by the name that the parser calls it.
func enumOf(n *kong.Node, name string) []string {
	for _, group := range n.AllFlags(true) {
		for _, f := range group {
			if "--"+f.Name == name && f.Enum != "" {
				return f.EnumSlice()
			}
		}
	}
	for _, a := range n.Positional {
		if a.Enum != "" && strings.Contains(name, a.Name) {
			return a.EnumSlice()
		}
	}
	return nil
}
