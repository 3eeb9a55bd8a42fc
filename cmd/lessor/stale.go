package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/node"
)

type staleCommand struct {
	whichServer `embed:""`
	Client      string    `placeholder:"WHO" help:"Only this client: hardware address, client identifier, or host name."`
	Address     string    `placeholder:"ADDR" help:"Only this address, or those in a prefix such as 198.51.100.0/24."`
	Cause       string    `placeholder:"CAUSE" complete:"cause" help:"Only for this cause; its beginning is enough: configuration changed, granted under another version, asked for more, told older while apart, another home or release."`
	Limit       int       `short:"n" help:"At most so many."`
	Converge    bool      `help:"Not yet: have the clients ask now."`
	Rate        string    `placeholder:"N/s" help:"Not yet: how many, with --converge."`
	Watch       watchFlag `optional-value:"2s" help:"Show it again every two seconds, or as often as is said, until you interrupt it."`
	JSON        bool      `name:"json" help:"Print one JSON object a line."`
}

func (staleCommand) Help() string {
	return `A client gets what it should have when it asks next: the list drains by itself as leases are renewed.

Examples:

  lessor stale
  lessor stale --address 198.51.100.0/24
  lessor stale --cause told
  lessor stale --json | jq -r .address`
}

// errNotYet says that clients cannot be made to ask.
var errNotYet = errors.New("clients cannot be told to ask now yet\n  → nothing need be done: each gets what it should have when it renews, at half of its lease time. `lessor stale` shows who is left; what is granted while a change is pending is renewed early")

// Run lists the clients.
func (x staleCommand) Run(ctx context.Context, c *console) error {
	f, err := x.filter()
	if err == nil && x.JSON && x.Watch > 0 {
		err = errWatchJSON
	}
	if err != nil {
		return usageError{err, "lessor stale --help"}
	}
	if x.Converge {
		return errNotYet
	}
	client, err := x.client()
	if err != nil {
		return err
	}
	return c.watch(ctx, x.Watch, false, func(c *console, w *bufio.Writer) error {
		if x.JSON {
			return client.Stale(ctx, f, func(r node.StaleRow) error { return writeJSON(w, r) })
		}
		l := staleList{console: c, w: w, causes: map[string]int{}}
		if err := client.Stale(ctx, f, l.add); err != nil {
			return err
		}
		l.write()
		st, err := client.Status(ctx)
		if err != nil {
			return err
		}
		l.summary(st.Stale, x.Client+x.Address+x.Cause == "" && x.Limit == 0)
		return nil
	})
}

func (x staleCommand) filter() (f node.StaleFilter, err error) {
	f = node.StaleFilter{Client: node.ParseClient(x.Client), Limit: x.Limit}
	switch {
	case x.Rate != "" && !x.Converge:
		return f, errors.New("--rate goes with --converge")
	case x.Limit < 0:
		return f, errors.New("--limit must be positive")
	}
	if x.Address != "" {
		if f.Address, err = api.ParsePrefix(x.Address); err != nil {
			return f, fmt.Errorf("--address: %w", err)
		}
	}
	if x.Cause != "" {
		if f.Cause, err = api.ParseCause(x.Cause); err != nil {
			return f, fmt.Errorf("--cause: %w", err)
		}
	}
	return f, nil
}

// staleList writes stale clients in order of address, as far as they can be held.
type staleList struct {
	*console
	w      *bufio.Writer
	rows   []node.StaleRow
	total  int
	causes map[string]int
}

// maxStaleSorted is how many of them are held to be sorted: each has all that differs.
const maxStaleSorted = maxSorted / 5

func (l *staleList) add(r node.StaleRow) error {
	if len(l.rows) == maxStaleSorted {
		l.note("more than %d clients: sorted in runs of so many; narrow the list with --address, --client or --cause", maxStaleSorted)
		l.write()
	}
	l.rows = append(l.rows, r)
	l.total++
	l.causes[r.Cause]++
	return nil
}

func (l *staleList) write() {
	if len(l.rows) == 0 {
		return
	}
	slices.SortFunc(l.rows, func(a, b node.StaleRow) int { return a.Address.Compare(b.Address) })
	t := table{head: []string{"ADDRESS", "CLIENT", "HOST NAME", "SINCE", "CAUSE", "WHAT", "HAS", "WOULD HAVE"}, least: []int{2, 3, 4, 1}}
	narrow := l.width() > 0 && l.width() < staleWidth // then where a value comes from is left to lessor lease
	for i := range l.rows {
		r := &l.rows[i]
		first := []cell{{text: r.Address.String()}, {text: clientOf(node.LeaseRow{Hardware: r.Hardware, ClientID: r.ClientID})}, {text: orDash(short(fromNetwork(r.Hostname)))},
			{text: ago(r.Since, l.console)}, {causeText(r.Cause), yellow}}
		if len(r.Differs) == 0 {
			t.add(append(first, make([]cell, 3)...)...)
		}
		for k := range r.Differs {
			has, would := differenceCells(&r.Differs[k])
			if why := r.Differs[k].Why; why != "" && (!narrow || r.Differs[k].Name == "address") {
				would.text += " (" + shown(why) + ")"
			}
			t.add(append(first, cell{text: short(printable(r.Differs[k].Name))}, has, would)...)
			first = make([]cell, 5)
		}
	}
	l.rows = l.rows[:0]
	t.fit(l.console, staleWidth, 2, 6, 7)
	t.write(l.console, l.w, "")
	if narrow {
		fmt.Fprintln(l.w, l.paint(dim, "(no room here for where a value comes from: lessor lease ADDRESS)"))
	}
}

// staleWidth is how wide the list becomes before what differs is wrapped.
const staleWidth = 140

func causeText(cause string) string { return orDash(printable(cause)) }

// ago returns how long ago t was.
func ago(t node.Instant, c *console) string {
	if t.IsZero() {
		return "-"
	}
	return span(max(c.now().Sub(t.Time), 0)) + " ago"
}

// summary writes one line on all of them. all says that nobody was left out of the list.
func (l *staleList) summary(s *node.StaleSummary, all bool) {
	if l.total > 0 {
		fmt.Fprintln(l.w)
	}
	switch {
	case s == nil || !all:
		fmt.Fprintf(l.w, "%s", staleCount(l.total, l.causes))
		if s != nil && s.Clients > l.total {
			fmt.Fprintf(l.w, "; %d in all", s.Clients)
		}
	default:
		fmt.Fprint(l.w, staleCount(s.Clients, s.ByCause))
	}
	if s != nil && s.Unknown > 0 {
		fmt.Fprintf(l.w, "; of %d more it is not known what they were told", s.Unknown)
	}
	fmt.Fprintln(l.w)
	if s != nil && s.Sweeping {
		fmt.Fprintf(l.w, "The configuration was changed a moment ago: %d of %d leases have been looked at since.\n", s.Swept, s.Total)
	}
}

// staleCount says how many clients there are, and for which causes.
func staleCount(n int, causes map[string]int) string {
	if n == 0 {
		return "No client holds anything else than it would get"
	}
	var parts []string
	order := func(a, b string) int { return cmp.Or(cmp.Compare(causes[b], causes[a]), strings.Compare(a, b)) }
	for _, cause := range slices.SortedFunc(maps.Keys(causes), order) {
		if causes[cause] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", causes[cause], causeText(cause)))
		}
	}
	s := pick(n, "1 client holds", fmt.Sprintf("%d clients hold", n)) + " something else than " + pick(n, "it", "they") + " would get"
	if len(parts) > 0 {
		s += ": " + strings.Join(parts, ", ")
	}
	return s
}
