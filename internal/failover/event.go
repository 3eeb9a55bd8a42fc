package failover

import (
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Event is something that happened: one of Tick, LinkUp, LinkDown, Received, Changed, PoolsChanged, Reconfigured,
// DeclareDown, Maintain, Dismissed.
type Event interface{ event() }

// Tick says that time has passed. It is due at Output.Wake.
type Tick struct{}

// LinkUp says that there is a connection to the partner, which has proved who it is. A connection before it is gone.
type LinkUp struct{}

// LinkDown says that the connection is gone.
type LinkDown struct{ Reason string }

// Received is a message of the partner.
type Received struct {
	Envelope
	// Sent is the time of sending by the partner's clock, as the message says it.
	Sent time.Time
}

// Changed says that bindings were stamped (Stamp, Lapse) and put into the view.
type Changed struct{}

// PoolsChanged says that the view's ranges are other ones now.
type PoolsChanged struct{}

// DeclareDown is the operator's word that the partner does not serve (MayDeclareDown says whether it is heard).
type DeclareDown struct {
	NeverServed bool   // nor has it ever served
	Forced      bool   // whatever speaks against it
	Reason      string // why it was forced
}

// Maintain begins (On) or ends an operator's pause. A server that is to end says On, too.
type Maintain struct{ On bool }

func (Tick) event()         {}
func (LinkUp) event()       {}
func (LinkDown) event()     {}
func (Received) event()     {}
func (Changed) event()      {}
func (PoolsChanged) event() {}
func (DeclareDown) event()  {}
func (Maintain) event()     {}

// View is what a step may look at: bindings, and the ranges that the two share. What it returns in slices is valid until
// the view changes, which it does not during a step.
type View interface {
	Get(p netip.Prefix) (binding.Binding, bool)
	// Scan is binding.Table's.
	Scan(from uint64, n int, each func(*binding.Binding) bool) (next uint64, done bool)
	// Covers reports whether a is in a range that the two share.
	Covers(a netip.Addr) bool
	// Ranges returns how many such ranges there are. They are numbered from 0.
	Ranges() int
	// FreeOf returns how many addresses of range i have a Free binding of this owner, are not reserved and not on offer;
	// EachFree calls each for these, the one that has been free for longest first, until it says false.
	FreeOf(i int, owner binding.Member) uint64
	EachFree(i int, owner binding.Member, each func(*binding.Binding) bool)
	// EachUnused calls each for the runs of addresses of range i that have no binding, are not reserved and not on offer,
	// ascending, until it says false.
	EachUnused(i int, each func(first, last netip.Addr) bool)
}
