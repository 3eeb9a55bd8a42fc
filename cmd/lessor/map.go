package main

import (
	"bufio"
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/node"
)

type mapCommand struct {
	whichServer `embed:""`
	Prefix      string    `arg:"" complete:"subnet" help:"The subnet, or any part of it: 198.51.100.0/24."`
	Watch       watchFlag `optional-value:"2s" help:"Show it again every two seconds, or as often as is said, until you interrupt it."`
	JSON        bool      `name:"json" help:"Print one JSON object; with --watch, one a line."`
}

func (mapCommand) Help() string {
	return `A prefix of 24 bits or longer is drawn address by address, 16 in a line; a shorter one as 256 blocks, each of which is a map again. Below it stands what the signs mean, and how many there are of each.

Examples:

  lessor map 198.51.100.0/24
  lessor map 10.20.0.0/16 --watch=5s
  lessor map 198.51.100.0/24 --json | jq '.addresses[] | select(.stale)'`
}

// Run draws the map.
func (x mapCommand) Run(ctx context.Context, c *console) error {
	p, err := netip.ParsePrefix(x.Prefix)
	if err != nil || !p.Addr().Is4() {
		return usageError{fmt.Errorf("%q is no IPv4 prefix: write it as in 198.51.100.0/24", x.Prefix), "lessor map --help"}
	}
	client, err := x.client()
	if err != nil {
		return err
	}
	return c.watch(ctx, x.Watch, x.JSON, func(c *console, w *bufio.Writer) error {
		m, err := client.Map(ctx, p)
		switch {
		case err != nil:
			return unlessInterrupted(ctx, err)
		case x.JSON:
			return writeJSON(w, m)
		}
		self := ""
		if m.Counts.PartnerFree > 0 && len(m.Addresses) > 0 { // some are another's, and it is to be said which
			st, err := client.Status(ctx)
			if err != nil {
				return unlessInterrupted(ctx, err)
			}
			self = string(st.Server)
		}
		writeMap(c, w, &m, self)
		return nil
	})
}

// sign is how a map shows one address.
type sign struct {
	char  string
	means string
	style style
}

// signs are those of the states of an address.
var signs = []struct {
	state string
	sign
	count func(*node.CellCounts) uint64
}{
	{"active", sign{"#", "leased", green}, func(n *node.CellCounts) uint64 { return n.Active }},
	{"offered", sign{"o", "offered", green}, func(n *node.CellCounts) uint64 { return n.Offered }},
	{"expired", sign{"-", "grace: the lease is over, the guard behind it not yet", plain}, func(n *node.CellCounts) uint64 { return n.Grace }},
	{"abandoned", sign{"!", "abandoned: used by somebody who did not get it here", yellow}, func(n *node.CellCounts) uint64 { return n.Abandoned }},
	{"reserved", sign{"r", "reserved for a host that does not have it now", plain}, func(n *node.CellCounts) uint64 { return n.Reserved }},
	{"free", sign{".", "free", plain}, func(n *node.CellCounts) uint64 { return n.Free }},
	{"partner", sign{"p", "free, and the other server's to give", plain}, func(n *node.CellCounts) uint64 { return n.PartnerFree }},
	{"outside", sign{" ", "in no pool", plain}, func(n *node.CellCounts) uint64 { return n.Outside }},
}

// signOf returns how a state is shown.
func signOf(state string) sign {
	switch state {
	case "released":
		state = "expired"
	case "unused":
		state = "free"
	}
	for _, s := range signs {
		if s.state == state {
			return s.sign
		}
	}
	return sign{"?", state, plain}
}

// mapColumns is how many cells stand in a line.
const mapColumns = 16

// writeMap draws a map as self, a server, has it; empty: no free address is another's.
func writeMap(c *console, w *bufio.Writer, m *node.Map, self string) {
	fmt.Fprintln(w, c.paint(bold, m.Prefix.String()))
	if in := join(printable(m.Network), printable(subnetBeside(m))); in != "" {
		fmt.Fprintln(w, "  in "+in)
	}
	fmt.Fprintln(w)
	if len(m.Blocks) > 0 {
		writeBlocks(c, w, m)
	} else {
		writeAddresses(c, w, m, self)
	}
	fmt.Fprintln(w)
	t := table{head: []string{"", "", ""}, right: map[int]bool{1: true}, least: []int{2}}
	for _, s := range signs {
		n := s.count(&m.Counts)
		if n == 0 {
			continue
		}
		mark := cell{s.char, s.style}
		if len(m.Blocks) > 0 {
			mark = cell{}
		}
		t.add(mark, cell{text: fmt.Sprint(n)}, cell{text: s.means})
	}
	t.write(c, w, "  ")
}

func subnetBeside(m *node.Map) string {
	if m.Subnet == m.Prefix.String() {
		return ""
	}
	return m.Subnet
}

// writeAddresses draws each address as a sign.
func writeAddresses(c *console, w *bufio.Writer, m *node.Map, self string) {
	for i := 0; i < len(m.Addresses); i += mapColumns {
		line := m.Addresses[i:min(i+mapColumns, len(m.Addresses))]
		var b strings.Builder
		for k := range line {
			s := signOf(line[k].State)
			if s.char == "." && self != "" && line[k].Owner != self {
				s = signOf("partner")
			}
			if k == mapColumns/2 {
				b.WriteString(" ")
			}
			b.WriteString(c.paint(s.style, s.char))
		}
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("  %-15s  %s", line[0].Address, b.String()), " "))
	}
}

// writeBlocks draws each block as a bar: how much of what lies in a pool is not free.
func writeBlocks(c *console, w *bufio.Writer, m *node.Map) {
	for i := 0; i < len(m.Blocks); i += mapColumns {
		line := m.Blocks[i:min(i+mapColumns, len(m.Blocks))]
		var b strings.Builder
		for k := range line {
			if k == mapColumns/2 {
				b.WriteString(" ")
			}
			b.WriteString(blockSign(&line[k].CellCounts))
		}
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("  %-18s  %s", line[0].Prefix, b.String()), " "))
	}
	fmt.Fprintln(w)
	for _, line := range wrapped(fmt.Sprintf("Each sign is a /%d: the higher the bar, the less is free in it; a blank has nothing in a pool.", m.Cell), c.page(pageWidth)-2) {
		fmt.Fprintln(w, "  "+line)
	}
}

// blockSign shows how much of what is in a pool of a block is not free.
func blockSign(n *node.CellCounts) string {
	in := n.Size - min(n.Outside, n.Size)
	if in == 0 {
		return " "
	}
	free := n.Free + n.PartnerFree
	used := in - min(free, in)
	if used == 0 {
		return "."
	}
	return drawn([]uint64{used}, in)
}
