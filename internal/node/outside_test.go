package node

import (
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// An address that is taken out of its pool while it is leased, and put back later, is not free at both servers.
func TestARangeThatIsPutBackKeepsItsPast(t *testing.T) {
	p := newPair(t)
	p.link()
	p.pass(30 * time.Second)
	ack, ok := p.take(1)
	if !ok {
		t.Fatal("no address")
	}
	p.pass(10 * time.Second)
	with := func(pool string) {
		t.Helper()
		for _, m := range p.sides {
			doc, problems := config.Parse("pair.yaml", []byte("server: {name: "+string(m.name)+"}\nnetworks: {lan: {subnets: {10.0.0.0/24: {pools: [{range: "+pool+"}]}}}}\n"))
			if doc == nil {
				t.Fatal(problems)
			}
			p.handle(m, Adopt{Policy: policy.Compile(doc)})
		}
	}
	with("10.0.0.200-10.0.0.220")
	p.pass(6 * time.Hour)
	for _, m := range p.sides {
		if b, _ := m.table.Get(host(ack.YIAddr)); b.State != binding.Expired {
			t.Errorf("%s says that %v is %v and %q's, and the other one was never asked", m.name, b.Addr(), b.State, b.Owner)
		}
	}
	with("10.0.0.50-10.0.0.149")
	for _, m := range p.sides {
		p.handle(m, &Partner{Event: failover.PoolsChanged{}})
	}
	p.pass(2 * time.Hour)
	var owners []binding.Member
	for _, m := range p.sides {
		b, _ := m.table.Get(host(ack.YIAddr))
		if b.State != binding.Free {
			t.Errorf("%s says that %v is %v", m.name, b.Addr(), b.State)
		}
		owners = append(owners, b.Owner)
	}
	if owners[0] != owners[1] {
		t.Errorf("%v is owned by %v", ack.YIAddr, owners)
	}
}
