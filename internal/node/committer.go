package node

import (
	"time"

	"github.com/lessor-dhcp/lessor/internal/socket"
)

// commitAll carries out what was decided whenever it is asked to, until there is nobody left to ask.
func (n *Node) commitAll() {
	for range n.work {
		n.deciding.Lock()
		for n.mayCommit() && !n.gathering {
			n.commit()
		}
		n.deciding.Unlock()
	}
}

// carryOn has the committer carry out what is in hand, where nobody does. It does not wait.
func (n *Node) carryOn() {
	if !n.mayCommit() {
		return
	}
	select {
	case n.work <- struct{}{}:
	default: // it has been asked
	}
}

// mayCommit reports whether there is something to commit, and nobody who does.
func (n *Node) mayCommit() bool { return !n.busy && n.broken == nil && !n.current.empty() }

// commit carries out what is in hand, for which it lets go of n.deciding: meanwhile others decide what comes next. At most one
// load is carried out at any time, each by whoever decided it, where that saves waking another, or by the committer.
func (n *Node) commit() {
	if !n.mayCommit() {
		return
	}
	l := n.current
	n.current, n.busy = n.fresh(n.idle()), true
	n.stall.since = n.clock.now()
	n.deciding.Unlock()
	n.carryOut(l)
	l.tell(l.err)
	n.deciding.Lock()
	n.busy, n.broken = false, l.err
	now := n.clock.now()
	n.goesOn(now)
	if l.err == nil {
		n.durable(l)
		if n.partner != nil {
			n.wakeSooner(now)
		}
	}
	n.keep(l)
	n.free.Broadcast()
	if n.watched || l.err != nil {
		select {
		case n.settled <- struct{}{}:
		default: // the decider will look
		}
	}
}

// carryOut is "durable, then told", in one place: it commits what was decided and, only once that is on the disk,
// sends what was decided on it. If the commit fails nothing leaves. Every load passes through here, also one without
// changes, since its replies may rest on the commits before it. One of two servers that stood still between deciding and
// telling, for longer than the other one waits for it, tells nobody: that one may have answered in its place.
func (n *Node) carryOut(l *load) {
	changes := l.batch.Len()
	if changes == 0 {
		l.err = n.store.Commit(l.batch)
	} else {
		l.err = n.commitTimed(l.batch, changes)
	}
	if l.err != nil {
		return
	}
	if n.partner != nil && n.clock.now().Sub(l.begun) > n.partner.patience {
		n.tooLate.Add(uint64(len(l.effects.Replies)))
	} else {
		n.send(l)
	}
	n.probe(l)
	n.hub.publish(l.effects.Events, l.effects.Untold)
}

func (n *Node) send(l *load) {
	l.outgoing = l.outgoing[:0]
	for i := range l.effects.Replies {
		r := &l.effects.Replies[i]
		l.outgoing = append(l.outgoing, socket.Outgoing{
			Bytes: l.effects.Octets(r), To: r.To.To, From: r.To.From, Interface: r.To.Interface,
			Hardware: r.To.Hardware, Broadcast: r.To.Broadcast, Stranger: r.To.Stranger,
		})
	}
	if len(l.outgoing) > 0 {
		n.sockets.Send(l.outgoing) // what cannot be sent is counted there; its client asks again
		n.tallies.answered(l.effects.Replies, time.Now())
	}
}

func (n *Node) probe(l *load) {
	l.targets = l.targets[:0]
	for _, p := range l.effects.Probes {
		l.targets = append(l.targets, socket.Target{Addr: p.Addr, Link: p.Interface})
	}
	if len(l.targets) > 0 {
		// Where probes are not allowed, socket says so at its start, and the offers go on when their time is over.
		_, _ = n.sockets.Probe(l.targets)
	}
}
