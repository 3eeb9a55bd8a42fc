package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/api"
	configversion "github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// changeFlags are the flags of what changes the configuration.
type changeFlags struct {
	Comment string `short:"m" placeholder:"TEXT" help:"Why; kept with the version."`
	Yes     bool   `short:"y" help:"Do it whatever it does to clients; without it, what needs a yes is asked on a terminal, and else refused."`
	JSON    bool   `name:"json" help:"Print one JSON object."`
}

// request returns a change as it is sent; what is wrong with the flags is a usageError.
func (f changeFlags) request(c *console, command string) (r node.ApplyRequest, err error) {
	f.Comment = strings.TrimSpace(f.Comment)
	if err := api.CheckComment(f.Comment); err != nil {
		return r, usageError{fmt.Errorf("--comment: %w", err), command + " --help"}
	}
	r = node.ApplyRequest{Comment: f.Comment, Yes: f.Yes}
	if c.sits != nil {
		r.From = c.sits()
	}
	return r, nil
}

type configApplyCommand struct {
	whichServer `embed:""`
	changeFlags `embed:""`
	File        string `arg:"" complete:"file" help:"The document; - for standard input."`
	WhatIf      bool   `name:"what-if" help:"Show what it would do to the clients that have a lease now, and change nothing."`
}

func (configApplyCommand) Help() string {
	return `The document becomes the next version of the group's configuration, whatever member is asked. Its line "version: …", as lessor config show prints it, says what it was written against, so that what others changed since is merged with it; without that line it is taken as it is, and what it would undo needs a yes. Its server: section is not looked at.

It returns once the version is stored, and says whether it is adopted, or what it waits for. What would take an address from a client, empty a pool, or drop the subnet that you sit on needs a yes.

Examples:

  lessor config apply campus.yaml --comment 'router for floor 1'
  lessor config apply campus.yaml --what-if
  lessor config apply - --yes < campus.yaml`
}

// Run applies the file.
func (x configApplyCommand) Run(ctx context.Context, c *console) error {
	r, err := x.request(c, "lessor config apply")
	if err != nil {
		return err
	}
	if r.Document, err = readDocument(x.File, c.in); err != nil {
		return err
	}
	if len(r.Document) == 0 {
		return errors.New(fileName(x.File) + " is empty: nothing was changed")
	}
	r.File = cut(printable(fileName(x.File)), api.MaxFile/4)
	client, err := x.client()
	if err != nil {
		return err
	}
	if x.WhatIf {
		return whatIf(ctx, c, client, r, x.JSON)
	}
	if x.File == "-" {
		c = c.alone() // who could answer is not at the other end of standard input
	}
	return changing(c, x.JSON, &r, mergedWithOthers, func() (node.Applied, error) { return client.ConfigApply(ctx, r) })
}

// alone returns the console without a person who could be asked.
func (c *console) alone() *console {
	x := *c
	x.interactive = false
	return &x
}

// changing carries out a change, and asks for a yes where it needs one.
func changing(c *console, asJSON bool, r *node.ApplyRequest, merged string, carryOut func() (node.Applied, error)) error {
	a, err := carryOut()
	if e, ok := errors.AsType[*node.ConfirmError](err); ok && c.interactive && !r.Yes {
		w := bufio.NewWriter(c.err)
		writeConsequences(c, w, r.File, e)
		w.Flush()
		if !c.agrees("Do it?") {
			c.note("nothing was changed")
			return errNo
		}
		r.Yes = true
		a, err = carryOut()
	}
	switch {
	case err != nil:
		return c.inTheWay(err, r.File, asJSON)
	case asJSON:
		return c.json(a)
	}
	return c.buffered(func(w *bufio.Writer) error { writeApplied(c, w, &a, merged); return nil })
}

// mergedWithOthers is what is said of an applied document that was merged.
const mergedWithOthers = "Others had changed something since the version that this was written against: both are in it."

// writeApplied tells what became of a change; merged is what is said if it was merged.
func writeApplied(c *console, w *bufio.Writer, a *node.Applied, merged string) {
	name := c.paint(bold, shortName(a.Version))
	switch {
	case !a.Changed:
		fmt.Fprintf(w, "Nothing changes: version %s says the same already.\n", name)
	case a.Adopted:
		fmt.Fprintf(w, "Version %s is stored and %s: it is served by from now on.\n", name, c.paint(green, "adopted"))
	default:
		fmt.Fprintf(w, "Version %s is stored, and %s.\n", name, c.paint(yellow, "not adopted yet"))
	}
	if a.Waits != "" {
		writeLines(w, "  ", a.Waits)
	}
	if a.Changed && !a.Adopted {
		fmt.Fprintf(w, "  Until then version %s is served by.\n", shortName(a.Head))
	}
	if a.Merged && merged != "" {
		fmt.Fprintf(w, "  %s\n", merged)
	}
	for _, n := range a.Notes {
		writeLines(w, "  ", n)
	}
	changes, earlier := waitingOf(a)
	if len(changes) > 0 {
		fmt.Fprintln(w)
		writeChanges(c, w, "  ", changes, sides{versionSide(a.Previous), versionSide(a.Version)}, "lessor config history, and lessor config diff with the version before")
	}
	if len(earlier) > 0 {
		fmt.Fprintf(w, "\nThese, made before, wait until both members have them:\n")
		writeChanges(c, w, "  ", earlier, sides{after: versionSide(a.Version)}, "lessor config status")
	}
}

// waitingOf returns the changes of what was made, marked where they do wait until both members have them, and those that waited before.
func waitingOf(a *node.Applied) (changes, earlier []configversion.Change) {
	pending := map[string]bool{}
	for i := range a.Pending {
		pending[a.Pending[i].Key] = true
	}
	changes = slices.Clone(a.Changes)
	for i := range changes {
		changes[i].Safety = pending[changes[i].Key]
		delete(pending, changes[i].Key)
	}
	for _, x := range a.Pending {
		if pending[x.Key] {
			x.Safety = false // the heading says so
			earlier = append(earlier, x)
		}
	}
	return changes, earlier
}
