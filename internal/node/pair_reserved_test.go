package node

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/failover"
)

// An address that one server's file keeps for a client is the other server's to give to anybody, as long as that one's file
// does not say so. When both say it, either gives it to that client, also alone.
func TestAnAddressThatOnlyOneServerKeepsIsItsOwnersToGive(t *testing.T) {
	p := newPair(t)
	west, east := p.sides[0], p.sides[1]
	p.link()
	p.pass(30 * time.Second)
	x := netip.MustParseAddr("10.0.0.50")
	for ; !east.core.relation.endpoint.MayGive(p.now, x, nil); x = x.Next() {
		if x == netip.MustParseAddr("10.0.0.149") {
			t.Fatal("nothing is the secondary's")
		}
	}
	x = netip.AddrFrom4([4]byte{10, 0, 0, x.As4()[3] + 20}) // one that nobody is offered next
	if !east.core.relation.endpoint.MayGive(p.now, x, nil) {
		t.Fatalf("%v is not the secondary's", x)
	}
	const client = 200
	kept := strings.Replace(pairDocument, "hosts: {", "hosts: {kept: {hardware: 02:00:00:00:00:c8, address: "+x.String()+"}, ", 1)
	restart := func(m *member, file string) {
		p.cut("restarted")
		m.core, m.file = nil, file
		p.start(m)
		p.pass(10 * time.Second)
		p.link()
		p.pass(10 * time.Second)
	}
	// offered returns who offers the client its address.
	offered := func() (by []string) {
		for _, m := range p.ask(client, dhcpv4.Discover, netip.Addr{}, nil) {
			if m.YIAddr == x {
				by = append(by, serverOf(m))
			}
		}
		return by
	}

	restart(west, kept)
	if got := p.states(); got != "COMMUNICATIONS-INTERRUPTED COMMUNICATIONS-INTERRUPTED" {
		t.Fatalf("two files that differ: %s", got)
	}
	if st := east.core.relation.endpoint.Status(p.now); !st.Disagree || !slices.Contains(st.Differs, "hosts.kept.address (only there: "+x.String()+" for 02:00:00:00:00:c8)") {
		t.Errorf("%+v", st.Differs)
	}
	if by := offered(); len(by) > 0 {
		t.Errorf("%v is offered by %v, and the other one may give it to anybody", x, by)
	}
	if ack, ok := p.take(client); !ok || ack.YIAddr == x {
		t.Errorf("the client is left without an address: %v", ack)
	} else if acks := p.ask(client, dhcpv4.Request, ack.YIAddr, nil); len(acks) == 0 || acks[0].Type() != dhcpv4.Ack {
		t.Errorf("it cannot renew: %v", acks)
	}
	west.core.pools.ExpireOffers(p.now.Add(time.Hour))

	restart(east, kept)
	if got := p.states(); got != "NORMAL NORMAL" {
		t.Fatalf("two files that agree: %s", got)
	}
	if by := offered(); len(by) != 1 {
		t.Errorf("%v is offered by %v", x, by)
	}
	for _, m := range p.sides {
		p.cut("cut")
		p.pass(time.Minute)
		m.core.pools.ExpireOffers(p.now.Add(time.Hour))
	}
	if by := offered(); len(by) != 2 {
		t.Errorf("apart, with files that agree, %v is offered by %v", x, by)
	}
	restart(west, kept)
	p.cut("cut")
	p.pass(time.Minute)
	if by := offered(); len(by) != 2 {
		t.Errorf("after a restart %v is offered by %v", x, by)
	}
}

func serverOf(m *dhcpv4.Message) string {
	sid, _ := m.Option(54)
	return map[string]string{"\x0a\x00\x00\x01": "west", "\x0a\x00\x00\x02": "east"}[string(sid)]
}

// An ISC server agrees to nothing that is compared: what it may give to anybody is its own, and what lies in no pool of its
// is nobody else's.
func TestReservedAddressesBesideAnISCServer(t *testing.T) {
	p := newPair(t)
	m := p.sides[0]
	cfg := m.core.relation.config
	cfg.Protocol, cfg.Parts = failover.ISC, nil
	rec := failover.NewRecord(p.now, time.Hour, true)
	rec.State = failover.CommunicationsInterrupted // in which new clients are answered
	rec.Shares = append(rec.Shares, failover.Run{First: netip.MustParseAddr("10.0.0.100"), Last: netip.MustParseAddr("10.0.0.149")})
	m.core.Join(p.now, cfg, rec, &m.out)
	m.core.Handle(p.now.Add(cfg.Startup), Tick{}, &m.out)
	e := m.core.relation.endpoint
	for _, c := range []struct {
		a      string
		inPool bool
		may    bool
	}{{"10.0.0.9", false, true}, {"10.0.0.60", true, true}, {"10.0.0.120", true, false}} {
		if got := e.MayGiveReserved(p.now, netip.MustParseAddr(c.a), nil, c.inPool); got != c.may {
			t.Errorf("%s: %v", c.a, got)
		}
	}
}
