package config

import (
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// Document is an operator's document, parsed and validated, with every default filled in. It is immutable.
type Document struct {
	File       string // the name it was read under, for positions
	Source     []byte // the document as it was written
	Server     Server
	Enterprise Scope     // layer 2
	Networks   []Network // layers 6 to 8, in ascending order of name
	Hosts      []Host    // layer 13, in ascending order of name
	Accept     Accept    // layer 14
	// Registry has the standard options and those that the document defines.
	Registry *option.Registry
	// Digest names the group part of the document in canonical form (everything but Server): equal meaning, equal
	// digest, whatever the order of map keys, the comments and the way in which a value is written.
	Digest binding.Digest
}

// Position is a place in the document. The zero value means that the value is a default.
type Position struct{ Line, Column int }

// Server is the machine's own part, which is never replicated.
type Server struct {
	Name       binding.Member // empty: the machine's name up to its first dot, which the caller knows (see As)
	Interfaces []string       // where clients are heard directly; empty: every interface with an address
	Listen     []netip.Addr   // addresses for relayed and unicast packets; empty: those of the interfaces
	Data       string         // directory of the durable state; DefaultData if the document does not say
	Position   Position
}

// Scope is what every layer from 2 to 13 may set. What it does not set is left to weaker layers.
type Scope struct {
	Options    []Setting // in ascending order of code
	Lease      Lease
	NextServer netip.Addr // siaddr; invalid: not set
	// BootFileName and ServerHostname go into the header's fields, or options 67 and 66 where those are overloaded.
	BootFileName, ServerHostname string
	// Authoritative says whether a client that asks for an address of which there is no record is told no
	// (DHCPNAK), rather than nothing (RFC 2131 §4.3.2). nil: not set; the default is false.
	Authoritative *bool
	// ConflictProbe is how long an answer to an ICMP echo is waited for before an address is offered on a directly
	// attached link; 0 switches it off. nil: not set; the default is 300 ms.
	ConflictProbe *time.Duration
	// RapidCommit says whether a DISCOVER that asks for it is answered by an ACK at once (RFC 4039). nil: not set;
	// the default is true.
	RapidCommit   *bool
	Position      Position
	LinePositions map[string]Position // where each key of the scope other than options stands, by its name
}

// Setting is one option in one layer.
type Setting struct {
	Def      option.Def
	Value    []byte // as on the wire, whole, without code and length
	Position Position
}

// Lease bounds the lifetime of a lease. A zero duration means not set. binding.Infinite never ends.
type Lease struct {
	Default, Min, Max time.Duration
	Position          Position
}

// Network is a shared network: the subnets of one link.
type Network struct {
	Name string
	Scope
	// Interfaces are the names of this server's interfaces on the link, where their addresses do not tell.
	Interfaces []string
	// ByMember holds the interfaces of each member where the document names them so, and Interfaces are those of
	// Server.Name then; nil where the document has one list for all.
	ByMember map[binding.Member][]string
	Subnets  []Subnet // in ascending order of prefix
}

// Subnet is a range of addresses with one mask.
type Subnet struct {
	Prefix netip.Prefix
	Scope
	Relays []netip.Addr // further relay addresses (giaddr) that belong to the link
	// RelayPositions says where each of Relays stands.
	RelayPositions []Position
	Pools          []Pool // in the order of the document
}

// Pool is a range that addresses may be leased from.
type Pool struct {
	First, Last netip.Addr
	Scope
	// Allow and Deny name classes. A client may use the pool if it is in one of Allow (or Allow is empty) and in none
	// of Deny. The built-in classes are KNOWN (some host entry matches the client) and UNKNOWN.
	Allow, Deny []string
}

// The built-in classes.
const (
	ClassKnown   = "known"
	ClassUnknown = "unknown"
)

// Host is a reservation: all of the identifiers that it has must match.
type Host struct {
	Name string
	Scope
	Hardware  binding.Hardware // zero: not asked for
	ClientID  []byte           // option 61; nil: not asked for
	CircuitID []byte           // option 82.1; nil: not asked for
	RemoteID  []byte           // option 82.2; nil: not asked for
	Address   netip.Addr       // invalid: options only
	// AddressPosition is where the address stands.
	AddressPosition Position
}

// Accept is what a client may suggest (layer 14).
type Accept struct {
	HostName bool // option 12 of the client is stored, and sent back if it asks for it
	// LeaseMin and LeaseMax bound a lifetime that the client asks for; both 0: it may only shorten.
	LeaseMin, LeaseMax time.Duration
	Position           Position
}
