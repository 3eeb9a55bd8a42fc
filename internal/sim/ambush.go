package sim

import "time"

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
)

// ambushes are the faults that can wait for a moment.
var ambushes = [...]Kind{Crash, Kill, LinkReset, LinkCut, Freeze, DiskFails, PartnerDown, Maintenance}

// strike lets a fault happen that has waited for this moment. It may end the process of m.
func (w *World) strike(at Moment, m *Member) {
	if len(w.ambush) == 0 || w.calm {
		return
	}
	for i, a := range w.ambush {
		if Moment(a.N&15) != at || a.Who != m.i {
			continue
		}
		w.ambush = append(w.ambush[:i:i], w.ambush[i+1:]...)
		f := Action{At: w.now, Kind: ambushes[a.N>>4%len(ambushes)], Who: m.i, For: a.For, N: 3}
		if f.Kind == DiskFails {
			f.N = 1
		}
		w.marks.hit(MarkAmbushed)
		if at == MomentState || at == MomentHeard || at == MomentDurable { // not in the middle of what the server does
			w.after(time.Duration(w.seq%3)*time.Microsecond, func() { w.carryOut(f) })
			return
		}
		w.carryOut(f)
		return
	}
}
