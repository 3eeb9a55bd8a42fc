package responder

import (
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/policy"
	"github.com/lessor-dhcp/lessor/internal/pool"
)

// Refusal is a place at which as much of a pool is held and on offer as may be. Its zero value is none.
type Refusal struct {
	pool.Full
	Pool *policy.Pool // nil: none
	// Relay is the one that the client was heard through; invalid: none. Info is what it, or a switch, said of the client (option 82).
	Relay netip.Addr
	Info  []byte
}

const quotaReached = "as much of the pool as may be is held where the client is"

// hasRoom is roomIn the pool of a, which is free; what is in no pool has room.
func (r *Responder) hasRoom(a netip.Addr) bool {
	q := r.decision.PoolOf(a)
	owner := r.Self
	if r.terms.Group != nil && r.view.Pools.AvailableTo(a, r.terms.Partner) {
		owner = r.terms.Partner
	}
	return q == nil || r.roomIn(q, owner)
}

// roomIn reports whether the client may have one more address of the pool, of owner's, as far as what is held and on offer where it is goes.
// If not, the answer says so.
func (r *Responder) roomIn(q *policy.Pool, owner binding.Member) bool {
	r.locate(q)
	var until time.Time // an offer may take the place of an older one, and a grant may not
	if r.grantsOffer() {
		until = r.now.Add(OfferLifetime)
	}
	f, is := r.view.Pools.Full(q.ID, &r.at, &q.Quota, until, owner)
	if is {
		r.out.Refused = Refusal{Full: f, Pool: q, Relay: r.facts.GIAddr, Info: r.relayInfo()}
	}
	return !is
}

// partnerSpares reports whether the other server has free addresses of the pool of which it does not leave all to clients elsewhere. What
// the place may have in all is the same for both.
func (r *Responder) partnerSpares(q *policy.Pool) bool {
	if r.view.Pools.Plenty(q.ID, r.terms.Partner) {
		return true
	}
	if r.view.Pools.Counts(q.ID).PartnerFree == 0 {
		return false
	}
	r.locate(q)
	f, _ := r.view.Pools.Full(q.ID, &r.at, &q.Quota, time.Time{}, r.terms.Partner)
	return f.Left == 0
}

// refusedHereAlone reports whether the client is refused since this server leaves what it has to clients elsewhere, and is answered by the
// other one, which has more. Then no place has all that it may have.
func (r *Responder) refusedHereAlone() bool {
	if r.out.Refused.Left == 0 || !r.terms.Balanced || !r.partnerHasFree() {
		return false
	}
	r.out.Refused = Refusal{}
	return true
}

// grantsOffer reports whether the answer is an offer at most.
func (r *Responder) grantsOffer() bool {
	_, rapid := r.req.Msg.Option(uint16(option.CodeRapidCommit))
	return r.req.Msg.Type() == dhcpv4.Discover && !rapid
}

// from returns where the client is, to be offered a.
func (r *Responder) from(a netip.Addr) pool.From {
	r.locate(r.decision.PoolOf(a))
	return r.at
}

// locate makes r.at where the client is, as its binding will have it: the relay or interface that it was heard through, and the port
// behind that. q is the pool that it looks for an address in, nil for none.
func (r *Responder) locate(q *policy.Pool) {
	if !r.located {
		s := &r.scratch
		direct := !r.facts.GIAddr.IsValid()
		if direct {
			s.gate = append(s.gate[:0], r.req.Arrival.Interface...)
		} else {
			octets := r.facts.GIAddr.As4()
			s.gate = append(s.gate[:0], octets[:]...)
		}
		s.port = pool.AppendPort(s.port[:0], r.relayInfo(), r.facts.GIAddr)
		r.at, r.located = r.view.Pools.Hashed(pool.From{Gate: s.gate, Port: s.port, Direct: direct}), true
	}
	r.at.Quota = nil
	if q != nil {
		r.at.Quota = &q.Quota
	}
}

// relayInfo returns what a relay said of the client, now or when it got its address.
func (r *Responder) relayInfo() []byte {
	if r.facts.Relay != nil {
		return r.facts.Relay
	}
	return r.relay
}

// isOffered reports whether a is on offer to the client.
func (r *Responder) isOffered(a netip.Addr) bool {
	toThis, _ := r.view.Pools.Offered(a, &r.facts.Client)
	return toThis
}
