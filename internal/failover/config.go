package failover

import (
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Role is which of the two a server is. It is fixed when the relationship is formed. The zero value is invalid.
type Role uint8

const (
	_ Role = iota
	// Primary speaks first, owns addresses that nobody ever used, and makes ended bindings free.
	Primary
	Secondary
)

// String returns the role in lower case.
func (r Role) String() string {
	switch r {
	case Primary:
		return "primary"
	case Secondary:
		return "secondary"
	}
	return "invalid"
}

// Protocol is what the partner speaks. The zero value is invalid.
type Protocol uint8

const (
	_ Protocol = iota
	// Lessor numbers its changes and says what each knew of the other's.
	Lessor
	// ISC is the draft alone, as ISC dhcpd 4 has it.
	ISC
)

// Config is what the operator says of a relationship.
type Config struct {
	Self, Partner binding.Member
	Role          Role
	Protocol      Protocol
	Relationship  string // its name: the same on both sides
	// Store is the identifier of our store, drawn when it was made.
	Store [16]byte
	// Parts are the configuration in pieces, which both compare at the greeting.
	Parts *Parts

	// MCLT is the maximum client lead time. A secondary of an ISC server takes that server's.
	MCLT time.Duration
	// AwaitedMCLT is one by which the partner may grant already, since both have the configuration that says it, and this server does
	// not know yet that the partner knows; 0: none. What is waited for is the longer of the two.
	AwaitedMCLT time.Duration
	// Guard is how long after its end a binding's address stays withheld.
	Guard time.Duration
	// Longest is the longest lifetime that any client may be granted; Infinite counts.
	Longest time.Duration
	// Split is how many of the 256 hash buckets the primary serves.
	Split int
	// LoadBalanceSecs is how long a client must have asked in vain until both answer it; 0 turns that override off.
	LoadBalanceSecs time.Duration
	// ReceiveTimer is the silence after which the partner counts as lost.
	ReceiveTimer time.Duration
	// Startup is how long a start waits for the partner's word.
	Startup time.Duration
	// MaxUnacked is how many messages with binding updates the partner may send before we have acknowledged one.
	MaxUnacked int
	// MaxSkew is the difference of the clocks above which grants stay within MCLT and an alarm is raised.
	MaxSkew time.Duration
	// AutoPartnerDown is how long COMMUNICATIONS-INTERRUPTED lasts until PARTNER-DOWN follows by itself; 0: never.
	AutoPartnerDown time.Duration
	// Without are rules that a test takes away to see that it is noticed.
	Without Rules
	// Seed makes the places of clients in the memory of DISCOVERs hard to guess.
	Seed uint64
}

func (c *Config) primary() binding.Member {
	if c.Role == Primary {
		return c.Self
	}
	return c.Partner
}

func (c *Config) secondary() binding.Member {
	if c.Role == Primary {
		return c.Partner
	}
	return c.Self
}
