package failover

import (
	"os"
	"strconv"
	"testing"
)

// Each rule is there because something breaks without it. What never is noticed is no rule, or the histories are too easy.
func TestEveryRuleIsMissed(t *testing.T) {
	for _, c := range []struct {
		name string
		rule rule
	}{
		{"no promise beyond what both know and the MCLT", ruleClamp},
		{"nor in PARTNER-DOWN", ruleClampPartnerDown},
		{"reuse waits from when the partner was known not to serve", ruleWaitSince},
		{"and from what the partner was told", ruleWaitPotential | ruleWaitExpires},
		{"and from what both know", ruleWaitAcked},
		{"for the MCLT", ruleWaitMCLT},
		{"and the guard", ruleGuard},
		{"only its owner gives a free address away", ruleOwner},
		{"a start is silent", ruleStartup},
		{"nothing is free without an acknowledgement", ruleFreeAcked},
		{"only the latest update's acknowledgement counts", ruleLatestAck},
		{"PARTNER-DOWN ends when the partner knows all", ruleDrain},
		{"of two concurrent records the lease wins", ruleActiveWins},
		{"a record that was heard before changes nothing", ruleVector},
		{"an end that was told or acknowledged leaves no claim", ruleCeded},
		{"that an end is told is on disk before", ruleSentFirst},
		{"a gift that was heard before gives nothing", ruleSharesSeen},
		{"a merged lease ends when the later one does", ruleLastWord},
		{"a server that lost its store takes nothing back", ruleForgotten},
		{"a partner that was heard again may serve", ruleRoused},
		{"a lost store waits until forgotten promises are over", ruleRecoverWait},
	} {
		t.Run(c.name, func(t *testing.T) { mustMiss(t, c.rule, false) })
	}
	t.Run("nothing is told before it is durable", func(t *testing.T) { mustMiss(t, 0, true) })
}

// mustMiss looks for a history in which a rule's absence is noticed.
func mustMiss(t *testing.T, without rule, careless bool) {
	most := uint64(20_000)
	if v, err := strconv.ParseUint(os.Getenv("FAILOVER_RULE_SEEDS"), 10, 64); err == nil {
		most = v
	}
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
