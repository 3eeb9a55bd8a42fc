// Package class decides whether a client belongs to a class: an expression or a few simple conditions over what the
// client said and where. It is pure. It knows no layers and no configuration; policy says what a class gives.
package class

import (
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// Client is what may be looked at: facts (DESIGN §1), and nothing that belongs to one packet.
type Client struct {
	Identity binding.Client
	// Options are those that the client sent.
	Options binding.OptionView
	// Relay is option 82, whole, of the message or as last heard; nil if none.
	Relay   []byte
	GIAddr  netip.Addr // invalid: heard directly
	Network string     // the shared network
	Known   bool       // some host entry matches the client
}

// option returns the value of an option, false if the client did not send it or no class may look at it. What facts keep
// elsewhere is taken from there, so that facts and the message that they were made of give the same answer.
func (c *Client) option(code option.Code) ([]byte, bool) {
	switch {
	case packetOnly(code):
		return nil, false
	case code == option.CodeClientID:
		return c.Identity.ID, len(c.Identity.ID) > 0
	case code == option.CodeRelayInformation:
		return c.Relay, c.Relay != nil
	case c.Options == nil:
		return nil, false
	}
	return c.Options.Option(uint16(code))
}

// relay returns a sub-option of option 82, false if there is none.
func (c *Client) relay(code uint8) ([]byte, bool) { return dhcpv4.SubOption(c.Relay, code) }

// packetOnly says which options are of one packet or kept elsewhere, so that no class may depend on them: the facts of a
// binding must give the same answer as its request did.
func packetOnly(code option.Code) bool {
	switch code {
	case option.CodeOverload, option.CodeMessageType, option.CodeServerIdentifier, option.CodeMaxMessageSize, option.CodeAuthentication:
		return true
	}
	return false
}
