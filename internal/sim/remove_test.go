package sim

import (
	"flag"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
)

var (
	removalSeeds = flag.Int("removals", removalSeedsWanted(), "in how many histories a rule that is taken away must be missed; LESSOR_REMOVALS says it, too")
	removalOnly  = flag.String("removal", "", "only the rules whose names hold this")
)

// removalSeedsWanted is how many histories are looked at on every change: rules that take longer to be missed are looked for
// in long runs only.
func removalSeedsWanted() int {
	if n, err := strconv.Atoi(os.Getenv("LESSOR_REMOVALS")); err == nil && n > 0 {
		return n
	}
	return usualRemovalSeeds
}

const usualRemovalSeeds = 300

// Each rule is there because something breaks without it. What never is noticed is no rule, or the histories are too easy.
// Some take thousands of histories to be missed: those are looked for only with LESSOR_REMOVALS=20000.
func TestEveryRuleIsMissed(t *testing.T) {
	for _, r := range Removals() {
		if !strings.Contains(r.Name, *removalOnly) || rare[r.Name] && *removalSeeds <= usualRemovalSeeds {
			continue
		}
		t.Run(r.Name, func(t *testing.T) {
			var mu sync.Mutex
			found, after := "", 0
			eachSeed(*firstSeed, *removalSeeds, func(seed uint64) bool {
				out := Run(Draw(seed, false), &r, nil)
				mu.Lock()
				defer mu.Unlock()
				after++
				if out.Failed != "" && found == "" {
					found = out.Failed
					t.Logf("missed in history %d, the %dth: %.200s", seed, after, found)
				}
				return found == ""
			})
			if found == "" {
				t.Errorf("in %d histories nobody missed it", after)
			}
		})
	}
}

// rare are the rules that are not missed in as few histories as are played on every change.
var rare = map[string]bool{}
