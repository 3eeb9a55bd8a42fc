package main

import (
	"bufio"
	"context"
	"fmt"

	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/node"
)

type maintenanceCommand struct {
	whichServer `embed:""`
	Switch      string `arg:"" enum:"on,off" help:"on or off."`
	Yes         bool   `short:"y" help:"Do not ask."`
	JSON        bool   `name:"json" help:"Print one JSON object."`
}

func (maintenanceCommand) Help() string {
	return `on: this server stops answering clients, tells the other one what it does not know yet (for up to 5 s), and takes leave of it; the other one answers everybody, from its own share. off: it answers again, without a wait. A restart ends it, too. SIGTERM takes leave in the same way.

Examples:

  lessor maintenance on
  lessor maintenance off`
}

// Run begins or ends a pause.
func (x maintenanceCommand) Run(ctx context.Context, c *console) error {
	client, err := x.client()
	if err != nil {
		return err
	}
	before, err := client.Status(ctx)
	if err != nil {
		return err
	}
	on := x.Switch == "on"
	var was node.PartnerStatus
	if len(before.Partners) > 0 {
		was = before.Partners[0]
	}
	if on && was.State != failover.Paused.String() && len(before.Partners) > 0 && !answersClients(&was) {
		why := "there is no connection to it"
		if was.Connected {
			why = "it is in " + was.PartnerState
		}
		c.note("lessor: %s may not answer clients now (%s): while this server pauses, nobody does then", was.Partner, why)
		if c.interactive && !x.Yes && !c.agrees("Pause all the same?") {
			c.note("nothing was done")
			return errNo
		}
	}
	p, err := client.Maintenance(ctx, on)
	if err != nil {
		return err
	}
	if x.JSON {
		return c.json(p)
	}
	return c.buffered(func(w *bufio.Writer) error { writePause(c, w, on, &was, &p); return nil })
}

// answersClients reports whether the other server, as far as is known, answers everybody when this one does not.
func answersClients(p *node.PartnerStatus) bool {
	return p.Connected && p.PartnerState == failover.Normal.String()
}

// writePause tells what is done from now on.
func writePause(c *console, w *bufio.Writer, on bool, was, p *node.PartnerStatus) {
	partner, paused := printable(string(p.Partner)), failover.Paused.String()
	switch {
	case on && was.State == paused:
		fmt.Fprintln(w, "This server was paused already.")
	case on:
		fmt.Fprintf(w, "This server is paused: it answers no client. It tells %s what it has to tell, for up to 5 s, and takes leave of it.\n", partner)
	case was.State != paused:
		fmt.Fprintf(w, "This server was not paused: it is in %s.\n", printable(p.State))
		return
	default:
		fmt.Fprintf(w, "This server goes on: it looks for %s, and answers clients once it has heard it, or has waited for it (failover: startup).\n", partner)
		return
	}
	if answersClients(was) {
		fmt.Fprintf(w, "  %s answers everybody, from its own share of the addresses.\n", c.paint(bold, partner))
	}
	fmt.Fprintln(w, "  lessor maintenance off ends it, and so does a restart; no wait follows.")
}
