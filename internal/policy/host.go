package policy

import (
	"bytes"
	"net/netip"
	"slices"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
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
}

// hostIndex finds the hosts that may match a client by one identifier each: the first that the host has of client
// identifier, hardware, circuit, remote, subscriber, option.
type hostIndex struct {
	all          []*Host
	byHardware   map[binding.Hardware][]*Host
	byClientID   map[string][]*Host
	byCircuit    map[string][]*Host
	byRemote     map[string][]*Host
	bySubscriber map[string][]*Host
	byOption     map[uint16]map[string][]*Host
	codes        []uint16 // of byOption, ascending
	byAddress    map[netip.Addr]*Host
}

func (x *hostIndex) build(hosts []config.Host) {
	x.byClientID, x.byHardware = make(map[string][]*Host), make(map[binding.Hardware][]*Host, len(hosts))
	x.byCircuit, x.byRemote, x.bySubscriber = make(map[string][]*Host), make(map[string][]*Host), make(map[string][]*Host)
	x.byOption, x.byAddress = make(map[uint16]map[string][]*Host), make(map[netip.Addr]*Host, len(hosts))
	x.all = make([]*Host, 0, len(hosts))
	for i := range hosts {
		c := &hosts[i]
		h := &Host{
			Name: c.Name, Address: c.Address, hardware: c.Hardware, clientID: c.ClientID, circuitID: c.CircuitID,
			remoteID: c.RemoteID, subscriberID: c.SubscriberID, options: c.Options, order: i,
		}
		h.scope = compileScope(&c.Scope, config.HostLayer, c.Name)
		h.addressReason = binding.AppendReason(nil, binding.Reason{Code: binding.ReasonAddress, Layer: config.HostLayer.String(), Object: c.Name, Line: uint32(c.AddressPosition.Line), Rule: "reserved"})
		x.add(h)
	}
}

func (x *hostIndex) add(h *Host) {
	x.all = append(x.all, h)
	for _, has := range []bool{!h.hardware.IsZero(), h.clientID != nil, h.circuitID != nil, h.remoteID != nil, h.subscriberID != nil} {
		if has {
			h.weight++
		}
	}
	h.weight += len(h.options)
	switch {
	case h.clientID != nil:
		x.byClientID[string(h.clientID)] = append(x.byClientID[string(h.clientID)], h)
	case !h.hardware.IsZero():
		x.byHardware[h.hardware] = append(x.byHardware[h.hardware], h)
	case h.circuitID != nil:
		x.byCircuit[string(h.circuitID)] = append(x.byCircuit[string(h.circuitID)], h)
	case h.remoteID != nil:
		x.byRemote[string(h.remoteID)] = append(x.byRemote[string(h.remoteID)], h)
	case h.subscriberID != nil:
		x.bySubscriber[string(h.subscriberID)] = append(x.bySubscriber[string(h.subscriberID)], h)
	case len(h.options) > 0:
		x.addByOption(h)
	}
	if h.Address.IsValid() {
		x.byAddress[h.Address] = h
	}
}

func (x *hostIndex) addByOption(h *Host) {
	o := h.options[0]
	if x.byOption[o.Code] == nil {
		x.byOption[o.Code] = make(map[string][]*Host)
		x.codes = append(x.codes, o.Code)
		slices.Sort(x.codes)
	}
	x.byOption[o.Code][string(o.Value)] = append(x.byOption[o.Code][string(o.Value)], h)
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
		if v, ok := f.Options.Option(o.Code); !ok || !bytes.Equal(v, o.Value) {
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
	best = strongest(best, p.hosts.byRemote[string(f.remoteID)], f, n)
	best = strongest(best, p.hosts.bySubscriber[string(f.subscriberID)], f, n)
	for _, code := range p.hosts.codes {
		if v, ok := f.Options.Option(code); ok {
			best = strongest(best, p.hosts.byOption[code][string(v)], f, n)
		}
	}
	return best
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
