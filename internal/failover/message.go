package failover

import (
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Envelope is a message as it goes over the connection: messages that ask have a number of their own, ascending from 0
// with each connection, those that answer have the number of what they answer. A BindingUpdate never has 0.
type Envelope struct {
	ID      uint32
	Message Message
}

// Message is one of Connect, ConnectAck, Report, Contact, BindingUpdate, BindingAck, UpdateRequest, UpdateDone,
// PoolRequest, PoolResponse, Disconnect.
type Message interface{ message() }

// Hello is what either server says of itself first.
type Hello struct {
	Relationship string
	Member       binding.Member // between Lessors
	MaxUnacked   int            // updates that the sender takes unacknowledged; 0 if it did not say
	ReceiveTimer time.Duration  // 0 if it did not say
	MCLT         time.Duration  // of the primary; 0 if it did not say
	Buckets      Buckets        // that the primary serves

	// Between Lessors: the sender's store and the last of its changes; the receiver's store as the sender knew it, and the
	// last of the receiver's changes that the sender has on disk.
	Store, PartnerStore [16]byte
	Last, Seen          binding.Sequence
	// Acknowledged is the last of the sender's changes that the receiver has acknowledged.
	Acknowledged binding.Sequence
	// LargestMCLT and LongestLifetime are those under which something may still be held, as far as the sender knows; 0 if it did not say.
	LargestMCLT, LongestLifetime time.Duration
	// Opening is the one that the sender is in; PartnerOpening the receiver's, as the sender was told it last.
	Opening, PartnerOpening Opening
	// Empty says that no address was ever used as far as the sender's store knows; Unmet that it has never had a partner.
	Empty, Unmet bool
	Parts        Told // of the configuration
}

// Connect is the primary's first message (CONNECT).
type Connect struct{ Hello }

// ConnectAck answers Connect; it refuses where Reason is not zero.
type ConnectAck struct {
	Hello
	Reason Reason
	Text   string
}

// Report says which state the sender is in (STATE). In Starting, State is the one that it had before.
type Report struct {
	State    State
	Starting bool
	Since    time.Time
	Cause    string // between Lessors, in words
}

// Contact says that the sender is there.
type Contact struct{}

// BindingUpdate tells of bindings; to an ISC server of one.
type BindingUpdate struct{ Updates []Update }

// Update is a binding as its sender has it: Sync.Ours is the sender's last change, Sync.Theirs the receiver's last one that
// is in it; both are zero where an ISC server sends it. What an ISC server does not say is zero. Where Last is valid, it is
// about every address from Prefix to Last that nobody ever used, and says who owns them.
type Update struct {
	Binding binding.Binding
	Last    netip.Addr
}

// BindingAck answers a BindingUpdate, for each of its bindings.
type BindingAck struct{ Acks []Ack }

// Ack accepts an update, or refuses it where Reason is not zero.
type Ack struct {
	Prefix netip.Prefix
	Ours   binding.Sequence // between Lessors: the update's Sync.Ours
	Reason Reason
	Text   string
}

// UpdateRequest asks for all that was not acknowledged (UPDREQ), or for everything (UPDREQALL).
type UpdateRequest struct{ All bool }

// UpdateDone says that everything that was asked for was acknowledged.
type UpdateDone struct{}

// PoolRequest asks for free addresses.
type PoolRequest struct{}

// PoolResponse says how many are given.
type PoolResponse struct{ Given int }

// Disconnect says why the sender closes the connection.
type Disconnect struct {
	Reason Reason
	Text   string
}

func (Connect) message()       {}
func (ConnectAck) message()    {}
func (Report) message()        {}
func (Contact) message()       {}
func (BindingUpdate) message() {}
func (BindingAck) message()    {}
func (UpdateRequest) message() {}
func (UpdateDone) message()    {}
func (PoolRequest) message()   {}
func (PoolResponse) message()  {}
func (Disconnect) message()    {}

// Reason is a reject-reason (draft §12.21). Zero accepts.
type Reason uint8

// The reasons that we say or act on.
const (
	IllegalAddress     Reason = 1
	FatalConflict      Reason = 2
	MissingInformation Reason = 3
	TimeMismatch       Reason = 4
	InvalidMCLT        Reason = 5
	Miscellaneous      Reason = 6
	DuplicateLink      Reason = 7
	InvalidPartner     Reason = 8
	OutdatedUpdate     Reason = 15
	LessCritical       Reason = 16
)
