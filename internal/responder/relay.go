package responder

import (
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/policy"
	"github.com/lessor-dhcp/lessor/internal/pool"
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

// recallRelay fills in what a relay said when the client got the address that it now speaks for itself from: a renewal
// goes past the relay, and whoever is known by its circuit stays who it is.
func (r *Responder) recallRelay() {
	m := r.req.Msg
	if r.relay != nil || !m.GIAddr.IsUnspecified() || m.CIAddr.IsUnspecified() {
		return
	}
	b, ok := r.view.Bindings.Get(host(m.CIAddr))
	if !ok || !r.holds(&b) {
		return
	}
	r.facts.GIAddr = b.Facts.GIAddr()
	for code, v, rest, ok := binding.CutTLV(b.Facts.Own); ok; code, v, rest, ok = binding.CutTLV(rest) {
		if code == uint16(option.CodeRelayInformation) {
			r.facts.Relay = v
			return
		}
	}
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

// from returns where the client is: the relay or interface that it was heard through, and the port behind that, if the relay, or a
// switch, says which (RFC 3046 §3.1, §3.2).
func (r *Responder) from() pool.From {
	s := &r.scratch
	s.gate = append(s.gate[:0], r.req.Arrival.Interface...)
	if a := r.req.Msg.GIAddr; !a.IsUnspecified() {
		octets := a.As4()
		s.gate = append(s.gate[:0], octets[:]...)
	}
	s.port = s.port[:0]
	for _, code := range [...]byte{option.RelayCircuitID, option.RelayRemoteID} {
		if v, ok := dhcpv4.SubOption(r.relay, code); ok && len(v) > 0 {
			s.port = append(append(s.port, code, byte(len(v))), v...)
		}
	}
	if len(s.port) > 0 {
		s.port = append(s.port, s.gate...) // another relay's may have the same name
	}
	return pool.From{Gate: s.gate, Port: s.port}
}
