package node

import (
	"errors"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/peer"
	"github.com/lessor-dhcp/lessor/internal/store"
)

// partnership is the decider's end of the connections to the other server of the group.
type partnership struct {
	// Of these nothing changes, and anybody may look at them.
	name, self binding.Member // the other server, and this one
	address    netip.AddrPort // of the other server, for the other members
	seed       uint64
	patience   time.Duration // how long the other server waits for a word of this one
	peer       *peer.Peer
	events     chan peer.Event

	config failover.Config

	link    *peer.Link // in use; nil: none
	wire    *Wire      // of link
	since   time.Time  // when link was taken
	heard   bool       // something came on it
	wanted  bool       // the core wants a connection
	greeted bool       // the two have greeted each other on link
	ending  *peer.Link // was closed, and is not down yet
	spare   spare
	// early is a connection that waits until the two members have a configuration, and each other's versions; nil: none.
	early      *peer.Link
	earlySaid  []peer.Message
	earlySince time.Time
	waits      atomic.Bool // there is one: for the keeper

	refusals []RefusedUpdate // the latest
	// transitions are the states that both servers came to, the earliest first; transitionsCut says that earlier ones are not kept,
	// transited how many there were in all.
	transitions    []StateTransition
	transitionsCut bool
	transited      uint64
	flood          flood
	closed         string // why there is no connection; empty: there is, or never was one
}

// Why a connection is ended by Run.
var (
	errNotWanted  = errors.New("no connection is wanted now: this server is paused, or has no room on its disk")
	errSecondLink = errors.New("there is a connection already")
	errNewerLink  = errors.New("the partner made a new connection, so this one is of no use to it")
	errQueueFull  = errors.New("the partner does not read what it is told")
	errReopened   = errors.New("the store had to be opened anew")
	errNoRoom     = errors.New("there is no room on the disk")
)

// freshLink is how long a connection counts as new: of two that both servers make at the same time one is dropped.
const freshLink = 2 * time.Second

// maxEventsAtOnce is how many events of connections are taken before anything else is looked at: a partner that tells of a million
// bindings holds up no client for longer than a few milliseconds.
const maxEventsAtOnce = 16

// partnerEvents takes an event of a connection, and those that wait behind it, so that one commit is for many messages.
func (n *Node) partnerEvents(e peer.Event) {
	n.partnerEvent(e)
	for range maxEventsAtOnce - 1 {
		if n.current.full() || n.broken != nil {
			return
		}
		select {
		case e := <-n.partner.arriving():
			n.partnerEvent(e)
		default:
			return
		}
	}
}

// partnerEvent takes what happened to a connection.
func (n *Node) partnerEvent(e peer.Event) {
	p := n.partner
	if p.earlyEvent(e) || p.parked(e) {
		return
	}
	switch e := e.(type) {
	case peer.Up:
		n.linkUp(e)
	case peer.Message:
		if e.Link != p.link {
			return
		}
		p.heard = true
		n.current.heard += len(e.Bytes)
		if err := p.wire.Hear(n.clock.at(e.At), e.Bytes); err != nil && p.link == e.Link {
			n.dropLink(p.refusal(peer.Unreadable, err.Error()))
		}
	case peer.Down:
		if e.Link == p.ending {
			p.ending = nil
		}
		if e.Link == p.link {
			p.link, p.wire = nil, nil
			n.handle(&Partner{failover.LinkDown{Reason: e.Cause.Error()}})
		}
	}
	n.useSpare()
}

// linkUp takes a new connection, or ends it.
func (n *Node) linkUp(e peer.Up) {
	p := n.partner
	switch {
	case n.core.headless: // it will be wanted once the two have a configuration
		p.keepEarly(e.Link, nil, n.clock.now())
		return
	case !p.wanted || n.roomLost || !n.core.joined() || n.core.deaf(n.clock.now()):
		e.Link.Close(errNotWanted)
		return
	case p.link != nil && n.seconds(e.Link):
		p.park(e.Link)
		return
	case p.link != nil && !n.replaces(e.Link):
		e.Link.Close(errSecondLink)
		return
	case p.link != nil:
		n.dropLink(errNewerLink)
	}
	n.takeLink(e.Link, nil)
}

// seconds reports whether a new connection is one that the partner made though there was one that worked. An ISC server's
// second one is left.
func (n *Node) seconds(l *peer.Link) bool {
	p := n.partner
	return p.config.Protocol != failover.ISC && p.heard && n.clock.now().Sub(p.since) > freshLink && l.Inbound()
}

// replaces reports whether a new connection takes the place of the one in use. Where both servers made one at the same time, the
// one stays, on both sides, that the member made whose name sorts first: also two that do not agree who is primary must have a
// connection to say so on.
func (n *Node) replaces(l *peer.Link) bool {
	p := n.partner
	if p.config.Protocol == failover.ISC {
		return false
	}
	return !p.heard && p.madeByFirst(l) && l.Inbound() != p.link.Inbound()
}

// madeByFirst reports whether that member made a connection whose name sorts first.
func (p *partnership) madeByFirst(l *peer.Link) bool {
	return l.Inbound() == (p.config.Partner < p.config.Self)
}

// dropLink ends the connection in use, and has the core know.
func (n *Node) dropLink(cause error) {
	p := n.partner
	if p == nil || p.link == nil {
		return
	}
	p.link.Close(cause)
	p.ending, p.link, p.wire = p.link, nil, nil
	n.handle(&Partner{failover.LinkDown{Reason: cause.Error()}})
}

// refusal is why the connection in use is ended, so that it is counted.
func (p *partnership) refusal(r peer.Reason, detail string) error {
	return &peer.Refusal{Reason: r, Remote: p.link.Remote(), Member: p.link.Member(), Inbound: p.link.Inbound(), Detail: detail}
}

// cause is why the core ends the connection in use. Where the two have not greeted each other that counts as a refusal.
func (p *partnership) cause(words string) error {
	switch {
	case p.greeted:
		return errors.New(words)
	case p.heard:
		return p.refusal(peer.Disagrees, words)
	}
	return p.refusal(peer.Silent, words)
}

// tellPartner says what was decided in a load that is durable now.
func (n *Node) tellPartner(l *load) {
	p := n.partner
	if p == nil {
		return
	}
	now := n.clock.now()
	for i := range l.effects.ToPartner {
		if p.wire == nil {
			break
		}
		if err := p.wire.Tell(now, &l.effects.ToPartner[i]); err != nil {
			n.dropLink(err)
		}
	}
	if p.wire != nil && p.wire.Closes(&l.effects) {
		p.link.Close(p.cause(l.effects.ClosePartner))
		p.ending, p.link, p.wire = p.link, nil, nil // the core has let go of it
	}
	if l.effects.Related {
		p.wanted = l.effects.Connect
	}
	n.useSpare()
}

// joinGroup makes the core one of two, with what the store has of the relationship. Without room on the disk it waits, since its
// first step writes: nobody is answered then anyway.
func (n *Node) joinGroup() {
	if n.partner == nil || n.roomLost || n.core.headless {
		return
	}
	now := n.clock.now()
	n.core.Join(now, n.partner.config, n.relationshipRecord(now), &n.current.effects)
	n.partner.wanted = n.current.effects.Connect
	n.encode(now)
}

// relationshipRecord returns what the store has of the relationship, or, where it has nothing that can be read, what a new
// one begins with: such a server must hear its partner before it answers anybody.
func (n *Node) relationshipRecord(now time.Time) failover.Record {
	b, ok := n.store.Relationship()
	switch {
	case ok:
	case n.keeper.wasAlone:
		return failover.Alone(now, n.partner.config.MCLT, n.partner.config.Role, "this server was alone")
	default:
		return failover.NewRecord(now, n.partner.config.MCLT, false)
	}
	rec, err := failover.DecodeRecord(b)
	if err != nil {
		n.log.Error("what was kept of the failover relationship cannot be read: the server recovers from its partner", "error", err)
		return failover.NewRecord(now, n.partner.config.MCLT, false)
	}
	if n.recovery.withheld > 0 || n.recovery.unknown > 0 {
		return rec.Damaged(now)
	}
	return rec
}

// letGo ends the connection in use without a word to the core, which is not to decide now.
func (n *Node) letGo(cause error) {
	p := n.partner
	if p == nil {
		return
	}
	p.unpark(cause)
	p.dropEarly(cause)
	if p.link != nil {
		p.link.Close(cause)
		p.ending, p.link, p.wire = p.link, nil, nil
	}
}

// arriving returns where events of connections come from; nil if there is no partner.
func (p *partnership) arriving() <-chan peer.Event {
	if p == nil {
		return nil
	}
	return p.events
}

// asksPartner reports whether what the store lacks is told by the other server before anybody is answered here.
func (n *Node) asksPartner(st *store.Store) bool {
	has := n.partner != nil
	if n.core == nil { // the server is being made
		_, has = partnerOf(n.keeper.servesBy())
	}
	if !has {
		return false
	}
	b, ok := st.Relationship()
	if !ok {
		return true
	}
	rec, err := failover.DecodeRecord(b)
	return err != nil || rec.Met
}
