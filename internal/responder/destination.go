package responder

import (
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
)

// Destination is where a reply goes and how.
type Destination struct {
	To        netip.AddrPort
	From      netip.Addr // our address
	Interface int        // 0: as the routes say
	// Hardware, if not zero, is whom a frame goes to, without ARP.
	Hardware binding.Hardware
	// Broadcast says that the reply goes to everybody on the link.
	Broadcast bool
	// Stranger says that the client loses nothing that it has here if the reply does not get to it, or that it is not where it had it.
	Stranger bool
}

var everybody = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// destination says where the reply goes (RFC 2131 §4.1): to the relay; else to the address that the client has; else,
// for a refusal or a client that asks for it, to everybody; else by a frame to the client's hardware address. The client
// is believed to have what it says in ciaddr where the reply confirms it, else it could have replies sent to anybody.
func (r *Responder) destination(t dhcpv4.MessageType, yours netip.Addr) Destination {
	m := r.req.Msg
	d := Destination{From: r.req.ServerID, Stranger: true} // grant knows better
	client := func(a netip.Addr) netip.AddrPort { return netip.AddrPortFrom(a, dhcpv4.ClientPort) }
	if !m.GIAddr.IsUnspecified() {
		d.To = netip.AddrPortFrom(m.GIAddr, r.relayPort())
		return d
	}
	d.Interface = r.req.Interface
	switch {
	case t == dhcpv4.Nak && r.overRouter(): // a broadcast would not reach it
		d.To, d.Interface = client(m.CIAddr), 0
	case t == dhcpv4.Nak:
		d.To, d.Broadcast = client(everybody), true
	case m.Type() == dhcpv4.Inform:
		d.To = client(yours)
		if !r.req.Arrival.OnLink {
			d.Interface = 0
		}
	case !m.CIAddr.IsUnspecified() && m.CIAddr == yours:
		// On the link a frame needs no ARP: a survivor that answers a thousand clients of the other server at once would
		// overflow the machine's table of neighbours, which drops what it cannot hold.
		d.To, d.Hardware = client(yours), m.Hardware()
		if !r.req.Arrival.OnLink {
			d.Interface, d.Hardware = 0, binding.Hardware{}
		}
	case m.Broadcast() || yours.IsUnspecified() || m.Hardware().IsZero():
		d.To, d.Broadcast = client(everybody), true
	default:
		d.To, d.Hardware = client(yours), m.Hardware()
	}
	return d
}

// stayed reports whether the client is behind the relay where it was when it got b, or, as then, behind none.
func (r *Responder) stayed(b *binding.Binding) bool { return b.Facts.GIAddr() == r.facts.GIAddr }

// overRouter reports whether the client sent from its address on another link, without a relay.
func (r *Responder) overRouter() bool {
	return !r.req.Arrival.OnLink && r.req.Msg.GIAddr.IsUnspecified() && !r.req.Msg.CIAddr.IsUnspecified()
}
