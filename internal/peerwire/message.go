package peerwire

import (
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
)

// HeaderSize is the length of a message's header, in octets: length (2), type (1), payload offset (1), time (4), xid (4).
const HeaderSize = 12

// Message is one message. Fields that its type does not have are zero, and mean nothing when it is written. Octets that
// it refers to are the buffer's that it was parsed from; it is made to be parsed into again and again.
type Message struct {
	Type Type
	// XID is the sender's number of the message, or of the one that this answers (Type.IsAnswer). It begins at 0 on each
	// connection; a BNDUPD has never 0.
	XID uint32
	// Time is when the message was sent.
	Time time.Time
	// Has says which of the options in Handshake, Report, Transferred, Reason, Text and Digest were said.
	Has Set

	Handshake   Handshake    // CONNECT, CONNECTACK
	Report      Report       // STATE
	Transferred uint32       // POOLRESP: addresses that now belong to who asked
	Reason      RejectReason // CONNECTACK that refuses, DISCONNECT
	Text        []byte       // the same, and STATE between Lessors: the cause, in words
	Digest      Digest       // any message; it is read, and never checked or written
	Updates     []Update     // BNDUPD: one or more
	Acks        []Ack        // BNDACK: one or more
}

// Handshake is what the two servers say of themselves first. Message.Has says which of it was said.
type Handshake struct {
	Relationship []byte
	// MaxUnacked is how many binding updates the sender takes before it has acknowledged one. An ISC server that is not
	// told never sends any.
	MaxUnacked uint32
	// ReceiveTimer is after how long without a message the sender takes the partner for lost. An ISC server sends
	// CONTACT every third of it in whole seconds; one that is told less than three does nothing else any more.
	ReceiveTimer time.Duration
	MCLT         time.Duration
	VendorClass  []byte
	Version      uint8 // of the protocol: 1
	TLSRequest   uint8
	TLSReply     uint8
	// Buckets are the hash buckets that the primary serves (RFC 3074 §6): 32 octets where it is right.
	Buckets        []byte
	DelayedService uint8 // seconds
	Extended       Extended
}

// Extended is what two Lessors say beyond the draft's handshake.
type Extended struct {
	Member []byte // the sender's name
	Past   Past   // the sender's store, and the last update that it has numbered
	Seen   Past   // the receiver's store as the sender knew it, and the last update of it that the sender has durably
	Head   binding.Digest
	// Opening is the sender's opening of its store, and SeenOpening the receiver's, as the sender was told it last.
	Opening, SeenOpening Opening
	// Acknowledged is the last update of the sender that the receiver has acknowledged.
	Acknowledged Sequence
	Held         Held
	// History says what the sender's store has been through.
	History History
	// Parts are the parts of the sender's configuration, of each kind all or none: for CutPart.
	Parts []byte
	Room  Room
	// Vital and Other name all parts of either kind, and the sketches stand for those of which there are too many to list.
	Vital, Other             Sum
	VitalSketch, OtherSketch []byte
}

// Past is how far a store has come. The number of a store's openings ascends, that of its updates within one opening.
type Past struct {
	Store    [16]byte // drawn when it was made
	Sequence Sequence
}

// Opening is one opening of a store: its number, and what tells it from another one with that number.
type Opening struct{ Number, Nonce uint64 }

// Sequence orders the changes of one server: by its openings of the store, then by number. Zero is before all.
type Sequence struct{ Epoch, Number uint64 }

// History is what a store has been through.
type History uint8

const (
	// HasHead says that the sender has adopted a version of the group's configuration.
	HasHead History = 1 << iota
	// Founder says that the sender's store holds the group's founding record.
	Founder
	// NeverServed says that the sender's store holds no address that was ever used.
	NeverServed
	// NeverMet says that the sender has never greeted a partner.
	NeverMet
)

// Held is the largest MCLT, and the longest lifetime, under which a client may still hold something, as far as the sender knows.
type Held struct{ MCLT, Lifetime time.Duration }

// Room is how much the sender takes in one message.
type Room struct {
	Octets   uint16
	Bindings uint16
}

// Report is what a STATE says.
type Report struct {
	State ServerState
	Flags ServerFlags
	Since time.Time // when the state was entered
}

// Digest is option 17.
type Digest struct {
	Type  uint8
	Value []byte
}

// DDNS is option 9. To send it to an ISC server ends the connection.
type DDNS struct {
	Flags uint16
	Name  []byte // as in DNS messages (RFC 1035 §3.1)
}

// Update is one binding of a BNDUPD. Has says which of it was said; times that were not, or that were said as 0, are
// the zero time. A message may have many (draft §7.1): each begins with its address.
type Update struct {
	Has     Set
	Address netip.Addr
	Status  Status
	// ClientID is option 61 whole; a client that has none sent none.
	ClientID []byte
	// Hardware may have a type and no address (RFC 4390).
	Hardware binding.Hardware
	Flags    IPFlags
	// Expires is when the lease ends that the client was told, PotentialExpiry the latest end that the sender may tell
	// it. An ISC server says 0 or something past for PotentialExpiry of a lease that its partner has granted: that says
	// nothing, and neither may ever lower what is known.
	Expires, PotentialExpiry time.Time
	// Since is when the binding came into its status; of an ISC server, when the client was last told of its lease.
	Since time.Time
	CLTT  time.Time
	// Request and Reply are DHCP options as DHCP has them: what the client asked with, what it was told. Only Lessors
	// fill them, so that AppendTLVs reads them.
	Request, Reply []byte
	DDNS           DDNS
	Detail         Detail

	// Fault is why this binding cannot be believed although the message can; nil if it can. What stands behind the fault
	// was not read.
	Fault *Malformed
}

// Detail is what a Lessor says of a binding beyond the draft. Octets that are named by a digest were sent before on the
// connection; both the octets and the digest may be there.
type Detail struct {
	// Sequence is the number of the change that the update tells of, in the order of the server that made it.
	Sequence Sequence
	// RangeEnd makes this an update of all addresses from Address to it, which nobody ever used.
	RangeEnd netip.Addr
	Starts   time.Time      // when this client got the address
	Version  binding.Digest // of the configuration that the result was resolved under
	Home     []byte         // the member that first granted the address to this client
	Cause    binding.Cause
	// RequestHead and ResultHead are what stands before the options in the record of what the client said and was told;
	// the digests name the whole records (AppendTLVs).
	RequestHead, ResultHead     []byte
	RequestDigest, ResultDigest binding.Digest
	Reasons                     []byte // as binding.AppendReason has them
	ReasonsDigest               binding.Digest
	// RequestOwn is what the client asked with and no other client does: DHCP options, as in Update.Request, which has the
	// others.
	RequestOwn []byte
	// Includes is the receiver's last change of the binding that is in this one.
	Includes Sequence
	// Earlier is who had the address before, as far as the sender knows and the receiver has not acknowledged to know.
	Earlier []byte
}

// Ack is one binding of a BNDACK. ISC reads more than the address and a refusal as something else than it says.
type Ack struct {
	Has      Set
	Address  netip.Addr
	Reason   RejectReason // zero where the update was accepted
	Text     []byte
	Sequence Sequence // between Lessors: of the update that this answers
	Wants    Wants    // between Lessors: accepted, but what a digest named is not here
	Fault    *Malformed
}

// Wants is what the sender of a BNDACK does not have although a digest named it.
type Wants uint8

const (
	WantsRequest Wants = 1 << iota
	WantsResult
	WantsReasons
)

// Sum names a set of parts.
type Sum struct {
	Count  uint32
	Digest binding.Digest
}

// Part is a piece of the configuration.
type Part struct {
	Vital  bool // safety stands on it
	Name   []byte
	Digest binding.Digest
	Says   []byte // for people; empty: not said
}

// AppendPart appends a part: flags (1: vital), the name behind its length, the digest, and what it says behind its length.
// Of either text at most 255 octets are written.
func AppendPart(dst []byte, p Part) []byte {
	var flags byte
	if p.Vital {
		flags = vitalPart
	}
	dst = appendShort(append(dst, flags), p.Name)
	return appendShort(append(dst, p.Digest[:]...), p.Says)
}

const vitalPart = 1

func appendShort(dst, b []byte) []byte {
	b = b[:min(len(b), 255)]
	return append(append(dst, byte(len(b))), b...)
}

// CutPart splits the first part off b; false if b is empty or cut short. Flags that are not known mean nothing.
func CutPart(b []byte) (p Part, rest []byte, ok bool) {
	if len(b) < failover.PartOverhead {
		return p, nil, false
	}
	p.Vital = b[0]&vitalPart != 0
	if p.Name, b, ok = cutShort(b[1:]); !ok || len(b) < len(p.Digest) {
		return p, nil, false
	}
	p.Digest = binding.Digest(b[:len(p.Digest)])
	p.Says, rest, ok = cutShort(b[len(p.Digest):])
	return p, rest, ok
}

func cutShort(b []byte) (short, rest []byte, ok bool) {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return nil, nil, false
	}
	n := 1 + int(b[0])
	return b[1:n], b[n:], true
}
