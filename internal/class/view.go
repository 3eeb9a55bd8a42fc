package class

import (
	"bytes"
	"encoding/hex"

	"cel.dev/cel-go/common/types/ref"

	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// textual is a variable whose value is a text of the client's own.
type textual uint8

const (
	hardwareText textual = iota
	clientIDText
	vendorClassText
	userClassText
	hostNameText
	fqdnText
	domainText
	circuitIDText
	remoteIDText
	subscriberIDText
	giaddrText
	networkText
	textuals
)

// view is one client as conditions see it: what they look at is worked out once, when the first of them looks. It is
// used for one client after another, so that its buffers, and values that two clients share, need not be made again.
type view struct {
	client *Client
	texts  [textuals][]byte // valid where ready says so
	ready  uint32
	broken uint32            // texts that cannot be read
	own    [textuals][]byte  // what texts point to where they are not part of the message
	boxed  [textuals]ref.Val // texts as values of the language, of this client or one before

	registry *option.Registry
	options  optionMap
	relay    relayMap
	classes  kept // user_classes
}

// look makes v a view of c.
func (v *view) look(c *Client) {
	v.client = c
	v.ready, v.broken = 0, 0
	v.options.forget()
	v.relay.forget()
}

// use has v name options as r does.
func (v *view) use(r *option.Registry) {
	if v.registry == r {
		return
	}
	v.registry = r
	v.options.drop()
	v.relay.drop()
}

// text returns the value of a textual variable, empty where the client has none; false if what it sent cannot be read.
// The text is valid until v looks at another client.
func (v *view) text(t textual) ([]byte, bool) {
	bit := uint32(1) << t
	if v.ready&bit == 0 {
		v.ready |= bit
		text, ok := v.read(t)
		v.texts[t] = text
		if !ok {
			v.broken |= bit
		}
	}
	return v.texts[t], v.broken&bit == 0
}

func (v *view) read(t textual) ([]byte, bool) {
	c := v.client
	switch t {
	case hardwareText:
		if c.Identity.Hardware.IsZero() {
			return nil, true
		}
		return v.keep(t, appendOctets(v.own[t][:0], c.Identity.Hardware.Bytes())), true
	case clientIDText:
		return v.keep(t, appendOctets(v.own[t][:0], c.Identity.ID)), true
	case vendorClassText:
		return v.optionText(option.CodeVendorClass), true
	case userClassText:
		value, _ := c.option(option.CodeUserClass)
		all := dhcpv4.UserClassesOf(value)
		first, _ := all.Next()
		return first, true
	case hostNameText:
		return v.optionText(option.CodeHostName), true
	case fqdnText:
		return v.fqdn()
	case domainText:
		return v.keep(t, c.AppendDomain(v.own[t][:0])), true
	case circuitIDText:
		return v.relayText(option.RelayCircuitID), true
	case remoteIDText:
		return v.relayText(option.RelayRemoteID), true
	case subscriberIDText:
		return v.relayText(option.RelaySubscriberID), true
	case giaddrText:
		if !c.GIAddr.IsValid() {
			return nil, true
		}
		return v.keep(t, c.GIAddr.AppendTo(v.own[t][:0])), true
	case networkText:
		return v.keep(t, append(v.own[t][:0], c.Network...)), true
	}
	panic("class: a textual variable that nobody reads")
}

// keep remembers the buffer that a text was appended to, for the next client.
func (v *view) keep(t textual, text []byte) []byte {
	v.own[t] = text
	return text
}

func (v *view) optionText(code option.Code) []byte {
	value, _ := v.client.option(code)
	return trimText(value)
}

func (v *view) relayText(code uint8) []byte {
	value, _ := v.client.relay(code)
	return value
}

// trimText leaves out the zeros at the end that clients may send (RFC 2132 §2).
func trimText(b []byte) []byte { return bytes.TrimRight(b, "\x00") }

// fqdn returns the name in option 81 without the dot of the root.
func (v *view) fqdn() ([]byte, bool) {
	value, ok := v.client.option(option.CodeClientFQDN)
	if !ok {
		return nil, true
	}
	name, ok := dhcpv4.ParseFQDN(value)
	if !ok {
		return nil, false
	}
	text := v.keep(fqdnText, name.AppendName(v.own[fqdnText][:0]))
	return bytes.TrimSuffix(text, []byte(".")), true
}

// appendOctets appends octets as two digits each with colons between them.
func appendOctets(dst, b []byte) []byte {
	for i, c := range b {
		if i > 0 {
			dst = append(dst, ':')
		}
		dst = hex.AppendEncode(dst, []byte{c})
	}
	return dst
}
