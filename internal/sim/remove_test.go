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

const usualRemovalSeeds = 100

// Each rule is there because something breaks without it. What never is noticed is no rule, or the histories are too easy.
// Some take thousands of histories to be missed: those are looked for only with LESSOR_REMOVALS=20000.
func TestEveryRuleIsMissed(t *testing.T) {
	for _, r := range Removals() {
		if !strings.Contains(r.Name, *removalOnly) || rare[r.Name] && *removalSeeds <= usualRemovalSeeds {
			continue
		}
		t.Run(r.Name, func(t *testing.T) { isMissed(t, &r, r.Draw) })
	}
}

// isMissed sees to it that in one of some histories it is noticed that a rule is taken away.
func isMissed(t *testing.T, r *Removal, draw func(seed uint64) *Plan) {
	var mu sync.Mutex
	found, after := "", 0
	eachSeed(*firstSeed, *removalSeeds, func(seed uint64) bool {
		out := Run(draw(seed), r, nil)
		whole := Outcome{}
		if out.Failed != "" {
			whole = Run(draw(seed), nil, nil) // what fails with the rule, too, is not for the lack of it
		}
		mu.Lock()
		defer mu.Unlock()
		switch after++; {
		case whole.Failed != "":
			t.Errorf("make sim SEED=%d: %s", seed, whole.Failed)
			found = whole.Failed
		case out.Failed != "" && found == "":
			found = out.Failed
			t.Logf("missed in history %d, the %dth: %.200s", seed, after, found)
		}
		return found == ""
	})
	if found == "" {
		t.Errorf("in %d histories nobody missed it", after)
	}
}

// rare are the rules that are not missed in as few histories as are played on every change.
var rare = map[string]bool{
	"PARTNER-DOWN ends when the partner knows all": true, "that an end is told is on disk before": true, "a gift that was heard before gives nothing": true,
	"a server that lost its store takes nothing back": true, "who had an address before is told, too": true,
}
