package node

import (
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
)

// What a server has found out that it lacks is not forgotten where a commit fails before that is durable, and the store is read anew: it
// waits for its partner, also when that cannot be heard any more.
func TestWhatIsLackingIsNotForgottenWhenTheStoreIsReadAnew(t *testing.T) {
	for _, c := range []struct {
		name string
		back bool // its store went back while it was down; else it was declared down
		want failover.Lack
	}{
		{"declared down", false, failover.LacksPartners},
		{"a store that went back", true, failover.LacksOwn},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPair(t)
			p.link()
			p.pass(time.Minute)
			west, east := p.sides[0], p.sides[1]
			table, record, commit := copyOf(east.table), east.record, east.commit
			for client := range byte(20) {
				p.take(client)
			}
			p.pass(time.Minute)
			if !c.back {
				table, record, commit = copyOf(east.table), east.record, east.commit
			}
			p.cut("it is stopped")
			east.core = nil
			p.handle(west, &Partner{failover.DeclareDown{}})
			if c.back { // so that nothing but its store has it recover
				west.core = nil
				west.record.State = failover.CommunicationsInterrupted
				p.start(west)
				p.pass(time.Minute)
			}
			east.table, east.record, east.commit = copyOf(table), record, commit
			p.start(east)
			record, commit = east.record, east.commit
			p.connect()
			p.talkUntil(func() bool { return east.core.Endpoint().Lack() != 0 })
			if got := east.core.Endpoint().Lack(); got != c.want {
				t.Fatalf("it knows to lack %d", got)
			}
			p.cut("the commit failed")
			p.now = p.now.Add(time.Second)
			cfg := east.core.relation.config
			east.core.Handle(p.now, CommitFailed{}, &east.out)
			east.out.Reset()
			east.table, east.record = table, record
			east.core.Rebuild(table, commit)
			east.core.Join(p.now, cfg, record, &east.out)
			p.carry(east)
			p.pass(2 * time.Minute)
			if s, lack := east.core.Endpoint().State(), east.core.Endpoint().Lack(); s != failover.Recover || lack != c.want {
				t.Errorf("it goes on in %v, and knows to lack %d", s, lack)
			}
			p.link()
			p.pass(3 * time.Hour)
			if got := p.states(); got != "NORMAL NORMAL" {
				t.Errorf("the two end in %s", got)
			}
		})
	}
}

func copyOf(from *binding.Table) *binding.Table {
	to := binding.NewTable()
	for at, done := uint64(0), false; !done; {
		at, done = from.Scan(at, 1<<10, func(b *binding.Binding) bool {
			to.Put(*b, time.Time{})
			return true
		})
	}
	return to
}
