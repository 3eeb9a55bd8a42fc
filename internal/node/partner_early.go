package node

import (
	"time"

	"github.com/lessor-dhcp/lessor/internal/peer"
)

// keepEarly has a connection wait that was made before the two members have a configuration in common, or know each other's versions.
// One is kept: of two that both made at the same time that which the other one keeps, too.
func (p *partnership) keepEarly(l *peer.Link, said []peer.Message, now time.Time) {
	if p.early != nil {
		if l.Inbound() != p.early.Inbound() && !p.madeByFirst(l) {
			l.Close(errSecondLink)
			return
		}
		p.early.Close(errNewerLink)
	}
	p.early, p.earlySaid, p.earlySince = l, said, now
	p.waits.Store(true)
}

// dropEarly ends the connection that waits, if there is one.
func (p *partnership) dropEarly(cause error) {
	if p.early != nil {
		p.early.Close(cause)
	}
	p.forgetEarly()
}

// forgetEarly: none waits any more.
func (p *partnership) forgetEarly() {
	p.early, p.earlySaid = nil, nil
	p.waits.Store(false)
}

// earlyEvent takes what happens to a connection that waits; false if it is another's.
func (p *partnership) earlyEvent(e peer.Event) bool {
	switch e := e.(type) {
	case peer.Message:
		if e.Link != p.early {
			return false
		}
		if p.earlySaid = append(p.earlySaid, e); len(p.earlySaid) > maxSpared {
			p.early.Close(tooMany(p.early))
		}
		return true
	case peer.Down:
		if e.Link != p.early {
			return false
		}
		p.forgetEarly()
		return true
	}
	return false
}

// useEarly takes the connection that waited, now that the core has joined.
func (n *Node) useEarly() {
	if n.partner == nil || n.partner.early == nil {
		return
	}
	p := n.partner
	link, said := p.early, p.earlySaid
	p.forgetEarly()
	if !p.wanted || n.roomLost || !n.core.joined() || p.link != nil {
		link.Close(errNotWanted)
		return
	}
	n.useLink(link)
	for _, m := range said {
		n.partnerEvent(m)
	}
}
