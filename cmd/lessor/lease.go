package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

type leaseCommand struct {
	Address     string `arg:"" complete:"address" help:"The address."`
	whichServer `embed:""`
	JSON        bool `name:"json" help:"Print one JSON object."`
}

func (leaseCommand) Help() string {
	return `The exit code is 1 if there is no record of the address.

Example:

  lessor lease 198.51.100.50`
}

// Run shows the lease.
func (x leaseCommand) Run(ctx context.Context, c *console) error {
	addr, err := netip.ParseAddr(x.Address)
	if err != nil {
		return usageError{fmt.Errorf("%q is not an address: write it as in 198.51.100.50", x.Address), "lessor lease --help"}
	}
	client, err := x.client()
	if err != nil {
		return err
	}
	d, known, err := client.Lease(ctx, addr)
	if err != nil {
		return err
	}
	if !known {
		return fmt.Errorf("there is no record of %v: it was never leased by this server", addr)
	}
	if x.JSON {
		return c.json(d)
	}
	return c.buffered(func(w *bufio.Writer) error {
		writeLease(c, w, d)
		return nil
	})
}

// writeLease writes a lease for a person. The writer keeps its first error.
func writeLease(c *console, w *bufio.Writer, d node.LeaseDetail) {
	now := c.now()
	state := stateCell(d.State)
	fmt.Fprintf(w, "%s  %s\n", c.paint(bold, d.Address.String()), c.paint(state.style, state.text))
	field := func(name, value string) {
		if value != "" && value != "-" {
			fmt.Fprintf(w, "  %-14s %s\n", name, value)
		}
	}
	field("since", when(d.Changed, now)+because(d.Cause))
	field("hardware", fromNetwork(d.Hardware))
	field("client-id", fromNetwork(d.ClientID))
	field("host name", fromNetwork(d.Hostname))
	field("network", join(printable(d.Network), printable(d.Subnet)))
	field("starts", when(d.Starts, now))
	field("expires", when(d.Expires, now))
	if d.PotentialExpiry != d.Expires {
		field("at the latest", when(d.PotentialExpiry, now))
	}
	field("last heard", when(d.CLTT, now))
	field("owner", printable(string(d.Owner)))
	field("home", printable(string(d.Home)))
	field("configuration", printable(d.ConfigVersion))
	if a := d.Again; a != nil {
		field("told again", fmt.Sprintf("by %s, which served by a version that does not come from this one: %s", printable(string(a.By)), printable(a.Rule)))
	}
	writeTold(c, w, d)
	writeSaid(c, w, d.Facts)
	writeHistory(c, w, d.History)
}

func because(cause string) string {
	if cause == "" {
		return ""
	}
	return ", " + printable(cause)
}

// join returns what there is of a and b.
func join(a, b string) string { return strings.Trim(a+", "+b, ", ") }

func heading(c *console, w io.Writer, text string) { fmt.Fprintf(w, "\n%s\n", c.paint(bold, text)) }

func writeTold(c *console, w *bufio.Writer, d node.LeaseDetail) {
	heading(c, w, "What the client was told")
	if !d.Told {
		fmt.Fprintln(w, "  not known")
	}
	known := d.Today != nil && d.Today.NotKnown == ""
	t := table{head: []string{"OPTION", "CODE", "VALUE", "FROM", "TODAY"}, right: map[int]bool{1: true}}
	if !known {
		t.head[4] = ""
	}
	for _, x := range toldFields(d) {
		if x.told != "" || x.today != "" {
			t.add(cell{text: "(" + x.name + ")"}, cell{text: "-"}, cell{text: orDash(printable(x.told))}, cell{parameterOrigin(d.Source, d.Parameters, x.name), dim}, x.compared(known))
		}
	}
	for _, o := range d.Options {
		t.add(cell{text: printable(o.Name)}, cell{text: fmt.Sprint(o.Code)}, cell{text: cut(valueOf(o.SaidOption), maxShownValue)},
			cell{originOfOption(d.Source, &o), dim}, compared(&d, &o))
	}
	if known {
		for _, o := range d.Today.New {
			t.add(cell{text: printable(o.Name)}, cell{text: fmt.Sprint(o.Code)}, cell{text: "-"}, cell{}, compared(&d, &o))
		}
	}
	if len(t.rows) > 0 {
		t.fit(c, pageWidth-2, 2, 3, 4)
		t.write(c, w, "  ")
	}
	for _, o := range d.LeftOut {
		fmt.Fprintf(w, "  %s: no room for %s in the message that the client takes; %s\n", c.paint(yellow, "Left out"), printable(o.Name), origin(o.Layer, o.Object, lineOf(d.Source, o.Line, o.FileLine), ""))
	}
	writeToday(c, w, d.Today)
}

// writeToday says in a line how the client would fare today.
func writeToday(c *console, w *bufio.Writer, t *node.LeaseToday) {
	switch {
	case t == nil:
		return
	case t.NotKnown != "":
		fmt.Fprintf(w, "  Today: not known: %s\n", printable(t.NotKnown))
	case t.Differs:
		fmt.Fprintf(w, "  %s: it hears of that when it renews\n", c.paint(yellow, "Today it would be told something else"))
	default:
		fmt.Fprintln(w, "  Today it would be told the same")
	}
	for _, n := range t.Notes {
		fmt.Fprintf(w, "  Note: %s\n", printable(n))
	}
}

// toldField is something that is no option, as it was told and as it would be.
type toldField struct{ name, told, today, from string }

func toldFields(d node.LeaseDetail) []toldField {
	fs := []toldField{
		{name: "address", told: reservedAddress(d)}, {name: "lifetime"}, {name: "next-server", told: d.NextServer},
		{name: "server-hostname", told: d.ServerHostname}, {name: "boot-file-name", told: d.BootFileName},
	}
	fs[0].today = fs[0].told
	if d.Told {
		fs[1].told = lifetime(d.Lifetime)
	}
	if t := d.Today; t != nil && t.NotKnown == "" {
		fs[1].today, fs[2].today, fs[3].today, fs[4].today = lifetime(t.Lifetime), t.NextServer, t.ServerHostname, t.BootFileName
		for i := range fs {
			fs[i].from = parameterOrigin(t.Source, t.Parameters, fs[i].name)
		}
	}
	return fs
}

func (f toldField) compared(known bool) cell {
	switch {
	case !known:
		return cell{}
	case f.told == f.today:
		return cell{"same", dim}
	case f.today == "":
		return cell{"→ nothing", yellow}
	}
	return cell{"→ " + strings.TrimSuffix(printable(f.today)+", from "+f.from, ", from "), yellow}
}

// originOfOption says where an option came from: all layers that had a part in it.
func originOfOption(of policy.Source, o *node.ToldOption) string {
	if len(o.Parts) > 1 {
		return origins(of, o.Parts)
	}
	return origin(o.Layer, o.Object, lineOf(of, o.Line, o.FileLine), o.Rule)
}

func origins(of policy.Source, parts []policy.Origin) string {
	all := make([]string, len(parts))
	for i, p := range parts {
		all[i] = origin(p.Layer, p.Object, lineOf(of, p.Line, p.FileLine), p.Rule)
	}
	return strings.Join(all, " + ")
}

// compared shows what an option would be today beside what it was.
func compared(d *node.LeaseDetail, o *node.ToldOption) cell {
	t := o.Today
	switch {
	case d.Today == nil || d.Today.NotKnown != "":
		return cell{}
	case t == nil:
		return cell{"→ nothing", yellow}
	}
	from := origin(t.Layer, t.Object, lineOf(d.Today.Source, t.Line, t.FileLine), t.Rule)
	if len(t.Parts) > 1 {
		from = origins(d.Today.Source, t.Parts)
	}
	switch {
	case o.Differs:
		return cell{"→ " + cut(valueOf(node.SaidOption{Value: t.Value, Text: t.Text}), maxShownValue) + ", from " + from, yellow}
	case o.Layer == "" || sameOrigin(o, t):
		return cell{"same", dim}
	}
	return cell{"same, from " + from, dim}
}

// sameOrigin reports whether an option would come from where it came from, on whatever line that is now.
func sameOrigin(o *node.ToldOption, t *node.TodayOption) bool {
	same := func(a, b policy.Origin) bool { return a.Layer == b.Layer && a.Object == b.Object && a.Rule == b.Rule }
	return same(policy.Origin{Layer: o.Layer, Object: o.Object, Rule: o.Rule}, t.Origin) && slices.EqualFunc(o.Parts, t.Parts, same)
}

// reservedAddress returns the address of a lease that the configuration reserves for its client, else nothing.
func reservedAddress(d node.LeaseDetail) string {
	if parameterOrigin(d.Source, d.Parameters, "address") == "" {
		return ""
	}
	return d.Address.String()
}

// parameterOrigin says where in the configuration something that is no option came from.
func parameterOrigin(of policy.Source, parameters []node.ToldParameter, name string) string {
	for _, p := range parameters {
		if p.Name == name {
			return origin(p.Layer, p.Object, lineOf(of, p.Line, p.FileLine), p.Rule)
		}
	}
	return ""
}

// origin says where in the configuration a value came from: the layer, and the line as lineOf says it.
func origin(layer, object, line, rule string) string {
	s := strings.TrimSpace(printable(layer) + " " + printable(object))
	if line != "" {
		s += ", " + line
	}
	if rule != "" && rule != "set" { // the usual one
		s += " (" + printable(rule) + ")"
	}
	return s
}

// valueOf returns an option's value in one line: what the server says for people, else the value itself.
func valueOf(o node.SaidOption) string {
	if o.Text != "" {
		return shown(o.Text)
	}
	return fromNetwork(fmt.Sprint(o.Value))
}

func writeSaid(c *console, w *bufio.Writer, f *node.LeaseFacts) {
	heading(c, w, "What the client said")
	if f == nil {
		fmt.Fprintln(w, "  not known")
		return
	}
	if f.GIAddr != "" {
		fmt.Fprintf(w, "  through the relay %s, on network %s\n", printable(f.GIAddr), printable(f.Link))
	} else {
		fmt.Fprintf(w, "  directly, on network %s\n", printable(f.Link))
	}
	t := table{head: []string{"OPTION", "CODE", "VALUE"}, right: map[int]bool{1: true}}
	for _, o := range f.Options {
		t.addText(printable(o.Name), fmt.Sprint(o.Code), valueOf(o))
	}
	if len(t.rows) > 0 {
		t.write(c, w, "  ")
	}
	if f.Truncated {
		fmt.Fprintln(w, "  and more: only the first 1200 octets of what a client says are kept")
	}
}

func writeHistory(c *console, w *bufio.Writer, h []node.Happening) {
	if len(h) == 0 {
		return
	}
	heading(c, w, "Before")
	t := table{head: []string{"WHEN", "STATE", "CLIENT", "CAUSE"}}
	for _, x := range h {
		t.add(cell{text: when(x.Time, c.now())}, stateCell(x.State), cell{text: orDash(fromNetwork(x.Client))}, cell{text: printable(x.Cause)})
	}
	t.write(c, w, "  ")
}
