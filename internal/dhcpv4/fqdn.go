package dhcpv4

import (
	"bytes"

	"github.com/lessor-dhcp/lessor/internal/option"
)

// FQDN is what a client says of its name in option 81 (RFC 4702). The zero FQDN says nothing.
type FQDN struct{ value []byte }

var fqdnDef = option.Standard().ByCode(option.DHCPv4, option.CodeClientFQDN)

// ParseFQDN returns what option 81 says; false if it is not well formed, which includes labels of more than 63 octets.
// The FQDN refers to value.
func ParseFQDN(value []byte) (FQDN, bool) {
	if fqdnDef.Check(value) != nil {
		return FQDN{}, false
	}
	return FQDN{value}, true
}

// Flags returns the flags that the client set, those that mean nothing left out.
func (f FQDN) Flags() uint8 {
	if len(f.value) == 0 {
		return 0
	}
	return f.value[0] & (option.FQDNServerUpdates | option.FQDNOverridden | option.FQDNWire | option.FQDNNoUpdates)
}

// AppendName appends the name as text, escaped where it is no host name; a whole name ends in a dot. Nothing is
// appended where the client asks for a name.
func (f FQDN) AppendName(dst []byte) []byte {
	if len(f.value) == 0 {
		return dst
	}
	return option.AppendFQDNText(dst, f.value)
}

// Updates says which DNS records a server updates for a client.
type Updates uint8

const (
	_ Updates = iota
	// NoUpdates: none. The client may do all of it itself.
	NoUpdates
	// UpdatesAsAsked: PTR unless the client set N, and A too if it set S.
	UpdatesAsAsked
)

// AppendAnswer appends the option as a server answers it (RFC 4702 §4): in the client's encoding, with the client's
// name, which gets domain behind it if it is only a partial one and domain is not empty.
func (f FQDN) AppendAnswer(dst []byte, u Updates, domain []byte) []byte {
	asked := f.Flags()
	flags := asked & option.FQDNWire
	switch {
	case u == NoUpdates || asked&option.FQDNNoUpdates != 0:
		flags |= option.FQDNNoUpdates
	default:
		flags |= asked & option.FQDNServerUpdates
	}
	if (asked^flags)&option.FQDNServerUpdates != 0 {
		flags |= option.FQDNOverridden
	}
	head := append(dst, flags, 255, 255)
	if len(f.value) < 3 {
		return head
	}
	if out, ok := f.appendWhole(head, domain); ok {
		return out
	}
	return append(head, f.value[3:]...)
}

// appendWhole appends the name with domain behind it; false if the name is whole or empty, or the two do not fit.
func (f FQDN) appendWhole(dst, domain []byte) ([]byte, bool) {
	name := f.value[3:]
	if len(name) == 0 || len(domain) == 0 {
		return dst, false
	}
	n := len(dst)
	if f.Flags()&option.FQDNWire == 0 {
		if bytes.IndexByte(name, '.') >= 0 || bytes.IndexByte(name, 0) >= 0 {
			return dst, false
		}
		out := append(append(append(dst, name...), '.'), domain...)
		return out, len(out)-n <= option.MaxName
	}
	if _, err := option.CutName(name); err == nil {
		return dst, false
	}
	out, err := option.AppendName(append(dst, name...), domain)
	return out, err == nil && len(out)-n <= option.MaxName
}
