package node

import "github.com/lessor-dhcp/lessor/internal/peer"

// keepEarly has a connection wait that was made before the two members have a configuration in common. The newest is kept.
func (p *partnership) keepEarly(l *peer.Link) {
	if p.early != nil {
		p.early.Close(errNewerLink)
	}
	p.early, p.earlySaid = l, nil
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
		p.early, p.earlySaid = nil, nil
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
	p.early, p.earlySaid = nil, nil
	if !p.wanted || !n.core.joined() {
		link.Close(errNotWanted)
		return
	}
	n.useLink(link)
	for _, m := range said {
		n.partnerEvent(m)
	}
}
