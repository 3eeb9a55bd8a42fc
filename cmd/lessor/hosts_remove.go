package main

import (
	"context"

	"github.com/lessor-dhcp/lessor/internal/node"
)

type hostsRemoveCommand struct {
	whichServer `embed:""`
	hostChange  `embed:""`
	Name        string `arg:"" complete:"host" help:"The host that is taken out."`
}

func (hostsRemoveCommand) Help() string {
	return `Its client keeps the lease that it has until that ends; from then on it is treated as everybody else, and its address is no longer kept for it. lessor config rollback takes it back.

Examples:

  lessor hosts remove printer1 --comment 'scrapped'
  lessor hosts remove printer1 --against 0123abcd --json`
}

// Run takes the host out.
func (x hostsRemoveCommand) Run(ctx context.Context, c *console) error {
	r, err := x.request(c, "lessor hosts remove")
	if err != nil {
		return err
	}
	if err := checkHostName(x.Name); err != nil {
		return usageError{err, "lessor hosts remove --help"}
	}
	client, err := x.client()
	if err != nil {
		return err
	}
	against, err := x.against(ctx, client)
	if err != nil {
		return err
	}
	if against == "" { // what was taken out by another in the meantime is said as it is
		if _, found, err := client.Host(ctx, x.Name); err != nil {
			return err
		} else if !found {
			return hostMeant(ctx, client, x.Name)
		}
	}
	return changing(c, x.JSON, &r, mergedWithOthers, func() (node.Applied, error) {
		a, err := client.HostDelete(ctx, x.Name, against, r)
		return a, versionMeant(ctx, client, err, against)
	})
}
