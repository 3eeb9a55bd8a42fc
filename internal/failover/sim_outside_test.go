package failover

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// snap puts copies of the disks aside every few hours.
func (w *simWorld) snap() {
	w.after(w.uniform(10*time.Minute, 5*time.Hour), func() {
		n := w.nodes[w.r.IntN(2)]
		if n.up && n.disk.rec != nil {
			d, rec := n.disk, *n.disk.rec
			d.at = w.now
			d.recs, d.rec = slices.Clone(n.disk.recs), &rec
			w.snaps[w.side(n)] = &d
		}
		if !w.calm {
			w.snap()
		}
	})
}

// hurt does to a server that is down what is outside of what is promised.
func (w *simWorld) hurt(n *simNode) {
	side := w.side(n)
	switch w.harm {
	case harmRollBack:
		if d := w.snaps[side]; d != nil && d.store == n.disk.store && w.chance(60) {
			rec := *d.rec
			n.disk = simDisk{recs: slices.Clone(d.recs), rec: &rec, store: d.store}
			n.acked = make([]simAcked, len(n.acked))
			w.hit("went back", 1)
			w.undone = append(w.undone, [2]time.Time{d.at, w.now})
			w.logf("%s goes back", n.cfg.Self)
		}
	case harmClocks:
		if w.chance(60) {
			n.leap = w.uniform(-3*time.Hour, 3*time.Hour)
		}
	}
}

// Where the operator declares a server down that serves, two clients may get one address. Then the servers say so when they
// hear each other again, agree on one of the two, and are in NORMAL before long.
func TestWrongPartnerDownIsFoundAndMended(t *testing.T) {
	first, n := seedsOf(t, 300)
	var mu sync.Mutex
	hits := map[string]int{}
	conflicts, doubles, failures, silent, unknowable, alarmed := 0, [harms]int{}, 0, 0, 0, 0
	eachSeed(first, n, func(seed uint64) bool {
		w := newWorld(seed, 0, false)
		w.outside, w.verbose = true, n == 1
		w.run()
		mu.Lock()
		defer mu.Unlock()
		for k, v := range w.hits {
			hits[k] += v
		}
		if w.verbose {
			t.Log("\n" + strings.Join(w.log, "\n"))
		}
		conflicts += w.conflict
		doubles[w.harm] += len(w.held)
		for d, at := range w.held {
			switch w.toldOf(d) {
			case toldUnderAlarm:
				alarmed++
			case onNoDisk:
				unknowable++
			case untold:
				silent++
				t.Errorf("FAILOVER_SEED=%d, %s: nobody says that clients %d and %d held %v at %v", seed, harmNames[w.harm], d.a, d.b, w.addr(d.addr), at.Sub(simStart))
			}
		}
		if w.failed != "" {
			t.Errorf("FAILOVER_SEED=%d: %s", seed, w.failed)
			failures++
		}
		return failures < 10
	})
	all := 0
	for h, n := range doubles {
		t.Logf("%s: %d times two clients held one address", harmNames[h], n)
		all += n
	}
	t.Logf("%d wrong declarations, %d stores went back, %d of %d unsaid, %d on no disk, %d under an alarm about clocks, %d conflicts said", hits["declared down wrongly"], hits["went back"], silent, all, unknowable, alarmed, conflicts)
	if n == 1 {
		return
	}
	if slices.Contains(doubles[:], 0) || conflicts == 0 {
		t.Error("nothing went wrong, so nothing was shown")
	}
	for _, rare := range []string{"PARTNER-DOWN -> POTENTIAL-CONFLICT", "POTENTIAL-CONFLICT -> CONFLICT-DONE", "CONFLICT-DONE -> NORMAL", "POTENTIAL-CONFLICT -> NORMAL"} {
		if hits[rare] == 0 {
			t.Errorf("this never happened: %s", rare)
		}
	}
}

// How the servers told of two clients that had one address.
const (
	untold         = iota
	told           // both are named, or whose promises are forgotten and until when
	toldUnderAlarm // the clocks differ by more than they may, so that each lease of that time is in doubt
	onNoDisk       // a store that went back had one of them, and nobody else ever heard of it
)

func (w *simWorld) toldOf(d simDouble) int {
	at := w.held[d]
	switch {
	case w.reported[d]:
		return told
	case w.skewed:
		return toldUnderAlarm
	case slices.ContainsFunc(w.undone, func(u [2]time.Time) bool { return at.After(u[0]) && w.before[d].Before(u[1]) }):
		return onNoDisk
	case slices.ContainsFunc(w.forgotten, func(until time.Time) bool { return !at.After(until) }):
		return told
	}
	return untold
}

// Without these, something goes wrong that nobody says.
func TestWhatIsToldAfterAConflictNeedsItsRules(t *testing.T) {
	for _, c := range []struct {
		name string
		rule rule
	}{{"who had an address before is told", rulePast}, {"a store that went back is found by its openings", ruleOpenings}} {
		t.Run(c.name, func(t *testing.T) {
			var missed atomic.Int64
			eachSeed(0, 600, func(seed uint64) bool {
				w := newWorld(seed, c.rule, false)
				w.outside = true
				w.run()
				bad := w.failed != ""
				for d := range w.held {
					bad = bad || w.toldOf(d) == untold
				}
				if bad {
					missed.Add(1)
				}
				return missed.Load() == 0
			})
			if missed.Load() == 0 {
				t.Error("nobody missed it")
			}
		})
	}
}
