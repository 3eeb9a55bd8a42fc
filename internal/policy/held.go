package policy

import (
	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Held is in whose place a client was settled that has its address already.
type Held struct {
	// Home is the client's: the member that it was settled as.
	Home binding.Member
	// Version is the one that what the client is told comes from.
	Version binding.Digest
	// Rule is how the client came to what it is told, where that is not what this policy gives: binding.RuleToldBefore or
	// RuleAskedMore; empty otherwise.
	Rule string
}

// SettleHeld is Settle for the client of b, which has b's address, when the member self answers (DESIGN §1, faithful takeover).
// Where the policy comes from the version that the client was told by, the client gets what its home would now give it; else it
// is told again what it was told, and what it did not ask for then as its home would say it. What is marked local it gets as
// self has it. d was Placed, and is valid until b's table changes.
func (p *Policy) SettleHeld(self binding.Member, f *Facts, b *binding.Binding, d *Decision) Held {
	h := Held{Home: p.homeOf(b, self), Version: p.Version}
	mine, home := p.members[self], p.members[h.Home]
	if p.takeovers.noneHome {
		home = mine
	}
	d.as = home
	p.Settle(h.Home, f, b.Addr(), d)
	again := !p.takeovers.noneHome && !p.Follows(b.Version) && d.told.read(b)
	own := &d.settled
	if mine != home && p.takeovers.someLocal {
		own = &d.own
		p.settleBy(mine, d, own)
	}
	switch {
	case again:
		h.Version, h.Rule = b.Version, p.keep(f, d, own)
	case own != &d.settled:
		p.mix(f, d)
	}
	return h
}
