package node

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// kept is pairDocument with these hosts.
func kept(hosts string) string {
	return strings.Replace(pairDocument, "printer: {hardware: 02:00:00:00:00:ff, address: 10.0.0.9}", hosts, 1)
}

const printerHost = "printer: {hardware: 02:00:00:00:00:ff, address: 10.0.0.9}"

// offers returns which server offers the client what.
func (p *pair) offers(client byte) string {
	said := map[string]string{"west": "-", "east": "-"}
	for _, m := range p.ask(client, dhcpv4.Discover, netip.Addr{}, nil) {
		said[serverOf(m)] = m.YIAddr.String()
	}
	for _, m := range p.sides {
		m.core.pools.ExpireOffers(p.now.Add(time.Hour))
	}
	return "west " + said["west"] + ", east " + said["east"]
}

// keeps returns what each server says to a client that asks whether a is still right.
func (p *pair) keeps(client byte, a netip.Addr) string {
	said := map[string]string{"west": "-", "east": "-"}
	x := a.As4()
	for _, m := range p.ask(client, dhcpv4.Request, netip.Addr{}, map[uint8][]byte{option.CodeRequestedAddress: x[:]}) {
		said[serverOf(m)] = strings.TrimPrefix(m.Type().String(), "DHCP")
	}
	return "west " + said["west"] + ", east " + said["east"]
}

// free returns the n-th address of the pool that nobody has and that is the member's to give.
func (p *pair) free(m *member, n int) netip.Addr {
	p.t.Helper()
	for a := netip.MustParseAddr("10.0.0.50"); a != netip.MustParseAddr("10.0.0.150"); a = a.Next() {
		if _, used := m.table.Get(host(a)); !used && m.core.relation.endpoint.MayGive(p.now, a, nil) {
			if n--; n < 0 {
				return a
			}
		}
	}
	p.t.Fatal("none is free")
	return netip.Addr{}
}

// await lets west serve by a document whose reservations east does not have yet.
func (p *pair) await(hosts string) {
	p.handle(p.sides[0], Adopt{Policy: p.compile(kept(hosts), binding.Digest{}), Agreed: p.compile(pairDocument, binding.Digest{})})
}

const printer, newcomer = 0xff, 0xc8

func newHost(a netip.Addr) string {
	return fmt.Sprintf("new: {hardware: 02:00:00:00:00:c8, address: %v}", a)
}

// Apart, west has a reservation that east does not have: it is given by the owner of its address, to that client only.
func TestAReservationThatWaitsIsItsOwnersToGive(t *testing.T) {
	for what, c := range map[string]struct {
		address func(p *pair) netip.Addr
		gives   bool
	}{
		"west's address":       {func(p *pair) netip.Addr { return p.free(p.sides[0], 20) }, true},
		"east's address":       {func(p *pair) netip.Addr { return p.free(p.sides[1], 20) }, false},
		"outside of the pools": {func(*pair) netip.Addr { return netip.MustParseAddr("10.0.0.20") }, true}, // the primary's
	} {
		p := newNormalPair(t)
		p.cut("cut")
		p.pass(time.Minute)
		y := c.address(p)
		p.await(printerHost + ", " + newHost(y))
		if got := strings.Contains(p.offers(newcomer), "west "+y.String()); got != c.gives {
			t.Errorf("%s: %s", what, p.offers(newcomer))
		}
		if got := p.offers(printer); got != "west 10.0.0.9, east 10.0.0.9" {
			t.Errorf("%s: the printer is offered %s", what, got)
		}
		for client := range byte(60) { // nobody else gets it from west
			if strings.Contains(p.offers(client), "west "+y.String()) {
				t.Fatalf("%s: %v is offered to client %d", what, y, client)
			}
		}
		if got := p.keeps(newcomer, y); strings.HasPrefix(got, "west ACK") != c.gives {
			t.Errorf("%s: it asks for it by name: %s", what, got)
		}
		if !c.gives {
			continue
		}
		for _, m := range p.sides {
			p.handle(m, Adopt{Policy: p.compile(kept(printerHost+", "+newHost(y)), binding.Digest{})})
		}
		p.link()
		p.pass(time.Minute)
		for _, m := range p.sides {
			if b, ok := m.table.Get(host(y)); !ok || b.State != binding.Active {
				t.Errorf("%s: %s does not know who has %v", what, m.name, y)
			}
		}
	}
}

// An address that the secondary alone would keep, outside of the pools, is the primary's.
func TestTheSecondaryGivesNoAddressOfNobody(t *testing.T) {
	p := newNormalPair(t)
	p.cut("cut")
	p.pass(time.Minute)
	y := netip.MustParseAddr("10.0.0.20")
	p.handle(p.sides[1], Adopt{Policy: p.compile(kept(printerHost+", "+newHost(y)), binding.Digest{}), Agreed: p.compile(pairDocument, binding.Digest{})})
	if got := p.offers(newcomer); strings.Contains(got, y.String()) {
		t.Error(got)
	}
	if p.sides[1].core.relation.endpoint.State().String() != "COMMUNICATIONS-INTERRUPTED" {
		t.Fatal("apart is another state")
	}
}

// What both kept for a client stays its own, from either, whatever west's newer version says of the host or of the address.
func TestWhatBothKeptStaysItsClients(t *testing.T) {
	for what, hosts := range map[string]string{
		"taken out":        "other: {hardware: 02:00:00:00:00:c8}",
		"another address":  "printer: {hardware: 02:00:00:00:00:ff, address: 10.0.0.30}",
		"another machine":  "printer: {hardware: 02:00:00:00:00:c8, address: 10.0.0.9}",
		"an address freed": "printer: {hardware: 02:00:00:00:00:ff}",
	} {
		for _, had := range []bool{false, true} {
			p := newNormalPair(t)
			x := netip.MustParseAddr("10.0.0.9")
			if had {
				if ack, ok := p.take(printer); !ok || ack.YIAddr != x {
					t.Fatal("the printer has no address")
				}
			}
			p.cut("cut")
			p.pass(time.Minute)
			p.await(hosts)
			if got := p.offers(printer); got != "west 10.0.0.9, east 10.0.0.9" {
				t.Errorf("%s: the printer is offered %s", what, got)
			}
			if got := p.keeps(printer, x); got != "west ACK, east ACK" {
				t.Errorf("%s: the printer asks: %s", what, got)
			}
			if got := p.offers(newcomer); strings.Contains(got, "west "+x.String()) || strings.Contains(got, "west -") {
				t.Errorf("%s: the newcomer is offered %s", what, got)
			}
			if got := p.keeps(newcomer, x); strings.Contains(got, "west ACK") {
				t.Errorf("%s: the newcomer asks: %s", what, got)
			}
			// Both have it: then it holds.
			p.link()
			p.pass(time.Minute)
			for _, m := range p.sides {
				p.handle(m, Adopt{Policy: p.compile(kept(hosts), binding.Digest{})})
			}
			if got := p.keeps(printer, x); strings.Contains(got, "ACK") && what != "an address freed" && what != "taken out" {
				t.Errorf("%s, and both know: the printer asks: %s", what, got)
			}
		}
	}
}

// An address of a pool that both kept is in no free list, whatever west's newer version says.
func TestWhatBothKeptIsOfferedToNobodyElse(t *testing.T) {
	p := newNormalPair(t)
	x := p.free(p.sides[0], 0) // the one that is offered next
	with, without := kept(printerHost+", "+newHost(x)), pairDocument
	for _, m := range p.sides {
		p.handle(m, Adopt{Policy: p.compile(with, binding.Digest{})})
	}
	p.cut("cut")
	p.pass(time.Minute)
	p.handle(p.sides[0], Adopt{Policy: p.compile(without, binding.Digest{}), Agreed: p.compile(with, binding.Digest{})})
	for client := range byte(60) {
		if got := p.offers(client); strings.Contains(got, "west "+x.String()) {
			t.Fatalf("client %d is offered %s", client, got)
		}
	}
	if got := p.offers(newcomer); !strings.Contains(got, "west "+x.String()) {
		t.Errorf("whom it is kept for is offered %s", got)
	}
	waits := p.unsettled(with, without)
	for _, m := range p.sides {
		p.handle(m, waits)
	}
	p.link()
	p.pass(3 * time.Minute)
	if p.sides[0].core.pools.Available(x) {
		t.Error("it is free before both know that the two have told each other all")
	}
	p.settled(waits)
	if !p.sides[0].core.pools.Available(x) {
		t.Error("once both let it go, it is not free")
	}
}

// unsettled is the adoption of a document that both have agreed on behind another one.
func (p *pair) unsettled(before, is string) Adopt {
	as := func(text string) *policy.Policy { return p.compile(text, binding.Digest{}) }
	return Adopt{Policy: as(is), Unsettled: UnsettledOf(as(before).Document, as(is).Document, binding.Digest{7})}
}

// settled is the end of it: both have said that all is told.
func (p *pair) settled(a Adopt) {
	p.t.Helper()
	for _, m := range p.sides {
		if agreed, alone, ok := m.core.Clears(p.now); !ok || alone || agreed != a.Unsettled.Agreed {
			p.t.Fatalf("%s has not told all: %v, %v, %v", m.name, agreed, alone, ok)
		}
	}
	a.Unsettled = Unsettled{}
	for _, m := range p.sides {
		p.handle(m, a)
	}
}

// Nobody loses its address to a reservation that waits, and the address is not given on before its lease is over.
func TestAReservationThatWaitsTakesNobodysAddress(t *testing.T) {
	for _, c := range []struct {
		has   byte
		other int
	}{{1, 0}, {2, 1}, {3, 0}, {4, 1}} {
		p := newNormalPair(t)
		ack, ok := p.take(c.has)
		if !ok {
			t.Fatal("no address")
		}
		d := ack.YIAddr
		p.cut("cut")
		p.pass(time.Minute)
		p.await(printerHost + ", " + newHost(d))
		if got := p.keeps(c.has, d); got != "west ACK, east ACK" {
			t.Errorf("client %d asks: %s", c.has, got)
		}
		if got := p.offers(c.has); got != fmt.Sprintf("west %v, east %v", d, d) {
			t.Errorf("client %d is offered %s", c.has, got)
		}
		last := p.now
		for p.now.Before(last.Add(3 * time.Hour)) {
			got := strings.Contains(p.offers(newcomer), "west "+d.String())
			b, _ := p.sides[0].table.Get(host(d))
			if got && (b.State != binding.Free || b.Owner != "west") {
				t.Fatalf("%v is offered while it is %v, of %s", d, b.State, b.Owner)
			}
			p.pass(5 * time.Minute)
		}
	}
}

// A client with a lease is not sent away for an address that waits, and finds it when it looks for one.
func TestNobodyMovesForAReservationThatWaits(t *testing.T) {
	p := newNormalPair(t)
	ack, ok := p.take(newcomer)
	if !ok {
		t.Fatal("no address")
	}
	p.cut("cut")
	p.pass(time.Minute)
	y := p.free(p.sides[0], 20)
	p.await(printerHost + ", " + newHost(y))
	if got := p.keeps(newcomer, ack.YIAddr); got != "west ACK, east ACK" {
		t.Errorf("it asks: %s", got)
	}
	if got := p.offers(newcomer); !strings.Contains(got, "west "+y.String()) {
		t.Errorf("it is offered %s", got)
	}
	p.link()
	p.pass(time.Minute)
	p.handle(p.sides[0], Adopt{Policy: p.compile(kept(printerHost+", "+newHost(y)), binding.Digest{})})
	if got := p.keeps(newcomer, ack.YIAddr); !strings.HasPrefix(got, "west NAK") {
		t.Errorf("once both have it: %s", got)
	}
}

// What both have agreed on since is no new version: what is on offer stays what it was, by no policy but those before.
func TestAgreeingOnAVersionIsNoNewVersion(t *testing.T) {
	p := newNormalPair(t)
	core := p.sides[0].core
	first := core.policy
	p.await(printerHost + ", " + newHost(netip.MustParseAddr("10.0.0.60")))
	waits := core.policy
	for range 5 {
		p.handle(p.sides[0], Adopt{Policy: waits})
		if e := core.responder.Earlier; len(e) != 1 || e[0] != first || core.responder.Agreed != nil {
			t.Fatalf("%d policies are kept beside it", len(e))
		}
	}
	p.pass(2 * time.Minute)
	if len(core.responder.Earlier) > 0 {
		t.Error("the one before is kept for ever")
	}
}

// Apart, east gave an address of west's to whom both kept it for. When they meet, the version that lets it go is adopted before the
// leases are known: until they are, nobody else gets it.
func TestWhatIsLetGoWhenTheyMeetIsGivenToNobodyYet(t *testing.T) {
	for what, after := range map[string]string{
		"let go": printerHost, "kept for another": printerHost + ", other: {hardware: 02:00:00:00:00:c9, address: ADDRESS}",
	} {
		p := newNormalPair(t)
		west, east := p.sides[0], p.sides[1]
		x := p.free(west, 0) // the one that is offered next
		before, then := kept(printerHost+", "+newHost(x)), kept(strings.Replace(after, "ADDRESS", x.String(), 1))
		with, without, waits := p.compile(before, binding.Digest{}), p.compile(then, binding.Digest{}), p.unsettled(before, then)
		for _, m := range p.sides {
			p.handle(m, Adopt{Policy: with})
		}
		p.cut("cut")
		p.pass(time.Minute)
		p.handle(west, Adopt{Policy: without, Agreed: with})
		p.only(east, func() {
			if ack, ok := p.take(newcomer); !ok || ack.YIAddr != x {
				t.Fatalf("%s: east gives %v", what, ack)
			}
		})
		for _, m := range p.sides { // the versions have met
			p.handle(m, waits)
		}
		check := func(when string) {
			t.Helper()
			for client := range byte(10) {
				if got := p.offers(client); strings.Contains(got, x.String()) {
					t.Fatalf("%s, %s: client %d is offered %s", what, when, client, got)
				}
			}
			if got := p.offers(0xc9) + p.keeps(0xc9, x); strings.Contains(got, x.String()) || strings.Contains(got, "ACK") {
				t.Errorf("%s, %s: the other one has %s", what, when, got)
			}
		}
		check("still apart")
		p.pass(3 * time.Minute)
		check("apart for long")
		if _, _, ok := east.core.Clears(p.now); ok {
			t.Errorf("%s: east has told all, and has not", what)
		}
		p.link()
		check("in touch")
		p.pass(2 * time.Minute)
		check("all is told")
		p.settled(waits)
		for _, m := range p.sides {
			if len(m.core.unsettled.addrs) > 0 || m.core.responder.Withheld != nil {
				t.Errorf("%s: %s still waits", what, m.name)
			}
			if b, ok := m.table.Get(host(x)); !ok || b.State != binding.Active {
				t.Errorf("%s: %s does not know who has it", what, m.name)
			}
		}
		check("settled, and leased")
	}
}
