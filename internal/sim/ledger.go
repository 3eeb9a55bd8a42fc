package sim

import (
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// ledger is what the clients hold by their own count: an ACK that they received, until they were told otherwise, gave the
// address back, or its time by their own clock is over.
type ledger struct {
	w       *World
	byAddr  map[netip.Addr][]hold // looked up, never ranged over
	doubles []double
	noted   []noted
	granted int
}

type hold struct {
	c     *Client
	until time.Duration
	by    int // which server told it
	at    time.Duration
}

// double is an address that two clients held at a time.
type double struct {
	addr   netip.Addr
	at     time.Duration
	before binding.Client // who had it
	after  binding.Client // who got it, too
	grace  bool           // within the MCLT and the guard of the declaration that made it possible
}

// noted is a conflict that a server has named.
type noted struct {
	addr netip.Addr
	a, b binding.Client
}

func (l *ledger) init(w *World) { l.w, l.byAddr = w, map[netip.Addr][]hold{} }

// holds: a client took a lease.
func (l *ledger) holds(c *Client, m *Member, was lease) {
	l.granted++
	a := c.lease.addr
	l.w.marks.hit(MarkHeld)
	if was.remembered && was.addr == a && was.on == c.lease.on && !was.has {
		l.w.marks.hit(MarkSameAgain)
	}
	if was.has && was.server != m.i && was.addr == a {
		l.w.marks.hit(MarkOtherServer)
	}
	kept := l.byAddr[a][:0]
	for _, h := range l.byAddr[a] {
		if h.until <= l.w.now || h.c == c {
			continue
		}
		kept = append(kept, h)
		if h.c.identity != c.identity {
			l.doubled(a, h.c, c, h.until)
		}
	}
	l.byAddr[a] = append(kept, hold{c, c.lease.until, m.i, l.w.now})
}

// doubled is what must never be (I1).
func (l *ledger) doubled(a netip.Addr, before, after *Client, until time.Duration) {
	for _, d := range l.doubles {
		if d.addr == a && d.before.Is(&before.self) && d.after.Is(&after.self) {
			return
		}
	}
	l.doubles = append(l.doubles, double{addr: a, at: l.w.now, before: before.self, after: after.self})
	l.w.logf("%v is held by client %d until %v, and by client %d", a, before.id, until, after.id)
	if !l.w.set.Outside {
		l.w.fail("I1: %v is held by client %d until %v, and by client %d", a, before.id, until, after.id)
	} else if s := l.w.oracle.falseSince; s > 0 && l.w.now < s+l.w.set.MCLT {
		l.w.fail("I1: %v is held by two clients %v after a wrong word of an operator", a, l.w.now-s)
	}
}

// ends: a client does not hold its address any more.
func (l *ledger) ends(c *Client) {
	a := c.lease.addr
	kept := l.byAddr[a][:0]
	for _, h := range l.byAddr[a] {
		if h.c != c {
			kept = append(kept, h)
		}
	}
	l.byAddr[a] = kept
}

// holder returns who holds an address of those that a server told so itself; the one for longest.
func (l *ledger) holder(a netip.Addr) (longest hold, ok bool) {
	for _, h := range l.byAddr[a] {
		if h.until > l.w.now && (!ok || h.until > longest.until) {
			longest, ok = h, true
		}
	}
	return longest, ok
}

// name is a conflict that a server told of.
func (l *ledger) name(a netip.Addr, x, y binding.Client) {
	x.ID, y.ID = append([]byte(nil), x.ID...), append([]byte(nil), y.ID...)
	l.noted = append(l.noted, noted{a, x, y})
}

// named returns how many of the doubles the servers have named, with both holders.
func (l *ledger) named() int { return len(l.doubles) - len(l.unnamed()) }

// unnamed returns the doubles of which no server has told.
func (l *ledger) unnamed() (left []double) {
	for _, d := range l.doubles {
		told := false
		for _, c := range l.noted {
			told = told || c.addr == d.addr && (c.a.Is(&d.before) && c.b.Is(&d.after) || c.a.Is(&d.after) && c.b.Is(&d.before))
		}
		if !told {
			left = append(left, d)
		}
	}
	return left
}
