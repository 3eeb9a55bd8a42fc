package node

import (
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// unsettled are the addresses that both members came to keep for another client, or for none, before each knew what the other had
// given away: the version goes ahead of the bindings when they meet. By the version before, the other one may have given such an
// address to whom it was kept for then. So it is given to nobody new until the two have been in NORMAL for a while.
type unsettled struct {
	addrs map[netip.Addr]struct{}
	since time.Time // since when they are in NORMAL; zero: they are not
}

// settleAfter is how long the two are in NORMAL, beyond the time in which one is heard at least once, until each has told what the
// other did not know.
const settleAfter = time.Minute

// unsettle notes which addresses are kept otherwise from now on: by p as far as agreed is nil, else by agreed.
func (c *Core) unsettle(p, agreed *policy.Policy) {
	if !c.joined() || c.policy == nil || c.relation.config.Protocol != failover.Lessor {
		return
	}
	if c.relation.endpoint.State() == failover.Normal && len(c.unsettled.addrs) == 0 {
		return
	}
	before := c.policy
	if c.agreed != nil {
		before = c.agreed
	}
	if agreed != nil {
		p = agreed
	}
	if before == p {
		return
	}
	before.EachKeptOtherwise(p, func(a netip.Addr) {
		if c.unsettled.addrs == nil {
			c.unsettled.addrs = map[netip.Addr]struct{}{}
		}
		c.unsettled.addrs[a] = struct{}{}
	})
}

// settle lets go of them when the two have told each other what there was.
func (c *Core) settle(now time.Time) {
	u := &c.unsettled
	switch {
	case len(u.addrs) == 0:
	case !c.joined() || c.relation.endpoint.State() != failover.Normal:
		u.since = time.Time{}
	case u.since.IsZero():
		u.since = now
	case now.Sub(u.since) >= c.relation.config.ReceiveTimer+settleAfter:
		*u = unsettled{}
		c.responder.Withheld = nil
		c.layPools()
	}
}

// Withholds reports whether a is given to nobody new until the two members have told each other all.
func (c *Core) Withholds(a netip.Addr) bool {
	_, is := c.unsettled.addrs[a]
	return is
}
