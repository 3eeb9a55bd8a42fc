package sim

import (
	"math/rand/v2"
	"time"

	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// link is the network between the two servers, and the connections on it: what is sent arrives in order, late or never, and
// the two ends need not hear at the same time that it is over.
type link struct {
	w     *World
	rng   *rand.Rand
	cut   [2]int // what is in the way of messages from each side: how many faults
	slow  time.Duration
	trial trial
	vain  int // how many were made since the two last greeted each other
	conns []*conn
}

// conn is a connection.
type conn struct {
	queue [2][]segment // from each side, not yet there
	last  [2]time.Duration
	over  [2]bool            // the side's end is closed
	pumps [2]bool            // an event is due for the first of the queue
	asked [2]map[uint32]bool // what each side was asked on it
}

// segment is a message, or the end of the connection.
type segment struct {
	at     time.Duration
	octets []byte
	fin    string // why it ends; empty: it does not
}

func (l *link) init(w *World) { l.w, l.rng = w, w.chances(chancesOfLink, 0) }

// blocked reports whether nothing from a side gets through.
func (l *link) blocked(side int) bool { return l.cut[side] > 0 }

// open reports whether both directions are.
func (l *link) open() bool { return l.cut == [2]int{} }

// attempt makes a connection after a while, where that can be.
func (l *link) attempt() {
	l.w.group.attempt()
	if !l.trial.mayBegin(l.w) {
		return
	}
	wait := uniform(l.rng, time.Second, firstTry)
	if !l.w.quiet() {
		wait <<= min(l.vain, 5)
	}
	l.trial.begin(l.w, wait, l.connect)
}

// firstTry is how long a server waits at most before it makes its first connection.
const firstTry = 8 * time.Second

// trial is when a connection is made.
type trial struct {
	due time.Duration // zero: none is to be made
	n   int           // how many there were
}

// mayBegin reports whether one may be made now: none is due, or one only after many that were in vain, and a server that has begun
// since waits for nothing that another process did.
func (t *trial) mayBegin(w *World) bool { return t.due == 0 || w.quiet() && t.due > w.now+firstTry }

func (t *trial) begin(w *World, wait time.Duration, connect func()) {
	t.n++
	n := t.n
	t.due = w.now + wait
	w.after(wait, func() {
		if t.n == n {
			t.due = 0
			connect()
		}
	})
}

// connect makes a connection, if one of the two has none and the other takes it.
func (l *link) connect() {
	a, b := l.w.members[0], l.w.members[1]
	if !l.open() || !a.takes() || !b.takes() || a.conn != nil && b.conn != nil && a.conn == b.conn {
		return
	}
	if a.conn != nil && b.conn != nil { // each holds on to one that is dead
		return
	}
	for _, m := range l.w.members {
		if m.conn != nil {
			l.w.marks.hit(MarkReplaced)
			m.drop("the partner made a new connection")
		}
	}
	if !a.takes() || !b.takes() {
		return
	}
	c := &conn{}
	l.conns = append(l.conns, c)
	l.vain++
	l.w.logf("connected")
	first := l.rng.IntN(2)
	for _, i := range [2]int{first, 1 - first} {
		m := l.w.members[i]
		if m.conn = c; m.takes() {
			m.attach(c)
		}
	}
}

// takes reports whether a server would take a connection.
func (m *Member) takes() bool {
	return m.serves() && !m.opening && m.wanted && !m.full && m.core.Endpoint() != nil
}

// attach begins to use a connection.
func (m *Member) attach(c *conn) {
	run := m.run
	m.wire = m.core.NewWire(
		func(msg []byte) {
			m.w.link.send(m, c, segment{octets: msg})
			m.w.strike(MomentTold, m, what{message: typeOf(&m.saying, msg)})
		},
		func(ev failover.Event) {
			if m.run == run {
				m.handle(&node.Partner{Event: ev})
			}
		},
	)
	m.handle(&node.Partner{Event: failover.LinkUp{}})
}

// tellPartner says to the other server what was decided in a load, and ends the connection where that was decided.
func (m *Member) tellPartner(l *load) {
	run := m.run
	for i := range l.effects.ToPartner {
		if m.wire == nil {
			break
		}
		t := &l.effects.ToPartner[i]
		if t.Connection == 0 {
			continue // it left too early
		}
		if m.w.without.AnyConnection {
			t.Connection = m.wire.Number()
		}
		if _, ok := t.Envelope.Message.(failover.BindingAck); ok {
			if m.w.strike(MomentBeforeAck, m, what{}); m.run != run || m.wire == nil {
				return
			}
		}
		if t.Connection == m.wire.Number() {
			m.w.oracle.tells(m, &t.Envelope)
		}
		m.saying = t.Envelope
		if err := m.wire.Tell(m.clk.now(), t); err != nil {
			m.w.fail("%s cannot say %T: %v", m.name, t.Envelope.Message, err)
			return
		}
	}
	if m.wire != nil && m.wire.Closes(&l.effects) {
		c := m.conn
		m.conn, m.wire = nil, nil
		m.w.link.close(m, c, l.effects.ClosePartner)
	}
	if l.effects.Related && m.wanted != l.effects.Connect {
		m.wanted = l.effects.Connect
		m.w.link.attempt()
	}
}

// drop ends the connection in use, and has the core know.
func (m *Member) drop(why string) {
	c := m.conn
	if c == nil {
		return
	}
	m.conn, m.wire = nil, nil
	m.w.link.close(m, c, why)
	m.handle(&node.Partner{Event: failover.LinkDown{Reason: why}})
}

// close ends a side of a connection; the other hears of it behind what was sent.
func (l *link) close(m *Member, c *conn, why string) {
	if c == nil || c.over[m.i] {
		return
	}
	l.send(m, c, segment{fin: why})
	c.over[m.i] = true
	l.attempt()
}

// reset ends a side without a word behind what was sent: the process ended, and its machine says so.
func (l *link) reset(m *Member) {
	l.w.group.reset(m)
	c := m.conn
	if m.conn = nil; c == nil || c.over[m.i] {
		return
	}
	c.over[m.i] = true
	c.queue[m.i] = c.queue[m.i][:0]
	c.pumps[m.i] = false
	l.put(m.i, c, segment{at: l.w.now + time.Millisecond, fin: "the other process ended"})
	l.attempt()
}

// send puts something on its way.
func (l *link) send(m *Member, c *conn, s segment) {
	if c.over[m.i] {
		return
	}
	at := l.w.now + uniform(l.rng, 200*time.Microsecond, l.w.set.Delay)
	switch {
	case l.w.quiet():
	case l.slow > 0:
		at += uniform(l.rng, 0, l.slow)
	case chance(l.rng, l.w.set.Stalls):
		at += uniform(l.rng, 0, 30*time.Second)
	}
	s.at = max(at, c.last[m.i])
	c.last[m.i] = s.at
	l.put(m.i, c, s)
}

func (l *link) put(side int, c *conn, s segment) {
	c.queue[side] = append(c.queue[side], s)
	l.pumpOne(side, c)
}

// pumpOne sees to it that the first of a queue arrives.
func (l *link) pumpOne(side int, c *conn) {
	to := l.w.members[1-side]
	if c.pumps[side] || len(c.queue[side]) == 0 || l.blocked(side) || to.frozen {
		return
	}
	c.pumps[side] = true
	l.w.at(c.queue[side][0].at, func() { l.arrive(side, c) })
}

// pump lets all connections go on that something was in the way of.
func (l *link) pump() {
	l.w.group.pump()
	alive := l.conns[:0]
	for _, c := range l.conns {
		if c.over[0] && c.over[1] && len(c.queue[0])+len(c.queue[1]) == 0 {
			continue
		}
		alive = append(alive, c)
	}
	clear(l.conns[len(alive):])
	l.conns = alive
	for _, c := range append([]*conn(nil), l.conns...) {
		for side := range c.queue {
			l.pumpOne(side, c)
		}
	}
}

// arrive delivers the first of a queue.
func (l *link) arrive(side int, c *conn) {
	if !c.pumps[side] {
		return
	}
	c.pumps[side] = false
	to := l.w.members[1-side]
	if len(c.queue[side]) == 0 || l.blocked(side) || to.frozen {
		return
	}
	s := c.queue[side][0]
	if s.at > l.w.now {
		l.pumpOne(side, c)
		return
	}
	c.queue[side] = c.queue[side][1:]
	switch {
	case to.conn != c: // nobody is there: its machine says so
		c.queue[side] = nil
		if from := l.w.members[side]; from.conn == c && !l.blocked(1-side) && to.machineUp() {
			l.w.after(uniform(l.rng, time.Millisecond, 50*time.Millisecond), func() { l.refused(from, c) })
		}
		return
	case s.fin != "":
		to.conn, to.wire = nil, nil
		c.over[to.i] = true
		to.handle(&node.Partner{Event: failover.LinkDown{Reason: s.fin}})
		l.attempt()
	default:
		to.hear(c, s.octets)
	}
	l.pumpOne(side, c)
}

// machineUp reports whether the machine answers, be it that no process runs.
func (m *Member) machineUp() bool { return m.up || !m.powerless }

// refused: the other machine knows nothing of the connection.
func (l *link) refused(m *Member, c *conn) {
	if m.conn != c || !m.up {
		return
	}
	run := m.run
	m.awake(run, func() {
		if m.conn == c {
			c.over[m.i] = true
			m.conn, m.wire = nil, nil
			m.handle(&node.Partner{Event: failover.LinkDown{Reason: "connection reset"}})
			l.attempt()
		}
	})
}

// hear takes a message of the other server.
func (m *Member) hear(c *conn, msg []byte) {
	m.w.trace('p', m.i, msg)
	again := 1
	if !m.w.quiet() && isUpdate(msg) && chance(m.rng, m.w.set.Replays) {
		m.w.marks.hit(MarkReplayed)
		again = 2
		if m.w.set.Hasty && m.rng.IntN(2) == 0 {
			again = 1
			m.later(uniform(m.rng, time.Second, 10*time.Minute), func() { m.hearAgain(c, msg) })
		}
	}
	for range again {
		if m.wire == nil || m.conn != c {
			return
		}
		m.w.oracle.hears(m, msg)
		if err := m.wire.Hear(m.clk.now(), msg); err != nil {
			m.w.fail("%s cannot read what it is told: %v", m.name, err)
			return
		}
	}
	m.w.strike(MomentHeard, m, what{message: msg[2]})
}

// hearAgain takes a message a second time, long after the first (RELIABILITY I13).
func (m *Member) hearAgain(c *conn, msg []byte) {
	if m.wire != nil && m.conn == c && !m.w.quiet() {
		if err := m.wire.Hear(m.clk.now(), msg); err != nil {
			m.w.fail("%s cannot read what it is told again: %v", m.name, err)
		}
	}
}

// isUpdate reports whether a message is a BNDUPD.
func isUpdate(msg []byte) bool { return len(msg) > 2 && msg[2] == 3 }
