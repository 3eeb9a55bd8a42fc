package failover

// Rules are some of the rules that safety stands on. Tests take them away one at a time and see that it is noticed; nothing
// else ever does (internal/house_test.go). The zero value is none of them.
type Rules uint64

// rule is one of them.
type rule = Rules

const (
	ruleClamp            rule = 1 << iota // no promise beyond what both know + MCLT
	ruleClampPartnerDown                  // nor in PARTNER-DOWN
	ruleWaitSince                         // reuse waits from when the partner was known not to serve
	ruleWaitExpires                       // and from the client's expiry
	ruleWaitPotential                     // and from what the partner was told
	ruleWaitAcked                         // and from what both know
	ruleWaitMCLT                          // for the MCLT
	ruleGuard                             // and the guard
	ruleOwner                             // only its owner gives a free address away
	ruleRecover                           // a lost store is recovered before it serves
	ruleRecoverWait                       // and waits until forgotten promises are over
	ruleStartup                           // a start is silent
	ruleFreeAcked                         // nothing is free without an acknowledgement
	ruleLatestAck                         // only the latest update's acknowledgement counts
	ruleNeverLower                        // what the partner is not told lowers nothing
	ruleOffered                           // an address on offer is not given to the partner
	ruleDrain                             // PARTNER-DOWN ends when the partner knows all
	ruleActiveWins                        // of two concurrent records the one with the lease wins
	ruleVector                            // a record that was heard before changes nothing
	ruleCeded                             // a binding whose end was told or acknowledged is nobody's
	ruleSentFirst                         // that an end is told is on disk before
	ruleSharesSeen                        // a gift that was heard before gives nothing
	ruleForgotten                         // a server that lost its store takes back nothing
	ruleRoused                            // a partner that was heard again may serve
	ruleOpenings                          // a store that went back is found by its openings
	rulePast                              // who had an address before is told, too
	ruleLastWord                          // the partner's latest end is kept when a lease is merged
)

// keeps reports whether r is in force.
func (e *Endpoint) keeps(r rule) bool { return (e.without|e.cfg.Without)&r == 0 }

// RuleStandstill is not the endpoint's own: a server that stood still begins anew.
const RuleStandstill Rules = 1 << 63

// ruleNames are what a test that takes rules away calls them.
var ruleNames = [...]struct {
	name string
	rule Rules
}{
	{"clamp", ruleClamp}, {"clamp-in-partner-down", ruleClampPartnerDown}, {"wait-since", ruleWaitSince},
	{"wait-potential", ruleWaitPotential | ruleWaitExpires}, {"wait-acked", ruleWaitAcked}, {"wait-mclt", ruleWaitMCLT},
	{"guard", ruleGuard}, {"owner", ruleOwner}, {"recover", ruleRecover}, {"recover-wait", ruleRecoverWait}, {"startup", ruleStartup},
	{"free-acked", ruleFreeAcked}, {"latest-ack", ruleLatestAck}, {"never-lower", ruleNeverLower}, {"offered", ruleOffered},
	{"drain", ruleDrain}, {"active-wins", ruleActiveWins}, {"vector", ruleVector}, {"ceded", ruleCeded}, {"sent-first", ruleSentFirst},
	{"shares-seen", ruleSharesSeen}, {"forgotten", ruleForgotten}, {"roused", ruleRoused}, {"openings", ruleOpenings}, {"past", rulePast},
	{"last-word", ruleLastWord}, {"standstill", RuleStandstill},
}

// RuleNamed returns the rules of that name; false if there are none.
func RuleNamed(name string) (Rules, bool) {
	for _, r := range ruleNames {
		if r.name == name {
			return r.rule, true
		}
	}
	return 0, false
}
