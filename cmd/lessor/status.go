package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/node"
)

type statusCommand struct {
	whichServer `embed:""`
	Watch       watchFlag `optional-value:"2s" help:"Show it again every two seconds, or as often as is said, until you interrupt it."`
	JSON        bool      `name:"json" help:"Print one JSON object; with --watch, one a line."`
}

func (statusCommand) Help() string {
	return `Alarms are what an operator should act on; each says what to do. docs/operating.md says more about each.

Examples:

  lessor status
  lessor status --watch=5s
  lessor status --json | jq '.alarms[] | .code'`
}

// Run shows the status.
func (x statusCommand) Run(ctx context.Context, c *console) error {
	client, err := x.client()
	if err != nil {
		return err
	}
	return c.watch(ctx, x.Watch, x.JSON, func(c *console, w *bufio.Writer) error {
		st, err := client.Status(ctx)
		switch {
		case err != nil:
			return unlessInterrupted(ctx, err)
		case x.JSON:
			return writeJSON(w, &st)
		}
		writeStatus(c, w, &st)
		return nil
	})
}

// unlessInterrupted returns err, nil where the person who asked ended it.
func unlessInterrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// writeStatus writes a status for a person. The writer keeps its first error.
func writeStatus(c *console, w *bufio.Writer, st *node.Status) {
	writeServer(c, w, st)
	writeAlarms(c, w, st.Alarms)
	writePartners(c, w, st.Partners)
	writePools(c, w, st.Pools, len(st.Partners) > 0)
	writeInterfaces(c, w, st.Interfaces)
	writeFailures(c, w, st.ClassesFailed)
	writeCounters(c, w, st)
}

func writeServer(c *console, w *bufio.Writer, st *node.Status) {
	ready := c.paint(green, "ready")
	switch {
	case !st.Ready:
		ready = c.paint(yellow, "not ready")
	case st.Waiting != "":
		ready = c.paint(yellow, "ready")
	}
	if st.Waiting != "" {
		ready += ": " + printable(st.Waiting)
	}
	fmt.Fprintf(w, "%s  %s\n", c.paint(bold, printable(string(st.Server))), ready)
	fmt.Fprintf(w, "  version        %s, up %s\n", printable(st.Version), span(time.Duration(st.Uptime)*time.Second))
	writeHead(c, w, st)
	fmt.Fprintf(w, "  bindings       %s\n", bindingCounts(st.Bindings))
	if st.Stale != nil && st.Stale.Clients > 0 {
		fmt.Fprintf(w, "  stale          %s (lessor stale)\n", c.paint(yellow, staleCount(st.Stale.Clients, st.Stale.ByCause)))
	}
	writeStore(c, w, &st.Store)
	writeDoor(c, w, st.API)
}

// writeHead writes which configuration is served by, and what is not as it should be with it.
func writeHead(c *console, w *bufio.Writer, st *node.Status) {
	fmt.Fprintf(w, "  configuration  %s since %s\n", shortName(st.Config.Head), when(st.Config.Since, c.now()))
	if st.Config.File != "" {
		fmt.Fprintf(w, "                 from %s\n", printable(st.Config.File))
	}
	if st.Config.Refused != "" {
		fmt.Fprintf(w, "                 %s %s:\n", c.paint(yellow, "a reload was refused"), when(st.Config.RefusedAt, c.now()))
		writeLines(w, "                   ", st.Config.Refused)
	}
	if st.Config.Group != nil {
		writeDisagreement(c, w, st.Config.Group)
	}
}

// writeLines writes a text that may have several lines, each behind indent.
func writeLines(w *bufio.Writer, indent, text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintf(w, "%s%s\n", indent, shown(strings.TrimRight(line, "\r\n")))
	}
}

// bindingCounts returns how many bindings there are in which state, the total first, then the most.
func bindingCounts(n map[string]int) string {
	var parts []string
	rank := func(name string) int {
		if name == "total" {
			return math.MinInt
		}
		return -n[name]
	}
	for _, name := range slices.SortedFunc(maps.Keys(n), func(a, b string) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a, b)) }) {
		if n[name] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[name], printable(name)))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "none")
}

func writeStore(c *console, w *bufio.Writer, s *node.StoreStatus) {
	state := c.paint(green, s.State)
	if s.State != "open" {
		state = c.paint(red, printable(s.State))
	}
	fmt.Fprintf(w, "  store          %s, %s", state, printable(s.Dir))
	if s.Segments > 0 {
		fmt.Fprintf(w, ": commit %d, %s of journal in %s", s.Commits, size(s.JournalBytes), count(s.Segments, "segment"))
	}
	fmt.Fprintln(w)
	if !s.Snapshot.IsZero() {
		fmt.Fprintf(w, "                 snapshot of %s at %s\n", size(s.SnapshotBytes), when(s.Snapshot, c.now()))
	}
	if s.Recovered.DamagedCount > 0 {
		fmt.Fprintf(w, "                 %s\n", c.paint(red, count(s.Recovered.DamagedCount, "damaged record")+" found at the start:"))
		for _, d := range s.Recovered.Damaged {
			fmt.Fprintf(w, "                   %s\n", printable(d))
		}
	}
}

func writeAlarms(c *console, w *bufio.Writer, alarms []node.Alarm) {
	if len(alarms) == 0 {
		return
	}
	heading(c, w, "Alarms")
	for _, a := range alarms {
		st := yellow
		if a.Severity == node.Critical {
			st = red
		}
		fmt.Fprintf(w, "  %s %s (%s)", c.paint(st, printable(string(a.Severity))+":"), printable(a.Title), printable(a.Code))
		if !a.Since.IsZero() {
			fmt.Fprintf(w, ", since %s", when(a.Since, c.now()))
		}
		fmt.Fprintln(w)
		writeLines(w, "    ", a.Text)
		if a.Remedy != "" {
			writeLines(w, "    → ", a.Remedy)
		}
	}
}

// writePools writes the pools; shared says that some of their free addresses may be another server's.
func writePools(c *console, w *bufio.Writer, pools []node.PoolStatus, shared bool) {
	heading(c, w, "Pools")
	if len(pools) == 0 {
		fmt.Fprintln(w, "  none: only hosts with an address of their own are served")
		return
	}
	poolTable(pools, shared).write(c, w, "  ")
}

// poolTable returns the table of pools; shared as of writePools.
func poolTable(pools []node.PoolStatus, shared bool) *table {
	t := &table{head: []string{"NETWORK", "RANGE", "SIZE", "ACTIVE", "OFFERED", "GRACE", "ABANDONED", "RESERVED", "FREE"}, right: map[int]bool{},
		least: []int{4, 5, 6, 7, 0, 2, 9, 3}}
	if shared {
		t.head, t.least = append(t.head, "PARTNER FREE"), append(t.least, 10)
	}
	t.head = append(t.head, "")
	for i := 2; i < len(t.head); i++ {
		t.right[i] = true
	}
	for _, p := range pools {
		free := cell{text: fmt.Sprint(p.Free)}
		if p.Free == 0 {
			free.style = red
		}
		row := []cell{{text: short(printable(p.Network))}, {text: printable(p.Range)}}
		for _, n := range []uint64{p.Size, p.Active, p.Offered, p.Grace, p.Abandoned, p.Reserved} {
			row = append(row, cell{text: fmt.Sprint(n)})
		}
		row = append(row, free)
		if shared {
			row = append(row, cell{text: fmt.Sprint(p.PartnerFree)})
		}
		t.add(append(row, cell{percent(p), dim})...)
	}
	return t
}

// percent returns how much of a pool is not free.
func percent(p node.PoolStatus) string {
	if p.Size == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f%% used", 100*(1-float64(p.Free)/float64(p.Size)))
}

func writeInterfaces(c *console, w *bufio.Writer, interfaces []node.InterfaceStatus) {
	heading(c, w, "Interfaces")
	if len(interfaces) == 0 {
		fmt.Fprintln(w, "  none: clients are heard through relays alone")
		return
	}
	t := table{head: []string{"NAME", "LINK", "NETWORK", "ADDRESSES"}}
	for _, i := range interfaces {
		link := cell{"up", green}
		if !i.Up {
			link = cell{"down", yellow}
		}
		var addrs []string
		for _, a := range i.Addresses {
			addrs = append(addrs, a.String())
		}
		t.add(cell{text: printable(i.Name)}, link, cell{text: orDash(short(printable(i.Network)))}, cell{text: orDash(strings.Join(addrs, " "))})
	}
	t.write(c, w, "  ")
}

// writeFailures writes which classes failed for clients.
func writeFailures(c *console, w *bufio.Writer, failures []node.ClassFailure) {
	if len(failures) == 0 {
		return
	}
	heading(c, w, "Classes that failed for clients")
	t := table{head: []string{"CLASS", "WHERE", "MESSAGES", "LAST", "WHY"}, right: map[int]bool{2: true}, least: []int{3, 1}, brief: map[int]func(string) string{3: briefTime}}
	for _, f := range failures {
		t.add(cell{text: short(printable(f.Class))}, cell{text: orDash(lineOf(f.Source, f.Line, f.FileLine))}, cell{fmt.Sprint(f.Count), yellow}, cell{text: when(f.Last, c.now())},
			cell{text: cut(fromNetwork(f.Error), maxShownValue)})
	}
	t.fit(c, pageWidth-2, 4)
	t.write(c, w, "  ")
}

// writeCounters writes what came and went since the start: only what is not zero.
func writeCounters(c *console, w *bufio.Writer, st *node.Status) {
	for _, part := range []struct {
		title string
		n     map[string]uint64
	}{{"Received", st.Received}, {"Sent", st.Sent}, {"Dropped", st.Drops}} {
		t := table{head: []string{"", ""}, right: map[int]bool{1: true}}
		for _, name := range slices.Sorted(maps.Keys(part.n)) {
			if n := part.n[name]; n > 0 {
				t.addText(printable(name), fmt.Sprint(n))
			}
		}
		heading(c, w, part.title)
		if len(t.rows) == 0 {
			fmt.Fprintln(w, "  nothing")
			continue
		}
		t.write(c, w, "  ")
	}
}

// size returns a number of octets for a person.
func size(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	f, i := float64(n), 0
	for f >= 1024 && i < len(units)-1 {
		f, i = f/1024, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}
