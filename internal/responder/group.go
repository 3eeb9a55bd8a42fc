package responder

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
)

// What a server that shares its addresses with another may do is asked of failover.Endpoint, here and nowhere else
// (DESIGN §3). A server alone may do all that its records and the configuration let it.

// holds reports whether the client has a claim to the address that b is about: a lease, or one that has just ended.
func (r *Responder) holds(b *binding.Binding) bool {
	if g := r.terms.Group; g != nil {
		return b.Client.Is(&r.facts.Client) && g.Known(b)
	}
	return b.Holds(&r.facts.Client)
}

// ours reports whether this server may give a to the client: it has a claim, it is reserved for it and both servers know that,
// or the address is this server's to give.
func (r *Responder) ours(a netip.Addr) bool {
	g := r.terms.Group
	if g == nil {
		return true
	}
	b, had := r.view.Bindings.Get(host(a))
	switch {
	case had && r.holds(&b), had && r.sameMachine(a, &b):
		return true
	case a == r.decision.Reserved:
		return r.keptFor(a, &b, had)
	case had:
		return g.MayGive(r.now, a, &b)
	}
	return g.MayGive(r.now, a, nil)
}

// keptFor reports whether this server may give the client the address that is reserved for it and that it does not have.
func (r *Responder) keptFor(a netip.Addr, b *binding.Binding, had bool) bool {
	if !had {
		b = nil
	}
	if r.decision.Waits() {
		return r.terms.Group.MayGive(r.now, a, b)
	}
	_, inPool := r.view.Pools.Of(a)
	return r.terms.Group.MayGiveReserved(r.now, a, b, inPool)
}

// maySayNo reports whether a client that may not have an address by what is known here can be told so: where another
// server may know better, it is left to that one.
func (r *Responder) maySayNo() bool {
	return r.terms.Group == nil || r.terms.Group.State() == failover.PartnerDown
}

// balanced reports whether a client that looks for an address is left to the other server (RFC 3074).
func (r *Responder) balanced() bool {
	g := r.terms.Group
	if g == nil || !r.terms.Balanced {
		return false
	}
	a := failover.Asking{Client: &r.facts.Client, Secs: r.secs(), PartnerHasFree: r.partnerHasFree()}
	return g.Serves(r.now, a) == failover.PartnersClient
}

// secs returns for how long the client says that it has been asking. Some write it in the other order of octets: a low octet of
// zero below a high one that is not is taken for that.
func (r *Responder) secs() time.Duration {
	s := r.req.Msg.Secs
	if s > 255 && s&255 == 0 {
		var b [2]byte
		binary.LittleEndian.PutUint16(b[:], s)
		s = binary.BigEndian.Uint16(b[:])
	}
	return time.Duration(s) * time.Second
}

// partnerHasFree reports whether the other server has an address for the client: its own, which both may give it, or a
// free one in a pool that it may use, and that is not left to clients elsewhere.
func (r *Responder) partnerHasFree() bool {
	if r.decision.Reserved.IsValid() && !r.decision.Waits() {
		return true
	}
	if held, _ := r.remembered(); held.IsValid() {
		return true
	}
	for _, q := range r.decision.Pools {
		if r.partnerSpares(q) {
			return true
		}
	}
	return false
}

// promise returns for how long the client is granted a, which the decision was settled for, and what the other server is
// to know of it. Every answer that grants time passes here.
func (r *Responder) promise(a netip.Addr) failover.Promise {
	want := r.decision.Lifetime
	g := r.terms.Group
	if g == nil {
		return failover.Promise{Lifetime: want, Expires: binding.Expiry(r.now, want)}
	}
	if b, had := r.view.Bindings.Get(host(a)); had {
		return g.Grant(r.now, &b, &r.facts.Client, want)
	}
	return g.Grant(r.now, nil, &r.facts.Client, want)
}
