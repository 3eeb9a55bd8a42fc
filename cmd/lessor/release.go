package main

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/node"
)

type releaseCommand struct {
	whichServer `embed:""`
	Address     string `arg:"" complete:"active-address" help:"The address whose lease is given up."`
	Reason      string `placeholder:"TEXT" help:"Why; kept in the log of changes."`
	Yes         bool   `short:"y" help:"Do not ask."`
	JSON        bool   `name:"json" help:"Print one JSON object: the lease as it is then."`
}

func (releaseCommand) Help() string {
	return `Does what the client's own release would: the address is free, and the other server of the group is told. The client is not: it goes on using the address until it asks again, and somebody else may be given it meanwhile. So it is for a client that is gone.

At a terminal it is asked first, and says who has the address.

Examples:

  lessor release 198.51.100.50
  lessor release 198.51.100.50 --yes --reason 'the phone was scrapped'`
}

// parseAddress reads an address of a client.
func parseAddress(text string) (netip.Addr, error) {
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return a, fmt.Errorf("%q is not an address: write it as in 198.51.100.50", text)
	}
	return a, nil
}

// Run gives the lease up.
func (x releaseCommand) Run(ctx context.Context, c *console) error {
	a, err := parseAddress(x.Address)
	if err != nil {
		return usageError{err, "lessor release --help"}
	}
	x.Reason = strings.TrimSpace(x.Reason)
	if err := api.CheckReason(x.Reason); err != nil {
		return usageError{fmt.Errorf("--reason: %w", err), "lessor release --help"}
	}
	client, err := x.client()
	if err != nil {
		return err
	}
	was, known, err := client.Lease(ctx, a)
	if err != nil {
		return err
	}
	if c.interactive && !x.Yes && known && was.State == binding.Active.String() && !releaseConfirmed(c, &was) {
		c.note("nothing was done")
		return errNo
	}
	d, err := client.Release(ctx, a, x.Reason)
	if err != nil {
		return err
	}
	if x.JSON {
		return c.json(d)
	}
	_, err = fmt.Fprintf(c.out, "%s is %s: the lease of %s is given up. The client was not told.\n", c.paint(bold, d.Address.String()), printable(d.State), clientOf(was.LeaseRow))
	return err
}

// releaseConfirmed asks a person who sees what will be done.
func releaseConfirmed(c *console, d *node.LeaseDetail) bool {
	who := clientOf(d.LeaseRow)
	if d.Hostname != "" {
		who += " (" + short(fromNetwork(d.Hostname)) + ")"
	}
	c.note("%v is leased to %s until %s. It was last heard of %s.", d.Address, who, when(d.Expires, c.now()), when(d.CLTT, c.now()))
	c.note("The client is not told: it goes on using the address until it asks again, and somebody else may be given it meanwhile.")
	return c.agrees("Is the client gone, and is the lease to be given up?")
}
