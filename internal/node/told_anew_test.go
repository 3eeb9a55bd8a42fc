package node

import (
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
)

// A server that lost its disk is told everything, and looks only then at who has something else than it would get: the ledger that it
// ends with is that of the one who told it.
func TestALedgerIsMadeOnceEverythingIsTold(t *testing.T) {
	p := newPair(t)
	east := p.sides[1]
	for _, m := range p.sides {
		p.adopt(m, p.version(m, "one", nil))
	}
	p.link()
	p.pass(30 * time.Second)
	const clients = 20
	for n := range byte(clients) {
		if _, ok := p.take(n + 1); !ok {
			t.Fatalf("client %d gets nothing", n+1)
		}
	}
	p.pass(time.Minute)
	p.cut("it is stopped")
	east.core, east.table, east.commit = nil, binding.NewTable(), 0
	east.record = failover.NewRecord(p.now, time.Hour, false)
	p.start(east)
	for _, m := range p.sides {
		p.adopt(m, p.version(m, "two", []string{"one"}, "corp.example", "new.example"))
	}
	p.connect()
	inRecover := false
	p.talkUntil(func() bool {
		if east.core.Endpoint().State() == failover.Recover && east.table.Len() > 0 {
			inRecover = true
			if !east.core.Sweeping() || east.core.Stale() != 0 || !east.core.SweepRests().After(p.now) {
				t.Errorf("in RECOVER, with %d leases: sweeping %v, rests until %v, %d listed", east.table.Len(), east.core.Sweeping(), east.core.SweepRests(), east.core.Stale())
			}
		}
		return false
	})
	if !inRecover {
		t.Fatalf("it was told nothing in RECOVER: %s", p.states())
	}
	for east.core.Sweeping() {
		p.handle(east, Sweep{})
	}
	for _, m := range p.sides {
		if err := m.core.AuditStale(); err != nil || m.core.Stale() != clients {
			t.Errorf("%s lists %d of %d: %v", m.name, m.core.Stale(), clients, err)
		}
	}
}
