package sim

import (
	"math/rand/v2"
	"time"

	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/group"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/peerwire/groupwire"
)

// groupLink is the connection on which the two members speak of the configuration. It goes over the same network as that of the
// bindings, and is another one: each of the two can be gone while the other stands.
type groupLink struct {
	w     *World
	rng   *rand.Rand
	trial trial
	vain  int
	conns []*conn
}

// groupEnd is a member's end of it.
type groupEnd struct {
	conn   *conn // nil: none
	pieces groupwire.Assembler
	heard  time.Duration
	said   []byte // the last *told*, said again while nothing is new
}

func (g *groupLink) init(w *World) { g.w, g.rng = w, w.chances(chancesOfGroup, 0) }

// speaks reports whether a member would take a connection.
func (m *Member) speaks() bool {
	return m.keep != nil && m.up && !m.frozen && m.core != nil
}

// attempt makes a connection after a while, where that can be.
func (g *groupLink) attempt() {
	if !g.w.set.Versions || !g.trial.mayBegin(g.w) {
		return
	}
	wait := uniform(g.rng, time.Second, firstTry)
	if !g.w.quiet() {
		wait <<= min(g.vain, 5)
	}
	g.trial.begin(g.w, wait, g.connect)
}

func (g *groupLink) connect() {
	a, b := g.w.members[0], g.w.members[1]
	if !g.w.link.open() || !a.speaks() || !b.speaks() || a.ends != nil && b.ends != nil {
		return
	}
	c := &conn{}
	g.conns = append(g.conns, c)
	g.vain++
	for _, m := range g.w.members {
		if m.ends != nil {
			g.close(m, m.ends, "the partner made a new connection")
		}
		m.ends = c
		m.keep.connected(c)
	}
}

// close ends a member's side of a connection; the other hears of it behind what was sent.
func (g *groupLink) close(m *Member, c *conn, why string) {
	if m.ends == c {
		m.ends = nil
	}
	if c.over[m.i] {
		return
	}
	g.send(m, c, segment{fin: why})
	c.over[m.i] = true
	g.attempt()
}

// connected: a connection was made. One that is still thought to stand goes away first.
func (k *keeper) connected(c *conn) {
	k.do(func() group.Output { return k.dropped("a newer connection is there") })
	k.do(func() group.Output {
		if k.m.ends != c {
			return k.nothing()
		}
		k.link = groupEnd{conn: c, heard: k.m.w.now}
		k.pulse(c)
		return k.machine.LinkChanged(node.GroupLink(true, k.knows))
	})
}

// disconnected: a connection is over.
func (k *keeper) disconnected(c *conn) {
	k.do(func() group.Output {
		if k.link.conn != c {
			return k.nothing()
		}
		return k.dropped("it is over")
	})
}

// dropped ends the connection in use, and has the machine know.
func (k *keeper) dropped(why string) group.Output {
	c := k.link.conn
	if c == nil {
		return k.nothing()
	}
	k.link = groupEnd{}
	k.m.w.group.close(k.m, c, why)
	return k.machine.LinkChanged(node.GroupLink(false, k.knows))
}

// nothing is a step that changes nothing.
func (k *keeper) nothing() group.Output { return group.Output{State: k.machine.State} }

// beat is how often the other member hears that this one is there.
func (k *keeper) beat() time.Duration { return k.patience() / 4 }

func (k *keeper) patience() time.Duration { return k.m.w.set.ReceiveTimer }

// pulse is what is due once in a while, as long as a connection stands.
func (k *keeper) pulse(c *conn) {
	k.m.later(k.beat(), func() {
		k.do(func() group.Output {
			l := &k.link
			switch {
			case l.conn != c:
				return k.nothing()
			case k.m.w.now-l.heard > k.patience():
				return k.dropped("nothing was heard for too long")
			case l.said != nil:
				k.send(l.said)
			}
			k.pulse(c)
			k.do(k.clearAgain)
			return k.asked()
		})
	})
}

// asked has the other member asked about versions by which clients were told, and from which the head does not come.
func (k *keeper) asked() group.Output {
	strangers := k.m.core.Strangers()
	if !k.machine.MayAsk() || len(strangers) == 0 {
		return k.nothing()
	}
	all := make([]version.ID, len(strangers))
	for i, v := range strangers {
		all[i] = version.ID(v)
	}
	return k.machine.ToldBy(all)
}

// say tells the other member something, in the octets of lessor-group/1.
func (k *keeper) say(msg group.Message) {
	if k.link.conn == nil {
		return
	}
	if v, ok := msg.(group.Versions); ok {
		whole := group.Versions{All: append([]*version.Version(nil), v.All...)}
		for i, x := range v.All {
			if x.Document == nil {
				whole.All[i] = k.load(x.ID())
			}
			if whole.All[i] == nil {
				k.m.w.fail("I6: %s does not have the document of %s, which it has told of", k.m.name, k.m.w.chain.name(x.ID()))
				return
			}
		}
		msg = whole
	}
	b, err := groupwire.Append(nil, msg)
	if err != nil {
		k.m.w.fail("I6: %s cannot say %T: %v", k.m.name, msg, err)
		return
	}
	if _, ok := msg.(group.Told); ok {
		k.link.said = b
	}
	k.send(b)
}

func (k *keeper) send(b []byte) {
	_ = groupwire.Pieces(b, func(frame []byte) error {
		if k.link.conn != nil {
			k.m.w.group.send(k.m, k.link.conn, segment{octets: append([]byte(nil), frame...)})
		}
		return nil
	})
}

// reset ends a member's side since its process ended, and its machine says so.
func (g *groupLink) reset(m *Member) {
	c := m.ends
	if m.ends = nil; c == nil || c.over[m.i] {
		return
	}
	c.over[m.i] = true
	c.queue[m.i], c.pumps[m.i] = c.queue[m.i][:0], false
	g.put(m.i, c, segment{at: g.w.now + time.Millisecond, fin: "the other process ended"})
	g.attempt()
}

func (g *groupLink) send(m *Member, c *conn, s segment) {
	if c.over[m.i] {
		return
	}
	at := g.w.now + uniform(g.rng, 200*time.Microsecond, g.w.set.Delay)
	switch {
	case g.w.quiet():
	case g.w.link.slow > 0:
		at += uniform(g.rng, 0, g.w.link.slow)
	case chance(g.rng, g.w.set.Stalls):
		at += uniform(g.rng, 0, 30*time.Second)
	}
	s.at = max(at, c.last[m.i])
	c.last[m.i] = s.at
	g.put(m.i, c, s)
}

func (g *groupLink) put(side int, c *conn, s segment) {
	c.queue[side] = append(c.queue[side], s)
	g.pumpOne(side, c)
}

func (g *groupLink) pumpOne(side int, c *conn) {
	if c.pumps[side] || len(c.queue[side]) == 0 || g.w.link.blocked(side) || g.w.members[1-side].frozen {
		return
	}
	c.pumps[side] = true
	g.w.at(c.queue[side][0].at, func() { g.arrive(side, c) })
}

// pump lets all connections go on that something was in the way of.
func (g *groupLink) pump() {
	alive := g.conns[:0]
	for _, c := range g.conns {
		if !c.over[0] || !c.over[1] || len(c.queue[0])+len(c.queue[1]) > 0 {
			alive = append(alive, c)
		}
	}
	clear(g.conns[len(alive):])
	g.conns = alive
	for _, c := range append([]*conn(nil), g.conns...) {
		for side := range c.queue {
			g.pumpOne(side, c)
		}
	}
}

func (g *groupLink) arrive(side int, c *conn) {
	if !c.pumps[side] {
		return
	}
	c.pumps[side] = false
	to := g.w.members[1-side]
	if len(c.queue[side]) == 0 || g.w.link.blocked(side) || to.frozen {
		return
	}
	s := c.queue[side][0]
	if s.at > g.w.now {
		g.pumpOne(side, c)
		return
	}
	c.queue[side] = c.queue[side][1:]
	switch {
	case to.ends != c: // nobody is there: its machine says so
		c.queue[side] = nil
		if from := g.w.members[side]; from.ends == c && !g.w.link.blocked(1-side) && to.machineUp() {
			g.w.after(uniform(g.rng, time.Millisecond, 50*time.Millisecond), func() { g.refused(from, c) })
		}
		return
	case s.fin != "":
		to.ends = nil
		c.over[to.i] = true
		to.keep.disconnected(c)
		g.attempt()
	default:
		to.keep.hear(c, s.octets)
	}
	g.pumpOne(side, c)
}

// refused: the other machine knows nothing of the connection.
func (g *groupLink) refused(m *Member, c *conn) {
	if m.ends != c || !m.up {
		return
	}
	m.awake(m.run, func() {
		if m.ends == c {
			c.over[m.i] = true
			m.ends = nil
			m.keep.disconnected(c)
			g.attempt()
		}
	})
}

// hear takes a frame of a connection.
func (k *keeper) hear(c *conn, frame []byte) {
	k.m.w.trace('g', k.m.i, frame)
	k.do(func() group.Output {
		if k.link.conn != c {
			return k.nothing()
		}
		k.link.heard = k.m.w.now
		msg, err := k.link.pieces.Add(frame)
		if err != nil {
			k.m.w.fail("I6: %s cannot read what it is told of the configuration: %v", k.m.name, err)
		}
		if msg == nil {
			return k.nothing()
		}
		k.m.w.group.vain = 0
		return k.machine.Heard(msg)
	})
}
