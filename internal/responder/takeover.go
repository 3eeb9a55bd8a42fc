package responder

import (
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/policy"
)

// place fills the half of d that does not depend on the address, by the policy p. Which addresses are kept for whom is as both
// members of the group have it.
func (r *Responder) place(p *policy.Policy, f *policy.Facts, d *policy.Decision) {
	p.Place(r.Self, f, d)
	if r.Agreed == nil {
		return
	}
	facts := *f
	facts.Link, _ = r.Agreed.Locate(r.req.Msg, &r.req.Arrival)
	p.Await(r.Agreed, &facts, d)
}

// settle fills the half of the decision that depends on the address a. A client that is known to have it is given what its home
// would give it, or what it was told before (DESIGN §1, faithful takeover); any other what this member gives.
func (r *Responder) settle(a netip.Addr) {
	if b, ok := r.view.Bindings.Get(host(a)); ok && r.holds(&b) {
		r.held = r.policy.SettleHeld(r.Self, &r.facts, &b, r.decision)
		return
	}
	r.held = policy.Held{Home: r.Self, Version: r.policy.Version}
	r.policy.Settle(r.Self, &r.facts, a, r.decision)
}
