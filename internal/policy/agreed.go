package policy

import (
	"bytes"
	"net/netip"
	"slices"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Which client an address is kept for is a change that waits until both members have it (CONFIG.md, Versions). Until then an
// address that the version before kept stays that client's, from either member; one that only the newer version keeps is its
// owner's to give.

// Await makes d, which p placed, one that waits for what agreed, the last version that both members adopted, does not have yet. f
// are the client's facts with its link in agreed; nil: it is none there.
func (p *Policy) Await(agreed *Policy, f *Facts, d *Decision) {
	d.agreed = agreed
	if h, a := agreed.keeps(f, d); h != nil && d.Link.Network.Has(a) && !p.isRelay(a) {
		d.keeper, d.Reserved = h, a
		return
	}
	switch a := d.Reserved; {
	case !a.IsValid():
	case agreed.ReservedFor(a) != nil: // another client's, as far as the other member knows
		d.Reserved, d.keeper = netip.Addr{}, nil
	default:
		d.waits = true
	}
}

// keeps returns the address that p keeps for the client on its link, and for which host; nil if none.
func (p *Policy) keeps(f *Facts, d *Decision) (*Host, netip.Addr) {
	if f.Link == nil {
		return nil, netip.Addr{}
	}
	f.readRelay()
	if h := p.hosts.of(f, d); h != nil && h.fits(f.Link.Network) == 2 {
		return h, h.Address
	}
	return nil, netip.Addr{}
}

// Waits reports whether d's reservation is one that the other member has not got yet: it is given by the owner of its address.
func (d *Decision) Waits() bool { return d.waits }

// IsMachine reports whether c is the machine that d's reservation is for (Host.IsMachine).
func (d *Decision) IsMachine(c *binding.Client) bool { return d.keeper != nil && d.keeper.IsMachine(c) }

// Kept reports whether a is kept for some host: as both members have it, or by p alone.
func (p *Policy) Kept(d *Decision, a netip.Addr) bool {
	return p.ReservedFor(a) != nil || d.agreed != nil && d.agreed.ReservedFor(a) != nil
}

// MayKeep reports whether a client that has a may have it further: as May, and a reservation that waits takes it from nobody.
func (p *Policy) MayKeep(d *Decision, a netip.Addr) bool {
	if p.May(d, a) {
		return true
	}
	return d.agreed != nil && d.agreed.ReservedFor(a) == nil && !p.isRelay(a) && d.PoolOf(a) != nil
}

func (p *Policy) isRelay(a netip.Addr) bool {
	_, is := p.relays[a]
	return is
}

// EachKeptOtherwise calls each with the addresses that p and q do not keep for the same host, or that one of the two keeps for
// nobody.
func (p *Policy) EachKeptOtherwise(q *Policy, each func(netip.Addr)) {
	for a, h := range p.hosts.byAddress {
		if o := q.hosts.byAddress[a]; o == nil || !h.sameClient(o) {
			each(a)
		}
	}
	for a := range q.hosts.byAddress {
		if p.hosts.byAddress[a] == nil {
			each(a)
		}
	}
}

// sameClient reports whether h and o mean the same clients.
func (h *Host) sameClient(o *Host) bool {
	return h.hardware == o.hardware && bytes.Equal(h.clientID, o.clientID) && bytes.Equal(h.circuitID, o.circuitID) &&
		bytes.Equal(h.remoteID, o.remoteID) && bytes.Equal(h.subscriberID, o.subscriberID) &&
		slices.EqualFunc(h.options, o.options, func(x, y binding.Fact) bool { return x.Code == y.Code && bytes.Equal(x.Value, y.Value) })
}
