package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/node"
)

type leaseCommand struct {
	Address     string `arg:"" help:"The address."`
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
		return
	}
	t := table{head: []string{"OPTION", "CODE", "VALUE", "FROM"}, right: map[int]bool{1: true}}
	for _, x := range []struct{ name, value string }{
		{"address", reservedAddress(d)}, {"lifetime", lifetime(d.Lifetime)}, {"next-server", d.NextServer},
		{"server-hostname", d.ServerHostname}, {"boot-file-name", d.BootFileName},
	} {
		if x.value != "" {
			t.add(cell{text: "(" + x.name + ")"}, cell{text: "-"}, cell{text: printable(x.value)}, cell{parameterOrigin(d, x.name), dim})
		}
	}
	for _, o := range d.Options {
		t.add(cell{text: printable(o.Name)}, cell{text: fmt.Sprint(o.Code)}, cell{text: valueOf(o.SaidOption)}, cell{origin(o.Layer, o.Object, o.Line, o.Rule), dim})
	}
	t.write(c, w, "  ")
}

// reservedAddress returns the address of a lease that the configuration reserves for its client, else nothing.
func reservedAddress(d node.LeaseDetail) string {
	if parameterOrigin(d, "address") == "" {
		return ""
	}
	return d.Address.String()
}

// parameterOrigin says where in the configuration something that is no option came from.
func parameterOrigin(d node.LeaseDetail, name string) string {
	for _, p := range d.Parameters {
		if p.Name == name {
			return origin(p.Layer, p.Object, p.Line, p.Rule)
		}
	}
	return ""
}

// origin says where in the configuration a value came from.
func origin(layer, object string, line int, rule string) string {
	s := strings.TrimSpace(printable(layer) + " " + printable(object))
	if line > 0 {
		s += fmt.Sprintf(", line %d", line)
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
