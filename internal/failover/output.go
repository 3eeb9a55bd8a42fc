package failover

import (
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Output is what is to be done after a step, in the order in which it is done. Steps append to it; it is emptied and used
// again. What it refers to is valid until Reset.
type Output struct {
	// Persist is the relationship's record where it changed; it is durable before anything below is done.
	Persist *Record
	// Changes are put into the view at once and committed.
	Changes []Change
	// Send goes to the partner, in this order, when Persist and all changes of this and of earlier steps are durable.
	Send []Envelope
	// Close ends the connection, after Send; empty: it stays. The endpoint has let go of it already.
	Close string
	// Connect says whether a connection to the partner is wanted.
	Connect bool
	// Terms are those on which clients may be answered from now on.
	Terms Terms
	// Wake is when Tick is due at the latest; it may be in the past: at once.
	Wake time.Time
	// Notes are for operators.
	Notes []Note

	octets  []byte
	updates []Update
}

// Change is a binding that takes the place of what was known of its prefix.
type Change struct {
	Binding binding.Binding
	// Due is when Lapse is to be asked about it; the zero time: never.
	Due time.Time
	// Quiet says that only Due is another one: it need not be committed.
	Quiet bool
	// Sync says that only Sync and Past are others: what the two know of the binding, and not what is known of its client.
	Sync bool
}

// Terms are those on which clients may be answered.
type Terms struct {
	// Known says whether a client with a known binding (Endpoint.Known) is answered.
	Known bool
	// New says whether other clients are, with an address that Endpoint.MayGive.
	New bool
	// Balanced says that of those only the ones are that Endpoint.Serves.
	Balanced bool
	// OwnShareFrom is from when on our own free addresses may be given; the zero time: at once.
	OwnShareFrom time.Time
	// PartnerShareFrom is from when on the partner's share may be used where our own has nothing left; the zero time: not.
	PartnerShareFrom time.Time
	// MCLT is the maximum client lead time that Endpoint.Grant uses.
	MCLT time.Duration
	// Waiting says in the operator's words what not all clients are answered for; empty if nothing.
	Waiting string
}

// NoteKind says what a Note is about. The zero value is invalid.
type NoteKind uint8

const (
	_ NoteKind = iota
	// StateChanged: we are in another state.
	StateChanged
	// PartnerChanged: the partner says that it is in another state.
	PartnerChanged
	// LinkClosed: the connection ended, or was refused.
	LinkClosed
	// LinkOpened: the two have greeted each other.
	LinkOpened
	// ConflictFound: two clients may have held an address at the same time.
	ConflictFound
	// UpdateRefused: the partner did not accept an update, or we did not accept its.
	UpdateRefused
	// SkewFound and SkewGone: the clocks differ by more than they may, and no longer.
	SkewFound
	SkewGone
	// StoreWentBack: a store lacks what it once had.
	StoreWentBack
	// ConfigurationDiffers: parts of the configuration differ that safety does not stand on.
	ConfigurationDiffers
	// CommandRefused: an operator's command was not carried out.
	CommandRefused
	// PartnerSilent and PartnerHeard: the partner does not answer the clients that are its own, and does again.
	PartnerSilent
	PartnerHeard
	// PromisesForgotten: a store was lost, and with it what its server promised in its last hours. Cause says of which addresses, and
	// until when that counts.
	PromisesForgotten
	// PartnerDismissed: the partner is no member of the group any more.
	PartnerDismissed
)

// Note is something that an operator should know.
type Note struct {
	Kind     NoteKind
	From, To State // StateChanged, PartnerChanged
	Cause    string
	Prefix   netip.Prefix   // ConflictFound, UpdateRefused
	Kept     binding.Client // ConflictFound: whose the address now is; where Cause says that it is neither's, who got it later
	Lost     binding.Client // and who may have held it too
	// ConflictFound: from when until when both may have held it, whether more clients did, and when it was found.
	// PromisesForgotten: until when what was forgotten may be held.
	Since, Until time.Time
	LostUntil    time.Time // ConflictFound: until when Lost may hold it
	Others       bool
	Found        time.Time
	Reason       Reason // UpdateRefused
}

// Reset empties o, keeping its memory.
func (o *Output) Reset() {
	*o = Output{Changes: o.Changes[:0], Send: o.Send[:0], Notes: o.Notes[:0], octets: o.octets[:0], updates: o.updates[:0]}
}

// keep returns a copy of b that is valid until Reset.
func (o *Output) keep(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	at := len(o.octets)
	o.octets = append(o.octets, b...) // where it moves, earlier copies stay where they are
	return o.octets[at:len(o.octets):len(o.octets)]
}

// own returns b with octets of its own.
func (o *Output) own(b *binding.Binding) binding.Binding {
	n := *b
	n.Client.ID, n.Facts.Own, n.Past = o.keep(b.Client.ID), o.keep(b.Facts.Own), o.keep(b.Past)
	return n
}
