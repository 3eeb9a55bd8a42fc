package policy

import (
	"bytes"
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Host is a reservation, compiled.
type Host struct {
	Name    string
	Address netip.Addr // invalid: options only

	hardware                          binding.Hardware
	clientID                          []byte
	circuitID, remoteID, subscriberID []byte
	options                           []binding.Fact // sent by the client with these values
	weight                            int            // how many identifiers it asks for
	order                             int            // by name
	scope                             scope
	addressReason                     []byte

	alike *Host // the next of those that the index finds by the same identifiers; nil: none
}

// matches reports whether the client has all the identifiers that h asks for.
func (h *Host) matches(f *Facts) bool {
	return (h.hardware.IsZero() || h.hardware == f.Client.Hardware) &&
		(h.clientID == nil || bytes.Equal(h.clientID, f.Client.ID)) &&
		(h.circuitID == nil || bytes.Equal(h.circuitID, f.circuitID)) &&
		(h.remoteID == nil || bytes.Equal(h.remoteID, f.remoteID)) &&
		(h.subscriberID == nil || bytes.Equal(h.subscriberID, f.subscriberID)) && h.said(f)
}

// said reports whether the client sent the options that h asks for.
func (h *Host) said(f *Facts) bool {
	for _, o := range h.options {
		if v, ok := f.Options.Option(o.Code); !ok || !saidSame(o.Code, v, o.Value) {
			return false
		}
	}
	return true
}

// IsMachine reports whether c is the machine that h means, as far as a client tells itself and not its relay, whatever
// name it goes by: it has h's hardware address, and h's client identifier if h has one (RFC 2131 §4.2 lets what boots
// a machine and what then runs on it identify themselves differently).
func (h *Host) IsMachine(c *binding.Client) bool {
	return !h.hardware.IsZero() && h.hardware == c.Hardware && (h.clientID == nil || bytes.Equal(h.clientID, c.ID))
}

// beats reports whether h is to be taken rather than o: more identifiers, then an address on the client's link before none,
// then the name that sorts first (CONFIG.md, Order). A host whose address is elsewhere is another link's, and comes last.
func (h *Host) beats(o *Host, n *Network) bool {
	if o == nil {
		return true
	}
	a, b := h.fits(n), o.fits(n)
	switch {
	case (a == 0) != (b == 0):
		return a > 0
	case h.weight != o.weight:
		return h.weight > o.weight
	case a != b:
		return a > b
	}
	return h.order < o.order
}

// fits says how well h's address suits the link: 2 on it, 1 none at all, 0 elsewhere.
func (h *Host) fits(n *Network) int {
	switch {
	case !h.Address.IsValid():
		return 1
	case n.Has(h.Address):
		return 2
	}
	return 0
}

// Has reports whether a lies in one of the link's subnets.
func (n *Network) Has(a netip.Addr) bool {
	for _, s := range n.Subnets {
		if s.Prefix.Contains(a) {
			return true
		}
	}
	return false
}

// ReservedFor returns the host that a is kept for, nil if none.
func (p *Policy) ReservedFor(a netip.Addr) *Host { return p.hosts.byAddress[a] }
