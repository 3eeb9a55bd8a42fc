package policy

import (
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// Arrival says how a message reached the server.
type Arrival struct {
	Interface string         // the name of the interface that heard it
	Addrs     []netip.Prefix // the addresses of that interface
	// OnLink says that its client is on that interface's link: it was not relayed, and it was broadcast or came from
	// an address of the link.
	OnLink bool
}

// Locate returns the subnet that a message's client is to be served from and, by it, the link (RFC 2131 §4.3.1): the
// relay's link selection (RFC 3527), else the subnet that was selected (RFC 3011), else the relay's address, else,
// for a client that already has an address and asks from it, that address, else the link of the interface: the network
// that names it, and the subnet that an address of the interface lies in. It returns nil and the reason where the document
// has no such link. Only a relay may select a link: a client could choose any.
func (p *Policy) Locate(m *dhcpv4.Message, a *Arrival) (*Subnet, string) {
	if s, ok := selected(m); ok && !m.GIAddr.IsUnspecified() {
		return p.link(s, "no subnet for the link that the relay selected")
	}
	if v, ok := m.Option(uint16(option.CodeSubnetSelection)); ok && len(v) == 4 {
		return p.link(netip.AddrFrom4([4]byte(v)), "no subnet for the subnet selection option")
	}
	if !m.GIAddr.IsUnspecified() {
		return p.link(m.GIAddr, "no subnet for the relay's address")
	}
	if !a.OnLink && !m.CIAddr.IsUnspecified() {
		return p.link(m.CIAddr, "no subnet for the client's address")
	}
	return p.onInterface(a)
}

// selected returns the address of the link that the message's relay selects.
func selected(m *dhcpv4.Message) (netip.Addr, bool) {
	info, _ := m.Option(uint16(option.CodeRelayInformation))
	return selectedLink(info)
}

// selectedLink returns the address of the link selection sub-option in relay agent information.
func selectedLink(info []byte) (netip.Addr, bool) {
	v, ok := dhcpv4.SubOption(info, option.RelayLinkSelection)
	if !ok || len(v) != 4 {
		return netip.Addr{}, false
	}
	return netip.AddrFrom4([4]byte(v)), true
}

func (p *Policy) link(a netip.Addr, otherwise string) (*Subnet, string) {
	if s, ok := p.relays[a]; ok {
		return s, ""
	}
	if s := p.SubnetOf(a); s != nil {
		return s, ""
	}
	return nil, otherwise
}

func (p *Policy) onInterface(a *Arrival) (*Subnet, string) {
	named := p.byInterface[a.Interface]
	for _, x := range a.Addrs {
		if s := p.SubnetOf(x.Addr()); s != nil && (named == nil || s.Network == named) {
			return s, ""
		}
	}
	if named != nil {
		return named.Subnets[0], ""
	}
	return nil, "no subnet for the interface"
}

// HasLink reports whether clients on the interface named name, with addresses addrs, are served.
func (p *Policy) HasLink(name string, addrs []netip.Prefix) bool {
	s, _ := p.onInterface(&Arrival{Interface: name, Addrs: addrs})
	return s != nil
}

// NetworkNamed returns the shared network of that name, nil if none.
func (p *Policy) NetworkNamed(name string) *Network { return p.byName[name] }

// Facts is what Resolve looks at: what the client said, and where.
type Facts struct {
	Link    *Subnet // where the client is (Locate)
	Client  binding.Client
	Options binding.OptionView
	GIAddr  netip.Addr // of the relay that it was heard through; invalid: directly
	// Relay is what a relay said of the client when it was last heard through one; nil: it is heard through one now, or never was, and
	// Options say it.
	Relay []byte

	relay                             []byte // option 82: Relay, else of Options
	circuitID, remoteID, subscriberID []byte
}

// readRelay splits what a relay said about the client.
func (f *Facts) readRelay() {
	info := f.Relay
	if info == nil {
		info, _ = f.Options.Option(uint16(option.CodeRelayInformation))
	}
	f.relay = info
	f.circuitID, _ = dhcpv4.SubOption(info, option.RelayCircuitID)
	f.remoteID, _ = dhcpv4.SubOption(info, option.RelayRemoteID)
	f.subscriberID, _ = dhcpv4.SubOption(info, option.RelaySubscriberID)
}
