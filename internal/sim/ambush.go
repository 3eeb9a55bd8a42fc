package sim

import (
	"time"

	"github.com/lessor-dhcp/lessor/internal/failover"
)

// Moment is when an ambush strikes.
type Moment uint8

// The moments.
const (
	MomentReply     Moment = iota // an answer to a client has left
	MomentDurable                 // a commit is durable, and told
	MomentBeforeAck               // just before a BNDACK leaves
	MomentHeard                   // a message of the other server has been taken
	MomentState                   // a server is in another state
	moments
	// The moments of hasty histories, besides.
	MomentBegun // a commit has begun
	MomentTold  // a message to the other server has left
	allMoments
)

// ambushes are the faults that can wait for a moment; behind the first of them, those of hasty histories.
var ambushes = [...]Kind{Crash, Kill, LinkReset, LinkCut, Freeze, DiskFails, PartnerDown, Maintenance, Wipe, Stop, DiskSlow, LanSplit}

const usualAmbushes = 8

// An ambush says in N what it waits for, and for what: the moment, the fault, whether it is the other server's, and, if not 0, the type
// of the message and the state that it must be about.
const (
	ambushKind    = 4
	ambushOther   = 8
	ambushMessage = 9
	ambushState   = 14
	ambushCut     = 18 // which way a connection is cut
	ambushClock   = 20 // somebody sets the clock back, too

	// messageGift is a type that no message has: an update that gives away addresses that nobody ever used.
	messageGift = 31
)

// what is which message or state a moment is about, 0: none.
type what struct {
	message byte
	state   failover.State
}

// typeOf returns the type of a message that has left, as an ambush waits for it.
func typeOf(e *failover.Envelope, msg []byte) byte {
	if u, ok := e.Message.(failover.BindingUpdate); ok && len(u.Updates) > 0 && u.Updates[0].Last.IsValid() {
		return messageGift
	}
	return msg[2]
}

// strike lets a fault happen that has waited for this moment. It may end the process of m.
func (w *World) strike(at Moment, m *Member, about what) {
	if len(w.ambush) == 0 || w.calm {
		return
	}
	for i, a := range w.ambush {
		message, state := byte(a.N>>ambushMessage&31), failover.State(a.N>>ambushState&15)
		if Moment(a.N&15) != at || a.Who != m.i || message != 0 && message != about.message || state != 0 && state != about.state {
			continue
		}
		w.ambush = append(w.ambush[:i:i], w.ambush[i+1:]...)
		f := Action{At: w.now, Kind: ambushes[a.N>>ambushKind&15%len(ambushes)], Who: m.i ^ a.N>>ambushOther&1, For: a.For, N: 3}
		switch f.Kind {
		case DiskFails:
			f.N = 1
		case DiskSlow:
			f.N = 30
		case LinkCut:
			f.N = [...]int{3, 1, 2}[a.N>>ambushCut&3%3]
		case LanSplit:
			f.N = m.i
		}
		if a.N>>ambushClock&1 != 0 {
			w.machineFault(Action{Kind: ClockStep, Who: f.Who, N: -2 * int(maxOffset/time.Millisecond)})
		}
		w.marks.hit(MarkAmbushed)
		if at != MomentReply && at != MomentBeforeAck || f.Who != m.i { // not in the middle of what the server does
			w.after(time.Duration(w.seq%3)*time.Microsecond, func() { w.carryOut(f) })
			return
		}
		w.carryOut(f)
		return
	}
}
