// Package peerwire is the bytes of the messages between two servers of a relationship: draft-ietf-dhc-failover-12 as ISC
// dhcpd 4 speaks it, and what two Lessors say beyond that in the draft's vendor-specific options (docs/protocol.md). It
// knows what was measured to end an ISC server, and never writes that. FREE and BACKUP, the draft's spelling of who owns
// a free address, exist here alone.
//
// Message is a message, Translator what failover means by it on one connection: whose a free address is, which records
// of a binding were said before.
//
// Parsing refers to the octets that arrived, building appends to a buffer, and neither allocates once its room has
// grown. The package never decides what to answer (failover), when to send, or over which connection (peer).
package peerwire

// Dialect is how a connection spells messages. The zero value is invalid.
type Dialect uint8

const (
	_ Dialect = iota
	// ISC is the draft as ISC dhcpd 3.1 to 4.4 reads and writes it: one binding a message, at most 2048 octets.
	ISC
	// Lessor is the draft with several bindings a message, and more in option 29.
	Lessor
)

// MaxSize returns the longest message of the dialect, in octets: what ISC accepts, or what the length field can say.
func (d Dialect) MaxSize() int {
	if d == Lessor {
		return 1<<16 - 1
	}
	return 2048
}

// MaxBindings is the most bindings that one message may have, so that a Message has a bound. To ISC it is one.
const MaxBindings = 256
