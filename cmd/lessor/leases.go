package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
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
	Search      string    `placeholder:"TEXT" help:"Only what this is a part of: address, hardware, client identifier, host name, circuit, remote end, subscriber, vendor class."`
	After       string    `placeholder:"ADDR" help:"Only addresses behind this one, in order."`
	Limit       int       `short:"n" placeholder:"N" help:"At most so many, in order of address."`
	CSV         bool      `name:"csv" help:"Print CSV, for a spreadsheet."`
	Watch       watchFlag `optional-value:"2s" help:"Show it again every two seconds, or as often as is said, until you interrupt it."`
	JSON        bool      `name:"json" help:"Print one JSON object a line."`
}

func (leasesCommand) Help() string {
	return `Every address that was ever leased has a record. "expired" is an address whose lease is over but not yet the guard behind it; "abandoned" one that somebody else was found to use.

Examples:

  lessor leases --state active
  lessor leases --search phone
  lessor leases --client 02:00:00:00:00:07
  lessor leases --address 198.51.100.0/24 --json | jq -r .hostname
  lessor leases --csv > leases.csv`
}

// Run lists the leases.
func (x leasesCommand) Run(ctx context.Context, c *console) error {
	q, err := x.query()
	switch {
	case err == nil && x.JSON && x.CSV:
		err = errors.New("--json and --csv: one of them")
	case err == nil && x.JSON && x.Watch > 0:
		err = errWatchJSON
	case err == nil && x.CSV && x.Watch > 0:
		err = errors.New("--watch with --csv would not say where one list ends")
	}
	if err != nil {
		return usageError{err, "lessor leases --help"}
	}
	client, err := x.client()
	if err != nil {
		return err
	}
	return c.watch(ctx, x.Watch, false, func(c *console, w *bufio.Writer) error {
		switch {
		case x.CSV:
			return client.LeasesCSV(ctx, q, w)
		case x.JSON && x.inOrder():
			return client.FindLeases(ctx, q, func(r node.FoundLease) error { return writeJSON(w, r) })
		case x.JSON:
			return client.Leases(ctx, q.LeaseFilter, func(r node.LeaseRow) error { return writeJSON(w, r) })
		}
		l := leaseList{console: c, w: w, sought: x.Search != ""}
		if x.inOrder() {
			err = client.FindLeases(ctx, q, l.add)
		} else {
			err = client.Leases(ctx, q.LeaseFilter, func(r node.LeaseRow) error { return l.add(node.FoundLease{LeaseRow: r}) })
		}
		if err != nil {
			return unlessInterrupted(ctx, err)
		}
		if err := x.networkMeant(ctx, client, l.total); err != nil {
			return err
		}
		return l.end()
	})
}

// inOrder reports whether more is asked for than a filter: the server then says leases in order.
func (x leasesCommand) inOrder() bool { return x.Search != "" || x.After != "" || x.Limit > 0 }

// query reads the flags.
func (x leasesCommand) query() (q node.LeaseQuery, err error) {
	q.Search, q.Limit = x.Search, x.Limit
	switch {
	case x.Limit < 0:
		return q, errors.New("--limit must be positive")
	case len(x.Search) > node.MaxSearch:
		return q, fmt.Errorf("--search: at most %d octets", node.MaxSearch)
	}
	if x.After != "" {
		if q.After, err = parseAddress(x.After); err != nil {
			return q, fmt.Errorf("--after: %w", err)
		}
	}
	q.LeaseFilter, err = x.filter()
	return q, err
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
	rows  []node.FoundLease
	total int
	// sought says that it is shown what each was found in.
	sought bool
}

func (l *leaseList) add(r node.FoundLease) error {
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
	slices.SortFunc(l.rows, func(a, b node.FoundLease) int { return a.Address.Compare(b.Address) })
	t := table{head: []string{"ADDRESS", "STATE", "CLIENT", "HOST NAME", "NETWORK", "EXPIRES"},
		least: []int{4, 3, 5, 1}, brief: map[int]func(string) string{5: briefTime}}
	if l.sought {
		t.head = append(t.head, "FOUND IN")
		t.least = []int{4, 3, 6, 5, 1}
	}
	now := l.now()
	for i := range l.rows {
		r := &l.rows[i]
		row := []cell{{text: r.Address.String()}, stateCell(r.State), {text: clientOf(r.LeaseRow)},
			{text: orDash(short(fromNetwork(r.Hostname)))}, {text: orDash(short(printable(r.Network)))},
			{text: when(r.Expires, now)}}
		if l.sought {
			row = append(row, cell{text: orDash(strings.TrimSpace(printable(r.Matched) + " " + short(fromNetwork(r.Found))))})
		}
		t.add(row...)
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
