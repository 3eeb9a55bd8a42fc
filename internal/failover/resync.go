package failover

import (
	"fmt"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// dump is the answer to UPDREQ or UPDREQALL while it is under way.
type dump struct {
	running bool
	id      uint32 // of the request; the latest where the partner asked again
	all     bool
	scan    uint64
	scanned bool
	until   binding.Sequence // what was not acknowledged when it was asked for
}

// startDump begins to answer a request; one that runs is begun anew, and answered once.
func (s *step) startDump(id uint32, all bool) {
	s.dump = dump{running: true, id: id, all: all, scanned: !all, until: s.last}
	s.outbox.restart()
	s.flights.await()
	if all {
		s.dumpShares()
		s.rec.Forgotten, s.dirty = s.now, true
	}
}

// dumpShares tells which addresses without a binding are the secondary's: all others are the primary's.
func (s *step) dumpShares() {
	if s.cfg.Protocol != Lessor {
		return
	}
	var m bundler
	for _, r := range s.rec.Shares {
		m.updates = append(m.updates, runUpdate(r, s.cfg.secondary(), s.known))
	}
	if len(m.updates) == 0 {
		return
	}
	id := s.send(BindingUpdate{m.updates})
	for _, u := range m.updates {
		s.flights.begin(flightID{id, placeOf(u.Binding.Prefix)}, flight{at: s.now, dump: true, gift: true})
	}
}

// dumpOn goes on with a dump, and ends it when all of it is answered.
func (s *step) dumpOn() (more bool) {
	d := &s.dump
	if !d.running {
		return false
	}
	m := s.bundler()
	for !d.scanned && s.budget > 0 && s.room()-len(m.updates) > 0 {
		places := min(s.budget, s.room()-len(m.updates))
		d.scan, d.scanned = s.view.Scan(d.scan, places, func(b *binding.Binding) bool {
			s.budget--
			s.dumpOne(&m, b)
			return true
		})
		s.budget--
	}
	s.ship(&m)
	if !d.scanned {
		return s.budget <= 0
	}
	if ours, _, left := s.outbox.next(); left && ours <= d.until || s.flights.dumped > 0 || s.sweep.running {
		return false
	}
	s.reply(d.id, UpdateDone{})
	s.rec.Roused, s.dirty = true, true
	*d = dump{}
	return false
}

// dumpOne sends a binding that is not going to be sent anyway.
func (s *step) dumpOne(m *bundler, b *binding.Binding) {
	if !s.view.Covers(b.Addr()) && !s.tellsOutside(b) {
		return
	}
	now := s.after(b)
	if now.Sync.Marks.Has(binding.Pending) && s.exchanges(b.Addr()) {
		return // the outbox has it
	}
	s.bundle(m, &now, true)
}

// tellsOutside reports whether a partner that lacks everything is told of b, whose address is in no pool now: the pool may be put
// back, and would then be a new one to that partner, though somebody holds the address.
func (s *step) tellsOutside(b *binding.Binding) bool {
	return s.dump.all && s.cfg.Protocol == Lessor && (b.Sync.Ours != 0 || b.Sync.Theirs != 0)
}

// ask asks the partner for what we lack, once on a connection in each state that needs it.
func (s *step) ask() {
	l := &s.link
	if !l.open || !l.heardState || s.overlay != 0 || l.asked == s.rec.State {
		return
	}
	switch s.rec.State {
	case Recover:
		if s.rec.Lost { // the partner says who owns what
			s.rec.Shares, s.rec.Gifts, s.rec.Forgotten, s.dirty = nil, nil, s.now, true
		}
		s.send(UpdateRequest{All: s.rec.Lost || s.cfg.Protocol == ISC})
	case PotentialConflict: // the primary first (draft §9.8)
		if s.cfg.Role == Secondary && s.rec.Partner != ConflictDone {
			return
		}
		s.send(UpdateRequest{})
	case Normal, CommunicationsInterrupted, PartnerDown, Paused, Shutdown, RecoverDone, ResolutionInterrupted, ConflictDone, RecoverWait, Startup:
		return
	}
	l.asked = s.rec.State
}

// updateDone: the partner has told all that we asked for. An ISC server may say so too early, and its number is not looked
// at: what it told before was taken, and the rest follows.
func (s *step) updateDone() {
	if s.overlay != 0 || s.link.asked != s.rec.State {
		s.ignored++
		return
	}
	switch s.rec.State {
	case Recover:
		s.told = true // and recovered, when the partner knows all that we did, too
		if s.renumber {
			s.sweep.begin()
		}
	case PotentialConflict:
		switch {
		case s.cfg.Role == Primary:
			s.become(ConflictDone, "the partner has told what it did")
		case s.rec.Partner == ConflictDone:
			s.become(Normal, "both know what the other did")
		default: // it was in CONFLICT-DONE of an earlier conflict when we asked
			s.link.asked = 0
			s.ask()
		}
	case Normal, CommunicationsInterrupted, PartnerDown, Paused, Shutdown, RecoverDone, ResolutionInterrupted, ConflictDone, RecoverWait, Startup:
		s.ignored++
	}
}

// drained reports whether the partner has answered to all that we told, and there is nothing more to tell. A sweep may find more.
func (e *Endpoint) drained() bool {
	_, _, left := e.outbox.next()
	return !left && e.flights.len() == 0 && len(e.rec.Gifts) == 0 && !e.sweep.running
}

// recovered: the store has everything that the partner knows, and the other way round. Before, each could take an address
// for its own that the other one freed.
func (s *step) recovered() {
	if !s.told || s.rec.State != Recover || s.overlay != 0 || !s.drained() {
		return
	}
	s.told, s.link.recovered = false, true
	switch {
	case s.cfg.Protocol == ISC && s.rec.Partner == ConflictDone: // it waits for nothing but this
		s.become(Normal, "the partner has told all that it knows")
	case !s.rec.Lost || !s.keeps(ruleRecoverWait):
		s.recoverDone("the partner has told all that it knows")
	case s.bothNew():
		if !s.used && !s.dumpUsed { // nor has anybody forgotten anything
			s.rec.Forgotten = time.Time{}
		}
		s.recoverDone("both begin anew: nobody was promised anything")
	default:
		if s.rec.WaitUntil.IsZero() { // counted from when it may have served last
			s.rec.WaitUntil = add(s.rec.Since, s.rec.Largest+s.cfg.Guard)
		}
		since := s.rec.Since
		s.become(RecoverWait, "the partner has told all that it knows; what this store may have promised and forgotten must end first")
		s.forgot(since)
	}
}

// recoverDone ends a recovery. An ISC server that resolves a conflict does not say so again: it waits for us to do as it does.
func (s *step) recoverDone(cause string) {
	s.become(RecoverDone, cause)
	if p := s.rec.Partner; s.cfg.Protocol == ISC && s.link.heardState && next(RecoverDone, false, p) == PotentialConflict {
		s.become(PotentialConflict, "the partner is in "+p.String())
	}
}

// forgot says what cannot be known any more: a clash with a promise of before at that is on no disk is found by nobody.
func (s *step) forgot(at time.Time) {
	until := s.rec.WaitUntil
	if f := s.rec.Forgotten; f.Before(at) && !f.IsZero() {
		at = f
	}
	s.note(Note{Kind: PromisesForgotten, Until: until, Found: wholeSeconds(s.now), Cause: fmt.Sprintf("this store lacks what %s promised before %s and had not "+
		"told %s: which of all addresses that the two share a client holds by that, nobody knows, until %s. Where %[3]s was in PARTNER-DOWN while this server "+
		"served, it may have given one of them to a second client", s.cfg.Self, at.UTC().Format(time.RFC3339), s.cfg.Partner, until.UTC().Format(time.RFC3339))})
}

// bothNew reports whether this store can have promised nothing: neither server has ever had a binding, and neither has
// served. Nor can it have while the partner had never met anybody, whatever that has done alone since.
func (s *step) bothNew() bool {
	if s.cfg.Protocol == Lessor && s.link.hello.Unmet && s.link.firstMeeting {
		return true
	}
	if s.used || s.dumpUsed {
		return false
	}
	if s.cfg.Protocol == ISC {
		return s.link.firstState == Recover && (s.rec.Partner == Recover || s.rec.Partner == RecoverDone)
	}
	return s.link.hello.Empty
}

// leavePartnerDown goes on with the partner when it has recovered and knows all that we did: it may then give away what is
// its own without finding it given.
func (s *step) leavePartnerDown() {
	if !s.leaving || s.rec.State != PartnerDown || s.overlay != 0 {
		return
	}
	if !s.drained() && s.keeps(ruleDrain) {
		return
	}
	if s.cfg.Protocol == ISC && !s.rec.NeverServed && s.now.Before(s.shareFrom()) {
		return // it does not wait itself until its forgotten promises are over
	}
	s.become(Normal, "the partner has recovered")
}

// recovering reports whether the partner's word counts for more than ours: what we have may be anything.
func (e *Endpoint) recovering() bool { return e.rec.State == Recover && e.rec.Lost }
