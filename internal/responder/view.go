package responder

import (
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// maxRecords is how many bindings of one client are looked at for one message, those that it was last heard of with
// first: a client that collects addresses costs no more than others.
const maxRecords = 256

// freeFor reports whether a may be given to the client as far as bindings and offers go: nobody has it, or the client
// itself does, and it is not offered to anybody else. Our own addresses are never free.
func (r *Responder) freeFor(a netip.Addr) bool {
	if r.req.Own(a) {
		return false
	}
	b, ok := r.view.Bindings.Get(host(a))
	if ok && b.State != binding.Free && !r.holds(&b) && !r.sameMachine(a, &b) {
		return false
	}
	if _, withheld := r.Withheld[a]; withheld && !(ok && r.holds(&b)) {
		return false
	}
	if a == r.decision.Reserved { // offered to whom the reservation means, by whatever name
		return true
	}
	_, other := r.view.Pools.Offered(a, &r.facts.Client)
	return !other
}

// sameMachine reports whether b is the binding of the address that is reserved for the client's host entry, and its
// holder is that host under another name: a machine that boots by PXE without an identifier, or with another one than
// its operating system's, has its reserved address all the same.
func (r *Responder) sameMachine(a netip.Addr, b *binding.Binding) bool {
	return a == r.decision.Reserved && (b.State == binding.Active || b.State == binding.Expired) &&
		r.decision.IsMachine(&b.Client)
}

// heldByOther reports whether a client other than this one has a, or may still believe so.
func (r *Responder) heldByOther(a netip.Addr) bool {
	b, ok := r.view.Bindings.Get(host(a))
	return ok && (b.State == binding.Active || b.State == binding.Expired) && !b.Client.Is(&r.facts.Client)
}

// may reports whether the client may have a now: the configuration lets it, and nobody else has it.
func (r *Responder) may(a netip.Addr) bool {
	return r.decision.Link.Network.Has(a) && r.lets(a) && r.freeFor(a) && r.ours(a)
}

// lets reports whether the configuration lets the client have a.
func (r *Responder) lets(a netip.Addr) bool {
	if r.policy.May(r.decision, a) {
		return true
	}
	if r.Agreed == nil {
		return false
	}
	b, had := r.view.Bindings.Get(host(a))
	return had && r.holds(&b) && r.policy.MayKeep(r.decision, a)
}

// shouldMove reports whether the client is to leave a because another address is reserved for it, and free. For a reservation
// that waits for the other member nobody moves.
func (r *Responder) shouldMove(a netip.Addr) bool {
	x := r.decision.Reserved
	return x.IsValid() && x != a && !r.decision.Waits() && r.freeFor(x) && r.ours(x)
}

// hasAnother reports whether the client has another address than a on its link, or another one is reserved for it and
// free. An address that it once had does not count: it may since have one from a server that we know nothing of.
func (r *Responder) hasAnother(a netip.Addr) bool {
	if r.shouldMove(a) {
		return true
	}
	cur := r.view.Bindings.ByClient(&r.facts.Client)
	for range maxRecords {
		b, ok := r.view.Bindings.Next(&cur)
		if !ok {
			break
		}
		if r.holds(&b) && r.decision.Link.Network.Has(b.Addr()) {
			return true
		}
	}
	return false
}
