package binding

import "time"

// Sync is what a failover relationship knows of a binding. The zero Sync is that of a server alone.
type Sync struct {
	// Potential is the latest end of the lease that the partner was told, or is to be told, that we may tell the client
	// (the draft's potential-expiration-time).
	Potential time.Time
	// Acked is the latest potential end that both servers are known to have on disk: one of ours that the partner
	// acknowledged, or one of the partner's that we did.
	Acked time.Time
	// Ours is our last change of the binding, Theirs the partner's last one that is in it. Together they say whether one
	// of two records knows of the other. Neither ever descends.
	Ours, Theirs Sequence
	Marks        Marks
}

// Sequence numbers the changes of one server in their order, through all its starts: an epoch, which ascends with each,
// and a count. Zero is before all.
type Sequence uint64

const countBits = 40

// SequenceOf returns the sequence with this epoch and count.
func SequenceOf(epoch, count uint64) Sequence {
	return Sequence(epoch<<countBits | count&(1<<countBits-1))
}

// Epoch returns the start of its server that s belongs to.
func (s Sequence) Epoch() uint64 { return uint64(s >> countBits) }

// Count returns the place of s within its epoch.
func (s Sequence) Count() uint64 { return uint64(s) & (1<<countBits - 1) }

// Marks say how far the partner knows a binding.
type Marks uint8

const (
	// Pending: our last change is not acknowledged.
	Pending Marks = 1 << iota
	// Sent: our last change was sent, or may have been.
	Sent
	// Private: of all that happened to the binding since its address was free and ours, nothing was ever sent.
	Private
	// Ceded: the binding ended, and either server has acknowledged that to the other. Its client has no claim any more.
	Ceded
)

// Has reports whether all of m are set.
func (s Marks) Has(m Marks) bool { return s&m == m }
