package config

import (
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/class"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/pool"
)

// Document is an operator's document, parsed and validated, with every default filled in. It is immutable.
type Document struct {
	File          string // the name it was read under, for positions
	Source        []byte // the document as it was written
	Server        Server
	Group         Group
	Enterprise    Scope      // layer 2
	Intranets     []Intranet // layer 3, in ascending order of name
	ServerClasses []Named    // layer 4, in ascending order of name
	Servers       []Named    // layer 5, in ascending order of name, which is a member's
	Networks      []Network  // layers 6 to 8, in ascending order of name
	Classes       []Class    // layers 9 to 11, in the order of the document
	Domains       []Named    // layer 12, in ascending order of name: lower case, without a dot at the end
	Hosts         []Host     // layer 13, in ascending order of name
	Accept        Accept     // layer 14
	Precedence    Precedence
	// Registry has the standard options and those that the document defines.
	Registry *option.Registry
	// Digest names the group part of the document in canonical form (everything but Server): equal meaning, equal
	// digest, whatever the order of map keys, the comments and the way in which a value is written.
	Digest binding.Digest

	definitions []option.Def // the document's own options
}

// Position is a place in the document. The zero value means that the value is a default.
type Position struct{ Line, Column int }

// Server is the machine's own part, which is never replicated.
type Server struct {
	Name       binding.Member // empty: the machine's name up to its first dot, which the caller knows (see As)
	Interfaces []string       // where clients are heard directly; empty: every interface with an address
	Listen     []netip.Addr   // addresses for relayed and unicast packets; empty: those of the interfaces
	Data       string         // directory of the durable state; DefaultData if the document does not say
	API        API
	TLS        TLS
	Position   Position
}

// API is where the REST interface is to be.
type API struct {
	Listen   netip.AddrPort // invalid: nowhere but the unix socket in the data directory
	TLS      TLS            // the certificate that is shown; empty: one that the server makes for itself, where one is needed
	Names    []string       // by which it may be asked without TLS, in lower case, beside loopback addresses and localhost
	Position Position
}

// TLS names the files by which this server and the other members know each other: all of them, or none. An empty name is
// that of no file.
type TLS struct {
	Certificate, Key, Authority string
	Position                    Position
}

// Group is the servers that act as one. A document without the section is that of one server, and has a Group without
// members.
type Group struct {
	Name    string   // DefaultGroup if there are members and the document names no group
	Members []Member // in the order of the document
	// Primary is the member that Failover names so, else the first of Members; empty if there are none.
	Primary  binding.Member
	Failover Failover
	// OnTakeover holds for every layer and option that says nothing itself.
	OnTakeover Takeover
	Position   Position
}

// Member is one server of the group.
type Member struct {
	Name     binding.Member
	Peer     netip.AddrPort // where the other members reach it; invalid: not set
	Class    string         // its server class; empty: none
	Protocol string         // ProtocolLessor or ProtocolISC
	Position Position

	classPosition Position
	peerWritten   bool // rightly or wrongly
}

// The protocols that a member may speak.
const (
	ProtocolLessor = "lessor"
	ProtocolISC    = "isc-dhcpd"
)

// Failover is how two members share their work. Every field has its default filled in where the document says nothing.
type Failover struct {
	MCLT            time.Duration
	Split           int // hash buckets of the primary, 0 to 256
	LoadBalanceSecs int
	ReceiveTimer    time.Duration
	Startup         time.Duration
	Reconnect       time.Duration
	MaxUnacked      int
	MaxSkew         time.Duration
	Guard           time.Duration // 0: auto
	AutoPartnerDown time.Duration // 0: never
	Relationship    string        // empty: the group's name
	Position        Position
}

// Takeover says by whose configuration a member answers a client whose home is another member. The zero value says
// nothing: a weaker layer's holds.
type Takeover uint8

const (
	_ Takeover = iota
	// TakeoverHome: as the client's home would.
	TakeoverHome
	// TakeoverLocal: as the answering member does.
	TakeoverLocal
)

// Named is a layer's object that has nothing but a name and a scope.
type Named struct {
	Name string
	Scope
}

// Intranet is a named set of shared networks. No network is in two.
type Intranet struct {
	Name string
	Scope
	Networks []string // in the order of the document

	positions []Position // of Networks
}

// Class is a set of clients.
type Class struct {
	Name string
	Kind Layer // UserClass, VendorClass or HardwareClass
	Scope
	Match *class.Match
	// Text is the match as it is written, for people; in canonical form where it is a map.
	Text     string
	Priority int // of two classes of one place the one with the higher is stronger, whatever their order

	simple bool // the match is a map
	flawed bool // something in it is wrong
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
	RapidCommit *bool
	OnTakeover  Takeover
	// Quota is how much of a pool clients at one place may have: of the document, networks, subnets and pools alone, each in the place
	// of what the one before says.
	Quota         pool.Quota
	Position      Position
	LinePositions map[string]Position // where each key of the scope other than options stands, by its name
}

// Setting is one option in one layer.
type Setting struct {
	Def        option.Def
	Form       Form
	Value      []byte // as on the wire, whole, without code and length; nil if Form is Unset
	OnTakeover Takeover
	Position   Position
}

// Form is how an option meets what weaker layers say of it. The zero value is invalid.
type Form uint8

const (
	_       Form = iota
	Set          // it stands in their place
	Append       // it stands behind theirs
	Prepend      // it stands before theirs
	Merge        // a keyed list: its entries stand in the place of theirs with the same key, the others behind theirs
	Unset        // nobody gets the option, whatever they say
	Force        // as Set, and the client gets it whether it asks for it or not
)

var formNames = [...]string{Set: "set", Append: "append", Prepend: "prepend", Merge: "merge", Unset: "unset", Force: "force"}

// String returns the form's key in the document.
func (f Form) String() string {
	if int(f) < len(formNames) && formNames[f] != "" {
		return formNames[f]
	}
	return "invalid"
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
	// of Deny. The built-in classes are ClassKnown (some host entry matches the client) and ClassUnknown.
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
	// SubscriberID is option 82.6; nil: not asked for.
	SubscriberID []byte
	// Options are further options that the client must send, in ascending order of code, each with that very value.
	Options []binding.Fact
	Address netip.Addr // invalid: options only
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
