package node

import (
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
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

// A server that lost its disk while a range was taken out learns who holds addresses of it, so that it does not give them away when
// the range is put back.
func TestALostDiskLearnsWhatIsInNoPool(t *testing.T) {
	p := newPair(t)
	p.link()
	p.pass(30 * time.Second)
	ack, ok := p.take(1)
	if !ok {
		t.Fatal("no address")
	}
	p.pass(10 * time.Second)
	with := func(m *member, pool string) {
		t.Helper()
		doc, problems := config.Parse("pair.yaml", []byte("server: {name: "+string(m.name)+"}\nnetworks: {lan: {subnets: {10.0.0.0/24: {pools: [{range: "+pool+"}]}}}}\n"))
		if doc == nil {
			t.Fatal(problems)
		}
		p.handle(m, Adopt{Policy: policy.Compile(doc)})
	}
	for _, m := range p.sides {
		with(m, "10.0.0.200-10.0.0.220")
	}
	west := p.sides[0]
	west.core = nil
	p.cut("the disk is gone")
	west.table, west.commit, west.record = binding.NewTable(), 0, failover.NewRecord(p.now, time.Hour, false)
	p.start(west)
	with(west, "10.0.0.200-10.0.0.220")
	p.link()
	p.pass(30 * time.Second)
	if b, known := west.table.Get(host(ack.YIAddr)); !known || b.State != binding.Active {
		t.Errorf("after its recovery %s knows of %v: %v", west.name, ack.YIAddr, b.State)
	}
}

// What one of two did alone with an address of the other's share, the other one knows when they have met again, though the range was
// taken out of both files meanwhile: it may be put back at any time.
func TestWhatWasDoneAloneIsToldOfARangeThatIsTakenOut(t *testing.T) {
	p := newPair(t)
	p.link()
	p.pass(30 * time.Second)
	with := func(m *member, pool string) {
		t.Helper()
		m.file = "enterprise: {conflict-probe: 0s}\nnetworks: {lan: {subnets: {10.0.0.0/24: {pools: [{range: " + pool + "}]}}}}\n"
		doc, problems := config.Parse("pair.yaml", []byte("server: {name: "+string(m.name)+"}\n"+m.file))
		if doc == nil {
			t.Fatal(problems)
		}
		if m.core != nil {
			p.handle(m, Adopt{Policy: policy.Compile(doc)})
			cfg := m.core.relation.config
			cfg.Parts = partsOf(doc)
			p.handle(m, &Partner{Event: failover.Reconfigured{Config: cfg}})
			p.handle(m, &Partner{Event: failover.PoolsChanged{}})
		}
	}
	for _, m := range p.sides { // so few that the partner's share is used, too
		with(m, "10.0.0.50-10.0.0.53")
	}
	p.cut("the files have changed")
	p.link()
	p.pass(time.Hour)
	west, east := p.sides[0], p.sides[1]
	west.core = nil
	p.cut("west is gone")
	p.handle(east, &Partner{failover.DeclareDown{}})
	p.pass(2 * time.Hour)
	var given []*dhcpv4.Message
	for client := byte(1); client <= 4; client++ {
		ack, ok := p.take(client)
		if !ok {
			t.Fatalf("client %d has no address", client)
		}
		given = append(given, ack)
	}
	for _, m := range p.sides {
		with(m, "10.0.0.200-10.0.0.203")
	}
	p.start(west)
	p.link()
	p.pass(10 * time.Second)
	if got := p.states(); !strings.Contains(got, "NORMAL") || strings.Contains(got, "PARTNER-DOWN") {
		t.Fatal(got)
	}
	for _, ack := range given {
		mine, knows := west.table.Get(host(ack.YIAddr))
		theirs, _ := east.table.Get(host(ack.YIAddr))
		if !knows || mine.State != binding.Active || !mine.Client.Is(&theirs.Client) {
			t.Errorf("west knows of %v: %v, which east gave to %v", ack.YIAddr, mine.State, &theirs.Client)
		}
	}
}
