package sim

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"time"
)

// lan is the networks between clients and servers: link 0, to which both servers are attached, and link 1, behind a relay.
type lan struct {
	w   *World
	rng *rand.Rand
	// up and down count the faults that keep packets of a link from a server, and its answers from the link.
	up, down [2][2]int
	// Loss, doubles and late are of a thousand packets; lateBy is how late at most.
	loss, doubles, late int
	lateBy              time.Duration
}

// datagram is a packet of a client on its way to a server.
type datagram struct {
	octets []byte
	from   netip.AddrPort
	to     netip.Addr
	client *Client
	on     int // the link on which it was then
	asked  ask
	list   []byte // the options that it asks for
}

// asleepPackets is how many packets a server's socket keeps while its process does not run.
const asleepPackets = 64

func (l *lan) init(w *World) {
	l.w, l.rng = w, w.chances(chancesOfLan, 0)
	l.noise(1)
}

// noise makes the networks so many times as bad as the settings have them.
func (l *lan) noise(times int) {
	s := l.w.set
	l.loss, l.doubles, l.late, l.lateBy = min(s.Loss*times, 500), min(s.Duplicates*times, 500), min(s.Late*times, 300), s.LateBy
}

// reaches reports whether packets of a link get to a server and its answers back.
func (l *lan) reaches(on, server int) bool { return l.up[on][server] == 0 && l.down[on][server] == 0 }

// ask sends a packet of a client to a server, or, as a broadcast does, to both.
func (l *lan) ask(d *datagram, only *Member) {
	for _, m := range l.w.members {
		if only != nil && m != only || l.up[d.client.on][m.i] > 0 || d.client.cut[m.i] {
			continue
		}
		l.carry(func() { l.arrive(m, d) })
	}
}

// carry has do happen when a packet arrives: once, twice, late or never.
func (l *lan) carry(do func()) {
	copies := 1
	if !l.w.calm {
		switch {
		case chance(l.rng, l.loss):
			return
		case chance(l.rng, l.doubles):
			copies = 2
			l.w.marks.hit(MarkDuplicate)
		}
	}
	for range copies {
		delay := uniform(l.rng, 100*time.Microsecond, 5*time.Millisecond)
		if !l.w.calm && chance(l.rng, l.late) {
			delay = uniform(l.rng, 0, l.lateBy)
		}
		l.w.after(delay, do)
	}
}

func (l *lan) arrive(m *Member, d *datagram) {
	if !m.up {
		return
	}
	if m.frozen && len(m.asleep) >= asleepPackets {
		return
	}
	m.awake(m.run, func() {
		if k := d.asked.kind; (k == askRelease || k == askDecline) && d.client.asked.xid != d.asked.xid {
			return // RFC 2131 has nothing that tells in which order they were sent: it would take away what the client got since
		}
		l.w.trace('c', m.i, d.octets)
		m.receive(d)
	})
}

// reply sends an answer of a server.
func (l *lan) reply(m *Member, octets []byte) {
	c := l.w.clientOf(binary.BigEndian.Uint32(octets[4:]))
	if c == nil || l.down[c.on][m.i] > 0 || c.cut[m.i] {
		return
	}
	l.w.trace('r', m.i, octets)
	copied := append([]byte(nil), octets...)
	on := c.on
	l.carry(func() {
		if c.on == on {
			c.hear(m, copied)
		}
	})
}
