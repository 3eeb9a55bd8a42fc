package responder

import (
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// choose returns the address to offer, in the order of RFC 2131 §4.3.1: the one reserved for the client, the one that
// it has, the one that is offered to it already, the one that it had last, the one that it asks for, and one that
// nobody has used for longest. What the client has no claim to is left to others where as much is held at its place as may be.
func (r *Responder) choose() (netip.Addr, bool) {
	if a := r.decision.Reserved; a.IsValid() && r.freeFor(a) && r.ours(a) {
		return a, true
	}
	held, had := r.remembered()
	if held.IsValid() {
		return held, true
	}
	if a, ok := r.offered(); ok {
		return a, true
	}
	if had.IsValid() && r.hasRoom(had) {
		return had, true
	}
	if a, ok := r.asked(); ok && r.hasRoom(a) {
		return a, true
	}
	return r.unused()
}

// remembered returns the address on this link that the client has now, and the one that it had last; each invalid if
// there is none that it may have.
func (r *Responder) remembered() (held, had netip.Addr) {
	var heldAt, hadAt time.Time
	cur := r.view.Bindings.ByClient(&r.facts.Client)
	for range maxRecords {
		b, ok := r.view.Bindings.Next(&cur)
		if !ok {
			break
		}
		a := b.Addr()
		switch {
		case !b.Prefix.IsSingleIP() || !r.may(a):
		case r.holds(&b):
			if !held.IsValid() || b.CLTT.After(heldAt) {
				held, heldAt = a, b.CLTT
			}
		case b.State == binding.Free:
			if !had.IsValid() || b.Changed.After(hadAt) {
				had, hadAt = a, b.Changed
			}
		}
	}
	return held, had
}

// offered returns the address on this link that is already on offer to the client.
func (r *Responder) offered() (netip.Addr, bool) {
	cur := r.view.Pools.OfferTo(&r.facts.Client)
	for range maxRecords {
		a, ok := r.view.Pools.Next(&cur)
		if !ok {
			break
		}
		if r.may(a) {
			return a, true
		}
	}
	return netip.Addr{}, false
}

// asked returns the address that the client asks for, if it may have it.
func (r *Responder) asked() (netip.Addr, bool) {
	a, ok := r.requested()
	if !ok || r.decision.PoolOf(a) == nil || !r.available(a) || !r.ours(a) {
		return netip.Addr{}, false
	}
	return a, true
}

// available reports whether a is free, be it of the other server's share.
func (r *Responder) available(a netip.Addr) bool {
	return r.view.Pools.Available(a) || r.terms.Group != nil && r.view.Pools.AvailableTo(a, r.terms.Partner)
}

// requested returns the requested IP address option (RFC 2132 §9.1); an invalid address if there is none that could be
// a client's.
func (r *Responder) requested() (netip.Addr, bool) {
	v, ok := r.req.Msg.Option(uint16(option.CodeRequestedAddress))
	if !ok || len(v) != 4 {
		return netip.Addr{}, false
	}
	if a := netip.AddrFrom4([4]byte(v)); !a.IsUnspecified() {
		return a, true
	}
	return netip.Addr{}, false
}

// unused returns, of the pools that the client may use, an address that was never used, else the one that has been
// free for longest.
func (r *Responder) unused() (netip.Addr, bool) {
	var best netip.Addr
	var since time.Time
	for _, q := range r.decision.Pools {
		a, ok := r.pick(q)
		if !ok || !r.ours(a) || !r.roomIn(q, r.Self) { // after an unfinished recovery the own share waits, too
			continue
		}
		b, used := r.view.Bindings.Get(host(a))
		if !used {
			return a, true
		}
		if !best.IsValid() || b.Changed.Before(since) {
			best, since = a, b.Changed
		}
	}
	if !best.IsValid() {
		return r.ofPartner()
	}
	return best, true
}

// ofPartner returns a free address of the other server's share, where that does not serve and nobody can hold it.
func (r *Responder) ofPartner() (netip.Addr, bool) {
	if r.terms.Group == nil || r.terms.Group.State() != failover.PartnerDown {
		return netip.Addr{}, false
	}
	var found netip.Addr
	for _, q := range r.decision.Pools {
		if r.view.Pools.Counts(q.ID).PartnerFree == 0 || !r.roomIn(q, r.terms.Partner) {
			continue
		}
		if a, ok := r.view.Pools.PickOf(q.ID, r.terms.Partner); ok && r.ours(a) {
			return a, true
		}
		looked := 0
		r.view.Pools.EachFree(int(q.ID), r.terms.Partner, func(b *binding.Binding) bool { // some are withheld for longer than others
			if looked++; r.ours(b.Addr()) {
				found = b.Addr()
			}
			return !found.IsValid() && looked < maxRecords
		})
		if found.IsValid() {
			return found, true
		}
	}
	return netip.Addr{}, false
}

func (r *Responder) pick(q *policy.Pool) (netip.Addr, bool) { return r.view.Pools.Pick(q.ID) }
