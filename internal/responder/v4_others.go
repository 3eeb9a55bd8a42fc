package responder

import (
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// decline handles DHCPDECLINE (RFC 2131 §4.3.3): the client that was given the address found somebody else using it.
// The address is withheld for the time of Quarantine. Only its holder is believed, or to whom it is on offer: some look
// before they ask for it.
func (r *Responder) decline() {
	a, ok := r.requested()
	if !ok {
		a = r.req.Msg.CIAddr // where systemd puts it, though RFC 2131 table 5 wants the option and 0 here
	}
	if a.IsUnspecified() {
		r.drop(NoAddress)
		return
	}
	r.out.Address = a
	if drop := r.addressed(); drop != 0 {
		r.drop(drop)
		return
	}
	b, known := r.view.Bindings.Get(host(a))
	offered, _ := r.view.Pools.Offered(a, &r.facts.Client)
	switch {
	case known && r.holds(&b):
	case offered && (!known || b.State == binding.Free) && !r.pastRelay():
		b.Prefix, b.Client = host(a), r.facts.Client
		b.Facts, b.Result, b.Reasons = r.heardFacts(), nil, nil // by which its place answers for it
	default:
		r.drop(NotTheHolder)
		return
	}
	if !r.terms.Commit {
		r.drop(StoreFull)
		return
	}
	r.out.Withdraw = a
	r.out.Changes = append(r.out.Changes, Abandon(&b, binding.ClientDeclined, r.now))
}

// Abandon returns the change that withholds b's address from now on for the time of Quarantine.
func Abandon(b *binding.Binding, why binding.Cause, now time.Time) Change {
	n := *b
	n.State, n.Cause, n.Changed, n.Owner = binding.Abandoned, why, wholeSeconds(now), ""
	n.Expires = binding.Expiry(now, Quarantine)
	return Change{Binding: n, Due: n.Expires}
}

// release handles DHCPRELEASE (RFC 2131 §4.3.4): the client gives its address back. It is free at once, since its
// holder said so; what is known of the client is kept, so that it can have the address again.
func (r *Responder) release() {
	a := r.req.Msg.CIAddr
	if a.IsUnspecified() {
		r.drop(NoAddress)
		return
	}
	r.out.Address = a
	if drop := r.addressed(); drop != 0 {
		r.drop(drop)
		return
	}
	b, known := r.view.Bindings.Get(host(a))
	if !known || !r.holds(&b) {
		r.drop(NotTheHolder)
		return
	}
	if !r.terms.Commit {
		r.drop(StoreFull)
		return
	}
	b.State, b.Cause, b.Owner = binding.Free, binding.ClientReleased, r.Self
	b.Changed = wholeSeconds(r.now)
	b.CLTT, b.Expires = b.Changed, b.Changed
	r.out.Changes = append(r.out.Changes, Change{Binding: b})
}

// addressed checks that a DECLINE or RELEASE is meant for this server: it must name it (RFC 2131 table 5), though one
// that was sent to our own address is taken without, since systemd's DECLINE names nobody.
func (r *Responder) addressed() Reason {
	sid, ok := r.req.Msg.Option(uint16(option.CodeServerIdentifier))
	switch {
	case ok && len(sid) == 4:
		if !r.us(netip.AddrFrom4([4]byte(sid))) {
			return ForAnotherServer
		}
	case r.req.Unicast && r.req.Msg.GIAddr.IsUnspecified():
	default:
		return NoServerIdentifier
	}
	return 0
}

// inform answers DHCPINFORM (RFC 2131 §4.3.5): options for an address that the client got elsewhere; no lease, no
// change.
func (r *Responder) inform() {
	a, relayed := r.req.Msg.CIAddr, !r.req.Msg.GIAddr.IsUnspecified()
	if a.IsUnspecified() && !relayed {
		a = r.req.From.Addr() // a client that forgot to fill the field
	}
	switch {
	case !r.terms.Known:
		r.drop(NotServing)
		return
	case isHost(a):
	case relayed: // the relay broadcasts the answer
		r.policy.SettleNowhere(r.Self, &r.facts, r.decision)
		r.reply(dhcpv4.Ack, netip.IPv4Unspecified())
		return
	default:
		r.drop(NoAddress)
		return
	}
	r.out.Address = a
	if !r.decision.Link.Network.Has(a) { // its own address says best where it is
		if s := r.policy.SubnetOf(a); s != nil && !r.req.Arrival.OnLink {
			r.facts.Link, r.out.Link = s, s
			r.place(r.policy, &r.facts, r.decision)
		}
	}
	r.settle(a)
	r.reply(dhcpv4.Ack, a)
}

// bootp answers a BOOTREQUEST without a message type (RFC 951, RFC 1534 §2) for clients with a reserved address; it
// lasts as long as the reservation does and is no lease.
func (r *Responder) bootp() {
	a := r.decision.Reserved
	switch {
	case !r.terms.Known:
		r.drop(NotServing)
	case !a.IsValid():
		r.drop(NotReserved)
	case !r.ours(a):
		r.drop(ForTheOtherServer)
	case !r.freeFor(a):
		r.out.Address = a
		r.out.Note = "the address that is reserved is not free"
		r.drop(NotTheHolder)
	default:
		r.out.Address = a
		r.policy.Settle(r.Self, &r.facts, a, r.decision)
		r.reply(0, a)
	}
}
