package node

import (
	"fmt"
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/ledger"
)

// Stale returns how many clients have something else than they would get.
func (c *Core) Stale() int { return c.ledger.book.Stale() }

// StaleCause returns why the client of p has something else than it would get; empty if it has not.
func (c *Core) StaleCause(p netip.Prefix) string {
	if e, ok := c.ledger.book.Get(p); ok && e.Cause != 0 {
		return e.Cause.String()
	}
	return ""
}

// AuditStale looks at every binding, and returns where the ledger of those that have something else than they would get says
// otherwise (RELIABILITY I15). While the core is Sweeping it says nothing.
func (c *Core) AuditStale() (err error) {
	if c.Sweeping() {
		return nil
	}
	var j ledger.Judge
	j.Use(c.self, c.policy, c.agreed)
	c.table.Scan(0, 1<<30, func(b *binding.Binding) bool {
		standing, cause := j.Look(b)
		e, listed := c.ledger.book.Get(b.Prefix)
		should := standing == ledger.Stale || standing == ledger.Unknown
		if err == nil && (should != listed || listed && e.Cause != cause) {
			err = fmt.Errorf("%v is listed: %v, for %v; a look at it says %v, for %v", b.Prefix, listed, e.Cause, should, cause)
		}
		return err == nil
	})
	return err
}
