package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// maxSorted is how many leases are held to be sorted; more are sorted in runs of so many.
const maxSorted = 100_000

type leasesCommand struct {
	whichServer `embed:""`
	Client      string    `placeholder:"WHO" help:"Only this client: hardware address, client identifier, or host name."`
	Address     string    `placeholder:"ADDR" help:"Only this address, or those in a prefix such as 198.51.100.0/24."`
	State       string    `placeholder:"STATE" complete:"state" help:"Only leases in this state: free, active, expired, released, abandoned."`
	Network     string    `placeholder:"NAME" complete:"network" help:"Only leases of this shared network."`
	Watch       watchFlag `optional-value:"2s" help:"Show it again every two seconds, or as often as is said, until you interrupt it."`
	JSON        bool      `name:"json" help:"Print one JSON object a line."`
}

func (leasesCommand) Help() string {
	return `Every address that was ever leased has a record. "expired" is an address whose lease is over but not yet the guard behind it; "abandoned" one that somebody else was found to use.

Examples:

  lessor leases --state active
  lessor leases --client 02:00:00:00:00:07
  lessor leases --address 198.51.100.0/24 --json | jq -r .hostname`
}

// Run lists the leases.
func (x leasesCommand) Run(ctx context.Context, c *console) error {
	f, err := x.filter()
	if err == nil && x.JSON && x.Watch > 0 {
		err = errWatchJSON
	}
	if err != nil {
		return usageError{err, "lessor leases --help"}
	}
	client, err := x.client()
	if err != nil {
		return err
	}
	return c.watch(ctx, x.Watch, false, func(c *console, w *bufio.Writer) error {
		if x.JSON {
			return client.Leases(ctx, f, func(r node.LeaseRow) error { return writeJSON(w, r) })
		}
		l := leaseList{console: c, w: w}
		if err := client.Leases(ctx, f, l.add); err != nil {
			return unlessInterrupted(ctx, err)
		}
		if err := x.networkMeant(ctx, client, l.total); err != nil {
			return err
		}
		return l.end()
	})
}

// networkMeant says which network was meant where there are no leases of the one that was named, and no such network.
func (x leasesCommand) networkMeant(ctx context.Context, client *api.Client, found int) error {
	if x.Network == "" || found > 0 {
		return nil
	}
	st, err := client.Status(ctx)
	if err != nil {
		return nil // the list was had, and that it is empty is true
	}
	all := networkNames(&st)
	near := meant(x.Network, all)
	if slices.Contains(all, x.Network) || near == "" {
		return nil
	}
	return fmt.Errorf("no lease is on a network %q%s", fromNetwork(x.Network), printable(near))
}

func (x leasesCommand) filter() (f node.LeaseFilter, err error) {
	f = node.LeaseFilter{Client: node.ParseClient(x.Client), Network: x.Network}
	if x.Address != "" {
		if f.Prefix, err = api.ParsePrefix(x.Address); err != nil {
			return f, fmt.Errorf("--address: %w", err)
		}
	}
	if x.State != "" {
		var ok bool
		if f.State, ok = binding.ParseState(x.State); !ok {
			err := fmt.Errorf("--state: %q is not a state: states are %s", x.State, strings.Join(api.StateNames(), ", "))
			return f, suggesting(err, x.State, api.StateNames())
		}
	}
	return f, nil
}

// leaseList writes leases in order of address, as far as they can be held.
type leaseList struct {
	*console
	w     io.Writer
	rows  []node.LeaseRow
	total int
}

func (l *leaseList) add(r node.LeaseRow) error {
	if len(l.rows) == maxSorted {
		l.note("more than %d leases: sorted in runs of so many; narrow the list with --address, --client, --state or --network", maxSorted)
		if err := l.writeRun(); err != nil {
			return err
		}
	}
	l.rows = append(l.rows, r)
	l.total++
	return nil
}

func (l *leaseList) end() error {
	if l.total == 0 {
		l.note("no leases")
		return nil
	}
	return l.writeRun()
}

func (l *leaseList) writeRun() error {
	slices.SortFunc(l.rows, func(a, b node.LeaseRow) int { return a.Address.Compare(b.Address) })
	t := table{head: []string{"ADDRESS", "STATE", "CLIENT", "HOST NAME", "NETWORK", "EXPIRES"},
		least: []int{4, 3, 5, 1}, brief: map[int]func(string) string{5: briefTime}}
	now := l.now()
	for _, r := range l.rows {
		t.add(cell{text: r.Address.String()}, stateCell(r.State), cell{text: clientOf(r)},
			cell{text: orDash(short(fromNetwork(r.Hostname)))}, cell{text: orDash(short(printable(r.Network)))},
			cell{text: when(r.Expires, now)})
	}
	l.rows = l.rows[:0]
	return t.write(l.console, l.w, "")
}

// clientOf names the client of a row as binding.Client does: by hardware, else by identifier.
func clientOf(r node.LeaseRow) string {
	return orDash(short(fromNetwork(cmp.Or(r.Hardware, r.ClientID))))
}

// stateCell shows a state: what works in green, what an operator should look at in yellow.
func stateCell(state string) cell {
	switch state {
	case binding.Active.String():
		return cell{state, green}
	case binding.Abandoned.String():
		return cell{state, yellow}
	}
	return cell{printable(state), plain}
}
