package node

import (
	"context"
	"time"

	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/peer"
)

// A version travels before any binding update that names it. While the two are connected the machine sees to it: a version is
// served by once the other member has it. When they meet again, the failover connection waits here until what the other one has
// of versions has come on the other connection: else it would tell of leases by versions that nobody here knows.

// meeting is how far the two members are in telling each other of their versions. The zero value is a meeting that has not begun.
type meeting = int32

const (
	notMeeting meeting = iota // there is no connection
	areMeeting
	haveMet // what the other one has is here
)

// meetWithin is how long the failover connection waits at most for one on which versions come.
const meetWithin = 2 * time.Second

// hearing notes that the other member was heard on the connection of the group.
func (k *keeper) hearing(at time.Time) {
	k.link.hearing.Heard(at)
	k.heardAt.Store(int64(at.Sub(k.n.started)))
}

// noteMeeting has the decider know how far the two members are, and go on where it waited.
func (k *keeper) noteMeeting(ctx context.Context) {
	now := notMeeting
	switch {
	case k.failed != nil || k.link.up == nil:
	case k.machine.HasMet():
		now = haveMet
	default:
		now = areMeeting
	}
	k.met.Store(now)
	if now == haveMet && k.n.partner != nil && k.n.partner.waits.Load() {
		_ = k.n.do(ctx, func(*Effects) { k.n.releaseEarly() })
	}
}

// hasMet reports whether what the other member has of versions is here. What was known on a connection that was there before the
// link was lost, or on which nothing was heard for long, as where this server stood still, does not count: the other one may have begun a
// branch since.
func (n *Node) hasMet() bool {
	n.noteDeclared()
	k := n.keeper
	fresh := time.Since(n.started)-time.Duration(k.heardAt.Load()) <= n.partner.config.ReceiveTimer
	return fresh && (!k.lost.Load() || k.wasLost.Load()) && k.met.Load() == haveMet
}

// takeLink makes a connection the one in use, with what was said on it already, once the members have met.
func (n *Node) takeLink(link *peer.Link, said []peer.Message) {
	p := n.partner
	if p.config.Protocol == failover.Lessor && !n.hasMet() {
		p.keepEarly(link, said, n.clock.now())
		n.releaseEarly() // they may have met since, when the keeper saw nothing that waited
		return
	}
	n.useLink(link)
	for _, m := range said {
		n.partnerEvent(m)
	}
}

// earlyUntil returns until when the connection that waits does so; false if none waits, or without an end.
func (n *Node) earlyUntil() (time.Time, bool) {
	p := n.partner
	if p == nil || p.early == nil || n.core.headless {
		return time.Time{}, false
	}
	patience := p.config.ReceiveTimer / 2 // beyond, the other one takes the connection for dead
	if n.keeper.met.Load() != areMeeting {
		patience = min(patience, meetWithin)
	}
	return p.earlySince.Add(patience), true
}

// releaseEarly takes the connection that waits, if the members have met or cannot be waited for any longer.
func (n *Node) releaseEarly() {
	until, waits := n.earlyUntil()
	if !waits || !n.hasMet() && n.clock.now().Before(until) {
		return
	}
	n.useEarly()
}
