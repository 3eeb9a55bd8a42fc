package web

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/lessor-dhcp/lessor/internal/node"
)

// impact is what a document would mean for the clients that have a lease, as it is drawn. Every part of it is a table or a sentence,
// too: the colours say nothing that is not written.
type impact struct {
	*node.WhatIfReport
	Consequences []string
	// Shares are what becomes of all clients: together they are all of them.
	Shares []share
	// Columns are the classes that clients would be in, and Rows the options that they would have otherwise.
	Columns []string
	Rows    []impactRow
	// Bars are the pools that would not have enough addresses.
	Bars []poolBar
	// Calm says that nobody would notice.
	Calm bool
}

// share is a part of all clients, from X on, as parts of a hundred.
type share struct {
	Name, Class string
	Count       int
	X, Width    float64
}

// impactRow is one option, and how many clients of each class would have it otherwise.
type impactRow struct {
	node.ChangedPart
	Part  float64 // of all clients, in percent
	Cells []heat
}

// heat is a count of clients, and how much that is of all of them: f0 little to f4 nearly all, empty for nobody.
type heat struct {
	Count int
	Class string
}

// maxColumns is how many classes stand beside one another, those of most clients first; the others are one column together.
const maxColumns = 6

// others is the name of the column of all further classes, which no class can have.
const others = "\x00others"

func impactOf(r *node.WhatIfReport) *impact {
	m := &impact{WhatIfReport: r, Consequences: r.Consequences(), Shares: sharesOf(r), Columns: columnsOf(r)}
	m.Calm = r.Changed == 0 && r.Lost == 0 && len(r.Pools) == 0 && r.ReservationCount == 0 && len(r.Dropped) == 0 && len(r.Emptied) == 0
	for _, o := range r.Options {
		row := impactRow{ChangedPart: o, Part: percent(uint64(o.Clients), uint64(r.Total))}
		for _, n := range spread(o.Classes, m.Columns) {
			row.Cells = append(row.Cells, heatOf(n, r.Total))
		}
		m.Rows = append(m.Rows, row)
	}
	for _, q := range r.Pools {
		m.Bars = append(m.Bars, barOf(q))
	}
	return m
}

// sharesOf lays what becomes of the clients side by side.
func sharesOf(r *node.WhatIfReport) (all []share) {
	same := max(r.Total-r.Changed-r.Lost-r.Unknown, 0)
	x := 0.0
	for _, s := range []share{{Name: "would notice nothing", Class: "same", Count: same}, {Name: "not known what they have", Class: "unknown", Count: r.Unknown},
		{Name: "would be told something else", Class: "changed", Count: r.Changed}, {Name: "would lose their address", Class: "lost", Count: r.Lost}} {
		if s.Count == 0 {
			continue
		}
		s.X, s.Width = x, max(percent(uint64(s.Count), uint64(r.Total)), .6) // a single one of a million is seen, too
		x += s.Width
		all = append(all, s)
	}
	if x > 100 {
		for i := range all {
			all[i].X, all[i].Width = all[i].X*100/x, all[i].Width*100/x
		}
	}
	return all
}

// columnsOf returns the classes that are shown side by side: those that the most clients are in.
func columnsOf(r *node.WhatIfReport) (names []string) {
	counts := map[string]int{}
	for _, o := range r.Options {
		for _, c := range o.Classes {
			counts[c.Class] = max(counts[c.Class], c.Clients)
		}
	}
	for name := range counts {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(counts[b]-counts[a], cmp.Compare(a, b)) })
	if len(names) > maxColumns {
		names = append(names[:maxColumns-1], others)
	}
	return names
}

// spread returns the counts by the columns. A client of two classes of the last column is counted twice there, as it is in those before.
func spread(counts []node.ClassCount, columns []string) []int {
	all := make([]int, len(columns))
	for _, c := range counts {
		i := slices.Index(columns, c.Class)
		if i < 0 {
			i = len(columns) - 1
		}
		all[i] += c.Clients
	}
	return all
}

func heatOf(n, total int) heat {
	if n == 0 || total == 0 {
		return heat{}
	}
	return heat{Count: n, Class: fmt.Sprintf("f%d", min(n*5/total, 4))}
}

// poolBar is a pool that would not have enough addresses, as parts of a hundred of the longer of what it has and what is wanted.
type poolBar struct {
	Pool             node.PoolWhatIf
	Size, Stay, Come float64
}

func barOf(q node.PoolWhatIf) poolBar {
	whole := max(q.Size, q.Active+q.Moving, 1)
	return poolBar{Pool: q, Size: percent(q.Size, whole), Stay: percent(q.Active, whole), Come: percent(q.Moving, whole)}
}

// columnName says which clients a column has.
func columnName(class string) string {
	switch class {
	case "":
		return "in no class"
	case others:
		return "other classes"
	}
	return shown(class)
}
