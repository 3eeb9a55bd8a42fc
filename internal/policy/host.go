package policy

import (
	"bytes"
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
)

// Host is a reservation, compiled.
type Host struct {
	Name    string
	Address netip.Addr // invalid: options only

	hardware            binding.Hardware
	clientID            []byte
	circuitID, remoteID []byte
	weight              int // how many identifiers it asks for
	order               int // by name
	scope               scope
	addressReason       []byte
}

// hostIndex finds the hosts that may match a client by one identifier each: the first that the host has of client
// identifier, hardware, circuit, remote.
type hostIndex struct {
	all        []*Host
	byClientID map[string][]*Host
	byHardware map[binding.Hardware][]*Host
	byCircuit  map[string][]*Host
	byRemote   map[string][]*Host
	byAddress  map[netip.Addr]*Host
}

func (x *hostIndex) build(hosts []config.Host) {
	x.byClientID, x.byCircuit, x.byRemote = map[string][]*Host{}, map[string][]*Host{}, map[string][]*Host{}
	x.byHardware, x.byAddress = map[binding.Hardware][]*Host{}, map[netip.Addr]*Host{}
	for i := range hosts {
		c := &hosts[i]
		h := &Host{Name: c.Name, Address: c.Address, hardware: c.Hardware, clientID: c.ClientID, circuitID: c.CircuitID, remoteID: c.RemoteID, order: i}
		h.scope = compileScope(&c.Scope, config.HostLayer, c.Name)
		h.addressReason = binding.AppendReason(nil, binding.Reason{Code: binding.ReasonAddress, Layer: config.HostLayer.String(), Object: c.Name, Line: uint32(c.AddressPosition.Line), Rule: "reserved"})
		x.add(h)
	}
}

func (x *hostIndex) add(h *Host) {
	x.all = append(x.all, h)
	for _, has := range []bool{!h.hardware.IsZero(), h.clientID != nil, h.circuitID != nil, h.remoteID != nil} {
		if has {
			h.weight++
		}
	}
	switch {
	case h.clientID != nil:
		x.byClientID[string(h.clientID)] = append(x.byClientID[string(h.clientID)], h)
	case !h.hardware.IsZero():
		x.byHardware[h.hardware] = append(x.byHardware[h.hardware], h)
	case h.circuitID != nil:
		x.byCircuit[string(h.circuitID)] = append(x.byCircuit[string(h.circuitID)], h)
	case h.remoteID != nil:
		x.byRemote[string(h.remoteID)] = append(x.byRemote[string(h.remoteID)], h)
	}
	if h.Address.IsValid() {
		x.byAddress[h.Address] = h
	}
}

// matches reports whether the client has all the identifiers that h asks for.
func (h *Host) matches(f *Facts) bool {
	return (h.hardware.IsZero() || h.hardware == f.Client.Hardware) &&
		(h.clientID == nil || bytes.Equal(h.clientID, f.Client.ID)) &&
		(h.circuitID == nil || bytes.Equal(h.circuitID, f.circuitID)) &&
		(h.remoteID == nil || bytes.Equal(h.remoteID, f.remoteID))
}

// IsMachine reports whether c is the machine that h means, as far as a client tells itself and not its relay, whatever
// name it goes by: it has h's hardware address, and h's client identifier if h has one (RFC 2131 §4.2 lets what boots
// a machine and what then runs on it identify themselves differently).
func (h *Host) IsMachine(c *binding.Client) bool {
	return !h.hardware.IsZero() && h.hardware == c.Hardware && (h.clientID == nil || bytes.Equal(h.clientID, c.ID))
}

// beats reports whether h is to be taken rather than o: an address on the client's link before none before one
// elsewhere, then more identifiers, then the name that sorts first (CONFIG.md, Order).
func (h *Host) beats(o *Host, n *Network) bool {
	if o == nil {
		return true
	}
	if a, b := h.fits(n), o.fits(n); a != b {
		return a > b
	}
	if h.weight != o.weight {
		return h.weight > o.weight
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

// hostOf returns the host entry of the client, nil if none matches.
func (p *Policy) hostOf(f *Facts) *Host {
	if len(p.hosts.all) == 0 {
		return nil
	}
	var best *Host
	n := f.Link.Network
	best = strongest(best, p.hosts.byClientID[string(f.Client.ID)], f, n)
	best = strongest(best, p.hosts.byHardware[f.Client.Hardware], f, n)
	best = strongest(best, p.hosts.byCircuit[string(f.circuitID)], f, n)
	return strongest(best, p.hosts.byRemote[string(f.remoteID)], f, n)
}

func strongest(best *Host, hs []*Host, f *Facts, n *Network) *Host {
	for _, h := range hs {
		if h.matches(f) && h.beats(best, n) {
			best = h
		}
	}
	return best
}

// ReservedFor returns the host that a is kept for, nil if none.
func (p *Policy) ReservedFor(a netip.Addr) *Host { return p.hosts.byAddress[a] }
