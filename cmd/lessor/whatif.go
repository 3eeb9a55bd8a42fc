package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// maxShownExamples is how many clients a report names for one thing.
const maxShownExamples = 5

// whatIf shows what a document would do, and changes nothing.
func whatIf(ctx context.Context, c *console, client *api.Client, r node.ApplyRequest, asJSON bool) error {
	progress, end := c.progress("leases looked at")
	report, err := client.WhatIf(ctx, r, progress)
	end()
	switch {
	case err != nil:
		return c.inTheWay(err, r.File, asJSON)
	case asJSON:
		return c.json(report)
	}
	return c.buffered(func(w *bufio.Writer) error {
		(&comparing{console: c, w: w}).whatIf(report)
		return nil
	})
}

// comparing writes what came of a comparison for a person. The writer keeps its first error.
type comparing struct {
	*console
	w *bufio.Writer
}

func (x *comparing) whatIf(r *node.WhatIfReport) {
	fmt.Fprintf(x.w, "%s in place of version %s (nothing was changed):\n", x.paint(bold, "If this document were served by")+",", shortName(r.Head))
	x.line("leases", fmt.Sprintf("%d, looked at in %.1fs", r.Total, r.Seconds))
	x.styled(yellow, r.Changed, "told otherwise", pick(r.Changed, "%s would be told something else than it has, when it asks next", "%s would be told something else than they have, when they ask next"), "nobody")
	if r.Changed > 0 && r.StaleNow > 0 {
		x.line("", fmt.Sprintf("%d would be anyway, by the configuration of now; %d because of the change", r.StaleNow, r.ByChange))
	}
	x.styled(red, r.Lost, "lost", pick(r.Lost, "%s would lose its address", "%s would lose their address"), "nobody loses an address")
	x.changed(r)
	x.lost(r.LostBy)
	x.poolsShort(r.Pools)
	x.collisions(r)
	x.dropped(r.Dropped)
	if len(r.Emptied) > 0 {
		heading(x.console, x.w, "Networks that would have no pool any more")
		for _, name := range r.Emptied {
			fmt.Fprintf(x.w, "  %s\n", x.paint(yellow, short(printable(name))))
		}
	}
	x.notes(r.Notes)
}

func (x *comparing) line(label, text string) {
	for _, l := range wrapped(text, x.page(pageWidth)-17) {
		fmt.Fprintf(x.w, "  %-14s %s\n", label, l)
		label = ""
	}
}

func (x *comparing) styled(st style, n int, label, some, none string) {
	if n == 0 {
		x.line(label, x.paint(green, none))
		return
	}
	fmt.Fprintf(x.w, "  %-14s %s\n", label, x.paint(st, fmt.Sprintf(some, count(n, "client"))))
}

func (x *comparing) changed(r *node.WhatIfReport) {
	if len(r.Options) > 0 {
		heading(x.console, x.w, "What clients would be told otherwise")
		t := table{head: []string{"WHAT", "CLIENTS", "CLASSES", "FOR EXAMPLE", "HAS", "WOULD HAVE"}, right: map[int]bool{1: true}}
		for i := range r.Options {
			o := &r.Options[i]
			first := []cell{{text: short(printable(o.Name))}, {fmt.Sprint(o.Clients), yellow}, {text: classCounts(o.Classes)}}
			if len(o.Examples) == 0 {
				t.add(append(first, make([]cell, 3)...)...)
			}
			for k := range min(len(o.Examples), maxShownExamples) {
				t.add(append(first, exampleCells(&o.Examples[k])...)...)
				first = make([]cell, 3)
			}
		}
		t.fit(x.console, staleWidth, 2, 4, 5)
		t.write(x.console, x.w, "  ")
	}
	if len(r.Classes) > 0 {
		heading(x.console, x.w, "By class")
		t := table{head: []string{"CLASS", "CLIENTS"}, right: map[int]bool{1: true}}
		for _, k := range r.Classes {
			t.addText(className(k.Class), fmt.Sprint(k.Clients))
		}
		x.table(&t)
	}
}

// exampleCells returns a client and the first thing that differs for it.
func exampleCells(e *node.ClientExample) []cell {
	cells := []cell{{text: exampleName(e)}, {}, {}}
	if len(e.Differs) > 0 {
		cells[1], cells[2] = differenceCells(&e.Differs[0])
	}
	return cells
}

// exampleName names a client by its address and what is known of it.
func exampleName(e *node.ClientExample) string {
	return join(e.Address.String(), clientOf(node.LeaseRow{Hardware: e.Hardware, ClientID: e.ClientID}))
}

// differenceCells returns what a client has, and what it would have.
func differenceCells(d *node.Difference) (has, would cell) {
	has, would = cell{"(not told)", dim}, cell{"(not told)", dim}
	if d.Has != nil || d.HasText != "" {
		has = cell{cut(textOr(d.HasText, d.Has), maxShownValue), plain}
	}
	if d.WouldHave != nil || d.WouldText != "" {
		would = cell{cut(textOr(d.WouldText, d.WouldHave), maxShownValue), plain}
	}
	return has, would
}

func className(class string) string {
	if class == "" {
		return "(none)"
	}
	return short(printable(class))
}

func classCounts(all []node.ClassCount) string {
	var parts []string
	for i, k := range all {
		if i == maxShownExamples {
			parts = append(parts, fmt.Sprintf("%d more", len(all)-i))
			break
		}
		parts = append(parts, fmt.Sprintf("%s %d", className(k.Class), k.Clients))
	}
	return orDash(strings.Join(parts, ", "))
}

func (x *comparing) lost(all []node.LostReason) {
	if len(all) == 0 {
		return
	}
	heading(x.console, x.w, "Who would lose an address")
	t := table{head: []string{"WHY", "CLIENTS", "FOR EXAMPLE", "NETWORK"}, right: map[int]bool{1: true}}
	for i := range all {
		l := &all[i]
		first := []cell{{text: printable(l.Why)}, {fmt.Sprint(l.Clients), red}}
		if len(l.Examples) == 0 {
			t.add(append(first, make([]cell, 2)...)...)
		}
		for k := range min(len(l.Examples), maxShownExamples) {
			t.add(append(first, cell{text: exampleName(&l.Examples[k])}, cell{text: orDash(short(printable(l.Examples[k].Network)))})...)
			first = make([]cell, 2)
		}
	}
	x.table(&t, 0)
}

func (x *comparing) poolsShort(all []node.PoolWhatIf) {
	if len(all) == 0 {
		return
	}
	heading(x.console, x.w, "Pools that would not have enough addresses")
	t := table{head: []string{"NETWORK", "RANGE", "SIZE", "STAYING", "MOVING IN", "MISSING", ""}, right: map[int]bool{2: true, 3: true, 4: true, 5: true}}
	for _, p := range all {
		gone := ""
		if p.Gone {
			gone = "is no more"
		}
		t.add(cell{text: short(printable(p.Network))}, cell{text: printable(p.Range)}, cell{text: fmt.Sprint(p.Size)}, cell{text: fmt.Sprint(p.Active)},
			cell{text: fmt.Sprint(p.Moving)}, cell{fmt.Sprint(p.Missing), red}, cell{gone, yellow})
	}
	x.table(&t, 1)
}

func (x *comparing) collisions(r *node.WhatIfReport) {
	if r.ReservationCount == 0 {
		return
	}
	heading(x.console, x.w, fmt.Sprintf("Addresses kept for one client that another has now (%d)", r.ReservationCount))
	t := table{head: []string{"ADDRESS", "KEPT FOR", "HELD BY", "UNTIL"}}
	for i, k := range r.Reservations {
		if i == maxShownRows {
			break
		}
		t.add(cell{k.Address.String(), yellow}, cell{text: short(printable(k.Host))},
			cell{text: join(clientOf(node.LeaseRow{Hardware: k.Holder.Hardware, ClientID: k.Holder.ClientID}), short(fromNetwork(k.Holder.Hostname)))}, cell{text: when(k.Until, x.now())})
	}
	x.table(&t, 2)
}

func (x *comparing) dropped(all []node.DroppedSubnet) {
	if len(all) == 0 {
		return
	}
	heading(x.console, x.w, "Subnets that would be no more")
	t := table{head: []string{"SUBNET", "NETWORK", "LEASES"}, right: map[int]bool{2: true}}
	for _, s := range all {
		t.add(cell{printable(s.Subnet), yellow}, cell{text: short(printable(s.Network))}, cell{text: fmt.Sprint(s.Clients)})
	}
	x.table(&t)
}

func (x *comparing) notes(all []string) {
	if len(all) == 0 {
		return
	}
	heading(x.console, x.w, "Notes")
	for _, n := range all {
		(&explaining{console: x.console, w: x.w}).item(shown(n))
	}
}

func (x *comparing) table(t *table, flexible ...int) {
	(&explaining{console: x.console, w: x.w}).table(t, flexible...)
}
