package isc

import (
	"net/netip"
	"syscall"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

// losses are the cells in which one of the two is not heard for a while, and nothing is lost.
var losses = []cell{
	{name: "dhcpd killed, started again", run: func(p *pair) { away(p, dhcpd{}, kill) }},
	{name: "dhcpd terminated, started again", run: func(p *pair) { away(p, dhcpd{}, terminate) }},
	{name: "Lessor killed, started again", run: func(p *pair) { away(p, lessor{}, kill) }},
	{name: "Lessor terminated, started again", run: lessorTerminated},
	{name: "Lessor in maintenance", run: maintenance},
	{name: "both killed, started again", run: bothKilled},
	{name: "link cut, and whole again", run: linkCut},
	{name: "link cut for less than the timers", run: shortCut, calm: true},
	{name: "leases end while dhcpd is away", run: func(p *pair) { endsWhileAway(p, dhcpd{}) }},
	{name: "leases end while Lessor is away", run: func(p *pair) { endsWhileAway(p, lessor{}) }},
}

// side is one of the two servers, as cells that do the same to either see it.
type side interface {
	process(*pair) *world.Process
	begin(*pair)
	// lan is where the server's clients find it.
	lan() netip.Addr
	host(*pair) *world.Namespace
	// client is a new client of this server's.
	client(*pair) *world.Scripted
	other() side
	// is waits until this server is in a state, spelt as dhcpd has it; the other may be in any.
	is(p *pair, state string)
	// knows waits until this server has the lease.
	knows(p *pair, c *world.Scripted, ack world.Packet)
}

type (
	lessor struct{}
	dhcpd  struct{}
)

func (lessor) process(p *pair) *world.Process { return p.lessor.Process }
func (dhcpd) process(p *pair) *world.Process  { return p.isc.Process }
func (lessor) begin(p *pair)                  { p.lessor.Begin(true); p.did("Lessor is started") }
func (dhcpd) begin(p *pair)                   { p.isc.Begin(); p.did("dhcpd is started") }
func (lessor) lan() netip.Addr                { return westLan }
func (dhcpd) lan() netip.Addr                 { return eastLan }
func (lessor) host(p *pair) *world.Namespace  { return p.west }
func (dhcpd) host(p *pair) *world.Namespace   { return p.east }
func (lessor) client(p *pair) *world.Scripted { return p.mine() }
func (dhcpd) client(p *pair) *world.Scripted  { return p.theirs() }
func (lessor) other() side                    { return dhcpd{} }
func (dhcpd) other() side                     { return lessor{} }
func (lessor) is(p *pair, state string)       { p.t.Helper(); p.both(state, "") }
func (dhcpd) is(p *pair, state string)        { p.t.Helper(); p.both("", state) }
func (lessor) knows(p *pair, c *world.Scripted, ack world.Packet) {
	p.t.Helper()
	p.knownTo(c, ack, true, false)
}

func (dhcpd) knows(p *pair, c *world.Scripted, ack world.Packet) {
	p.t.Helper()
	p.knownTo(c, ack, false, true)
}

// interrupted is the state of a server that does not hear its partner.
const interrupted = "communications-interrupted"

func kill(p *pair, s side) {
	s.process(p).Kill()
	p.did("%T is killed", s)
}

func terminate(p *pair, s side) {
	p.t.Helper()
	s.process(p).Signal(syscall.SIGTERM)
	s.process(p).Wait(10 * time.Second)
	p.did("%T is terminated", s)
}

// resident is a client whose lease is known to both, and whole.
type resident struct {
	c   *world.Scripted
	ack world.Packet
}

func (r resident) address() netip.Addr { return r.ack.Address() }

// residents are one client of each server's.
func residents(p *pair) []resident {
	p.t.Helper()
	var all []resident
	for _, s := range []side{lessor{}, dhcpd{}} {
		c := s.client(p)
		all = append(all, resident{c, p.acquire(c, s.lan())})
	}
	for i, r := range all {
		p.known(r.c, r.ack)
		p.eventually(10*time.Second, "the next lease is whole", func() bool {
			all[i].ack = p.renewAt(r.c, r.address(), server(r.ack))
			return all[i].ack.Message.IPAddressLeaseTime(0) > whole-time.Minute
		})
		p.known(r.c, all[i].ack)
	}
	return all
}

// serves has one server alone answer: those that it knows, and new clients of either's.
func serves(p *pair, s side, known []resident) []resident {
	p.t.Helper()
	for i, r := range known {
		known[i].ack = p.rebind(r.c, r.address(), s.lan())
	}
	for _, c := range []*world.Scripted{p.mine(), p.theirs()} {
		ack := p.acquireAny(c)
		if server(ack) != s.lan() {
			p.t.Errorf("%v was served by %v", c.MAC, server(ack))
		}
		if got := ack.Message.IPAddressLeaseTime(0); got > mclt {
			p.t.Errorf("alone it granted %v at first", got)
		}
		known = append(known, resident{c, ack})
	}
	return known
}

// still checks that every resident whose lease goes on is known to both, and keeps its address at either.
func still(p *pair, all []resident) {
	p.t.Helper()
	for i, r := range all {
		if time.Until(r.ack.At.Add(r.ack.Message.IPAddressLeaseTime(0))) < 3*time.Second {
			continue // it ended meanwhile
		}
		p.known(r.c, r.ack)
		at := []netip.Addr{westLan, eastLan}[i%2]
		p.known(r.c, p.renewAt(r.c, r.address(), at))
	}
	p.agree()
}

// away: one server goes and comes back with what it had on disk; the other serves meanwhile.
func away(p *pair, s side, end func(*pair, side)) {
	all := residents(p)
	end(p, s)
	s.other().is(p, interrupted)
	all = serves(p, s.other(), all)
	s.begin(p)
	p.normal()
	still(p, all)
	// New clients are served by both again.
	for _, one := range []side{lessor{}, dhcpd{}} {
		c := one.client(p)
		p.known(c, p.acquire(c, one.lan()))
	}
	p.agree()
}

func lessorTerminated(p *pair) {
	said := len(p.tap.messages())
	away(p, lessor{}, terminate)
	for _, m := range p.tap.messages()[said:] {
		if m.from == westPeer.Addr() && m.kind == kindState && m.u8(optState) == statePaused {
			return
		}
	}
	p.t.Error("Lessor went without a word, and dhcpd was in NORMAL")
}

func maintenance(p *pair) {
	all := residents(p)
	p.command("maintenance", "on")
	dhcpd{}.is(p, interrupted)
	all = serves(p, dhcpd{}, all)
	p.command("maintenance", "off")
	p.normal()
	still(p, all)
}

func bothKilled(p *pair) {
	all := residents(p)
	kill(p, lessor{})
	kill(p, dhcpd{})
	dhcpd{}.begin(p)
	lessor{}.begin(p)
	p.normal()
	still(p, all)
}

// linkCut: the two do not hear each other, and clients hear both.
func linkCut(p *pair) {
	all := residents(p)
	p.cut()
	p.both(interrupted, interrupted)
	// Each alone, with the other deaf, so that both have news.
	all = apart(p, all)
	// And both at once, as clients meet it.
	for range 3 {
		c := p.mine()
		all = append(all, resident{c, p.acquireAny(c)})
	}
	p.mend()
	p.normal()
	still(p, all)
}

// apart has each server serve with the other deaf: those whom both know, and new clients, of whom the other hears later.
func apart(p *pair, known []resident) (all []resident) {
	p.t.Helper()
	both := len(known)
	for _, s := range []side{lessor{}, dhcpd{}} {
		o := s.other().host(p)
		p.deafen(o)
		served := serves(p, s, known[:both:both])
		all = append(all, served[both:]...)
		p.hear(o)
	}
	return append(known, all...)
}

// shortCut: a cut that is shorter than the timers changes nothing.
func shortCut(p *pair) {
	all := residents(p)
	_, before := p.isc.Database()
	p.cut()
	all[0].ack = p.renewAt(all[0].c, all[0].address(), westLan) // which dhcpd hears of when the link is whole
	time.Sleep(2 * time.Second)
	p.mend()
	p.known(all[0].c, all[0].ack)
	said := len(p.tap.messages())
	p.eventually(settle, "either has heard the other one since", func() bool { return p.heardBoth(said) })
	p.normal()
	if _, after := p.isc.Database(); !after.MineSince.Equal(before.MineSince) {
		p.t.Errorf("dhcpd was in NORMAL since %v, and is since %v", before.MineSince, after.MineSince)
	}
	still(p, all)
}

// heardBoth reports whether both have said something since the tap had seen so many messages.
func (p *pair) heardBoth(since int) bool {
	from := map[netip.Addr]bool{}
	for _, m := range p.tap.messages()[since:] {
		from[m.from] = true
	}
	return len(from) == 2
}

// endsWhileAway: leases that end while their granter is away come back into the pool, when it does.
func endsWhileAway(p *pair, s side) {
	c := s.client(p)
	ack := p.acquire(c, s.lan())
	p.known(c, ack)
	d := s.client(p)
	p.acquire(d, s.lan()) // the other may not have heard of this one
	kill(p, s)
	s.other().is(p, interrupted)
	time.Sleep(mclt + guard)
	s.begin(p)
	p.normal()
	p.ends(ack.Address(), gone, gone)
	p.agree()
	p.eventually(settle, "every address is free", func() bool {
		q := p.status().Pools[0]
		return q.Free+q.PartnerFree == size
	})
}
