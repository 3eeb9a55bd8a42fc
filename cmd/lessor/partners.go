package main

import (
	"bufio"
	"context"
)

type partnersCommand struct {
	whichServer `embed:""`
	Watch       watchFlag `optional-value:"2s" help:"Show it again every two seconds, or as often as is said, until you interrupt it."`
	JSON        bool      `name:"json" help:"Print one JSON object a line."`
}

func (partnersCommand) Help() string {
	return `The state of each of the two servers, since when and why, what the other has not acknowledged yet, and what is the matter between them. docs/failover.md explains the states. lessor timeline shows the earlier ones.

Examples:

  lessor partners
  lessor partners --watch
  lessor partners --json | jq -r .state`
}

// Run shows how the servers of the group stand.
func (x partnersCommand) Run(ctx context.Context, c *console) error {
	if x.JSON && x.Watch > 0 {
		return usageError{errWatchJSON, "lessor partners --help"}
	}
	client, err := x.client()
	if err != nil {
		return err
	}
	return c.watch(ctx, x.Watch, false, func(c *console, w *bufio.Writer) error {
		all, err := client.Partners(ctx)
		switch {
		case err != nil:
			return unlessInterrupted(ctx, err)
		case x.JSON:
			return eachJSON(w, all)
		case len(all) == 0:
			c.note("this server stands alone: it has no partner")
			return nil
		}
		writePartnerTable(c, w, all, "")
		return nil
	})
}
