package node

import (
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// Unsettled are the addresses that two agreed versions do not keep for the same client. By the one before, the partner may have
// given such an address away, and not have told it yet. So it is given to nobody new until both know what was (group.State.Settled).
type Unsettled struct {
	Agreed binding.Digest // the later version
	Addrs  []netip.Addr
}

// UnsettledOf returns what waits when settled comes before agreed, whose ID is id.
func UnsettledOf(settled, agreed *config.Document, id binding.Digest) Unsettled {
	u := Unsettled{Agreed: id}
	if settled != agreed {
		policy.Compile(settled).EachKeptOtherwise(policy.Compile(agreed), func(a netip.Addr) { u.Addrs = append(u.Addrs, a) })
	}
	return u
}

// unsettled is a core's view of them.
type unsettled struct {
	agreed binding.Digest // zero: there are none
	addrs  map[netip.Addr]struct{}
	// untold are those of which the partner may not know yet who has them. One that it has known once stays known: it is given
	// to nobody new.
	untold []netip.Addr
}

// unsettle withholds u's addresses instead of those before.
func (c *Core) unsettle(u Unsettled) {
	c.unsettled = unsettled{agreed: u.Agreed, untold: u.Addrs}
	if len(u.Addrs) == 0 {
		return
	}
	c.unsettled.addrs = make(map[netip.Addr]struct{}, len(u.Addrs))
	for _, a := range u.Addrs {
		c.unsettled.addrs[a] = struct{}{}
	}
}

// Clears returns the agreed version before which this server has given nobody an address of whom the partner does not know; alone says
// that the partner is down, and all is over that it can have promised. False: it has, or it is not known.
func (c *Core) Clears(now time.Time) (agreed binding.Digest, alone, ok bool) {
	u := &c.unsettled
	if u.agreed.IsZero() || !c.joined() {
		return agreed, false, false
	}
	e := c.relation.endpoint
	if e.State() != failover.Normal {
		alone = e.IsAlone(now)
		return u.agreed, alone, alone
	}
	for n := len(u.untold); n > 0; n-- {
		if b, had := c.table.Get(host(u.untold[n-1])); had && b.State != binding.Free && b.Sync.Marks.Has(binding.Pending) {
			return agreed, false, false
		}
		u.untold = u.untold[:n-1]
	}
	return u.agreed, false, true
}

// Withholds reports whether a is given to nobody new until the two members have told each other all.
func (c *Core) Withholds(a netip.Addr) bool {
	_, is := c.unsettled.addrs[a]
	return is
}
