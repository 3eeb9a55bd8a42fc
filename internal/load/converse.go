package load

import "time"

// enter begins an exchange of client i; nil if one of that client is going on.
func (c *Crowd) enter(i int, due time.Duration) *exchange {
	if c.clients[i].busy {
		c.rep.Skipped++
		return nil
	}
	if old := c.exchanges.oldest(); old.waits() {
		c.end(old, over)
	}
	e := c.exchanges.add()
	c.begun++
	c.open++
	e.client, e.due, e.begun = uint32(i), due, c.now()
	c.clients[i].busy = true
	return e
}

// looked is how many clients are looked at for one that can do what it is the turn of.
const looked = 64

// has reports whether client i has a lease that still runs. One that does not is forgotten.
func (c *Crowd) has(i int, now time.Duration) bool {
	x := &c.clients[i]
	if x.addr == 0 {
		return false
	}
	if x.until <= now && !x.busy {
		c.forget(uint32(i))
	}
	return x.until > now
}

// without returns the next client that has no lease, or the next of all where most have one.
func (c *Crowd) without(now time.Duration) (i int) {
	for range looked {
		i = c.fresh
		c.fresh = (c.fresh + 1) % len(c.clients)
		c.reach = max(c.reach, i+1)
		if !c.clients[i].busy && !c.has(i, now) {
			return i
		}
	}
	return i
}

// with returns the next client that has a lease; false if none was found.
func (c *Crowd) with(now time.Duration) (int, bool) {
	for range min(looked, c.reach) {
		if c.turn >= c.reach {
			c.turn = 0
		}
		i := c.turn
		c.turn++
		if !c.clients[i].busy && c.has(i, now) {
			return i, true
		}
	}
	c.rep.Skipped++
	return 0, false
}

// beginNew lets the next client look for a server.
func (c *Crowd) beginNew(out sender, due time.Duration) {
	if e := c.enter(c.without(due), due); e != nil {
		e.stage = selecting
		c.fresher.Begun++
		c.say(out, e, e.begun)
	}
}

// beginRenewal lets the next client renew what it has.
func (c *Crowd) beginRenewal(out sender, due time.Duration) {
	i, ok := c.with(due)
	if !ok {
		return
	}
	if e := c.enter(i, due); e != nil {
		x := &c.clients[i]
		e.stage, e.renewal, e.addr, e.server = requesting, true, x.addr, x.server
		c.renewed.Begun++
		c.say(out, e, e.begun)
	}
}

// beginRelease lets the next client give back what it has (RFC 2131 §4.4.6), which ends at once.
func (c *Crowd) beginRelease(out sender, due time.Duration) {
	i, ok := c.with(due)
	if !ok {
		return
	}
	e := c.enter(i, due)
	if e == nil {
		return
	}
	x := &c.clients[i]
	out.add(question{kind: release, xid: c.exchanges.xid(e), client: c.name(e), circuit: c.circuit(e), held: x.addr, server: x.server, towards: x.server})
	c.forget(e.client)
	c.end(e, bound)
	c.done++
	c.rep.Releases++
}

// beginMixed does what the exchange's place among twenty says. One that is skipped has had its place: where nobody has a lease, new clients
// get some.
func (c *Crowd) beginMixed(out sender, due time.Duration) {
	c.mixed++
	switch c.mixed % 20 {
	case 9, 19:
		c.beginRelease(out, due)
	case 4, 14:
		c.beginNew(out, due)
	default:
		c.beginRenewal(out, due)
	}
}

// name is the number in the client's hardware address.
func (c *Crowd) name(e *exchange) uint32 { return uint32(c.cfg.First) + e.client }

// circuit is the number of the client's circuit; 0: the clients have none.
func (c *Crowd) circuit(e *exchange) uint32 {
	if c.cfg.Circuits == 0 {
		return 0
	}
	return c.name(e)%uint32(c.cfg.Circuits) + 1
}

// say sends the message of the exchange's stage.
func (c *Crowd) say(out sender, e *exchange, now time.Duration) {
	q := question{kind: discover, xid: c.exchanges.xid(e), client: c.name(e), circuit: c.circuit(e)}
	q.secs = uint16(min((now-e.begun)/time.Second, 0xffff))
	if e.stage == requesting {
		q.kind = request
		if e.renewal {
			q.held, q.towards = e.addr, e.server // RFC 2131 §4.3.2: RENEWING, and REBINDING once it asks again
			if e.tries > 0 {
				q.towards = 0
			}
		} else {
			q.wanted, q.server = e.addr, e.server
		}
	}
	e.said = now
	out.add(q)
	c.wheel.arm(e, now, c.first)
}

// sendAgain says again what got no answer in time, and gives up after the last try.
func (c *Crowd) sendAgain(out sender, now time.Duration) {
	c.wheel.due(now, func(p pending) {
		e := c.exchanges.at(p.number)
		switch {
		case e.number != p.number || e.resend != p.at || !e.waits():
			// It was answered, or its place was taken.
		case e.tries == lastTry && e.stage == requesting && !e.renewal && !e.anew && !c.once: // RFC 2131 §3.1: begin anew
			e.anew, e.stage, e.tries = true, selecting, 0
			c.rep.Again++
			c.say(out, e, now)
		case e.tries == lastTry || c.once:
			c.end(e, over)
		default:
			e.tries++
			c.rep.Again++
			if !e.overdue {
				e.overdue = true
				c.overdue++
			}
			c.say(out, e, now)
		}
	})
}

// end closes e.
func (c *Crowd) end(e *exchange, s stage) {
	e.stage = s
	c.clients[e.client].busy = false
	c.open--
	if e.overdue {
		c.overdue--
	}
}

// receive takes the answers until the wire is closed. The lock is taken once a batch.
func (c *Crowd) receive() {
	out, locked, now := c.w.sender(), false, time.Duration(0)
	lock := func() {
		if !locked {
			locked, now = true, c.now()
			c.mu.Lock()
		}
	}
	c.w.receive(ears{
		hear: func(b []byte) {
			lock()
			c.hear(out, b, now)
		},
		holder: func(addr uint32) (uint32, bool) {
			lock()
			i, ok := c.holders[addr]
			return uint32(c.cfg.First) + i, ok
		},
		behind: func() {
			if locked {
				locked = false
				c.mu.Unlock()
			}
			out.flush()
		},
	})
}

// hear takes one answer.
func (c *Crowd) hear(out sender, b []byte, now time.Duration) {
	a, ok := readAnswer(b)
	if !ok {
		c.rep.Malformed++
		return
	}
	e := c.exchanges.find(a.xid)
	if e != nil && a.client != c.name(e) {
		e = nil // another client's, whose transaction identifier is the same
	}
	switch {
	case e != nil && a.kind == offer && e.stage == selecting && a.addr != 0:
		c.offered(out, e, a, now)
	case e != nil && a.kind == ack && e.stage == requesting && a.addr != 0:
		c.acked(e, a, now)
	case e != nil && a.kind == nak && e.stage == requesting:
		c.rep.Refused++
		c.of(e).Refused++
		e.server = a.server
		c.forget(e.client)
		c.end(e, over)
	case e != nil && e.stage != selecting && a.server != e.server:
		c.rep.Second++
	default:
		c.rep.Stray++
	}
}

func (c *Crowd) offered(out sender, e *exchange, a answer, now time.Duration) {
	c.rep.Offers++
	c.offers.Add(now - e.due)
	e.server = a.server
	if c.rep.Mode == Discover {
		c.finish(e, a.server, now)
		return
	}
	e.stage, e.tries, e.addr = requesting, 0, a.addr
	c.say(out, e, now)
}

func (c *Crowd) acked(e *exchange, a answer, now time.Duration) {
	x := &c.clients[e.client]
	if holder, ok := c.holders[a.addr]; ok && holder != e.client {
		if h := &c.clients[holder]; h.addr == a.addr && h.until > now {
			c.rep.Doubled++
		}
	}
	if x.addr != a.addr {
		c.forget(e.client)
	}
	c.holders[a.addr], e.server = e.client, a.server
	// A client counts from when it asked (RFC 2131 §4.4.1).
	x.addr, x.server, x.until = a.addr, a.server, e.said+time.Duration(a.lease)*time.Second
	c.finish(e, a.server, now)
}

// finish counts an exchange that ended well.
func (c *Crowd) finish(e *exchange, server uint32, now time.Duration) {
	c.done++
	c.whole.Add(now - e.due)
	c.recent.Add(now - e.due)
	c.of(e).finish(e.due, now, c.since)
	c.servers[server]++
	c.end(e, bound)
}

// of returns where e is counted.
func (c *Crowd) of(e *exchange) *tally {
	if e.renewal {
		return &c.renewed
	}
	return &c.fresher
}

// forget takes the client's lease away, as its end, its RELEASE or a NAK does (RFC 2131 §4.4.5).
func (c *Crowd) forget(i uint32) {
	x := &c.clients[i]
	if x.addr != 0 && c.holders[x.addr] == i {
		delete(c.holders, x.addr)
	}
	x.addr, x.until = 0, 0
}
