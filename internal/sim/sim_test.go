package sim

import (
	"flag"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	seedsFlag = flag.Int("seeds", numberOf("LESSOR_SEEDS", 200), "how many histories are played; LESSOR_SEEDS says it, too")
	skipped   = flag.String("leaveout", "", "decisions that are left out, by their kinds with commas between")
	firstSeed = flag.Uint64("seed", 1, "the first history's seed")
)

func numberOf(name string, usual int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 {
		return n
	}
	return usual
}

// eachSeed plays histories on all processors, each in one goroutine, until each says false.
func eachSeed(first uint64, n int, play func(seed uint64) bool) {
	defer debug.SetGCPercent(debug.SetGCPercent(800)) // a world is small, and makes much that is gone at once
	var next atomic.Uint64
	next.Store(first)
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for {
				seed := next.Add(1) - 1
				if seed >= first+uint64(n) || !play(seed) {
					return
				}
			}
		})
	}
	all.Wait()
}

// What must hold holds, whatever goes wrong that the assumptions allow (RELIABILITY §4.6). -seed 17 -seeds 1 -v shows one history.
func TestNoHistoryBreaksAnInvariant(t *testing.T) {
	began := time.Now()
	var mu sync.Mutex
	var marks Marks
	var lived time.Duration
	failures := 0
	eachSeed(*firstSeed, *seedsFlag, func(seed uint64) bool {
		p := Draw(seed, false)
		out := play(t, p)
		mu.Lock()
		defer mu.Unlock()
		marks.Add(&out.Marks)
		lived += out.Lived
		if out.Failed != "" {
			t.Errorf("make sim SEED=%d: %s", seed, out.Failed)
			failures++
		}
		return failures < 10
	})
	t.Logf("%d histories, %.1f years, in %v", *seedsFlag, lived.Hours()/24/365, time.Since(began).Round(time.Millisecond))
	t.Log("\n" + marks.String())
	if missing := marks.Missing(false); len(missing) > 0 {
		if *seedsFlag >= 2000 {
			t.Errorf("in %d histories this never happened: %q", *seedsFlag, missing)
		} else {
			t.Logf("in %d histories this did not happen: %q", *seedsFlag, missing)
		}
	}
}

// play plays a plan, and shows it where it is the only one.
func play(t *testing.T, p *Plan) Outcome {
	for name := range strings.SplitSeq(*skipped, ",") {
		p.Actions = slices.DeleteFunc(p.Actions, func(a Action) bool { return a.Kind.String() == name })
	}
	if *seedsFlag == 1 && testing.Verbose() {
		out := Run(p, nil, os.Stdout)
		t.Logf("hash %016x", out.Hash)
		return out
	}
	return Run(p, nil, nil)
}

// Outside of the assumptions two clients may hold one address (RELIABILITY §4.6): not before the MCLT is over after a wrong word of
// an operator, and then the servers say so themselves when they have met again, and name both.
func TestOutsideOfTheAssumptionsTheServersSaySo(t *testing.T) {
	n := max(*seedsFlag/10, 20)
	if *seedsFlag == 1 {
		n = 1
	}
	var mu sync.Mutex
	var marks Marks
	doubles, named, failures := 0, 0, 0
	eachSeed(*firstSeed, n, func(seed uint64) bool {
		p := Draw(seed, true)
		out := play(t, p)
		mu.Lock()
		defer mu.Unlock()
		marks.Add(&out.Marks)
		doubles += out.Doubles
		named += out.Named
		if out.Failed != "" {
			t.Errorf("make sim OUTSIDE=1 SEED=%d: %s", seed, out.Failed)
			failures++
		}
		return failures < 10
	})
	t.Logf("%d histories outside of the assumptions: %d addresses held by two, %d named by the servers, %d conflicts said", n, doubles, named, marks[MarkConflict])
}
