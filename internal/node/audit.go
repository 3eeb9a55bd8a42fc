package node

import (
	"fmt"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/ledger"
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
	return c.ledger.audit(c.table)
}

// audit judges every binding again, by a judge that remembers nothing. While a sweep is under way the ledger is not complete.
func (s *staleness) audit(table *binding.Table) (wrong error) {
	if s.sweeping {
		return nil
	}
	var j ledger.Judge
	j.Use(s.judge.Self(), s.judge.Policy(), s.judge.Agreed())
	stale, unknown := 0, 0
	for next, done := uint64(0), false; !done; {
		next, done = table.Scan(next, 1<<20, func(b *binding.Binding) bool {
			standing, cause := j.Look(b)
			e, listed := s.book.Get(b.Prefix)
			switch {
			case standing == ledger.Stale:
				stale++
			case standing == ledger.Unknown:
				unknown++
			}
			if want := standing == ledger.Stale || standing == ledger.Unknown; (want != listed || listed && e.Cause != cause) && wrong == nil {
				wrong = fmt.Errorf("the ledger has %v as %v, %q, and it is %v, %q", b.Prefix, listed, e.Cause, want, cause)
			}
			return true
		})
	}
	if wrong == nil && (stale != s.book.Stale() || unknown != s.book.Unknown()) {
		wrong = fmt.Errorf("the ledger has %d stale clients and %d unknown ones, and there are %d and %d", s.book.Stale(), s.book.Unknown(), stale, unknown)
	}
	return wrong
}
