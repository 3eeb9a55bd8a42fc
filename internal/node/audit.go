package node

import (
	"fmt"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
)

// Endpoint returns this server's side of its relationship with the other one, to be looked at; nil while it has none. It is
// the core's: only Handle may change it.
func (c *Core) Endpoint() *failover.Endpoint {
	if c.relation == nil {
		return nil
	}
	return c.relation.endpoint
}

// Audit counts everything again, and returns where what is shown to operators is something else (RELIABILITY I15). It takes a
// time that grows with the pools.
func (c *Core) Audit() error {
	states := c.states
	c.count()
	if c.states != states {
		return fmt.Errorf("bindings by state are shown as %v, and are %v", states, c.states)
	}
	for _, q := range c.policy.Pools() {
		k := c.pools.Counts(q.ID)
		if sum := k.Free + k.PartnerFree + k.Offered + k.Active + k.Grace + k.Abandoned + k.Reserved; sum != k.Size {
			return fmt.Errorf("pool %s: %+v come to %d", q.Name(), k, sum)
		}
		var active uint64
		for a := q.First; q.Has(a); a = a.Next() {
			if s, _ := c.table.State(host(a)); s == binding.Active {
				active++
			}
		}
		if active != k.Active {
			return fmt.Errorf("pool %s: %d active are shown, and there are %d", q.Name(), k.Active, active)
		}
	}
	return nil
}
