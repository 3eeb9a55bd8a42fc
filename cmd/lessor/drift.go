package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/node"
)

type driftCommand struct {
	whichServer `embed:""`
	With        string    `placeholder:"MEMBER" complete:"member" help:"Compare with this member; default: the other one of the group."`
	Watch       watchFlag `optional-value:"2s" help:"Show it again every two seconds, or as often as is said, until you interrupt it."`
	JSON        bool      `name:"json" help:"Print one JSON object."`
}

func (driftCommand) Help() string {
	return `Compares two members by what their clients would get from either, class by class: where their heads differ, or where a layer of the one server (servers:, server-classes:) makes it say something else.

Examples:

  lessor drift
  lessor drift --with east --json | jq .clients`
}

// Run compares.
func (x driftCommand) Run(ctx context.Context, c *console) error {
	client, err := x.client()
	if err != nil {
		return err
	}
	return c.watch(ctx, x.Watch, x.JSON, func(c *console, w *bufio.Writer) error {
		progress, end := c.progress("leases compared")
		report, err := client.Drift(ctx, binding.Member(x.With), progress)
		end()
		switch {
		case err != nil:
			return memberMeant(ctx, client, err, x.With)
		case x.JSON:
			return writeJSON(w, report)
		}
		(&comparing{console: c, w: w}).drift(report)
		return nil
	})
}

// memberMeant returns what is wrong, with the member that was meant where the one that was named is none.
func memberMeant(ctx context.Context, client *api.Client, err error, name string) error {
	if _, refused := errors.AsType[*api.Problem](err); !refused || name == "" {
		return err
	}
	st, asked := client.Status(ctx)
	if asked != nil {
		return err
	}
	all := []string{string(st.Server)}
	for i := range st.Partners {
		all = append(all, string(st.Partners[i].Partner))
	}
	if slices.Contains(all, name) {
		return err
	}
	return suggesting(err, name, all)
}

func (x *comparing) drift(r *node.DriftReport) {
	fmt.Fprintf(x.w, "%s  %s\n", x.paint(bold, "Compared with "+printable(string(r.With))), orDash(printable(r.Protocol)))
	switch {
	case r.SameHead:
		x.line("head", "both serve by "+shortName(r.OurHead))
	case r.TheirHead == "":
		x.line("head", fmt.Sprintf("this server serves by %s; what the other serves by is not known", shortName(r.OurHead)))
	default:
		x.line("head", fmt.Sprintf("this server serves by %s, the other by %s", shortName(r.OurHead), shortName(r.TheirHead)))
	}
	x.line("leases", fmt.Sprintf("%d, compared in %.1fs", r.Total, r.Seconds))
	if r.Unknown > 0 {
		x.line("", fmt.Sprintf("%d could not be compared", r.Unknown))
	}
	if r.Clients == 0 && (r.Unknown == r.Total && r.Total > 0 || !r.SameHead && r.TheirHead == "") {
		x.line("differ", x.paint(yellow, "it cannot be told"))
	} else {
		x.styled(yellow, r.Clients, "differ", "%s would get something else from the one than from the other", "nobody would get anything else from the one than from the other")
	}
	if r.NewClients > 0 {
		x.line("new clients", fmt.Sprintf("%s would, if they had no lease yet", count(r.NewClients, "client")))
	}
	x.reasons("Why", r.Because)
	x.reasons("What cannot be known", r.CannotKnow)
	if len(r.Groups) > 0 {
		heading(x.console, x.w, "Who would get what")
		us, them := "FROM THIS SERVER", "FROM "+cmp.Or(sideName(r.With), "THE OTHER")
		t := table{head: []string{"CLASS", "WHAT", "CLIENTS", "BECAUSE", "FOR EXAMPLE", us, them}, right: map[int]bool{2: true}}
		for i := range r.Groups {
			g := &r.Groups[i]
			first := []cell{{text: className(g.Class)}, {text: short(printable(g.Name))}, {fmt.Sprint(g.Clients), yellow}, {text: printable(g.Because)}}
			if len(g.Examples) == 0 {
				t.add(append(first, make([]cell, 3)...)...)
			}
			for k := range min(len(g.Examples), maxShownExamples) {
				t.add(append(first, exampleCells(&g.Examples[k])...)...)
				first = make([]cell, 4)
			}
		}
		t.fit(x.console, staleWidth, 3, 5, 6)
		t.write(x.console, x.w, "  ")
	}
	if r.Remedy != "" {
		fmt.Fprintln(x.w)
		writeLines(x.w, "  → ", r.Remedy)
	}
}

func (x *comparing) reasons(title string, all []string) {
	if len(all) == 0 {
		return
	}
	heading(x.console, x.w, title)
	for _, s := range all {
		(&explaining{console: x.console, w: x.w}).item(shown(s))
	}
}
