package peerwire

import (
	"math"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
)

const protocolVersion = 1

// sayHello fills CONNECT and CONNECTACK. To an ISC server the dialect leaves out what it does not have.
func (t *Translator) sayHello(m *Message, x *failover.Hello) {
	m.Has = SetOf(OptRelationship, OptMaxUnacked, OptReceiveTimer, OptVendorClass, OptVersion, OptTLSRequest, OptTLSReply, OptMCLT,
		OptBuckets, ExtMember, ExtPast, ExtSeen, ExtHistory, ExtParts, ExtRoom) & places[m.Type]
	m.Handshake = Handshake{
		Relationship: []byte(x.Relationship), MaxUnacked: uint32(min(max(x.MaxUnacked, 0), math.MaxInt32)),
		ReceiveTimer: x.ReceiveTimer, MCLT: x.MCLT, VendorClass: []byte(t.setup.Software), Version: protocolVersion,
		Buckets: x.Buckets[:],
		Extended: Extended{
			Member: []byte(x.Member), Past: Past{x.Store, sequenceOf(x.Last)}, Seen: Past{x.PartnerStore, sequenceOf(x.Seen)},
			Room: t.setup.Room,
		},
	}
	e := &m.Handshake.Extended
	if x.Empty {
		e.History |= NeverServed
	}
	if x.Unmet {
		e.History |= NeverMet
	}
	for i := range x.Parts {
		e.Parts = AppendPart(e.Parts, x.Parts[i].Name, x.Parts[i].Digest)
	}
}

// hearHello reads CONNECT and CONNECTACK, and keeps in mind what the partner takes.
func (t *Translator) hearHello(m *Message, x *failover.Hello) error {
	h := &m.Handshake
	e := &h.Extended
	if m.Has.Has(OptBuckets) && len(h.Buckets) != len(x.Buckets) {
		return ErrBuckets
	}
	last, ok1 := e.Past.Sequence.sequence()
	seen, ok2 := e.Seen.Sequence.sequence()
	if !ok1 || !ok2 {
		return ErrSequence
	}
	*x = failover.Hello{
		Relationship: words(h.Relationship), Member: binding.Member(words(e.Member)), MaxUnacked: int(min(h.MaxUnacked, math.MaxInt32)),
		ReceiveTimer: h.ReceiveTimer, MCLT: h.MCLT, Store: e.Past.Store, Last: last, PartnerStore: e.Seen.Store, Seen: seen,
		Empty: e.History&NeverServed != 0, Unmet: e.History&NeverMet != 0,
	}
	copy(x.Buckets[:], h.Buckets)
	for rest := e.Parts; len(rest) > 0 && len(x.Parts) < maxParts; {
		var p Part
		p, rest, _ = CutPart(rest)
		x.Parts = append(x.Parts, failover.Part{Name: words(p.Name), Digest: p.Digest})
	}
	t.window = x.MaxUnacked
	if m.Has.Has(ExtRoom) {
		t.theirs = Room{max(e.Room.Octets, leastRoom), max(e.Room.Bindings, 1)}
	}
	return nil
}

const (
	maxParts = 1024
	// leastRoom is what everybody must take in one message, in octets: as much as an ISC server.
	leastRoom = 2048
)

// sequenceOf returns how a sequence is written, and sequence reads it; false if it is none of a store's.
func sequenceOf(s binding.Sequence) Sequence { return Sequence{s.Epoch(), s.Count()} }

func (s Sequence) sequence() (binding.Sequence, bool) {
	b := binding.SequenceOf(s.Epoch, s.Number)
	return b, sequenceOf(b) == s
}

// serverStates are failover's states as they are written.
var serverStates = [...]ServerState{
	failover.Startup: Startup, failover.Normal: Normal, failover.CommunicationsInterrupted: CommunicationsInterrupted,
	failover.PartnerDown: PartnerDown, failover.PotentialConflict: PotentialConflict, failover.Recover: Recover,
	failover.Paused: Paused, failover.Shutdown: Shutdown, failover.RecoverDone: RecoverDone,
	failover.ResolutionInterrupted: ResolutionInterrupted, failover.ConflictDone: ConflictDone, failover.RecoverWait: RecoverWait,
}

// serverState returns how a state is written; an invalid one is invalid.
func serverState(s failover.State) ServerState {
	if int(s) < len(serverStates) {
		return serverStates[s]
	}
	return 0
}

// state returns the state that s spells.
func (s ServerState) state() failover.State {
	for i, o := range serverStates {
		if o == s {
			return failover.State(i)
		}
	}
	return 0
}
