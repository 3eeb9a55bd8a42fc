package sim

import (
	"strings"
	"sync"
	"testing"
	"time"
)

// With a configuration that has versions everything else holds as well, both members come to one head, and every client is answered
// faithfully (DESIGN §5). make sim SEED=17 VERSIONS=1 shows one history.
func TestNoHistoryWithVersionsBreaksAnInvariant(t *testing.T) {
	began := time.Now()
	n := max(*seedsFlag/10, 1)
	var mu sync.Mutex
	var marks Marks
	var lived time.Duration
	failures := 0
	eachSeed(*firstSeed, n, func(seed uint64) bool {
		p := DrawVersions(seed)
		out := play(t, p)
		mu.Lock()
		defer mu.Unlock()
		marks.Add(&out.Marks)
		lived += out.Lived
		if out.Failed != "" {
			t.Errorf("make sim VERSIONS=1 SEED=%d: %s", seed, out.Failed)
			failures++
		}
		return failures < 10
	})
	t.Logf("%d histories with versions, %.1f years, in %v", n, lived.Hours()/24/365, time.Since(began).Round(time.Millisecond))
	t.Log("\n" + marks.String())
	for k := MarkApplied; k < MarkVersionGone; k++ {
		if marks[k] == 0 && n >= 1000 {
			t.Errorf("in %d histories this never happened: %q", n, markNames[k])
		}
	}
}

// Each rule about versions is there because something breaks without it.
func TestEveryRuleAboutVersionsIsMissed(t *testing.T) {
	for _, r := range VersionRemovals() {
		if !strings.Contains(r.Name, *removalOnly) {
			continue
		}
		t.Run(r.Name, func(t *testing.T) { isMissed(t, &r, DrawVersions) })
	}
}
