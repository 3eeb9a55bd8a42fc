package isc

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// cell is one thing that must go well between the two. It is run with Lessor as the primary, and as the secondary.
type cell struct {
	name string
	// begin runs before the two have met; most cells have none, and begin in NORMAL.
	begin func(*pair)
	run   func(*pair)
	// calm is for a cell in which neither server is to lose the other: the receive timers are so long that a machine which is robbed of
	// its processors for some seconds does not make them.
	calm bool
}

// result is a line of the table that the test prints.
type result struct {
	name string
	took [2]time.Duration // as primary, as secondary
	bad  [2]bool
}

type table struct {
	mu   sync.Mutex
	rows map[string]*result
}

func (tb *table) note(name string, primary bool, took time.Duration, failed bool) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	r := tb.rows[name]
	if r == nil {
		r = &result{name: name}
		tb.rows[name] = r
	}
	i := 1
	if primary {
		i = 0
	}
	r.took[i], r.bad[i] = took, failed
}

func (tb *table) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-52s %12s %12s\n", "Lessor is the", "primary", "secondary")
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for n := range tb.rows {
			if !yield(n) {
				return
			}
		}
	}) {
		r := tb.rows[name]
		fmt.Fprintf(&b, "%-52s", name)
		for i := range 2 {
			word := "–"
			if r.took[i] > 0 {
				word = fmt.Sprintf("%.1f s", r.took[i].Seconds())
			}
			if r.bad[i] {
				word += " FAILED"
			}
			fmt.Fprintf(&b, " %12s", word)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Every cell, with Lessor as the primary and dhcpd as the secondary, and the other way round.
func TestMatrix(t *testing.T) {
	t.Parallel()
	tb := &table{rows: map[string]*result{}}
	t.Cleanup(func() { t.Logf("\n%s", tb) })
	for _, c := range slices.Concat(service, losses, recoveries, busy, storms) {
		for _, primary := range []bool{true, false} {
			role := map[bool]string{true: "primary", false: "secondary"}[primary]
			t.Run(c.name+"/Lessor is "+role, func(t *testing.T) {
				t.Parallel()
				began := time.Now()
				defer func() { tb.note(c.name, primary, time.Since(began), t.Failed()) }()
				p := newPair(t, primary, c.calm)
				if c.begin != nil {
					c.begin(p)
				} else {
					p.normal()
				}
				c.run(p)
				p.finish()
			})
		}
	}
}
