package responder

import (
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// freeFor reports whether a may be given to c as far as bindings and offers go: nobody has it, or c itself does, and
// it is not offered to anybody else.
func (v *View) freeFor(a netip.Addr, c *binding.Client) bool {
	if b, ok := v.Bindings.Get(host(a)); ok && b.State != binding.Free && !b.Holds(c) {
		return false
	}
	_, other := v.Pools.Offered(a, c)
	return !other
}

// heldByOther reports whether a client other than c has a, or may still believe so.
func (v *View) heldByOther(a netip.Addr, c *binding.Client) bool {
	b, ok := v.Bindings.Get(host(a))
	return ok && (b.State == binding.Active || b.State == binding.Expired) && !b.Client.Is(c)
}

// may reports whether the client may have a now: the configuration lets it, and nobody else has it.
func (r *Responder) may(a netip.Addr) bool {
	return r.decision.Link.Network.Has(a) && r.Policy.May(&r.decision, a) && r.view.freeFor(a, &r.facts.Client)
}

// shouldMove reports whether the client is to leave a because another address is reserved for it, and free.
func (r *Responder) shouldMove(a netip.Addr) bool {
	x := r.decision.Reserved
	return x.IsValid() && x != a && r.view.freeFor(x, &r.facts.Client)
}

// recorded reports whether there is a record of the client on its link: a binding that it has or had last, or a
// reservation.
func (r *Responder) recorded() bool {
	if r.decision.Reserved.IsValid() {
		return true
	}
	cur := r.view.Bindings.ByClient(&r.facts.Client)
	for {
		b, ok := r.view.Bindings.Next(&cur)
		if !ok {
			return false
		}
		if r.decision.Link.Network.Has(b.Addr()) {
			return true
		}
	}
}
