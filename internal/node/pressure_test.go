package node

import (
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/responder"
)

type full float64

func (f full) Backlog() float64 { return float64(f) }

func messageOf(t *testing.T, typ dhcpv4.MessageType) *dhcpv4.Message {
	t.Helper()
	var b dhcpv4.Builder
	b.Begin(nil, &dhcpv4.Header{Op: 1, HType: 1, HLen: 6, CHAddr: [16]byte{2, 1}}, 1400)
	if typ != 0 {
		b.Add(option.CodeMessageType, []byte{byte(typ)})
	}
	octets, _ := b.Finish(nil)
	m := &dhcpv4.Message{}
	if err := m.Parse(octets); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestUnderPressureNewClientsAreLeftUnansweredFirst(t *testing.T) {
	var p pressure
	for i, c := range []struct {
		full    full
		read    int
		on, all bool
	}{
		{0.9, 3, false, false}, // so few were there that there can be no more
		{0.62, readSlots, false, false}, {0.63, readSlots, true, false}, {0.5, readSlots, true, false}, {0.38, 1, true, false},
		{0.37, 1, false, false}, {0.5, readSlots, false, false}, {1, readSlots, true, true}, {0.63, 1, true, true}, {0.62, 1, true, false},
		{0.87, readSlots, true, false}, {0.88, readSlots, true, true}, {0.3, readSlots, false, false}, {0.7, readSlots, true, false},
	} {
		if p.look(c.full, c.read); p.on != c.on || p.full != c.all {
			t.Errorf("%d: %+v: %v, %v", i, c, p.on, p.full)
		}
	}
	now := time.Now()
	count := func(typ dhcpv4.MessageType, age time.Duration) map[responder.Reason]int {
		got := map[responder.Reason]int{}
		m := messageOf(t, typ)
		for range 1600 {
			got[p.shed(m, now, now.Add(-age).UnixNano())]++
		}
		return got
	}
	for _, typ := range []dhcpv4.MessageType{0, dhcpv4.Discover, dhcpv4.Inform, dhcpv4.LeaseQuery} {
		if got := count(typ, 0); got[0] != 100 || got[responder.TooBusy] != 1500 {
			t.Errorf("%v of who has nothing to lose: %v", typ, got)
		}
	}
	for _, typ := range []dhcpv4.MessageType{dhcpv4.Request, dhcpv4.Release, dhcpv4.Decline} {
		if got := count(typ, 3*time.Second); got[0] != 1600 {
			t.Errorf("%v: %v", typ, got)
		}
	}
	p.full = true
	if got := count(dhcpv4.Request, 0); got[0] != 100 {
		t.Errorf("who took an offer, where that is not enough: %v", got)
	}
	renewing := messageOf(t, dhcpv4.Request)
	renewing.CIAddr = netip.AddrFrom4([4]byte{10, 0, 0, 9})
	for range 100 {
		if got := p.shed(renewing, now, now.UnixNano()); got != 0 {
			t.Fatalf("who extends a lease: %v", got)
		}
	}
	p.on, p.full = false, false
	if got := count(dhcpv4.Discover, 3*time.Second); got[0] != 1600 {
		t.Errorf("without pressure: %v", got)
	}
	for typ, want := range map[dhcpv4.MessageType]responder.Reason{
		dhcpv4.Discover: responder.GivenUp, dhcpv4.Request: responder.GivenUp, dhcpv4.Inform: responder.GivenUp,
		dhcpv4.Release: 0, dhcpv4.Decline: 0, // these are not said again
	} {
		if got := count(typ, 5*time.Second); got[want] != 1600 {
			t.Errorf("%v, 5 seconds old: %v", typ, got)
		}
	}
	if got := p.shed(messageOf(t, dhcpv4.Request), now, 0); got != 0 {
		t.Errorf("of unknown age: %v", got)
	}
}

// Who has an address and wants more time asks again after a minute at the earliest (RFC 2131 §4.4.5).
func TestARenewalIsWaitedForLonger(t *testing.T) {
	now := time.Now()
	renewal := messageOf(t, dhcpv4.Request)
	renewal.CIAddr = netip.MustParseAddr("10.0.1.7")
	inform := messageOf(t, dhcpv4.Inform)
	inform.CIAddr = renewal.CIAddr
	for _, c := range []struct {
		m    *dhcpv4.Message
		age  time.Duration
		on   bool
		want responder.Reason
	}{
		{renewal, 59 * time.Second, false, 0}, {renewal, 61 * time.Second, false, responder.GivenUp},
		{renewal, 3 * time.Second, true, 0}, {renewal, 5 * time.Second, true, responder.GivenUp},
		{inform, 5 * time.Second, false, responder.GivenUp},
	} {
		p := pressure{on: c.on}
		if got := p.shed(c.m, now, now.Add(-c.age).UnixNano()); got != c.want {
			t.Errorf("%v, %v old, pressed %v: %v", c.m.Type(), c.age, c.on, got)
		}
	}
}

func TestWhatIsShedIsCountedAndChangesNothing(t *testing.T) {
	x := newTraffic(t)
	a := x.lease(1)
	x.say(dhcpv4.Request, 1, a, true)
	x.packet.Shed = responder.GivenUp
	x.out.Reset()
	x.core.Observe(ObservePackets)
	x.core.Handle(x.now, &x.packet, &x.out)
	if len(x.out.Replies)+len(x.out.Changes) != 0 || x.core.counts.Drops[responder.GivenUp] != 1 {
		t.Errorf("%d replies, %d changes, counted %d", len(x.out.Replies), len(x.out.Changes), x.core.counts.Drops[responder.GivenUp])
	}
	if e := x.out.Events; len(e) != 2 || e[1].Kind != PacketDropped || e[1].Reason != responder.GivenUp.String() {
		t.Errorf("events %+v", e)
	}
}

// However many new clients stand before it while a disk stands still, a client that has an address renews it.
func TestAFloodHoldsUpNoRenewal(t *testing.T) {
	fs, mu, stands := stallingDisk()
	r := run(t, fs)
	c := newRelay(t, r.port)
	const clients = 20
	var addrs [clients]netip.Addr
	for n := range addrs {
		a, err := c.lease(uint32(n))
		if err != nil {
			t.Fatal(err)
		}
		addrs[n] = a
	}
	mu.Lock()
	var asking sync.WaitGroup
	renew := func(n int, c *relay) {
		asking.Go(func() {
			ack, err := c.ask(dhcpv4.Request, uint32(n), addrs[n], 30*time.Second)
			if err != nil || ack.Type() != dhcpv4.Ack {
				t.Errorf("client %d: %v, %v", n, ack, err)
			}
		})
	}
	renew(0, newRelay(t, r.port))
	<-stands
	flood := newRelay(t, r.port)
	for n := uint32(1000); r.node.sockets.Backlog() < pressedAt+0.05; n++ {
		flood.tell(t, dhcpv4.Discover, n)
	}
	var renewing [clients]*relay
	for n := 1; n < clients; n++ {
		renewing[n] = newRelay(t, r.port)
		renew(n, renewing[n])
	}
	mu.Unlock()
	asking.Wait()
	s, err := r.node.Status(t.Context())
	if err != nil || s.Drops[responder.TooBusy.String()] == 0 {
		t.Errorf("%v, %v", s.Drops, err)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
}

// tell says something as client n, and does not wait for an answer.
func (r *relay) tell(t *testing.T, typ dhcpv4.MessageType, n uint32) {
	if _, err := r.ask(typ, n, netip.Addr{}, -time.Second); err != errSilence {
		t.Fatal(err)
	}
}

// Clients that somebody makes up behind one relay get no more than three quarters of what is free, or 65,536 addresses; who has an address
// is offered it as ever, and so are clients elsewhere.
func TestOneRelayHasNotAllThatIsOnOffer(t *testing.T) {
	x := newTraffic(t)
	const most = 65536
	known := x.lease(1)
	offers := 0
	for n := uint32(1000); n < 1000+most+500; n++ {
		x.say(dhcpv4.Discover, n, netip.Addr{}, false)
		offers += len(x.out.Replies)
	}
	if got := x.core.counts.Drops[responder.Crowded]; offers != most || got != 500 {
		t.Errorf("%d were offered an address, %d were not", offers, got)
	}
	if x.say(dhcpv4.Discover, 1, netip.Addr{}, false); x.yours() != known {
		t.Errorf("the client that has %v is offered %v", known, x.yours())
	}
	x.hear(dhcpv4.Discover, 2, netip.Addr{}, nil)
	if len(x.out.Probes)+len(x.out.Replies) != 1 {
		t.Errorf("a client on the link is not answered: %v", x.core.answer.Drop)
	}
	x.now = x.now.Add(11 * time.Second)
	if x.say(dhcpv4.Discover, 3, netip.Addr{}, false); len(x.out.Replies) != 1 || x.core.pools.Recalled() != 1 {
		t.Errorf("11 seconds later: %d replies, %d offers recalled", len(x.out.Replies), x.core.pools.Recalled())
	}
}
