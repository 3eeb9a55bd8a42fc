package peer

import "github.com/lessor-dhcp/lessor/internal/peerwire"

// Protocol is what is spoken on a connection. The zero value is invalid.
type Protocol uint8

const (
	_ Protocol = iota
	// Failover4 is the failover draft between Lessors (docs/protocol.md), within TLS.
	Failover4
	// Group is everything else of the group, within TLS: frames of up to MaxFrame octets, each behind its length.
	Group
	// ISC is the failover draft with an ISC dhcpd, over plain TCP.
	ISC
)

// MaxFrame is the length of the longest message of the protocol Group, in octets.
const MaxFrame = 1 << 20

var protocols = [...]struct{ name, alpn string }{
	Failover4: {"lessor-failover4/1", "lessor-failover4/1"},
	Group:     {"lessor-group/1", "lessor-group/1"},
	ISC:       {"isc-failover", ""},
}

// String returns the protocol's name, which between Lessors is what they agree on in the handshake (RFC 7301).
func (p Protocol) String() string {
	if int(p) < len(protocols) && protocols[p].name != "" {
		return protocols[p].name
	}
	return "invalid"
}

// betweenLessors are the protocols for each of which two Lessors may have a connection.
var betweenLessors = []Protocol{Failover4, Group}

// alpn returns the names of those that are spoken, and protocolOf what one of them names; the zero Protocol if none.
func alpn(spoken []Protocol) []string {
	names := make([]string, len(spoken))
	for i, p := range spoken {
		names[i] = protocols[p].alpn
	}
	return names
}

func protocolOf(name string, spoken []Protocol) Protocol {
	for _, p := range spoken {
		if protocols[p].alpn == name {
			return p
		}
	}
	return 0
}

// maxMessage returns the length of the longest message, in octets.
func (p Protocol) maxMessage() int {
	switch p {
	case Failover4:
		return peerwire.Lessor.MaxSize()
	case ISC:
		return peerwire.ISC.MaxSize()
	}
	return MaxFrame
}

// sound reports whether msg is one message of the protocol, as far as its length tells.
func (p Protocol) sound(msg []byte) bool {
	if p == Group {
		return len(msg) > 0 && len(msg) <= MaxFrame
	}
	whole, rest, err := peerwire.Cut(msg, p.maxMessage())
	return err == nil && whole != nil && len(rest) == 0
}
