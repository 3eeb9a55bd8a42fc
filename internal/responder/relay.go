package responder

import (
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// readRelay takes out of the relay agent information what the reply needs: the whole of it to echo (RFC 3046 §2.2), and
// the server identifier that the relay wants clients to see (RFC 5107 §4). It also reads the request list.
func (r *Responder) readRelay() {
	r.override, r.relay = netip.Addr{}, nil
	r.listed = policy.RequestList(r.req.Msg)
	info, ok := r.req.Msg.Option(uint16(option.CodeRelayInformation))
	if !ok {
		return
	}
	r.relay = info
	if r.req.Msg.GIAddr.IsUnspecified() {
		return // a switch's: it does not stand between client and server
	}
	if v, ok := dhcpv4.SubOption(info, option.RelayServerIdentifierOverride); ok && len(v) == 4 {
		r.override = netip.AddrFrom4([4]byte(v))
	}
}

// pastRelay reports whether the message came neither through a relay nor over the client's link: what it says of a relay is no relay's.
func (r *Responder) pastRelay() bool {
	return !r.req.Arrival.OnLink && r.req.Msg.GIAddr.IsUnspecified()
}

// recallRelay fills in what a relay said when the client got the address that it now speaks for itself from: a renewal
// goes past the relay, and whoever is known by its circuit stays who it is, be it that its lease has ended.
func (r *Responder) recallRelay() {
	m := r.req.Msg
	if r.relay != nil && !r.pastRelay() || !m.GIAddr.IsUnspecified() || m.CIAddr.IsUnspecified() {
		return
	}
	b, ok := r.view.Bindings.Get(host(m.CIAddr))
	if !ok || !r.holds(&b) && !(b.State == binding.Free && b.Client.Is(&r.facts.Client)) {
		return
	}
	r.facts.GIAddr, r.facts.Relay = b.Facts.GIAddr(), b.Facts.OwnOption(uint16(option.CodeRelayInformation))
}

// relayPort returns the port of the relay that a reply goes to: the one it sent from if it says so (RFC 8357 §5.2),
// else the server's.
func (r *Responder) relayPort() uint16 {
	if r.relay != nil && r.req.From.Port() != 0 {
		if _, ok := dhcpv4.SubOption(r.relay, option.RelaySourcePort); ok {
			return r.req.From.Port()
		}
	}
	return dhcpv4.ServerPort
}
