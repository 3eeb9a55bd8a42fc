package load

import (
	"time"

	"github.com/lessor-dhcp/lessor/internal/socket"
)

// burst collects messages and sends them together.
type burst struct {
	r      *run
	octets []byte
	out    []socket.Outgoing
}

const burstSize = 256

func newBurst(r *run) *burst {
	return &burst{r: r, octets: make([]byte, 0, burstSize*largest), out: make([]socket.Outgoing, 0, burstSize*len(r.cfg.Servers))}
}

// add queues q for every server. What is queued goes out by itself where there is no more room.
func (b *burst) add(q question) {
	if cap(b.octets)-len(b.octets) < largest {
		b.flush()
	}
	q.relay, q.portOfRelay = b.r.relay, b.r.cfg.SourcePort != socket.ServerPort
	begin := len(b.octets)
	b.octets = q.append(b.octets)
	for _, to := range b.r.cfg.Servers {
		b.out = append(b.out, socket.Outgoing{Bytes: b.octets[begin:], To: to, From: b.r.cfg.Local})
	}
}

func (b *burst) flush() {
	if len(b.out) > 0 {
		b.r.s.Send(b.out)
	}
	b.octets, b.out = b.octets[:0], b.out[:0]
}

// begin makes an exchange of client c; nil if one of that client is going on.
func (r *run) begin(c int, due time.Duration) *exchange {
	if r.clients[c].busy {
		r.skip()
		return nil
	}
	if old := r.exchanges.oldest(); old.waits() {
		r.end(old, over)
	}
	e := r.exchanges.add()
	r.begun++
	r.open++
	e.client, e.due, e.begun, e.measured = uint32(c), due, r.now(), r.measuring
	r.clients[c].busy = true
	return e
}

func (r *run) skip() {
	if r.measuring {
		r.rep.Skipped++
	}
}

// next returns whose turn it is.
func (r *run) next() int {
	c := r.turn
	r.turn = (r.turn + 1) % r.reach
	return c
}

// beginNew lets the next client look for a server.
func (r *run) beginNew(out *burst, due time.Duration) { r.discover(out, r.next(), due) }

func (r *run) discover(out *burst, c int, due time.Duration) {
	if e := r.begin(c, due); e != nil {
		e.stage = selecting
		r.say(out, e, e.begun)
	}
}

// beginRenewal lets the next client renew what it has.
func (r *run) beginRenewal(out *burst, due time.Duration) {
	c := r.next()
	if r.clients[c].addr == 0 {
		r.skip()
		return
	}
	if e := r.begin(c, due); e != nil {
		e.stage, e.renewal, e.addr = requesting, true, r.clients[c].addr
		r.say(out, e, e.begun)
	}
}

// beginRelease lets the next client give back what it has (RFC 2131 §4.4.6), which ends at once.
func (r *run) beginRelease(out *burst, due time.Duration) {
	c := r.next()
	had := &r.clients[c]
	if had.addr == 0 {
		r.skip()
		return
	}
	e := r.begin(c, due)
	if e == nil {
		return
	}
	out.add(question{kind: release, xid: r.exchanges.xid(e), client: r.name(e), held: had.addr, server: had.server})
	delete(r.holders, had.addr)
	*had = client{}
	e.stage = bound
	r.open--
	r.done++
	r.rep.Releases++
}

// beginMixed does what the exchange's place among twenty says.
func (r *run) beginMixed(out *burst, due time.Duration) {
	switch place := r.exchanges.next % 20; {
	case place == 19:
		r.beginRelease(out, due)
	case place%6 == 5:
		c := r.fresh
		r.fresh = (r.fresh + 1) % len(r.clients)
		r.discover(out, c, due)
	default:
		r.beginRenewal(out, due)
	}
}

// name is the number in the client's hardware address.
func (r *run) name(e *exchange) uint32 { return uint32(r.cfg.First) + e.client }

// say sends the message of the exchange's stage.
func (r *run) say(out *burst, e *exchange, now time.Duration) {
	q := question{kind: discover, xid: r.exchanges.xid(e), client: r.name(e)}
	q.secs = uint16(min((now-e.begun)/time.Second, 0xffff))
	if e.stage == requesting {
		q.kind = request
		if e.renewal {
			q.held = e.addr // RFC 2131 §4.3.2: RENEWING and REBINDING
		} else {
			q.wanted, q.server = e.addr, e.server
		}
	}
	out.add(q)
	r.resends.arm(e, now)
}

// sendAgain says again what got no answer in time, and gives up after the last try.
func (r *run) sendAgain(out *burst, now time.Duration) {
	for p, ok := r.resends.due(now); ok; p, ok = r.resends.due(now) {
		e := r.exchanges.at(p.number)
		switch {
		case e.number != p.number || e.resend != p.at || !e.waits():
			// It was answered, or its place was taken.
		case e.tries == lastTry || r.cfg.Once && e.measured:
			r.end(e, over)
		default:
			e.tries++
			if e.measured {
				r.rep.Again++
			}
			r.say(out, e, now)
		}
	}
}

// end closes e.
func (r *run) end(e *exchange, s stage) {
	e.stage = s
	r.clients[e.client].busy = false
	if e.measured == r.measuring {
		r.open--
	}
}

// receive takes the answers until the sockets are closed.
func (r *run) receive() {
	in, out := socket.NewBatch(128), newBurst(r)
	for {
		if _, err := r.s.Receive(in); err != nil {
			return
		}
		now := r.now()
		r.mu.Lock()
		for i := range in.Datagrams() {
			r.hear(out, in.Datagrams()[i].Bytes, now)
		}
		r.mu.Unlock()
		out.flush()
	}
}

// hear takes one answer.
func (r *run) hear(out *burst, b []byte, now time.Duration) {
	a, ok := readAnswer(b)
	if !ok {
		r.rep.Malformed++
		return
	}
	e := r.exchanges.find(a.xid)
	switch {
	case e != nil && a.kind == offer && e.stage == selecting && a.addr != 0:
		r.offered(out, e, a, now)
	case e != nil && a.kind == ack && e.stage == requesting:
		r.acked(e, a, now)
	case e != nil && a.kind == nak && e.stage == requesting:
		if e.measured {
			r.rep.Refused++
		}
		r.forget(e)
		r.end(e, over)
	default:
		r.rep.Stray++
	}
}

func (r *run) offered(out *burst, e *exchange, a answer, now time.Duration) {
	if e.measured {
		r.rep.Offers++
		r.offers.Add(now - e.due)
	}
	e.stage, e.tries, e.addr, e.server = requesting, 0, a.addr, a.server
	r.say(out, e, now)
}

func (r *run) acked(e *exchange, a answer, now time.Duration) {
	c := &r.clients[e.client]
	if holder, ok := r.holders[a.addr]; ok && holder != e.client {
		if h := &r.clients[holder]; h.addr == a.addr && h.until > now {
			r.rep.Doubled++
		}
	}
	if c.addr != 0 && c.addr != a.addr && r.holders[c.addr] == e.client {
		delete(r.holders, c.addr)
	}
	r.holders[a.addr] = e.client
	c.addr, c.server, c.until = a.addr, a.server, now+time.Duration(a.lease)*time.Second
	if e.measured {
		r.done++
		r.whole.Add(now - e.due)
		r.servers[a.server]++
	} else if !r.measuring {
		r.done++
	}
	r.end(e, bound)
}

// forget takes the client's lease away, as a NAK does (RFC 2131 §4.4.5).
func (r *run) forget(e *exchange) {
	c := &r.clients[e.client]
	if c.addr != 0 && r.holders[c.addr] == e.client {
		delete(r.holders, c.addr)
	}
	c.addr, c.until = 0, 0
}
