package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/node"
)

type partnerDownCommand struct {
	whichServer `embed:""`
	Partner     string `arg:"" complete:"member" help:"The other server, as it stands under group: members."`
	NeverServed bool   `name:"never-served" help:"It has never served this group either, so nobody can hold an address of its."`
	Force       bool   `help:"Whatever speaks against it. Two clients may get one address if the other server runs."`
	Reason      string `placeholder:"TEXT" help:"Why; kept and shown. Needed with --force."`
	Yes         bool   `short:"y" help:"Do not ask."`
	JSON        bool   `name:"json" help:"Print one JSON object."`
}

func (partnerDownCommand) Help() string {
	return `Tells this server that the other one of its group does not serve. From then on it answers alone, and, once nobody can hold an address that it does not know of (MCLT + guard), gives away the other's share too. Make sure first that the other server does not run: a link that is cut looks the same as a server that is dead, and a server that runs goes on giving addresses.

It is refused while the other server answers on any path, unless it is forced, with a reason. When the other server comes back, it recovers by itself before it answers anybody; nothing need be said.

Examples:

  lessor partner-down east
  lessor partner-down east --yes --reason disk-burnt
  lessor partner-down east --never-served`
}

// Run declares the partner down.
func (x partnerDownCommand) Run(ctx context.Context, c *console) error {
	x.Reason = strings.TrimSpace(x.Reason)
	if x.Force && x.Reason == "" {
		return usageError{errors.New("--force needs --reason TEXT: it is kept, and shown until the two have met again"), "lessor partner-down --help"}
	}
	if err := api.CheckReason(x.Reason); err != nil {
		return usageError{fmt.Errorf("--reason: %w", err), "lessor partner-down --help"}
	}
	client, err := x.client()
	if err != nil {
		return err
	}
	if c.interactive && !x.Yes {
		st, err := client.Status(ctx)
		if err != nil {
			return err
		}
		if !x.confirmed(c, &st) {
			c.note("nothing was done")
			return errNo
		}
	}
	p, err := client.PartnerDown(ctx, node.PartnerDownRequest{Partner: x.Partner, NeverServed: x.NeverServed, Force: x.Force, Reason: x.Reason})
	if err != nil {
		return memberMeant(ctx, client, err, x.Partner)
	}
	if x.JSON {
		return c.json(p)
	}
	return c.buffered(func(w *bufio.Writer) error { writeDeclared(c, w, &p); return nil })
}

// confirmed asks a person who sees what will be done. What would be refused is not asked about.
func (x partnerDownCommand) confirmed(c *console, st *node.Status) bool {
	partner := fromNetwork(x.Partner)
	for i := range st.Partners {
		p := &st.Partners[i]
		if p.Partner != binding.Member(x.Partner) {
			continue
		}
		if p.Connected && !x.Force {
			return true
		}
		c.note("%s is %s since %s. %s was last heard to be %s, since %s.", st.Server, p.State, when(p.Since, c.now()),
			partner, p.PartnerState, when(p.PartnerSince, c.now()))
		c.note("%s will answer every client alone. From about %s on it gives away %s's addresses too.",
			st.Server, absolute(node.At(c.now().Add(time.Duration(max(p.MCLT, p.LargestMCLT))*time.Second))), partner)
		c.note("If %s runs all the same, two clients will hold one address.", partner)
		return c.agrees("Does " + partner + " not run, and is that certain?")
	}
	return true
}

// agrees asks a question, to which the answer is no unless it is yes.
func (c *console) agrees(question string) bool {
	fmt.Fprintf(c.err, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(c.in).ReadString('\n') // at its end the answer is no
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}

// writeDeclared tells what is done from now on.
func writeDeclared(c *console, w *bufio.Writer, p *node.PartnerStatus) {
	partner := printable(string(p.Partner))
	fmt.Fprintf(w, "%s is declared down: this server is in %s.\n", c.paint(bold, partner), printable(p.State))
	if p.State != failover.PartnerDown.String() {
		writeLines(w, "  ", p.Cause)
		return
	}
	fmt.Fprintln(w, "  It answers every client from now on. Leases are renewed as before; none is lost.")
	if !p.OwnShareFrom.IsZero() {
		fmt.Fprintf(w, "  New clients get addresses of its own share from %s on.\n", when(p.OwnShareFrom, c.now()))
	}
	switch from := p.PartnerShareFrom; {
	case from.After(c.now()):
		fmt.Fprintf(w, "  %s's addresses are given to new clients from %s on: until then somebody may hold one that this server knows nothing of.\n", partner, when(from, c.now()))
	case !from.IsZero():
		fmt.Fprintf(w, "  %s's addresses are given to new clients, too.\n", partner)
	}
	fmt.Fprintf(w, "  When %s comes back, it recovers from this server by itself before it answers anybody.\n", partner)
}
