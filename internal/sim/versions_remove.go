package sim

import (
	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/group"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// VersionRemovals are the rules about versions that are taken away, each of which must be missed.
func VersionRemovals() []Removal {
	return []Removal{
		{Name: "the receiver adopts a version first", Group: group.RuleReceiverFirst},
		{Name: "a version is adopted when the other has it, or the link is declared lost", Group: group.RuleLost},
		{Name: "what was told by a version that this one does not come from is told again", FollowsAlways: true},
		{Name: "a client is answered as its home would", OwnEnvironment: true},
		{Name: "an address is kept for whom both know it is", BranchReserves: true},
		{Name: "a new reservation holds when both know who got the address by the last", Group: group.RuleSettled},
		{Name: "an MCLT waits until both have it", PendingAtOnce: true},
	}
}

// policyOf returns the policy of a version, without what is taken away.
func (r *Removal) policyOf(k *keeper, id version.ID, d *config.Document) *policy.Policy {
	if r.OwnEnvironment {
		own := *d
		own.Group.OnTakeover = config.TakeoverLocal
		d = &own
	}
	if r.FollowsAlways {
		return policy.Compile(d).Named(binding.Digest(id), k.m.w.chain.before)
	}
	return node.PolicyOf(k.history, id, d)
}
