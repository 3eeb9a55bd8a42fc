package peerwire

import (
	"bytes"
	"math"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
)

const protocolVersion = 1

// sayHello fills CONNECT and CONNECTACK. To an ISC server the dialect leaves out what it does not have.
func (t *Translator) sayHello(m *Message, x *failover.Hello) {
	m.Has = SetOf(OptRelationship, OptMaxUnacked, OptReceiveTimer, OptVendorClass, OptVersion, OptTLSRequest, OptTLSReply, OptMCLT,
		OptBuckets, ExtMember, ExtPast, ExtSeen, ExtHistory, ExtRoom, ExtOpenings, ExtAcknowledged, ExtHeld)
	m.Handshake = Handshake{
		Relationship: []byte(x.Relationship), MaxUnacked: uint32(min(max(x.MaxUnacked, 0), math.MaxInt32)),
		ReceiveTimer: x.ReceiveTimer, MCLT: x.MCLT, VendorClass: []byte(t.setup.Software), Version: protocolVersion,
		Buckets: x.Buckets[:],
		Extended: Extended{
			Member: []byte(x.Member), Past: Past{x.Store, sequenceOf(x.Last)}, Seen: Past{x.PartnerStore, sequenceOf(x.Seen)},
			Room: t.setup.Room, Opening: Opening(x.Opening), SeenOpening: Opening(x.PartnerOpening),
			Acknowledged: sequenceOf(x.Acknowledged), Held: Held{x.LargestMCLT, x.LongestLifetime},
		},
	}
	e := &m.Handshake.Extended
	if x.Empty {
		e.History |= NeverServed
	}
	if x.Unmet {
		e.History |= NeverMet
	}
	m.sayParts(&x.Parts)
	m.Has &= places[m.Type]
}

// sayParts tells of the configuration.
func (m *Message) sayParts(x *failover.Told) {
	e := &m.Handshake.Extended
	m.Has = m.Has.With(ExtSums)
	e.Vital, e.VitalSketch = Sum{uint32(x.Vital.Count), x.Vital.Digest}, x.Vital.Sketch
	e.Other, e.OtherSketch = Sum{uint32(x.Other.Count), x.Other.Digest}, x.Other.Sketch
	for _, listed := range [...][]failover.Part{x.Vital.Parts, x.Other.Parts} {
		for i := range listed {
			p := &listed[i]
			m.Has = m.Has.With(ExtParts)
			e.Parts = AppendPart(e.Parts, Part{p.Vital, []byte(p.Name), p.Digest, []byte(p.Says)})
		}
	}
	if x.Vital.Sketch != nil {
		m.Has = m.Has.With(ExtVitalSketch)
	}
	if x.Other.Sketch != nil {
		m.Has = m.Has.With(ExtOtherSketch)
	}
}

// hearParts reads what the partner tells of its configuration. What it refers to is its own.
func (e *Extended) hearParts() (x failover.Told) {
	x.Vital = failover.Summary{Count: int(e.Vital.Count), Digest: e.Vital.Digest, Sketch: bytes.Clone(e.VitalSketch)}
	x.Other = failover.Summary{Count: int(e.Other.Count), Digest: e.Other.Digest, Sketch: bytes.Clone(e.OtherSketch)}
	for rest := e.Parts; len(rest) > 0; {
		var p Part
		p, rest, _ = CutPart(rest)
		into := &x.Other.Parts
		if p.Vital {
			into = &x.Vital.Parts
		}
		*into = append(*into, failover.Part{Name: words(p.Name), Digest: p.Digest, Vital: p.Vital, Says: words(p.Says)})
	}
	return x
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
	acknowledged, ok3 := e.Acknowledged.sequence()
	if !ok1 || !ok2 || !ok3 {
		return ErrSequence
	}
	*x = failover.Hello{
		Relationship: words(h.Relationship), Member: binding.Member(words(e.Member)), MaxUnacked: int(min(h.MaxUnacked, math.MaxInt32)),
		ReceiveTimer: h.ReceiveTimer, MCLT: h.MCLT, Store: e.Past.Store, Last: last, PartnerStore: e.Seen.Store, Seen: seen,
		Acknowledged: acknowledged, LargestMCLT: e.Held.MCLT, LongestLifetime: e.Held.Lifetime, Opening: failover.Opening(e.Opening), PartnerOpening: failover.Opening(e.SeenOpening),
		Empty: e.History&NeverServed != 0, Unmet: e.History&NeverMet != 0, Parts: e.hearParts(),
	}
	copy(x.Buckets[:], h.Buckets)
	if m.Type == Connect && !m.Has.Has(OptBuckets) { // of an ISC server without split: all clients are its own to answer first
		x.Buckets = failover.Split(256)
	}
	t.window = x.MaxUnacked
	if m.Has.Has(ExtRoom) {
		t.theirs = Room{max(e.Room.Octets, leastRoom), max(e.Room.Bindings, 1)}
	}
	return nil
}

const (
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
