package responder

import (
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// request answers DHCPREQUEST by the state that its client is in, which RFC 2131 §4.3.2 and table 4 tell from the
// fields that it fills.
func (r *Responder) request() {
	m := r.req.Msg
	sid, hasSID := m.Option(uint16(option.CodeServerIdentifier))
	asked, hasAsked := r.requested()
	switch {
	case hasSID && len(sid) != 4: // it names a server, but nobody can say which
		r.drop(NoServerIdentifier)
	case hasSID:
		r.selecting(netip.AddrFrom4([4]byte(sid)), asked)
	case !m.CIAddr.IsUnspecified() && r.req.Unicast && m.GIAddr.IsUnspecified():
		r.renewing(m.CIAddr)
	case !m.CIAddr.IsUnspecified():
		r.rebinding(m.CIAddr)
	case hasAsked:
		r.initReboot(asked)
	default:
		r.drop(NoAddress)
	}
}

// selecting: the client took an offer; ours, or another server's.
func (r *Responder) selecting(server, a netip.Addr) {
	if !r.us(server) {
		r.declineOffer()
		r.drop(ForAnotherServer)
		return
	}
	if !a.IsValid() {
		a = r.req.Msg.CIAddr // some clients confuse the two
	}
	if a.IsUnspecified() {
		r.drop(NoAddress)
		return
	}
	r.out.Address = a
	switch {
	case !r.terms.New:
		r.drop(NotServingNew)
	case !r.decision.Link.Network.Has(a):
		r.nak("the address is not on this link")
	case !r.may(a):
		r.nak("the address is not available")
	case !r.hasIt(a) && r.pastRelay(): // an offer is taken where it was made; nobody could say where this client is
		r.nak("the address is not available")
	case !r.hasIt(a) && !r.isOffered(a) && !r.hasRoom(a):
		r.refusedHereAlone()
		r.nak(quotaReached)
	default: // offered to this client, or free since a restart forgot the offer
		r.asOffered(a)
		r.settle(a)
		r.grant(a)
	}
}

// asOffered goes back to the policy that a was offered by, if that was another and lets the client have a: an exchange is
// answered by one version of the configuration.
func (r *Responder) asOffered(a netip.Addr) {
	if len(r.Earlier) == 0 {
		return
	}
	ago, ok := r.view.Pools.OfferedAgo(a, &r.facts.Client)
	if !ok || ago == 0 || int64(ago) > int64(len(r.Earlier)) {
		return
	}
	p := r.Earlier[ago-1]
	link, _ := p.Locate(r.req.Msg, &r.req.Arrival)
	if link == nil {
		return
	}
	facts := r.facts
	facts.Link = link
	r.place(p, &facts, &r.before)
	if link.Network.Has(a) && p.May(&r.before, a) {
		r.policy, r.facts, r.decision = p, facts, &r.before
	}
}

// us reports whether a server identifier is one of ours, or the one that the relay told the client (RFC 5107).
func (r *Responder) us(server netip.Addr) bool {
	return server == r.req.ServerID || server == r.override || r.req.Own(server)
}

// declineOffer gives back what was offered to a client that took another server's offer (RFC 2131 §3.1 step 4).
func (r *Responder) declineOffer() {
	if a, ok := r.offered(); ok {
		r.out.Withdraw = a
	}
}

// initReboot: the client remembers an address and asks whether it is still right.
func (r *Responder) initReboot(a netip.Addr) { r.verifyOnLink(a) }

// renewing: the client asks us by unicast to extend its lease.
func (r *Responder) renewing(a netip.Addr) {
	r.out.Address = a
	if !r.terms.Known {
		r.drop(NotServing)
		return
	}
	r.verify(a)
}

// rebinding: the client asks whoever hears it to extend its lease.
func (r *Responder) rebinding(a netip.Addr) { r.verifyOnLink(a) }

// verifyOnLink answers a client that was heard on its link: what belongs to another link is refused, whoever has it.
func (r *Responder) verifyOnLink(a netip.Addr) {
	r.out.Address = a
	switch {
	case !r.terms.Known:
		r.drop(NotServing)
	case !r.decision.Link.Network.Has(a):
		r.nak("the address is not on this link")
	default:
		r.verify(a)
	}
}

// verify answers a client that believes a to be its own. It is told yes if our record says so, or if it had the
// address last or has it reserved, and nobody else has it; no if our record says otherwise; and where there is no
// record, no from an authoritative server and else nothing (RFC 2131 §4.3.2).
func (r *Responder) verify(a netip.Addr) {
	r.settle(a)
	b, known := r.view.Bindings.Get(host(a))
	switch {
	case known && b.Client.Is(&r.facts.Client) || a == r.decision.Reserved:
		switch {
		case r.shouldMove(a):
			r.nak("another address is reserved for the client")
		case r.may(a) && (r.hasIt(a) || r.hasRoom(a)):
			r.grant(a)
		case !r.maySayNo() && r.out.Refused.Pool != nil && !r.refusedHereAlone():
			r.out.Note = quotaReached
			r.drop(QuotaReached)
		case !r.maySayNo():
			r.drop(ForTheOtherServer)
		case r.out.Refused.Pool != nil:
			r.nak(quotaReached)
		default:
			r.nak("the client may not have the address any more")
		}
	case r.heldByOther(a):
		r.nak("another client has the address")
	case r.policy.Kept(r.decision, a):
		r.nak("the address is reserved for another client")
	case !r.maySayNo():
		r.drop(ForTheOtherServer)
	case r.hasAnother(a):
		r.nak("the client has another address")
	case r.decision.Authoritative():
		r.nak("there is no record of the client")
	default:
		r.drop(NoRecord)
	}
}

func (r *Responder) nak(why string) {
	r.out.Note = why
	r.reply(dhcpv4.Nak, netip.Addr{})
}

func wholeSeconds(t time.Time) time.Time { return t.Truncate(time.Second).UTC() }
