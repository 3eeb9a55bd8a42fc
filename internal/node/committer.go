package node

import (
	"github.com/lessor-dhcp/lessor/internal/socket"
)

// commitAll carries out loads, in their order, until there are no more.
func (n *Node) commitAll() {
	for l := range n.work {
		n.carryOut(l)
		l.tell(l.err)
		n.done <- l
	}
}

// carryOut is "durable, then told", in one place: it commits what was decided and, only once that is on the disk,
// sends what was decided on it. If the commit fails nothing leaves. Every load passes through here, also one without
// changes, since its replies may rest on the commits before it. One of two servers that stood still between deciding and
// telling, for longer than the other one waits for it, tells nobody: that one may have answered in its place.
func (n *Node) carryOut(l *load) {
	changes := l.batch.Len()
	if l.err = n.store.Commit(l.batch); l.err != nil {
		return
	}
	if changes > 0 {
		n.synced.Add(1)
	}
	if n.partner != nil && n.clock.now().Sub(l.begun) > n.partner.patience {
		n.tooLate.Add(uint64(len(l.effects.Replies)))
	} else {
		n.send(l)
	}
	n.probe(l)
	n.hub.publish(l.effects.Events)
}

func (n *Node) send(l *load) {
	l.outgoing = l.outgoing[:0]
	for i := range l.effects.Replies {
		r := &l.effects.Replies[i]
		l.outgoing = append(l.outgoing, socket.Outgoing{
			Bytes: l.effects.Octets(r), To: r.To.To, From: r.To.From, Interface: r.To.Interface,
			Hardware: r.To.Hardware, Broadcast: r.To.Broadcast,
		})
	}
	if len(l.outgoing) > 0 {
		n.sockets.Send(l.outgoing) // what cannot be sent is counted there; its client asks again
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
