package sim

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config/version"
)

// Client is a client by RFC 2131, with a clock of its own, and habits.
type Client struct {
	w   *World
	id  int
	rng *rand.Rand

	// identity is what it says of itself; one that is cloned says the same as another.
	identity int
	self     binding.Client
	hardware [6]byte
	slow     int // how much too slow its clock is, in parts per million

	secsZero  bool // it always says that it has just begun
	freshXID  bool // it draws another xid each time it asks again
	dawdles   bool // it takes its time to request what it was offered
	ignores   bool // it ignores DHCPNAK where it has an address
	rapid     bool // it asks for rapid commit
	unwilling int  // the next addresses that it gets, it declines

	on    int     // which link it is plugged into
	cut   [2]bool // which servers it does not reach
	alive bool    // it is switched on
	state state
	gen   int // timers of an earlier one mean nothing

	boots   int        // how often it has begun anew
	version version.ID // of what it was told last

	lease lease // what it has, or remembers
	offer offer
	asked ask
}

// state is a client's (RFC 2131 figure 5).
type state uint8

const (
	off state = iota
	initial
	selecting
	requesting
	rebooting
	bound
	renewing
	rebinding
)

// lease is what a client was granted. Its times are true ones.
type lease struct {
	addr       netip.Addr
	on         int // which link that was on
	server     int // who granted it
	t1, t2     time.Duration
	until      time.Duration
	has        bool // by its own count it may use the address, as long as until is not over
	remembered bool
}

type offer struct {
	addr   netip.Addr
	server netip.Addr
	by     int
}

// cloned reports whether another client says the same of itself. What one gives back, the other one would lose.
func (c *Client) cloned() bool { return c.id%16 == 6 || c.id%16 == 7 }

// newClient makes a client. Every sixteenth is a clone of the one before.
func newClient(w *World, i int) *Client {
	c := &Client{w: w, id: i, rng: w.chances(chancesOfClient, i), identity: i}
	if i%16 == 7 {
		c.identity = i - 1
	}
	c.hardware = [6]byte{2, 0, 0, 0, 0, byte(c.identity)}
	c.self.Hardware = binding.HardwareOf(1, c.hardware[:])
	if c.identity%3 == 0 {
		c.self.ID = []byte{255, 1, 2, 3, 4, 0, byte(c.identity)}
	}
	c.secsZero = c.rng.IntN(100) < w.set.SecsZero
	c.freshXID = c.rng.IntN(2) == 0
	c.dawdles = c.rng.IntN(10) == 0
	c.ignores = c.rng.IntN(12) == 0
	c.rapid = c.rng.IntN(4) == 0
	c.slow = c.rng.IntN(2*200+1) - 200
	if c.rng.IntN(4) == 0 {
		c.on = 1
	}
	return c
}

// clientOf returns the client that drew an xid.
func (w *World) clientOf(xid uint32) *Client {
	if i := int(xid & 0xff); i < len(w.clients) {
		return w.clients[i]
	}
	return nil
}

// after has do happen after a while by the client's clock, unless something else comes first.
func (c *Client) after(d time.Duration, do func()) {
	c.gen++
	gen := c.gen
	d += time.Duration(int64(d) / 1_000_000 * int64(c.slow))
	c.w.after(max(d, time.Millisecond), func() {
		if c.gen == gen && c.alive {
			do()
		}
	})
}

// become is the only writer of the state.
func (c *Client) become(s state) {
	c.state = s
	c.gen++
}

// valid reports whether the client has a lease by its own count.
func (c *Client) valid() bool { return c.lease.has && c.w.now < c.lease.until }

// boot begins: with what it remembers, or without.
func (c *Client) boot(forget bool) {
	c.alive = true
	c.boots++
	if forget {
		c.lease.remembered = false
	}
	if c.lease.remembered {
		c.reboot()
		return
	}
	c.begin(uniform(c.rng, 0, 2*time.Second))
}

// begin looks for an address (RFC 2131 §4.4.1).
func (c *Client) begin(wait time.Duration) {
	c.become(initial)
	c.after(wait, func() {
		c.become(selecting)
		c.newQuestion(askDiscover)
		c.discover()
	})
}

// attempts is how often a question is asked, each time after twice as long (RFC 2131 §4.1).
const attempts = 5

// pause returns how long an answer to the n-th question is waited for.
func (c *Client) pause(n int) time.Duration {
	return 4*time.Second<<min(n, 4) + uniform(c.rng, -time.Second, time.Second)
}

func (c *Client) discover() {
	if c.asked.times >= attempts {
		c.w.oracle.unanswered(c)
		wait := uniform(c.rng, time.Minute, 6*time.Minute)
		if c.asked.rounds++; c.asked.rounds > 3 {
			wait = uniform(c.rng, 5*time.Minute, 30*time.Minute)
		}
		c.begin(wait)
		return
	}
	c.say()
	c.after(c.pause(c.asked.times-1), c.discover)
}

// choose requests what was offered.
func (c *Client) choose(o offer) {
	c.offer = o
	c.become(requesting)
	var wait time.Duration
	if c.dawdles && c.rng.IntN(3) == 0 {
		wait = uniform(c.rng, 0, 70*time.Second)
		c.w.marks.hit(MarkDawdled)
	}
	c.after(wait, func() {
		c.newQuestion(askSelecting)
		c.request()
	})
}

func (c *Client) request() {
	if c.asked.times >= attempts-1 {
		c.begin(uniform(c.rng, 0, 10*time.Second))
		return
	}
	c.say()
	c.after(c.pause(c.asked.times-1), c.request)
}

// reboot asks whether what it remembers is still right (RFC 2131 §4.4.2).
func (c *Client) reboot() {
	c.become(rebooting)
	c.after(uniform(c.rng, 0, 2*time.Second), func() {
		c.newQuestion(askReboot)
		c.confirm()
	})
}

func (c *Client) confirm() {
	if c.asked.times < attempts-2 {
		c.say()
		c.after(c.pause(c.asked.times-1), c.confirm)
		return
	}
	if c.valid() && c.lease.on == c.on { // nobody answers: it may go on with what it has
		c.w.marks.hit(MarkWentOn)
		c.settle()
		return
	}
	c.begin(uniform(c.rng, 0, 10*time.Second))
}

// settle uses the address until it is time to ask for more (RFC 2131 §4.4.5).
func (c *Client) settle() {
	c.become(bound)
	c.wait(c.lease.t1, c.renew)
}

// wait has do happen at a true time, which the client's clock has been asked for already.
func (c *Client) wait(t time.Duration, do func()) {
	c.gen++
	gen := c.gen
	c.w.at(t, func() {
		if c.gen == gen && c.alive {
			do()
		}
	})
}

func (c *Client) renew() {
	if c.state != renewing {
		c.become(renewing)
		c.newQuestion(askRenew)
	}
	if left := c.lease.t2 - c.w.now; left > 0 {
		c.say()
		c.wait(c.w.now+max(left/2, min(time.Minute, left)), c.renew)
		return
	}
	c.rebind()
}

func (c *Client) rebind() {
	if c.state != rebinding {
		c.become(rebinding)
		c.newQuestion(askRebind)
	}
	if left := c.lease.until - c.w.now; left > 0 {
		c.say()
		c.wait(c.w.now+max(left/2, min(time.Minute, left)), c.rebind)
		return
	}
	c.w.marks.hit(MarkLeaseRanOut)
	c.drop()
	c.begin(uniform(c.rng, 0, 5*time.Second))
}

// drop stops using the address.
func (c *Client) drop() {
	c.lease.has = false
	c.w.ledger.ends(c)
}

// switchOff ends it without a word. What it was told holds until its time is over: it may come back.
func (c *Client) switchOff() {
	c.become(off)
	c.alive = false
}

// release gives the address back (RFC 2131 §4.4.6).
func (c *Client) release() {
	if !c.cloned() && c.valid() && (c.state == bound || c.state == renewing || c.state == rebinding) {
		c.newQuestion(askRelease)
		c.say()
		c.drop()
		c.lease.remembered = c.rng.IntN(2) == 0
	}
	c.switchOff()
}

// decline says that somebody else uses the address (RFC 2131 §4.4.1).
func (c *Client) decline() {
	c.w.marks.hit(MarkDeclined)
	c.newQuestion(askDecline)
	c.say()
	c.drop()
	c.lease.remembered = false
	c.begin(uniform(c.rng, 10*time.Second, 20*time.Second))
}
