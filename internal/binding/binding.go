package binding

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"time"
)

// Member is the name of a server among the members of its group.
type Member string

// Forever is the expiry of a lease without end (lifetime 0xffffffff on the wire). It is later than every other time.
var Forever = time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC)

// Infinite is the lifetime of a lease without end.
const Infinite = time.Duration(1<<63 - 1)

// Expiry returns from + d, in whole seconds rounded up, or Forever where d is Infinite or the sum is beyond Forever.
func Expiry(from time.Time, d time.Duration) time.Time {
	if d == Infinite {
		return Forever
	}
	t := from.Add(d)
	if r := t.Truncate(time.Second); r.Before(t) {
		t = r.Add(time.Second)
	}
	if t.After(Forever) {
		return Forever
	}
	return t
}

// Digest names a run of octets, or a version of the configuration, by its content: the first 16 octets of SHA-256.
type Digest [16]byte

// DigestOf returns the name of b.
func DigestOf(b []byte) Digest {
	s := sha256.Sum256(b)
	return Digest(s[:16])
}

// IsZero reports whether d names nothing.
func (d Digest) IsZero() bool { return d == Digest{} }

// String returns the digest in hexadecimal.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Binding is what this server knows of one address or prefix. It is a value and immutable once shared: a change is a
// new Binding put in its place. Times are whole seconds; the zero time means "never".
type Binding struct {
	// Prefix is what the binding is about: a single address (/32, /128) or a delegated prefix. It is masked.
	Prefix netip.Prefix
	State  State
	// Client is who has the address, or had it last; the zero Client on one that was never given to anybody.
	Client Client
	// Starts is when this client got the address, or, if it had lost it meanwhile, got it again.
	Starts time.Time
	// Expires is the end of what the client was told (Active, Expired), or of the quarantine (Abandoned).
	Expires time.Time
	// CLTT is the client's last transaction time (RFC 4388 §6.1).
	CLTT time.Time
	// Changed is when State became what it is (the draft's STOS).
	Changed time.Time
	// Owner may give a Free address to a new client. Empty in other states.
	Owner Member
	// Home is the member that first granted the address to this client.
	Home Member
	// Version is the configuration version that the last ACK was resolved under.
	Version Digest
	// Facts are what the client said in the request that led to the last ACK: Facts.Shared in common with others.
	Facts StoredFacts
	// Result is what the client was told (AppendResultHeader); nil if unknown.
	Result *Blob
	// Reasons says which layer each part of Result came from (AppendReason); nil if unknown.
	Reasons *Blob
	// Cause says in one word why State became what it is.
	Cause Cause
	// Sync is what the failover relationship knows of it (failover).
	Sync Sync
	// Past is who had the address before, as far as the partner has not heard of it, in failover's form; nil for nobody. It
	// has at most MaxPast octets.
	Past []byte
}

// MaxPast is how long Binding.Past is at most, in octets.
const MaxPast = 255

// Addr returns the first address of the prefix.
func (b *Binding) Addr() netip.Addr { return b.Prefix.Addr() }

// Holds reports whether c is the client that has the address or may still believe so: Active or Expired.
func (b *Binding) Holds(c *Client) bool {
	return (b.State == Active || b.State == Expired) && b.Client.Is(c)
}

// Cause is why a binding changed.
type Cause uint8

const (
	_ Cause = iota
	Granted
	Renewed
	LeaseExpired
	GuardPassed
	ClientReleased
	ClientDeclined
	ConflictFound
	QuarantineOver
	RecordDamaged
	ToldByPartner
	Balanced
	// ToldOlder: a lease whose client was told by a newer version of the configuration than the one behind its last answer, by a
	// server that this one could not hear.
	ToldOlder
)

var causeNames = [...]string{
	Granted: "granted", Renewed: "renewed", LeaseExpired: "lease expired", GuardPassed: "guard passed",
	ClientReleased: "released by its client", ClientDeclined: "declined by its client",
	ConflictFound: "answered a conflict probe", QuarantineOver: "quarantine over", RecordDamaged: "record damaged",
	ToldByPartner: "told by the partner", Balanced: "given to the other server to balance",
	ToldOlder: "told older while apart",
}

// String returns the cause in the operator's words.
func (c Cause) String() string {
	if int(c) < len(causeNames) {
		return causeNames[c]
	}
	return "unknown"
}
