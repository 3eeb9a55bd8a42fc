package failover

import (
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// simClient keeps its own word about what it was told.
type simClient struct {
	id    int
	self  binding.Client
	addr  int       // -1: none
	until time.Time // true time until which it holds addr
	from  int       // the server that told it
	got   time.Time // when it was told last
	busy  bool      // an exchange is under way
	reach [2]bool
	drift float64 // by how much its clock is slow
}

const (
	simLease = 4 * time.Hour
	simMCLT  = time.Hour
)

// live lets the client do something, and again after a while.
func (w *simWorld) live(c *simClient) {
	w.after(w.uniform(2*time.Minute, 3*time.Hour), func() {
		if !w.calm || w.chance(50) {
			w.act(c)
		}
		if w.now.Before(w.end) {
			w.live(c)
		}
	})
}

func (w *simWorld) act(c *simClient) {
	if c.addr >= 0 && !w.now.Before(c.until) {
		c.addr = -1
	}
	switch {
	case c.addr < 0:
		w.discover(c)
	case w.chance(6):
		w.release(c)
	case w.chance(3):
		w.decline(c)
	case w.chance(5): // it goes away and forgets; its lease runs on
		w.logf("client %d forgets", c.id)
		c.addr = -1
	default:
		w.renew(c)
	}
}

// servers returns the servers that the client reaches, in some order.
func (w *simWorld) servers(c *simClient) (all []*simNode) {
	first := w.coin()
	for _, i := range []int{first, 1 - first} {
		if n := w.nodes[i]; n.up && c.reach[i] {
			all = append(all, n)
		}
	}
	return all
}

// discover asks for an address, and requests what is offered first.
func (w *simWorld) discover(c *simClient) {
	for _, n := range w.servers(c) {
		i, ok := n.offer(c)
		if !ok {
			continue
		}
		wait := w.uniform(0, 2*time.Second)
		if w.chance(10) {
			wait = w.uniform(0, 59*time.Second)
		}
		epoch := n.epoch
		w.after(wait, func() {
			if n.up && (n.epoch == epoch || w.chance(50)) && c.addr < 0 {
				n.selecting(c, i)
			}
		})
		return
	}
}

// offer returns the address that the server offers.
func (n *simNode) offer(c *simClient) (int, bool) {
	t := n.terms
	if !t.New {
		return 0, false
	}
	now := n.now()
	var partners bool // the partner has something to give
	best, bestOwn := -1, false
	for i, b := range n.recs {
		if b != nil && n.ep.Known(b) && b.Client.Is(&c.self) {
			n.offers[i] = simOffer{c.id, n.w.now.Add(time.Minute)}
			return i, true
		}
		own := n.ep.ownerOf(n.w.addr(i)) == n.cfg.Self
		if b != nil {
			own = b.Owner == n.cfg.Self
		}
		if !own && (b == nil || b.State == binding.Free) {
			partners = true
		}
		if n.offered(i) && n.offers[i].client != c.id || !n.ep.MayGive(now, n.w.addr(i), b) {
			continue
		}
		if best < 0 || own && !bestOwn || own == bestOwn && n.w.chance(30) {
			best, bestOwn = i, own
		}
	}
	if t.Balanced && !n.ep.Serves(now, Asking{Client: &c.self, PartnerHasFree: partners}).Answer() {
		return 0, false
	}
	if best < 0 {
		return 0, false
	}
	n.offers[best] = simOffer{c.id, n.w.now.Add(time.Minute)}
	return best, true
}

// selecting grants what was offered, or what a restart forgot that it was.
func (n *simNode) selecting(c *simClient, i int) {
	b := n.recs[i]
	known := b != nil && n.ep.Known(b) && b.Client.Is(&c.self)
	if !n.terms.New || n.offered(i) && n.offers[i].client != c.id {
		return
	}
	if !known && !n.ep.MayGive(n.now(), n.w.addr(i), b) {
		return
	}
	n.grant(c, i)
}

// renew asks for more time: the server that told it, or whoever hears.
func (w *simWorld) renew(c *simClient) {
	all := w.servers(c)
	if w.chance(50) {
		for _, n := range all {
			if w.side(n) == c.from {
				n.verify(c)
				return
			}
		}
	}
	for _, n := range all {
		n.verify(c)
	}
}

// verify answers a client that has an address: yes where it is known to, else not.
func (n *simNode) verify(c *simClient) {
	if !n.terms.Known {
		return
	}
	i := c.addr
	if i < 0 {
		return
	}
	b := n.recs[i]
	if b == nil || !n.ep.Known(b) || !b.Client.Is(&c.self) {
		return // silence; a NAK would only help
	}
	n.grant(c, i)
}

// grant commits the lease, and tells the client when that is durable.
func (n *simNode) grant(c *simClient, i int) {
	w, now := n.w, n.now()
	old := n.recs[i]
	p := n.ep.Grant(now, old, &c.self, simLease)
	n.checkPromise(i, old, now, p)
	b := binding.Binding{
		Prefix: single(w.addr(i)), State: binding.Active, Client: c.self, Starts: wholeSeconds(now), CLTT: wholeSeconds(now),
		Changed: wholeSeconds(now), Expires: p.Expires, Home: n.cfg.Self, Cause: binding.Granted, Sync: binding.Sync{Potential: p.Potential},
	}
	if old != nil && holds(old, &c.self) {
		b.Expires, b.Home = later(b.Expires, old.Expires), old.Home
		if old.State == binding.Active {
			b.Starts, b.Changed = old.Starts, old.Changed
		}
	}
	n.ep.Stamp(now, old, &b)
	n.offers[i].client = -1
	asked := w.now
	lost := w.chance(8)
	told := func() {
		if lost {
			return
		}
		n.acked[i] = simAcked{c.id, b.Sync.Ours, w.now}
		w.after(w.uniform(0, 3*time.Second), func() { w.ack(c, i, w.side(n), asked, p.Lifetime) })
	}
	w.logf("%s grants %v to client %d for %v", n.cfg.Self, w.addr(i), c.id, p.Lifetime)
	w.settle(n, []Change{{Binding: b, Due: n.ep.Due(&b)}}, []func(){told})
}

// checkPromise sees to I3: no end beyond what the partner has on its disk, and the MCLT.
func (n *simNode) checkPromise(i int, old *binding.Binding, now time.Time, p Promise) {
	o := n.w.other(n)
	if o.lost || n.lost || n.w.harm != 0 {
		return // what it knew is gone; RECOVER-WAIT is there for that
	}
	limit := now
	if b := o.disk.recs[i]; b != nil && b.Client.Is(&n.w.clients[0].self) || b != nil {
		known := later(b.Expires, later(b.Sync.Potential, b.Sync.Acked))
		limit = later(limit, known.Add(n.offset-o.offset))
	}
	// The offset of the clocks is known as well as the fastest message was: 30 s here, either way; the guard is there for that.
	if end := now.Add(p.Lifetime); end.After(limit.Add(simMCLT + 63*time.Second)) {
		n.w.fail("I3: %s promised %v until %v, the partner knows %v", n.cfg.Self, n.w.addr(i), end.Sub(simStart), limit.Sub(simStart))
	}
}

// ack: the client hears that it has the address for lifetime from when it asked.
func (w *simWorld) ack(c *simClient, i, from int, asked time.Time, lifetime time.Duration) {
	until := asked.Add(lifetime)
	if c.addr >= 0 && c.addr != i || !w.now.Before(until) {
		return
	}
	for _, o := range w.clients {
		if o != c && o.addr == i && w.now.Before(o.until) {
			if d := doubleOf(i, o.id, c.id); w.held[d].IsZero() {
				w.held[d], w.before[d] = w.now, o.got
			}
			if w.outside {
				w.logf("%v is held by client %d and by client %d", w.addr(i), o.id, c.id)
				continue
			}
			w.fail("I1: %v is held by client %d until %v and by client %d", w.addr(i), o.id, o.until.Sub(simStart), c.id)
		}
	}
	c.addr, c.from, c.got = i, from, w.now
	c.until = later(until, w.now).Add(time.Duration(float64(lifetime) * c.drift))
	w.logf("client %d holds %v until %v", c.id, w.addr(i), c.until.Sub(simStart))
	w.hit("held", 1)
}

func (w *simWorld) release(c *simClient) {
	i := c.addr
	c.addr = -1
	for _, n := range w.servers(c) {
		if b := n.recs[i]; w.side(n) == c.from && b != nil && (b.State == binding.Active || b.State == binding.Expired) && b.Client.Is(&c.self) && n.terms.Known {
			nb := *b
			nb.State, nb.Cause, nb.Owner = binding.Free, binding.ClientReleased, n.cfg.Self
			nb.Changed = wholeSeconds(n.now())
			nb.CLTT, nb.Expires = nb.Changed, nb.Changed
			n.ep.Stamp(n.now(), b, &nb)
			w.logf("client %d releases %v at %s", c.id, w.addr(i), n.cfg.Self)
			w.settle(n, []Change{{Binding: nb, Due: n.ep.Due(&nb)}}, nil)
		}
	}
}

func (w *simWorld) decline(c *simClient) {
	i := c.addr
	c.addr = -1
	for _, n := range w.servers(c) {
		if b := n.recs[i]; w.side(n) == c.from && b != nil && b.State == binding.Active && b.Client.Is(&c.self) && n.terms.Known {
			nb := *b
			nb.State, nb.Cause = binding.Abandoned, binding.ClientDeclined
			nb.Changed = wholeSeconds(n.now())
			nb.Expires = nb.Changed.Add(6 * time.Hour)
			n.ep.Stamp(n.now(), b, &nb)
			w.settle(n, []Change{{Binding: nb, Due: n.ep.Due(&nb)}}, nil)
		}
	}
}
