package failover

import (
	"os"
	"strconv"
	"testing"
)

// Each rule is there because something breaks without it. What never is noticed is no rule, or the histories are too easy.
// Some take thousands of histories to be missed: those are looked for only with FAILOVER_RULE_SEEDS=20000.
func TestEveryRuleIsMissed(t *testing.T) {
	const usual = 3000
	seeds := uint64(usual)
	if v, err := strconv.ParseUint(os.Getenv("FAILOVER_RULE_SEEDS"), 10, 64); err == nil {
		seeds = v
	}
	for _, c := range []struct {
		name string
		rule rule
		rare bool
	}{
		{"no promise beyond what both know and the MCLT", ruleClamp, false},
		{"nor in PARTNER-DOWN", ruleClampPartnerDown, false},
		{"reuse waits from when the partner was known not to serve", ruleWaitSince, false},
		{"and from what the partner was told", ruleWaitPotential | ruleWaitExpires, true},
		{"and from what both know", ruleWaitAcked, false},
		{"for the MCLT", ruleWaitMCLT, false},
		{"and the guard", ruleGuard, false},
		{"only its owner gives a free address away", ruleOwner, false},
		{"a start is silent", ruleStartup, false},
		{"nothing is free without an acknowledgement", ruleFreeAcked, false},
		{"only the latest update's acknowledgement counts", ruleLatestAck, false},
		{"PARTNER-DOWN ends when the partner knows all", ruleDrain, true},
		{"of two concurrent records the lease wins", ruleActiveWins, false},
		{"a record that was heard before changes nothing", ruleVector, false},
		{"an end that was told or acknowledged leaves no claim", ruleCeded, false},
		{"that an end is told is on disk before", ruleSentFirst, false},
		{"a gift that was heard before gives nothing", ruleSharesSeen, true},
		{"a merged lease ends when the later one does", ruleLastWord, false},
		{"a server that lost its store takes nothing back", ruleForgotten, false},
		{"a partner that was heard again may serve", ruleRoused, true},
		{"a lost store waits until forgotten promises are over", ruleRecoverWait, true},
	} {
		if !c.rare || seeds > usual {
			t.Run(c.name, func(t *testing.T) { mustMiss(t, c.rule, false, seeds) })
		}
	}
	t.Run("nothing is told before it is durable", func(t *testing.T) { mustMiss(t, 0, true, seeds) })
}

// mustMiss looks for a history in which a rule's absence is noticed.
func mustMiss(t *testing.T, without rule, careless bool, most uint64) {
	found := make(chan string, 64)
	eachSeed(0, most, func(seed uint64) bool {
		if len(found) > 0 {
			return false
		}
		w := newWorld(seed, without, careless)
		w.run()
		if w.failed == "" {
			return true
		}
		select {
		case found <- w.failed:
			t.Logf("seed %d: %.160s", seed, w.failed)
		default:
		}
		return false
	})
	if len(found) == 0 {
		t.Errorf("in %d histories nobody missed it", most)
	}
}
