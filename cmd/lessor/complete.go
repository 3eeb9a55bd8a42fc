package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// completing finds out what may stand where somebody is who types a command line.
type completing struct {
	app  *kong.Application
	node *kong.Node // the command as far as it is given
	// given are the flags that were given, with their values, and args the arguments.
	given   map[string]string
	args    []string
	only    bool       // after --: no flag follows
	waiting *kong.Flag // the flag whose value comes next
}

// candidate is one word that may stand there.
type candidate struct{ word, about string }

// offer is what may stand there.
type offer struct {
	words []candidate
	files fileKind
	open  bool // more may follow a word without a space between
}

type fileKind string

const (
	noFiles     fileKind = ""
	files       fileKind = "files"
	directories fileKind = "directories"
)

// completionTime is how long a server may take that is asked for what somebody may type, and longestCompletion how long
// it takes at most whatever happens.
const (
	completionTime    = 300 * time.Millisecond
	longestCompletion = 5 * time.Second
)

// complete answers a shell: lessor __complete SHELL …. It never says what went wrong, since nobody asked.
func (c *console) complete(ctx context.Context, args []string) error {
	if len(args) < 2 {
		return usageError{err: fmt.Errorf("%s is for shells: lessor completion bash|zsh|fish prints what they need", completeWord)}
	}
	shell, rest := args[0], args[1:]
	done := make(chan offer, 1)
	quote := byte(0)
	var current string
	if shell == "bash" {
		point, err := strconv.Atoi(rest[len(rest)-1])
		if err != nil {
			return usageError{err: fmt.Errorf("%q is no place in a line", rest[len(rest)-1])}
		}
		line := rest[0]
		rest, quote = bashWords(line[:max(0, min(point, len(line)))])
		if len(rest) < 2 {
			return nil // the name of the program itself
		}
		rest = rest[1:]
	}
	rest, current = rest[:len(rest)-1], rest[len(rest)-1]
	go func() { done <- c.offer(ctx, rest, current) }()
	var o offer
	select {
	case o = <-done:
	case <-time.After(longestCompletion): // as where a file is named that never comes; it ends with the process
	}
	return c.writeOffer(shell, current, quote, &o)
}

// offer returns what may stand as the word that begins with current, behind others.
func (c *console) offer(ctx context.Context, before []string, current string) offer {
	parser, err := newParser(c, func(int) {})
	if err != nil {
		return offer{}
	}
	x := &completing{app: parser.Model, node: parser.Model.Node, given: map[string]string{}}
	for _, word := range before {
		if !x.take(word) {
			return offer{}
		}
	}
	o := x.next(ctx, current)
	o.words = slices.DeleteFunc(o.words, func(k candidate) bool { return !strings.HasPrefix(k.word, current) || printable(k.word) != k.word })
	return o
}

// take goes past a word. It reports false where the word cannot stand there.
func (x *completing) take(word string) bool {
	switch {
	case x.waiting != nil:
		x.given[x.waiting.Name], x.waiting = word, nil
	case !x.only && word == "--":
		x.only = true
	case !x.only && strings.HasPrefix(word, "--"):
		name, value, has := strings.Cut(word[2:], "=")
		x.flag(x.flagNamed(name), value, has)
	case !x.only && len(word) > 1 && word[0] == '-':
		x.flag(x.flagShort(rune(word[1])), word[2:], len(word) > 2)
	case len(x.node.Children) > 0:
		n := childOf(x.node, word)
		switch d := x.node.DefaultCmd; {
		case n != nil:
			x.node = n
		case d != nil:
			x.node, x.args = d, append(x.args, word)
		default:
			return false
		}
	default:
		x.args = append(x.args, word)
	}
	return true
}

// flag goes past a flag, of which the value was given with it or not.
func (x *completing) flag(f *kong.Flag, value string, has bool) {
	switch {
	case f == nil:
	case has || f.IsBool() || f.IsCounter():
		x.given[f.Name] = value
	default:
		x.waiting = f
	}
}

func (x *completing) flags() (all []*kong.Flag) {
	n := x.node
	if n.DefaultCmd != nil { // which is meant where a flag comes first
		n = n.DefaultCmd
	}
	for _, group := range n.AllFlags(true) {
		all = append(all, group...)
	}
	return all
}

func (x *completing) flagNamed(name string) *kong.Flag {
	for _, f := range x.flags() {
		if f.Name == name {
			return f
		}
	}
	return nil
}

func (x *completing) flagShort(short rune) *kong.Flag {
	for _, f := range x.flags() {
		if f.Short == short {
			return f
		}
	}
	return nil
}

// next returns what may come next.
func (x *completing) next(ctx context.Context, current string) offer {
	if x.waiting != nil {
		return x.values(ctx, x.waiting.Value, current)
	}
	if name, value, has := strings.Cut(current, "="); has && !x.only && strings.HasPrefix(name, "--") {
		f := x.flagNamed(name[2:])
		if f == nil {
			return offer{}
		}
		o := x.values(ctx, f.Value, value)
		for i := range o.words {
			o.words[i].word = name + "=" + o.words[i].word
		}
		return o
	}
	if strings.HasPrefix(current, "-") && current != "-" && !x.only || current == "-" && !x.only {
		return x.flagsLeft()
	}
	if len(x.node.Children) > 0 {
		o := offer{words: commandWords(x.node)}
		if d := x.node.DefaultCmd; d != nil && len(d.Positional) > 0 {
			more := x.values(ctx, d.Positional[0], current)
			o.words, o.files, o.open = append(o.words, more.words...), more.files, more.open
		}
		return o
	}
	if a := x.argument(); a != nil {
		return x.values(ctx, a, current)
	}
	if x.only {
		return offer{}
	}
	return x.flagsLeft()
}

// argument returns the argument that comes next, nil if there is none.
func (x *completing) argument() *kong.Value {
	p := x.node.Positional
	switch {
	case len(x.args) < len(p):
		return p[len(x.args)]
	case len(p) > 0 && p[len(p)-1].IsCumulative():
		return p[len(p)-1]
	}
	return nil
}

func commandWords(n *kong.Node) (all []candidate) {
	for _, child := range n.Children {
		if !child.Hidden {
			all = append(all, candidate{child.Name, child.Help})
		}
	}
	return all
}

// flagsLeft are the flags that were not given yet, or may be given again.
func (x *completing) flagsLeft() (o offer) {
	for _, f := range x.flags() {
		if _, given := x.given[f.Name]; !given || f.IsCumulative() {
			o.words = append(o.words, candidate{"--" + f.Name, f.Help})
		}
	}
	return o
}

// maxAbout is the longest meaning that is shown beside a word.
const maxAbout = 70

func (c *console) writeOffer(shell, current string, quote byte, o *offer) error {
	for _, k := range o.words {
		word, about := k.word, clipped(printable(strings.TrimSuffix(k.about, ".")), maxAbout)
		switch shell {
		case "bash":
			w, ok := bashWord(word, current, quote)
			if !ok {
				continue
			}
			word = w
		case "zsh":
			if name, value, has := strings.Cut(word, "="); has && strings.HasPrefix(name, "--") {
				word = value
			}
			word = strings.ReplaceAll(word, ":", `\:`)
			if about != "" {
				word, about = word+":"+about, ""
			}
		}
		if about != "" {
			word += "\t" + about
		}
		fmt.Fprintln(c.out, word)
	}
	end := ":" + string(o.files)
	if o.open {
		end += " open"
	}
	_, err := fmt.Fprintln(c.out, end)
	return err
}
