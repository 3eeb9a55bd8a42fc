package node

import (
	"net/netip"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/responder"
)

// How many addresses are asked for at once and in a second, at most; further clients go on without. An address that nobody has, as
// nearly all of them, takes a place in the machine's table of neighbours for three or four seconds. That has room for 1,024, and is the
// one in which the relays and routers are found that all the others are answered through (arp(7), gc_thresh3).
const (
	maxProbes       = 512
	probesPerSecond = 100
)

// maxAttempts is how many addresses that somebody else turned out to use are tried for one DISCOVER.
const maxAttempts = 3

// probe is a DISCOVER that waits until it is known whether anybody uses the address it would be offered.
type probe struct {
	addr     netip.Addr
	deadline time.Time
	packet   Packet
	octets   []byte // of the packet's message
	attempts int
}

// probeQueue is the probes under way, in the order of their deadlines.
type probeQueue struct {
	queue  []*probe
	byAddr map[netip.Addr]*probe
	// again is the probe whose DISCOVER is being decided anew, msg what that says; it hands its attempts on.
	again *probe
	msg   dhcpv4.Message
	spare []*probe // to be used again, with their octets
	rate  bucket
}

func newProbeQueue() probeQueue {
	return probeQueue{byAddr: map[netip.Addr]*probe{}, rate: bucket{most: maxProbes, perSecond: probesPerSecond}}
}

// fresh returns a probe with nothing in it but room for a packet.
func (q *probeQueue) fresh() *probe {
	if n := len(q.spare); n > 0 {
		p := q.spare[n-1]
		q.spare = q.spare[:n-1]
		return p
	}
	return &probe{}
}

// done: p is over, and not in the queue any more.
func (q *probeQueue) done(p *probe) {
	*p = probe{octets: p.octets[:0]}
	q.spare = append(q.spare, p)
}

func (q *probeQueue) pending(a netip.Addr) bool { return q.byAddr[a] != nil }

func (q *probeQueue) next() (time.Time, bool) {
	if len(q.queue) == 0 {
		return time.Time{}, false
	}
	return q.queue[0].deadline, true
}

func (q *probeQueue) add(p *probe) {
	i, _ := slices.BinarySearchFunc(q.queue, p.deadline, func(o *probe, t time.Time) int {
		if o.deadline.After(t) {
			return 1
		}
		return -1
	})
	q.queue = slices.Insert(q.queue, i, p)
	q.byAddr[p.addr] = p
}

func (q *probeQueue) remove(p *probe) {
	if i := slices.Index(q.queue, p); i >= 0 {
		q.queue = slices.Delete(q.queue, i, i+1)
	}
	delete(q.byAddr, p.addr)
}

// beginProbe asks whether anybody uses the address that the answer would offer; false if too many are under way, or
// too many addresses were tried already.
func (c *Core) beginProbe(now time.Time, p *Packet, out *Effects) bool {
	a := &c.answer
	attempts := 0
	if c.probes.again != nil {
		attempts = c.probes.again.attempts
	}
	if len(c.probes.queue) >= maxProbes || !c.probes.rate.ready(now) {
		return false
	}
	c.probes.rate.take()
	w := c.probes.fresh()
	*w = probe{addr: a.Offer, deadline: now.Add(a.Probe), packet: *p, attempts: attempts + 1, octets: append(w.octets, p.Msg.Bytes()...)}
	w.packet.Msg, w.packet.At = nil, 0 // how long the probe takes says nothing about this server
	c.probes.add(w)
	out.Probes = append(out.Probes, ProbeRequest{Addr: a.Offer, Interface: p.Interface})
	return true
}

// decideAgain decides the DISCOVER that waited for w.
func (c *Core) decideAgain(now time.Time, w *probe, out *Effects) {
	if c.probes.msg.Parse(w.octets) != nil { // it was parsed before
		return
	}
	w.packet.Msg = &c.probes.msg
	c.probes.again = w
	c.decide(now, &w.packet, out)
	c.probes.again = nil
}

// probesUnanswered lets the DISCOVERs go on for whose addresses nobody answered in time.
func (c *Core) probesUnanswered(now time.Time, out *Effects) {
	for len(c.probes.queue) > 0 && !c.probes.queue[0].deadline.After(now) {
		w := c.probes.queue[0]
		c.probes.remove(w)
		c.decideAgain(now, w, out)
		c.probes.done(w)
	}
}

// probeAnswered withholds an address that somebody uses, and looks for another one for the client that waits.
func (c *Core) probeAnswered(now time.Time, in *ProbeAnswered, out *Effects) {
	w := c.probes.byAddr[in.Addr]
	if w == nil || !c.terms.Commit {
		return
	}
	c.probes.remove(w)
	c.pools.Withdraw(in.Addr)
	b := c.known(in.Addr)
	c.commit++
	ch := responder.Abandon(&b, binding.ConflictFound, now)
	c.put(now, &ch, out)
	c.changed(now)
	c.conflictEvent(now, in.Addr, out)
	if w.attempts < maxAttempts {
		c.decideAgain(now, w, out)
	}
	c.probes.done(w)
}
