package class

import (
	"bytes"
	"net/netip"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// Hardware matches clients whose hardware address begins with the first bits of prefix, and is of the type; type 0 is
// any. A client without a hardware address never matches.
func Hardware(htype uint8, prefix []byte, bits int) *Match {
	prefix = bytes.Clone(prefix)
	bits = max(0, min(bits, 8*len(prefix)))
	whole, rest := bits/8, uint(8-bits%8)
	return &Match{simple: func(v *view) bool {
		h := &v.client.Identity.Hardware
		if htype != 0 && h.Type != htype || h.IsZero() || int(h.Len)*8 < bits {
			return false
		}
		addr := h.Bytes()
		return bytes.Equal(addr[:whole], prefix[:whole]) && (rest == 8 || addr[whole]>>rest == prefix[whole]>>rest)
	}}
}

// HardwareType matches clients on a kind of link (RFC 2131 §2: htype).
func HardwareType(htype uint8) *Match {
	return &Match{simple: func(v *view) bool { return v.client.Identity.Hardware.Type == htype }}
}

// Option matches clients whose option code begins with value; with whole, whose option is value.
func Option(code option.Code, value []byte, whole bool) *Match {
	value = bytes.Clone(value)
	return &Match{simple: func(v *view) bool {
		sent, ok := v.client.option(code)
		return ok && fits(sent, value, whole)
	}}
}

// UserClass matches clients that name a user class in option 77 (RFC 3004) that begins with value, or is it.
func UserClass(value []byte, whole bool) *Match {
	value = bytes.Clone(value)
	return &Match{simple: func(v *view) bool {
		sent, _ := v.client.option(option.CodeUserClass)
		all := dhcpv4.UserClassesOf(sent)
		for class, ok := all.Next(); ok; class, ok = all.Next() {
			if fits(class, value, whole) {
				return true
			}
		}
		return false
	}}
}

// Enterprise matches clients that name an enterprise in option 124 (RFC 3925 §3).
func Enterprise(number uint32) *Match {
	return &Match{simple: func(v *view) bool {
		sent, _ := v.client.option(option.CodeVIVendorClass)
		all := dhcpv4.EnterprisesOf(sent)
		for n, _, ok := all.Next(); ok; n, _, ok = all.Next() {
			if n == number {
				return true
			}
		}
		return false
	}}
}

// Relay matches clients with a sub-option of option 82 that begins with value, or is it.
func Relay(code uint8, value []byte, whole bool) *Match {
	value = bytes.Clone(value)
	return &Match{simple: func(v *view) bool {
		sent, ok := v.client.relay(code)
		return ok && fits(sent, value, whole)
	}}
}

// DomainSuffix matches clients whose domain is suffix or lies below it.
func DomainSuffix(suffix string) *Match {
	suffix = strings.ToLower(strings.Trim(suffix, "."))
	return &Match{simple: func(v *view) bool {
		domain, _ := v.text(domainText)
		at := len(domain) - len(suffix)
		return at >= 0 && string(domain[at:]) == suffix && (at == 0 || domain[at-1] == '.')
	}}
}

// Gateway matches clients that were heard through a relay whose address (giaddr) is in the prefix.
func Gateway(p netip.Prefix) *Match {
	return &Match{simple: func(v *view) bool { return p.Contains(v.client.GIAddr) }}
}

// All matches clients that every one of ms matches.
func All(ms ...*Match) *Match {
	return &Match{simple: func(v *view) bool {
		for _, m := range ms {
			if verdict, _ := m.evaluate(v); verdict != yes {
				return false
			}
		}
		return true
	}}
}

// Any matches clients that at least one of ms matches.
func Any(ms ...*Match) *Match {
	return &Match{simple: func(v *view) bool {
		for _, m := range ms {
			if verdict, _ := m.evaluate(v); verdict == yes {
				return true
			}
		}
		return false
	}}
}

func fits(sent, value []byte, whole bool) bool {
	if whole {
		return bytes.Equal(sent, value)
	}
	return bytes.HasPrefix(sent, value)
}
