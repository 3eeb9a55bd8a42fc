package main

import (
	"bufio"
	"context"
	"fmt"

	"github.com/lessor-dhcp/lessor/internal/node"
)

type historyCommand struct {
	whichServer `embed:""`
	Address     string `arg:"" complete:"address" help:"The address."`
	Client      bool   `help:"What became of the leases of the client that has the address, or had it last, on all of its addresses."`
	Limit       int    `short:"n" default:"100" help:"How many changes at most, up to 1000."`
	JSON        bool   `name:"json" help:"Print one JSON object."`
}

func (historyCommand) Help() string {
	return `The latest change is the first line. What is kept goes back over restarts, and the end says since when it is whole and where something may be missing; below it stands what the lease itself knows of the time before.

Examples:

  lessor history 198.51.100.50
  lessor history 198.51.100.50 --client --limit 1000
  lessor history 198.51.100.50 --json | jq '.changes[] | .happened'`
}

// Run shows the history.
func (x historyCommand) Run(ctx context.Context, c *console) error {
	a, err := parseAddress(x.Address)
	if err == nil && (x.Limit < 1 || x.Limit > node.MaxHistory) {
		err = fmt.Errorf("--limit must be positive, and at most %d", node.MaxHistory)
	}
	if err != nil {
		return usageError{err, "lessor history --help"}
	}
	client, err := x.client()
	if err != nil {
		return err
	}
	var h node.LeaseHistory
	if found := true; x.Client {
		h, found, err = client.ClientHistory(ctx, a, x.Limit)
		if err == nil && !found {
			err = fmt.Errorf("there is no record of %v: no client of this server ever had it", a)
		}
	} else {
		h, err = client.AddressHistory(ctx, a, x.Limit)
	}
	switch {
	case err != nil:
		return err
	case x.JSON:
		return c.json(h)
	case len(h.Changes)+len(h.Before) == 0:
		c.note("nothing is known of %v: it was never leased by this server", a)
		return nil
	}
	return c.buffered(func(w *bufio.Writer) error { return writePast(c, w, &h) })
}

func writePast(c *console, w *bufio.Writer, h *node.LeaseHistory) error {
	if len(h.Changes) > 0 {
		if err := changeTable(c, h.Changes).write(c, w, ""); err != nil {
			return err
		}
		if h.More {
			fmt.Fprintf(w, "… and earlier ones: --limit %d\n", node.MaxHistory)
		}
	}
	if len(h.Before) > 0 {
		heading(c, w, "What the lease knows of before")
		changeTable(c, h.Before).write(c, w, "  ")
	}
	kept := "Kept whole since " + when(h.Since, c.now())
	if h.RenewalsSince.After(h.Since.Time) {
		kept += ", renewals since " + when(h.RenewalsSince, c.now())
	}
	kept += "."
	for _, g := range h.Gaps[max(0, len(h.Gaps)-maxGapsShown):] {
		stretch := " Between " + when(g.From, c.now()) + " and " + when(g.To, c.now())
		if g.From.Equal(g.To.Time) {
			stretch = " At about " + when(g.From, c.now())
		}
		kept += stretch + " something may be missing: " + g.Why + "."
	}
	fmt.Fprintln(w)
	for _, line := range wrapped(kept, c.page(pageWidth)) {
		fmt.Fprintln(w, c.paint(dim, line))
	}
	return nil
}

// maxGapsShown is how many gaps are told, the latest.
const maxGapsShown = 3

func changeTable(c *console, all []node.LeaseChange) *table {
	t := &table{head: []string{"WHEN", "WHAT", "ADDRESS", "CLIENT", "BY", "WHY"}, least: []int{4, 2, 5, 3, 0}, brief: map[int]func(string) string{0: briefTime}}
	for i := range all {
		x := &all[i]
		what := printable(x.Happened)
		if x.From.IsValid() {
			what += " from " + x.From.String()
		}
		by := printable(string(x.By))
		if x.Operator {
			by += " (operator)"
		}
		t.add(cell{text: when(x.Time, c.now())}, cell{what, happenedStyle(x.Happened)}, cell{text: x.Address.String()},
			cell{text: orDash(join(fromNetwork(x.Hardware), printable(x.Client)))}, cell{text: orDash(by)}, cell{text: orDash(cut(printable(x.Cause), maxShownValue))})
	}
	return t
}

// happenedStyle shows in colour what an operator should look at.
func happenedStyle(what string) style {
	switch what {
	case "conflict", "damaged", "declined":
		return red
	case "granted", "moved":
		return green
	}
	return plain
}
