package node

import (
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/responder"
)

// Effects is what is to be done, in the order in which it is done: what to commit, what to say once that is durable.
// Steps append to it; it is emptied and used again.
type Effects struct {
	// Changes go to disk. Their octets are valid until Reset.
	Changes []Committed
	// Replies leave when the commit that each was decided on is durable, not before.
	Replies []Reply
	// Probes are asked at once: they tell nobody anything.
	Probes []ProbeRequest
	// Events are for operators; Untold is how many leases there is no event of, since nobody wanted to hear of them.
	Events []Event
	Untold int
	// Record is the relationship's with the other server, which is committed under RecordCommit; nil: it is unchanged.
	Record       *failover.Record
	RecordCommit uint64
	// ToPartner goes to the other server, each when the commit that it was decided on is durable.
	ToPartner []ToPartner
	// ClosePartner, if not empty, ends the connection to the other server behind all of these, and says why.
	ClosePartner    string
	CloseAfter      uint64
	CloseConnection uint64 // the connection that is meant (Wire.Closes)
	// Connect says, where Related is true, whether a connection to the other server is wanted.
	Connect, Related bool
	// Notes are what happened between the two servers, for operators.
	Notes []failover.Note
	// Rebuild says that the view must be read from disk anew (Core.Rebuild).
	Rebuild bool

	partner failover.Output // what ToPartner and Notes refer to
	octets  []byte          // of the replies, one after the other
	kept    []byte          // what Changes refer to
}

// keep returns a copy of b that is valid until Reset.
func (e *Effects) keep(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	at := len(e.kept)
	e.kept = append(e.kept, b...) // where it moves, earlier copies stay where they are
	return e.kept[at:len(e.kept):len(e.kept)]
}

// Committed is a binding and the commit that it belongs to.
type Committed struct {
	Commit  uint64
	Binding binding.Binding
}

// Reply is a message for a client or a relay.
type Reply struct {
	// After is the number of the last commit whose state the reply was decided on.
	After uint64
	To    responder.Destination
	Type  dhcpv4.MessageType
	// Asked is the Packet.At of the message that it answers; 0: not known, or the answer was put off on purpose.
	Asked      int64
	begin, end int
}

// ProbeRequest asks whether anybody uses Addr on the link of an interface.
type ProbeRequest struct {
	Addr      netip.Addr
	Interface int
}

// Octets returns the reply's message.
func (e *Effects) Octets(r *Reply) []byte { return e.octets[r.begin:r.end] }

// Reset empties e, keeping its memory.
func (e *Effects) Reset() {
	*e = Effects{
		Changes: e.Changes[:0], Replies: e.Replies[:0], Probes: e.Probes[:0], Events: e.Events[:0],
		ToPartner: e.ToPartner[:0], Notes: e.Notes[:0], partner: e.partner, octets: e.octets[:0], kept: e.kept[:0],
	}
	e.partner.Reset()
}

// Empty reports whether there is nothing to do.
func (e *Effects) Empty() bool {
	return len(e.Changes)+len(e.Replies)+len(e.Probes)+len(e.Events)+len(e.ToPartner)+len(e.Notes) == 0 &&
		e.Record == nil && e.ClosePartner == "" && !e.Rebuild
}
