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
	a := atom{subject: subject{kind: hardwarePrefix}, texts: [][]byte{bytes.Clone(prefix)}}
	a.bits = max(0, min(bits, 8*len(prefix)))
	if htype != 0 {
		a.numbers = []int64{int64(htype)}
	}
	return simple(a, reads{facets: hardwareFacet})
}

// HardwareType matches clients on a kind of link (RFC 2131 §2: htype).
func HardwareType(htype uint8) *Match {
	return simple(atom{subject: subject{kind: hardwareType}, relation: equals, numbers: []int64{int64(htype)}}, reads{facets: hardwareFacet})
}

// Option matches clients whose option code begins with value; with whole, whose option is value. Zeros at the end are no
// part of an option that is a text, and one user class is the same with its length before it (RFC 3004 §4) and as it is. An
// option that belongs to one packet is never there.
func Option(code option.Code, value []byte, whole bool) *Match {
	if other, ok := otherUserClass(value); ok && whole && code == option.CodeUserClass {
		both := newTexts(subject{kind: optionOctets, code: uint8(code)}, equals, bytes.Clone(value), other)
		return simple(both, readsOption(uint8(code)))
	}
	kind := optionOctets
	if t := option.Standard().ByCode(option.DHCPv4, code).Type; t.Kind == option.Text && !t.List {
		kind, value = optionTextOctets, trimText(value)
	}
	return simple(octets(subject{kind: kind, code: uint8(code)}, value, whole), readsOption(uint8(code)))
}

// otherUserClass returns the other of the two spellings of a single user class; false if there is none.
func otherUserClass(value []byte) ([]byte, bool) {
	all := dhcpv4.UserClassesOf(value)
	class, ok := all.Next()
	if _, more := all.Next(); !ok || more || len(class) == 0 || len(class) > 255 {
		return nil, false
	}
	if len(class) == len(value) {
		return append([]byte{byte(len(class))}, class...), true
	}
	return bytes.Clone(class), !option.IsCountedUserClass(class)
}

// UserClass matches clients that name a user class in option 77 (RFC 3004) that begins with value, or is it.
func UserClass(value []byte, whole bool) *Match {
	return simple(octets(subject{kind: anyUserClass}, value, whole), readsOption(option.CodeUserClass))
}

// Enterprise matches clients that name an enterprise in option 124 (RFC 3925 §3).
func Enterprise(number uint32) *Match {
	return simple(atom{subject: subject{kind: enterprises}, numbers: []int64{int64(number)}}, readsOption(option.CodeVIVendorClass))
}

// Relay matches clients with a sub-option of option 82 that begins with value, or is it.
func Relay(code uint8, value []byte, whole bool) *Match {
	var r reads
	r.relay.add(code)
	return simple(octets(subject{kind: relayOctets, code: code}, value, whole), r)
}

// DomainSuffix matches clients whose domain is suffix or lies below it.
func DomainSuffix(suffix string) *Match {
	suffix = strings.ToLower(strings.Trim(suffix, "."))
	return simple(newTexts(subject{kind: domainSuffix}, equals, []byte(suffix)), textReads(domainText))
}

// Gateway matches clients that were heard through a relay whose address (giaddr) is in the prefix.
func Gateway(p netip.Prefix) *Match {
	return simple(atom{subject: subject{kind: gatewayPrefix}, prefix: p.Masked()}, reads{facets: giaddrFacet})
}

// All matches clients that every one of ms matches.
func All(ms ...*Match) *Match { return joined(and, ms) }

// Any matches clients that at least one of ms matches.
func Any(ms ...*Match) *Match { return joined(or, ms) }

func simple(a atom, r reads) *Match { return newMatch(&node{op: test, atom: a}, r) }

func octets(s subject, value []byte, whole bool) atom {
	r := startsWith
	if whole {
		r = equals
	}
	return newTexts(s, r, bytes.Clone(value))
}

// joined puts matches together. Those that are simple become one tree; others are asked as they are.
func joined(op operator, ms []*Match) *Match {
	tree := &node{op: op}
	var r reads
	for _, m := range ms {
		r = r.union(m.reads)
		if m.program == nil {
			tree.kids = append(tree.kids, m.tree)
		} else {
			tree.kids = append(tree.kids, &node{op: nested, match: m})
		}
	}
	return newMatch(tree, r)
}

func readsOption(code uint8) (r reads) {
	r.options.add(code)
	return r
}

// textReads returns what a textual variable is made of.
func textReads(t textual) (r reads) {
	switch t {
	case hardwareText:
		r.facets = hardwareFacet
	case clientIDText:
		r.facets = clientIDFacet
	case vendorClassText:
		r.options.add(option.CodeVendorClass)
	case userClassText:
		r.options.add(option.CodeUserClass)
	case hostNameText:
		r.options.add(option.CodeHostName)
	case fqdnText:
		r.options.add(option.CodeClientFQDN)
	case domainText:
		r.options.add(option.CodeClientFQDN)
		r.options.add(option.CodeHostName)
	case circuitIDText:
		r.relay.add(option.RelayCircuitID)
	case remoteIDText:
		r.relay.add(option.RelayRemoteID)
	case subscriberIDText:
		r.relay.add(option.RelaySubscriberID)
	case giaddrText:
		r.facets = giaddrFacet
	case networkText:
		r.facets = networkFacet
	}
	return r
}
