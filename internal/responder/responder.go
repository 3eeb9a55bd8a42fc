// Package responder is the DHCP server's answer: a client's message, what the configuration says about that client
// and what is known of the addresses go in; a reply and changes of bindings come out, or a reason for silence.
//
// It is pure. It never carries anything out: offers, commits and probes are returned for node to do, in the order
// durable, then told. It sees nothing of the group but Terms.
package responder

import (
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/class"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/policy"
	"github.com/lessor-dhcp/lessor/internal/pool"
)

// OfferLifetime is how long an offered address is kept for its client (RELIABILITY §2.5: at most 60 s).
const OfferLifetime = 60 * time.Second

// Quarantine is how long an address is withheld that somebody else was found to use.
const Quarantine = time.Hour

// HurryAfter is how long after a grant a client comes back at the latest that was told under Terms.Hurry: long enough that it is
// no load, and soon enough that a change of the configuration is not waited for.
const HurryAfter = 5 * time.Minute

// Terms are those on which this server may now answer.
type Terms struct {
	Known  bool // clients with a binding
	New    bool // new clients, by DISCOVER or SELECTING
	Commit bool // there is room on the disk for what must be durable before it is told
	// Group is what the relationship with another server says of each address; nil: this server is alone.
	Group *failover.Endpoint
	// Partner is that server.
	Partner binding.Member
	// Balanced says that clients that look for an address are shared out between the two.
	Balanced bool
	// Hurry says that a client which is granted a lease now is to come back after HurryAfter, if not before.
	Hurry bool
}

// View is what the server knows of addresses: bindings, free addresses and offers.
type View struct {
	Bindings *binding.Table
	Pools    *pool.Pools
}

// Request is one message of a client, and how it got here.
type Request struct {
	Msg       *dhcpv4.Message
	From      netip.AddrPort
	Interface int // index
	Arrival   policy.Arrival
	Unicast   bool // it was sent to an address of ours, not broadcast
	// ServerID is our address towards this client: the one it sent to, else the interface's.
	ServerID netip.Addr
	// Own reports whether an address is one of ours.
	Own func(netip.Addr) bool
}

// Responder answers by one policy. It is reused from message to message and belongs to one goroutine.
type Responder struct {
	Self   binding.Member
	Policy *policy.Policy
	// Agreed is the last version that both members of the group adopted; nil where nothing that safety stands on differs
	// between it and Policy.
	Agreed *policy.Policy
	// Withheld are addresses that are given to nobody who does not have them.
	Withheld map[netip.Addr]struct{}
	// Earlier are the policies before Policy, the latest first, for as long as something may be on offer that was decided
	// by them: who takes such an offer is granted what it was offered.
	Earlier []*policy.Policy
	Guard   time.Duration

	now   time.Time
	req   *Request
	view  View
	terms Terms
	out   *Answer

	policy   *policy.Policy // that answers this message
	held     policy.Held    // in whose place the decision was settled
	facts    policy.Facts
	decision *policy.Decision // current or before
	current  policy.Decision
	before   policy.Decision // of one of Earlier
	builder  dhcpv4.Builder
	override netip.Addr // server identifier override (RFC 5107); invalid: none
	relay    []byte     // relay agent information; nil: none
	at       pool.From  // where the client is, if located
	located  bool
	listed   []byte // the client's request list (55); nil: none
	scratch  scratch
}

// Change is a binding to be committed and put.
type Change struct {
	Binding binding.Binding
	Due     time.Time
}

// Answer is what is to be done about one message. Its zero value does nothing. Bytes and bindings refer to the
// request and to the Responder: they are valid until the next message.
type Answer struct {
	// Changes are committed before the Reply is sent.
	Changes []Change
	// Offer is kept for Client until Until; an invalid address: none.
	Offer  netip.Addr
	Client binding.Client
	Until  time.Time
	// From is where the client is, for Offer.
	From pool.From
	// Refused is where as much of a pool is held and on offer as may be, so that the client was refused an address of it.
	Refused Refusal
	// Withdraw is an address whose offer is over; invalid: none.
	Withdraw netip.Addr
	// Probe, if positive, says that the reply waits: whether anybody answers for Offer is asked first, for so long.
	Probe time.Duration

	// Type is the reply's; 0 is a BOOTREPLY or, where Reply is nil, none.
	Type  dhcpv4.MessageType
	Reply []byte
	To    Destination
	// Address is the one that the message was about; invalid: none.
	Address netip.Addr
	// Link is where the client is; nil if unknown.
	Link *policy.Subnet
	// Failed are the classes whose expression failed for the client, by their index in the Responder's Policy.
	Failed []class.Failure
	// Short says that every address that the client may have is in use, whether it was told anything or not.
	Short bool
	// Hurried says that the reply grants a lease whose client comes back earlier than it would (Terms.Hurry).
	Hurried bool
	// LeftOut says that the reply has no room for every option that it should have.
	LeftOut bool
	// Drop is why there is no reply.
	Drop Reason
	// Note says in words why a reply is a refusal, or what an operator should know.
	Note string
}

// Reset empties the answer, keeping its memory.
func (a *Answer) Reset() { *a = Answer{Changes: a.Changes[:0]} }

// Answer fills out with what is to be done about req. buf is appended to for the reply.
func (r *Responder) Answer(now time.Time, req *Request, view View, terms Terms, buf []byte, out *Answer) {
	r.now, r.req, r.view, r.terms, r.out = now, req, view, terms, out
	r.policy, r.decision = r.Policy, &r.current
	r.scratch.reply, r.located = buf, false
	if drop := r.begin(); drop != 0 {
		out.Drop = drop
		return
	}
	r.dispatch()
}

// begin checks what every message must have, and reads what every answer needs.
func (r *Responder) begin() Reason {
	m := r.req.Msg
	switch {
	case m.Op != dhcpv4.BootRequest:
		return NotARequest
	case m.Hops > 16: // RFC 1542 §4.1.1
		return TooManyHops
	case !isHost(m.GIAddr) && !m.GIAddr.IsUnspecified(), !isHost(m.CIAddr) && !m.CIAddr.IsUnspecified():
		return BadAddress
	case !r.req.ServerID.IsValid() || r.req.ServerID.IsUnspecified():
		return NoOwnAddress
	case !m.GIAddr.IsUnspecified() && r.req.Own(m.GIAddr) && r.req.From.Port() == dhcpv4.ServerPort && r.req.Own(r.req.From.Addr()):
		return OwnMessage
	}
	id := m.ClientID()
	if len(id) > binding.MaxClientID {
		return ClientIDTooLong
	}
	r.facts = policy.Facts{Client: binding.Client{ID: id, Hardware: m.Hardware()}, Options: m}
	if !m.GIAddr.IsUnspecified() {
		r.facts.GIAddr = m.GIAddr
	}
	if len(id) == 0 && r.facts.Client.Hardware.IsZero() {
		return NoClient
	}
	r.out.Client = r.facts.Client
	r.readRelay()
	return 0
}

// dispatch is the table of contents of RFC 2131 §4.3.
func (r *Responder) dispatch() {
	var why string
	r.facts.Link, why = r.policy.Locate(r.req.Msg, &r.req.Arrival)
	r.out.Link = r.facts.Link
	switch {
	case r.unreachable():
		r.out.Note = "it came over a router without a relay's address"
		r.drop(Unreachable)
		return
	case r.facts.Link == nil:
		r.strayed(why)
		return
	}
	r.recallRelay()
	r.place(r.policy, &r.facts, r.decision)
	r.out.Failed = r.decision.Failed()
	r.nameServer()
	switch r.req.Msg.Type() {
	case 0:
		r.bootp()
	case dhcpv4.Discover:
		r.discover()
	case dhcpv4.Request:
		r.request()
	case dhcpv4.Decline:
		r.decline()
	case dhcpv4.Release:
		r.release()
	case dhcpv4.Inform:
		r.inform()
	case dhcpv4.Offer, dhcpv4.Ack, dhcpv4.Nak: // a server's (RFC 2131 §3.1)
		r.drop(NotARequest)
	default: // leasequery and later messages are not served
		r.drop(UnknownType)
	}
}

// nameServer chooses, of the addresses of the interface that heard a broadcast, the one on the client's link, its own
// subnet before the others.
func (r *Responder) nameServer() {
	if r.req.Unicast || !r.req.Arrival.OnLink {
		return
	}
	var on netip.Addr
	for _, p := range r.req.Arrival.Addrs {
		a := p.Addr()
		if r.facts.Link.Prefix.Contains(a) {
			on = a
			break
		}
		if !on.IsValid() && r.facts.Link.Network.Has(a) {
			on = a
		}
	}
	if on.IsValid() {
		r.req.ServerID = on
	}
}

// strayed is a message from a link that the document does not have. A client that renews an address whose subnet was
// taken away is told so, and may give it back; all others are not ours.
func (r *Responder) strayed(why string) {
	m := r.req.Msg
	switch m.Type() {
	case dhcpv4.Release: // whoever gives an address back may, whatever became of its subnet
		r.release()
		return
	case dhcpv4.Decline:
		r.decline()
		return
	}
	if m.Type() == dhcpv4.Request && !m.CIAddr.IsUnspecified() {
		if b, ok := r.view.Bindings.Get(host(m.CIAddr)); ok && r.holds(&b) && r.terms.Known {
			r.out.Address = m.CIAddr
			r.nak("the address belongs to no subnet any more")
			return
		}
	}
	r.out.Note = why
	r.drop(NoLink)
}

// unreachable reports whether nobody could be reached by an answer: what came over a router has neither a relay's address
// nor, unless it is in the address that it is sent to, the client's.
func (r *Responder) unreachable() bool {
	m := r.req.Msg
	if r.req.Arrival.OnLink || !m.GIAddr.IsUnspecified() {
		return false
	}
	switch m.Type() {
	case dhcpv4.Discover:
		return true
	case 0, dhcpv4.Request:
		return m.CIAddr.IsUnspecified()
	}
	return false
}

// isHost reports whether a can be the address of one host: not 0.0.0.0/8, multicast, class E or broadcast (RFC 1122
// §3.2.1.3). A loopback address can be that of a relay on this machine.
func isHost(a netip.Addr) bool {
	if !a.Is4() {
		return false
	}
	first := a.As4()[0]
	return first != 0 && first < 224
}

func (r *Responder) drop(why Reason) { r.out.Drop = why }

// host returns the prefix that holds a alone.
func host(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
