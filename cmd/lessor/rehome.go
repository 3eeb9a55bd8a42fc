package main

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

type rehomeCommand struct {
	whichServer `embed:""`
	Address     string `arg:"" complete:"address" help:"The address of the lease."`
	Member      string `arg:"" complete:"member" help:"The member that is to be its home."`
	JSON        bool   `name:"json" help:"Print one JSON object: the lease as it is then."`
}

func (rehomeCommand) Help() string {
	return `The home of a lease is the member that gave it first: whatever member answers, the client is told what its home would tell it. This makes another member the home, for a client that has moved for good. The client is told what that means when it asks next.

Example:

  lessor rehome 198.51.100.50 east`
}

// Run changes the home of a lease.
func (x rehomeCommand) Run(ctx context.Context, c *console) error {
	a, err := netip.ParseAddr(x.Address)
	if err != nil || a.Zone() != "" {
		return usageError{fmt.Errorf("%q is not an address: write it as in 198.51.100.50", x.Address), "lessor rehome --help"}
	}
	client, err := x.client()
	if err != nil {
		return err
	}
	d, err := client.Rehome(ctx, a, binding.Member(x.Member))
	if err != nil {
		return memberMeant(ctx, client, err, x.Member)
	}
	if x.JSON {
		return c.json(d)
	}
	_, err = fmt.Fprintf(c.out, "The home of %v (%s) is %s.\n", d.Address, clientOf(d.LeaseRow), c.paint(bold, printable(string(d.Home))))
	return err
}
