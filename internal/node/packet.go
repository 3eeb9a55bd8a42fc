package node

import (
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/policy"
	"github.com/lessor-dhcp/lessor/internal/responder"
)

// packet decides what one datagram means.
func (c *Core) packet(now time.Time, p *Packet, out *Effects) {
	if p.Malformed != "" {
		c.counts.Malformed[p.Malformed]++
		return
	}
	c.counts.Received[min(int(p.Msg.Type()), len(c.counts.Received)-1)]++
	if c.observe&ObservePackets != 0 {
		c.tracePacket(now, p, out)
	}
	if p.Shed != 0 {
		c.answer.Reset()
		c.answer.Drop = p.Shed
		c.carry(now, p, out)
		return
	}
	if c.headless {
		c.counts.Drops[responder.NotServing]++
		return
	}
	c.decide(now, p, out)
}

// lookAhead brings what those packets will be decided by nearer to the processor, of all at once. It decides nothing.
func (c *Core) lookAhead(packets []Packet) {
	b, next := &c.ahead, c.offered
	c.table.Warm(len(packets), func(i int) *binding.Binding {
		p := &packets[i]
		if p.Malformed != "" || p.Shed != 0 {
			return nil
		}
		b.Client.ID, b.Client.Hardware = p.Msg.ClientID(), p.Msg.Hardware()
		switch a, asked := p.Msg.Option(uint16(option.CodeRequestedAddress)); {
		case asked && len(a) == 4:
			b.Prefix = host(netip.AddrFrom4([4]byte(a)))
		case !p.Msg.CIAddr.IsUnspecified():
			b.Prefix = host(p.Msg.CIAddr)
		default: // a new client is offered the address after the one before, most of the time
			next = next.Next()
			b.Prefix = host(next)
		}
		return b
	})
}

// decide asks the responder and turns its answer into effects.
func (c *Core) decide(now time.Time, p *Packet, out *Effects) {
	c.arrive(p)
	a := &c.answer
	a.Reset()
	c.responder.Answer(now, &c.request, responder.View{Bindings: c.table, Pools: c.pools}, c.answeringTerms(now), out.octets, a)
	if a.Reply != nil && a.Type != dhcpv4.Nak && c.probes.pending(a.Address) { // a client that cannot wait for the probe
		a.Reset()
		a.Drop = responder.ProbePending
	}
	if a.Probe > 0 && !c.beginProbe(now, p, out) {
		// too many are under way: this client goes on without one
		c.counts.ProbesSkipped++
		c.pools.OfferFrom(a.Offer, &a.Client, a.Until, a.From)
		a.Reset()
		c.responder.Answer(now, &c.request, responder.View{Bindings: c.table, Pools: c.pools}, c.answeringTerms(now), out.octets, a)
	}
	c.carry(now, p, out)
}

// carry takes over what the answer says, in its order.
func (c *Core) carry(now time.Time, p *Packet, out *Effects) {
	a := &c.answer
	if a.Hurried {
		c.hurry.taken()
	}
	if len(a.Changes) > 0 {
		c.commit++
	}
	if a.Withdraw.IsValid() {
		c.pools.Withdraw(a.Withdraw)
	}
	for i := range a.Changes {
		c.put(now, &a.Changes[i], out)
	}
	if a.Offer.IsValid() {
		c.offered = a.Offer
		c.pools.OfferFrom(a.Offer, &a.Client, a.Until, a.From)
	}
	if a.Short {
		c.exhausted(now, a.Link.Network, out)
	}
	if a.Refused.Pool != nil {
		c.fullAt(now, &a.Refused, out)
	}
	if len(a.Failed) > 0 && a.Probe == 0 { // a DISCOVER that waits for its probe is decided again
		c.classesFailed(now, a.Failed, p, out)
	}
	switch {
	case a.Drop != 0:
		c.counts.Drops[a.Drop]++
		c.noteElsewhere(now, p)
	case a.Reply != nil:
		if a.LeftOut {
			c.counts.OptionsLeftOut++
		}
		c.send(p, out)
	}
	c.report(now, p, out)
	if len(a.Changes) > 0 {
		c.changed(now)
	}
}

// send queues the answer's reply to p behind the last commit that was decided.
func (c *Core) send(p *Packet, out *Effects) {
	a := &c.answer
	begin := len(out.octets)
	if cap(out.octets) >= begin+len(a.Reply) && len(a.Reply) > 0 && &a.Reply[0] == &out.octets[:begin+1][begin] {
		out.octets = out.octets[:begin+len(a.Reply)] // it was written in place
	} else {
		out.octets = append(out.octets, a.Reply...)
	}
	out.Replies = append(out.Replies, Reply{After: c.commit, To: a.To, Type: a.Type, Asked: p.At, begin: begin, end: len(out.octets)})
	c.counts.Sent[min(int(a.Type), len(c.counts.Sent)-1)]++
}

// arrive fills the request with how the datagram got here.
func (c *Core) arrive(p *Packet) {
	r := &c.request
	*r = responder.Request{Msg: p.Msg, From: p.From, Interface: p.Interface, Unicast: p.Unicast, Own: c.isOwn}
	link := c.links[p.Interface]
	if link != nil {
		r.Arrival = policy.Arrival{Interface: link.Name, Addrs: link.Addrs}
		if len(link.Addrs) > 0 {
			r.ServerID = link.Addrs[0].Addr()
		}
	}
	if p.Unicast {
		r.ServerID = p.To
	}
	if !r.ServerID.IsValid() {
		r.ServerID = c.anyAddr()
	}
	src := p.From.Addr()
	r.Arrival.OnLink = p.Msg.GIAddr.IsUnspecified() && (!p.Unicast || src.IsUnspecified() || onLink(link, src))
}

func onLink(l *Link, a netip.Addr) bool {
	if l == nil {
		return false
	}
	for _, p := range l.Addrs {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// anyAddr returns an address of ours, for an interface that has none of its own.
func (c *Core) anyAddr() netip.Addr {
	var low netip.Addr
	for a := range c.own {
		if !low.IsValid() || a.Less(low) {
			low = a
		}
	}
	if !low.IsValid() {
		return netip.IPv4Unspecified()
	}
	return low
}

// setLinks takes over which links there are.
func (c *Core) setLinks(now time.Time, links []Link, out *Effects) {
	old := c.links
	c.links, c.own = map[int]*Link{}, map[netip.Addr]bool{}
	for i := range links {
		l := links[i]
		c.links[l.Index] = &l
		for _, a := range l.Addrs {
			c.own[a.Addr()] = true
		}
		if was := old[l.Index]; was == nil || was.Up != l.Up {
			c.linkEvent(now, &l, l.Up, out)
		}
	}
	for i, l := range old {
		if c.links[i] == nil {
			c.linkEvent(now, l, false, out)
		}
	}
	c.layPools()
}

// host returns the prefix that holds a alone.
func host(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

// known returns the binding of a, or the zero Binding for that address.
func (c *Core) known(a netip.Addr) binding.Binding {
	if b, ok := c.table.Get(host(a)); ok {
		return b
	}
	return binding.Binding{Prefix: host(a)}
}
