package peer

import (
	"errors"
	"net/netip"
	"time"
)

// Event is what happens to a connection: Up, then any number of Messages, then Down. Of different links the events come
// in any order, those of the protocol Group on a channel of their own.
type Event interface{ event() }

// Up says that there is a connection, on which messages may be sent from now on. The partner may still refuse it: only
// a message tells that it does not.
type Up struct {
	Link     *Link
	Protocol Protocol
	Inbound  bool // the partner made the connection
	Remote   netip.AddrPort
}

// Message is one whole message, as peerwire or the protocol of the group reads it.
type Message struct {
	Link  *Link
	Bytes []byte // the receiver's own
	At    time.Time
}

// Down says that the connection is gone. It is the last event of its link, and comes exactly once.
type Down struct {
	Link *Link
	// Cause is why: what Close was told, a *Refusal, one of the errors below, or one of the network. Never nil.
	Cause error
}

// outlets are where events are handed up.
type outlets struct{ up, group chan<- Event }

func (o outlets) of(p Protocol) chan<- Event {
	if p == Group {
		return o.group
	}
	return o.up
}

func (Up) event()      {}
func (Message) event() {}
func (Down) event()    {}

// Why a connection ended, besides refusals.
var (
	ErrPartnerClosed = errors.New("the partner closed the connection")
	ErrReset         = errors.New("the partner's machine reset the connection")
	ErrLost          = errors.New("the connection was lost: the partner's machine does not answer")
	ErrStopped       = errors.New("this server ends its connections")
	errNoCause       = errors.New("this server closed the connection")
)
