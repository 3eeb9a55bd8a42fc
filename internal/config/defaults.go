package config

import (
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// What the document leaves out. Lifetimes have their defaults in layer 1 of the policy (4 h, at least 5 min, at most
// 24 h): they give way to whatever a document says, so `lease: {default: 20s}` alone means 20 s.
const (
	// DefaultData is the directory of the durable state where server.data does not name one.
	DefaultData = "/var/lib/lessor"
	// DefaultPrecedence is the profile of a document that names none.
	DefaultPrecedence = "native"
	// DefaultGroup is the name of a group that the document does not name.
	DefaultGroup = "lessor"
	// DefaultPeerPort is the port of a member whose peer names none: that of the failover draft.
	DefaultPeerPort = 647
	// DefaultAPIPort is the port of the REST interface where api.listen names none.
	DefaultAPIPort = 8067
	// DefaultAuthoritative is what holds where no layer sets authoritative: silence about addresses without a record.
	DefaultAuthoritative = false
	// DefaultConflictProbe is what holds where no layer sets conflict-probe.
	DefaultConflictProbe = 300 * time.Millisecond
	// DefaultRapidCommit is what holds where no layer sets rapid-commit.
	DefaultRapidCommit = true
)

// Limits of what a document may say. What is beyond them is an error with a position.
const (
	// MaxSize is the size of the largest document, in octets.
	MaxSize = 64 << 20
	// MaxDepth is how deep lists and maps may nest; the deepest legal document needs ten.
	MaxDepth = 64
	// MaxValues is about how many values a document may hold. It bounds the memory that reading takes: 200 octets each.
	MaxValues = 10_000_000
	// MaxProblems is how many errors, and how many warnings, are told at once.
	MaxProblems = 200
	// MaxListen is how many addresses a server may be told to listen on.
	MaxListen = 256
	// MaxMembers is how many members a group may have.
	MaxMembers = 64
	// MaxPriority is the highest priority of a class; the lowest is -MaxPriority.
	MaxPriority = 1_000_000
	// MaxClasses is how many classes a document may have.
	MaxClasses = 10_000
	// MaxName is the length of the longest name of a network, a class or a host, in octets.
	MaxName = 128
	// MinLease is the shortest lifetime: a client needs time to renew at half of it.
	MinLease = 5 * time.Second
	// MaxLease is the longest lifetime that has an end (RFC 2132 §9.2: 32 bits, all ones is infinite).
	MaxLease = 0xfffffffe * time.Second
	// MaxConflictProbe is the longest wait before an offer; a client gives up on a server after 4 s (RFC 2131 §4.1).
	MaxConflictProbe = 3 * time.Second
)

// defaultFailover is what holds of a relationship where the document says nothing.
//
// The canonical form leaves out what is as it is here, so these values belong to the format of the document: another
// default would give documents of before another meaning under the same digest.
func defaultFailover() Failover {
	return Failover{
		MCLT: time.Hour, Split: 128, LoadBalanceSecs: 3, ReceiveTimer: 10 * time.Second, Startup: 5 * time.Second,
		Reconnect: 5 * time.Second, MaxUnacked: 100, MaxSkew: 30 * time.Second,
	}
}

// withDefaults fills what d leaves out. The server's name is left to the caller, who knows the machine: see As.
func (d *Document) withDefaults() {
	if d.Server.Data == "" {
		d.Server.Data = DefaultData
	}
	if len(d.Group.Members) > 0 && d.Group.Name == "" {
		d.Group.Name = DefaultGroup
	}
	if len(d.Group.Members) == 1 && d.Server.Name == "" {
		d.Server.Name = d.Group.Members[0].Name
		*d = *d.As(d.Server.Name)
	}
}

// As returns the document as the member name has it: Server.Name is set, and Network.Interfaces are those of that
// member where the document names interfaces member by member. d stays as it is.
func (d *Document) As(name binding.Member) *Document {
	c := *d
	c.Server.Name = name
	c.Networks = append([]Network(nil), d.Networks...)
	for i := range c.Networks {
		if n := &c.Networks[i]; n.ByMember != nil {
			n.Interfaces = n.ByMember[name]
		}
	}
	return &c
}
