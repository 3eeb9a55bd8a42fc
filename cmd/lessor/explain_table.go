package main

import (
	"bufio"
	"fmt"
	"slices"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

const (
	// pageWidth is how wide a table with texts of any length becomes.
	pageWidth = 100
	// maxShownValue and maxShownLoser are the most characters of a value that won, and of one that lost.
	maxShownValue = 96
	maxShownLoser = 48
	// maxShownLosers is how many losers of one option are listed.
	maxShownLosers = 4
	// maxShownRows is how many pools are listed.
	maxShownRows = 20
)

// explaining writes an explanation for a person. The writer keeps its first error.
type explaining struct {
	*console
	w      *bufio.Writer
	source policy.Source // of the lines
}

func (x *explaining) write(r *node.ExplainRequest, e *policy.Explanation) {
	x.head(r, e)
	x.options(e)
	x.parameters(e)
	x.pools(e)
	x.failed(e)
	if len(e.Notes) > 0 {
		heading(x.console, x.w, "Notes")
		for _, n := range e.Notes {
			x.item(printable(n))
		}
	}
}

// item writes a text of any length as one item of a list.
func (x *explaining) item(text string) {
	for i, line := range wrapped(text, x.page(pageWidth)-4) {
		mark := "  "
		if i == 0 {
			mark = "- "
		}
		fmt.Fprintf(x.w, "  %s%s\n", mark, line)
	}
}

// head writes who it is about, and what is no option.
func (x *explaining) head(r *node.ExplainRequest, e *policy.Explanation) {
	client := binding.Client{ID: r.ClientID, Hardware: r.Hardware}
	fmt.Fprintf(x.w, "%s  %s\n", x.paint(bold, client.String()), join("on "+printable(e.Network), printable(e.Subnet)))
	field := func(name, value string) {
		if value == "" {
			return
		}
		for i, line := range wrapped(value, x.page(pageWidth)-17) {
			if i > 0 {
				name = ""
			}
			fmt.Fprintf(x.w, "  %-14s %s\n", name, line)
		}
	}
	if len(r.ClientID) > 0 && !r.Hardware.IsZero() {
		field("client-id", binding.FormatClientID(r.ClientID))
	}
	if r.Relay.IsValid() {
		field("relay", r.Relay.String())
	}
	field("server", printable(e.Server))
	if e.Address == nil {
		field("address", "none")
	} else {
		field("address", e.Address.String())
	}
	field("pool", printable(e.Pool))
	field("host", printable(e.Host))
	field("domain", printable(e.Domain))
	field("classes", printable(strings.Join(e.Classes, ", ")))
	field("lease", x.lease(&e.Lease))
	field("configuration", printable(e.Version))
}

// lease returns the lifetime, why, and its bounds.
func (x *explaining) lease(l *policy.ExplainedLease) string {
	s := fmt.Sprintf("%s from %s", printable(l.Lifetime), x.place(l.Origin))
	s += fmt.Sprintf("; at least %s, at most %s", printable(l.Min), printable(l.Max))
	for i, y := range l.Losers {
		if i == maxShownLosers {
			return s + ", …"
		}
		mark := ", "
		if i == 0 {
			mark = "; beat "
		}
		s += mark + cut(textOr(y.Text, y.Value), maxShownLoser) + " from " + x.place(policy.Origin{Layer: y.Layer, Object: y.Object, Line: y.Line, FileLine: y.FileLine})
	}
	return s
}

// place says where something stands: enterprise (lessor.yaml:3).
func (x *explaining) place(o policy.Origin) string {
	s := origin(o.Layer, o.Object, "", o.Rule)
	if o.Line > 0 {
		s += " (" + x.where(&o) + ")"
	}
	return s
}

// where says which line is meant: lessor.yaml:12, or version 0123456789ab:12; nothing for none.
func (x *explaining) where(o *policy.Origin) string { return lineOf(x.source, o.Line, o.FileLine) }

// lineOf says which line of what is meant.
func lineOf(s policy.Source, line, fileLine int) string {
	return short(printable(s.Where(line, fileLine)))
}

// whereOf is where for an option; one of several layers has a line for each below it.
func (x *explaining) whereOf(o *policy.ExplainedOption) string {
	if len(o.Parts) > 1 {
		return ""
	}
	return x.where(&o.Origin)
}

func (x *explaining) options(e *policy.Explanation) {
	heading(x.console, x.w, "Options")
	if len(e.Options) == 0 {
		fmt.Fprintln(x.w, "  none")
	}
	t := table{head: []string{"NAME", "CODE", "VALUE", "FROM", "WHERE"}, right: map[int]bool{1: true}}
	defaults := 0
	for i := range e.Options {
		o := &e.Options[i]
		if builtIn(o) {
			defaults++
			continue
		}
		t.add(cell{text: printable(o.Name)}, cell{text: fmt.Sprint(o.Code)}, cell{text: cut(textOr(o.Text, o.Value), maxShownValue)},
			cell{text: from(o)}, cell{text: x.whereOf(o)})
		if len(o.Parts) > 1 {
			for _, p := range o.Parts {
				x.below(&t, printable(p.Rule), cut(textOr(p.Text, p.Value), maxShownValue), &p.Origin)
			}
		}
		x.losers(&t, o.Losers)
	}
	x.table(&t, 2, 3)
	if defaults > 0 {
		x.item(count(defaults, "default") + " of the host requirements (RFC 1122), to a client that asks by name; --json lists them")
	}
	if len(e.Unset) == 0 {
		return
	}
	heading(x.console, x.w, "Taken away")
	t = table{head: []string{"NAME", "CODE", "", "BY", "WHERE"}, right: map[int]bool{1: true}}
	for _, o := range e.Unset {
		t.add(cell{text: printable(o.Name)}, cell{text: fmt.Sprint(o.Code)}, cell{}, cell{text: origin(o.Layer, o.Object, "", "")}, cell{text: x.where(&o.Origin)})
		x.losers(&t, o.Losers)
	}
	x.table(&t, 2, 3)
}

// builtIn reports whether the option is a default of the host requirements, which no layer of the document says anything
// of: there are many, and a client gets one only if it asks for it.
func builtIn(o *policy.ExplainedOption) bool {
	return o.Layer == config.HostRequirements.String() && len(o.Losers) == 0 && len(o.Parts) == 0
}

// below adds a row that belongs to the one before it.
func (x *explaining) below(t *table, name, value string, o *policy.Origin) {
	row := []cell{{"  " + name, dim}, {value, dim}, {origin(o.Layer, o.Object, "", ""), dim}, {x.where(o), dim}}
	if len(t.head) == 5 {
		row = slices.Insert(row, 1, cell{})
	}
	t.add(row...)
}

// losers adds what the row before it beat, the strongest first.
func (x *explaining) losers(t *table, ls []policy.ExplainedValue) {
	for i, l := range ls {
		if rest := len(ls) - i; i == maxShownLosers && rest > 1 {
			x.below(t, fmt.Sprintf("and %d more", rest), "", &policy.Origin{})
			return
		}
		x.below(t, "beat", cut(textOr(l.Text, l.Value), maxShownLoser), &l.Origin)
	}
}

// from says where an option came from.
func from(o *policy.ExplainedOption) string {
	s := origin(o.Layer, o.Object, "", o.Rule)
	if n := len(o.Parts); n > 1 {
		s = count(n, "layer")
	}
	if o.Takeover != "" {
		s += ", on takeover " + printable(o.Takeover)
	}
	return s
}

func (x *explaining) parameters(e *policy.Explanation) {
	if len(e.Parameters) == 0 {
		return
	}
	heading(x.console, x.w, "Parameters")
	t := table{head: []string{"NAME", "VALUE", "FROM", "WHERE"}}
	for _, p := range e.Parameters {
		t.add(cell{text: printable(p.Name)}, cell{text: cut(valueText(p.Value), maxShownValue)}, cell{text: origin(p.Layer, p.Object, "", "")}, cell{text: x.where(&p.Origin)})
		x.losers(&t, p.Losers)
	}
	x.table(&t, 1, 2)
}

func (x *explaining) pools(e *policy.Explanation) {
	if len(e.Pools) == 0 {
		return
	}
	heading(x.console, x.w, "Pools of the network")
	t := table{head: []string{"RANGE", "SUBNET", "MAY USE"}}
	for i, p := range e.Pools {
		if i == maxShownRows {
			break
		}
		may := cell{"yes", green}
		if p.Refused != "" {
			may = cell{"no: " + printable(p.Refused), yellow}
		}
		t.add(cell{text: printable(p.Range)}, cell{text: printable(p.Subnet)}, may)
	}
	x.table(&t, 2)
	if more := len(e.Pools) - maxShownRows; more > 0 {
		fmt.Fprintf(x.w, "  and %d more\n", more)
	}
}

func (x *explaining) failed(e *policy.Explanation) {
	if len(e.Failed) == 0 {
		return
	}
	heading(x.console, x.w, "Classes that failed, so that the client is in none of them")
	for _, f := range e.Failed {
		x.item(fmt.Sprintf("%s (%s): %s", printable(f.Class), lineOf(x.source, f.Line, f.FileLine), fromNetwork(f.Error)))
	}
}

// table writes t on a page, its columns in flexible wrapped as far as need be.
func (x *explaining) table(t *table, flexible ...int) {
	if len(t.rows) > 0 {
		t.fit(x.console, pageWidth-2, flexible...)
		t.write(x.console, x.w, "  ")
	}
}

// textOr returns what the server says for people, else the value itself.
func textOr(text string, value any) string {
	if text != "" {
		return shown(text)
	}
	return valueText(value)
}

func valueText(v any) string {
	if v == nil {
		return ""
	}
	return fromNetwork(fmt.Sprint(v))
}

// cut returns s with at most n characters.
func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
