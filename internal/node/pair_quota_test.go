package node

import (
	"net/netip"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/responder"
)

// heardAt has one server hear a client at a port of a switch, and returns what it answers; nil for nothing.
func (p *pair) heardAt(m *member, client byte, circuit string, typ dhcpv4.MessageType, options map[uint8][]byte) *dhcpv4.Message {
	p.xid++
	relay := netip.MustParseAddr("10.0.0.3")
	h := dhcpv4.Header{Op: 1, HType: 1, HLen: 6, XID: p.xid, CHAddr: [16]byte{2, 0, 0, 0, circuit[0], client}, GIAddr: relay}
	var b dhcpv4.Builder
	b.Begin(nil, &h, 1400)
	b.Add(option.CodeMessageType, []byte{byte(typ)})
	for code, v := range options {
		b.Add(code, v)
	}
	packet, _ := b.Finish(append([]byte{option.RelayCircuitID, byte(len(circuit))}, circuit...))
	msg := new(dhcpv4.Message)
	if err := msg.Parse(packet); err != nil {
		p.t.Fatal(err)
	}
	m.heard = nil
	to := []string{"10.0.0.1", "10.0.0.2"}[m.first-failover.Primary]
	p.handle(m, &Packet{Msg: msg, From: netip.AddrPortFrom(relay, 67), To: netip.MustParseAddr(to), Unicast: true, Interface: 1})
	if len(m.heard) == 0 {
		return nil
	}
	return m.heard[0]
}

// takeAt gets a client at a port an address of one server, and reports whether it has one.
func (p *pair) takeAt(m *member, client byte, circuit string) bool {
	offer := p.heardAt(m, client, circuit, dhcpv4.Discover, nil)
	if offer == nil {
		return false
	}
	sid, _ := offer.Option(option.CodeServerIdentifier)
	a := offer.YIAddr.As4()
	ack := p.heardAt(m, client, circuit, dhcpv4.Request, map[uint8][]byte{option.CodeServerIdentifier: append([]byte(nil), sid...), option.CodeRequestedAddress: a[:]})
	if ack == nil || ack.Type() != dhcpv4.Ack {
		p.t.Fatalf("client %d at %s took its offer and was answered %v", client, circuit, ack)
	}
	p.talk()
	return true
}

// Where one server has no more for a port than it leaves to others, the other one answers that port's clients at once, as long as it has
// more, and nobody is alarmed. When neither has, the port has its quota, which both say.
func TestTheOtherServerAnswersAPortThatThisOneHasNoMoreFor(t *testing.T) {
	p := newPair(t)
	p.link()
	p.pass(30 * time.Second)
	west, east := p.sides[0], p.sides[1]
	alarms := func() int { return len(west.core.quotaAlarms()) + len(east.core.quotaAlarms()) }
	client := byte(0)
	for n := 0; n < 45; { // some are the other one's
		if client++; p.takeAt(west, client, "a") {
			n++
		}
	}
	for n := range 45 {
		client++
		if p.takeAt(west, client, "a") {
			t.Fatalf("west gives one more than 45 when east has given %d", n)
		}
		if got := west.core.answer.Drop; got != responder.ForTheOtherServer {
			t.Fatalf("west leaves client %d alone: %s", client, got)
		}
		if !p.takeAt(east, client, "a") {
			t.Fatalf("client %d is answered by neither, when east has given %d; east says %s", client, n, east.core.answer.Drop)
		}
	}
	if n := alarms(); n > 0 {
		t.Errorf("%d alarms before the port has all that it may", n)
	}
	for range 10 {
		if client++; p.takeAt(west, client, "a") || p.takeAt(east, client, "a") {
			t.Fatal("one more than nine of ten is given")
		}
	}
	if n := alarms(); n != 2 {
		t.Errorf("%d alarms when the port has all that it may", n)
	}
	for i, m := range p.sides {
		for client := byte(1); client <= 20; client++ { // some are the other one's
			p.takeAt(m, client, string(rune('b'+i)))
		}
	}
	if c := west.core.pools.Counts(0); c.Active != 100 {
		t.Errorf("others have not all that was left to them: %+v", c)
	}
}
