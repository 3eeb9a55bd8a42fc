package node

import (
	"time"

	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/peer"
)

// spare is a second connection that the partner made while there was one that works, as a Lessor does that has lost the first
// one and says so. It waits: whoever has that member's keys could otherwise end what the two say to each other. It takes the
// place of the first one once that is down, which it is within the receive timer if the partner has let go of it; and it is
// ended where something is still heard on the first one. The zero value is none.
type spare struct {
	link  *peer.Link
	since time.Time
	said  []peer.Message // what came on it, to be heard once it is in use
}

// maxSpared is how many messages a partner says on a connection that nobody greets: one, and a secondary's complaint.
const maxSpared = 4

// park has a connection wait.
func (p *partnership) park(l *peer.Link) {
	p.unpark(errNewerLink)
	p.spare = spare{link: l, since: time.Now()}
}

// unpark ends the connection that waits, if there is one.
func (p *partnership) unpark(cause error) {
	if p.spare.link != nil {
		p.spare.link.Close(cause)
	}
	p.spare = spare{}
}

// tooMany is why a connection beside one that works is ended, so that it is counted.
func tooMany(l *peer.Link) error {
	return &peer.Refusal{Reason: peer.TooManyLinks, Remote: l.Remote(), Member: l.Member(), Inbound: true, Detail: "there is one that works"}
}

// parked takes what happens to the connection that waits; false if it is another's.
func (p *partnership) parked(e peer.Event) bool {
	switch e := e.(type) {
	case peer.Message:
		if e.Link == p.link && e.At.After(p.spare.since) && p.spare.link != nil {
			p.unpark(tooMany(p.spare.link))
		}
		if e.Link != p.spare.link {
			return false
		}
		if p.spare.said = append(p.spare.said, e); len(p.spare.said) > maxSpared {
			p.unpark(tooMany(p.spare.link))
		}
		return true
	case peer.Down:
		if e.Link != p.spare.link {
			return false
		}
		p.spare = spare{}
		return true
	}
	return false
}

// useSpare puts the connection that waits in the place of the one that was in use, if that is gone.
func (n *Node) useSpare() {
	p := n.partner
	if p.link != nil || p.spare.link == nil {
		return
	}
	was := p.spare
	p.spare = spare{}
	if !p.wanted || n.roomLost || !n.core.joined() {
		was.link.Close(errNotWanted)
		return
	}
	n.takeLink(was.link, was.said)
}

// useLink makes a connection the one in use.
func (n *Node) useLink(link *peer.Link) {
	p := n.partner
	p.link, p.since, p.heard, p.greeted = link, n.clock.now(), false, false
	p.wire = n.core.NewWire(
		func(msg []byte) {
			if !link.Send(msg) {
				link.Close(errQueueFull) // Down follows
			}
		},
		func(ev failover.Event) { n.handle(&Partner{ev}) },
	)
	n.handle(&Partner{failover.LinkUp{}})
}
