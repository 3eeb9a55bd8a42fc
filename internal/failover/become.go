package failover

import "time"

// become is the only writer of the state. It sets everything that goes with the new one, and says it to the partner.
func (s *step) become(to State, cause string) {
	from := s.State()
	if to == PartnerDown && s.rec.State != to {
		s.holdBack()
	}
	s.overlay = 0
	if s.rec.State != to { // one that was only covered, by a start or a pause, keeps its cause: an operator's reason above all
		s.rec.State, s.rec.Since, s.rec.Cause = to, s.now, cause
	}
	s.dirty = true
	s.leaving, s.link.asked = false, 0
	s.note(Note{Kind: StateChanged, From: from, To: to, Cause: cause})
	s.enter(to)
	s.say()
	s.ask()
}

// holdBack withholds our own share from the PARTNER-DOWN on that begins, until NORMAL or the wait is over, where we come from a recovery that did not end in NORMAL:
// the partner may have given of it while it served alone, and not told us all of that.
func (s *step) holdBack() {
	switch s.rec.State {
	case Recover, RecoverWait, RecoverDone:
		if !s.rec.NeverServed {
			s.rec.OwnShareFrom = add(s.now, s.rec.Largest+s.cfg.Guard)
		}
	case Startup, Normal, CommunicationsInterrupted, PartnerDown, PotentialConflict, Paused, Shutdown, ResolutionInterrupted, ConflictDone:
	}
}

// enter does what each state begins with.
func (s *step) enter(to State) {
	switch to {
	case Normal:
		s.rec.Lost, s.rec.NeverServed, s.rec.Founder = false, false, false
		s.rec.WaitUntil, s.rec.OwnShareFrom = time.Time{}, time.Time{}
		s.retry()
		s.sweep.begin()
		s.balance.soon(s.now)
	case PartnerDown, CommunicationsInterrupted:
		s.rec.Roused, s.rec.WaitUntil = false, time.Time{}
		s.sweep.begin() // what ended changes by itself from now on, or no longer
	case Recover:
		s.dumpUsed = false
	case PotentialConflict:
		s.sweep.begin() // finds what is to be told of ranges that were taken out
	case ResolutionInterrupted, ConflictDone, RecoverDone, RecoverWait:
	case Startup, Paused, Shutdown: // Startup and Paused lie over a state, and Shutdown is no state of ours
	}
}

// retry offers again what the partner has refused.
func (s *step) retry() {
	s.outbox.restart()
	s.recheckAt = s.now.Add(recheckEvery)
}

const recheckEvery = 10 * time.Minute

// say tells the partner our state, where there is a connection and the partner can take it.
func (s *step) say() {
	if !s.link.open || s.cfg.Protocol == ISC && !s.link.heardState {
		return
	}
	state, cause := s.rec.State, s.rec.Cause
	if s.overlay == Paused {
		state, cause = Paused, "paused by its operator"
	}
	if s.cfg.Protocol == ISC {
		var ok bool
		if state, ok = spokenToISC(state, s.rec.Partner); !ok {
			return
		}
	}
	s.send(Report{State: state, Starting: s.overlay == Startup, Since: s.rec.Since, Cause: cause})
	s.link.saidState = true
	s.link.states++
}

// spokenToISC returns what an ISC server whose last word was p is told of a state; false for nothing. It leaves out what
// ends such a server or stops it for good (specification of ISC's behaviour: the tables of received states).
func spokenToISC(state, p State) (State, bool) {
	switch state {
	case Paused:
		return state, p == Normal || p == CommunicationsInterrupted
	case Shutdown, Startup:
		return state, false
	case RecoverWait:
		if p != ConflictDone {
			return Recover, true // it stays where it is on either, and older servers do not know RECOVER-WAIT
		}
	case Normal, CommunicationsInterrupted, PartnerDown, PotentialConflict, Recover, RecoverDone, ResolutionInterrupted, ConflictDone:
	}
	switch p {
	case ConflictDone: // all but these end the process
		if state != Normal && state != ResolutionInterrupted {
			return PotentialConflict, true
		}
	case Normal: // these stop it for good
		if state == PotentialConflict || state == ResolutionInterrupted || state == ConflictDone {
			return Recover, true
		}
	case PotentialConflict: // NORMAL stops it for good
		if state == Normal {
			return CommunicationsInterrupted, true
		}
	case Startup, CommunicationsInterrupted, PartnerDown, Recover, Paused, Shutdown, RecoverDone, ResolutionInterrupted, RecoverWait:
	}
	return state, true
}

// partnerReport takes the partner's word about its state.
func (s *step) partnerReport(r *Report) {
	if r.State == 0 || r.State >= states || r.State == Startup {
		s.ignored++
		return
	}
	first, said := !s.link.heardState, s.link.states
	s.link.heardState = true
	if s.rec.Partner != r.State {
		s.note(Note{Kind: PartnerChanged, From: s.rec.Partner, To: r.State, Cause: r.Cause})
		s.rec.PartnerLearnt = s.now
	}
	s.rec.Partner, s.rec.PartnerSince, s.dirty = r.State, r.Since, true
	if first {
		s.link.firstState = r.State
	}
	s.rouse(rouses(r))
	switch {
	case s.overlay == Paused:
	case s.overlay == Startup && r.Starting && s.rec.State == PartnerDown && r.State == PartnerDown: // each was declared down to the other
		s.follow(r)
	case r.Starting && s.rec.State == PartnerDown: // it will go to RECOVER when it hears us
		if s.overlay == Startup {
			s.become(PartnerDown, "the partner has just started")
		}
	default:
		s.follow(r)
	}
	if first && !s.link.saidState || s.overheard(r, said) {
		s.say()
	}
	s.link.starting = r.Starting
	s.ask()
}

// rouses reports whether a partner that says r may go on alone if the connection is lost now. In RECOVER it waits for us, whatever
// happens. So does one that has just started, and it has not heard yet what we did meanwhile: that it must learn on the next connection.
func rouses(r *Report) bool { return r.State != Recover && !r.Starting }

// rouse keeps in mind whether the partner may go on alone. Where it may not any more, time frees again what it did not.
func (s *step) rouse(may bool) {
	if s.rec.Roused && !may && s.rec.State == PartnerDown {
		s.sweep.begin()
	}
	s.rec.Roused = may
}

// overheard reports whether an ISC server that started may not have looked at our state: where it hears the one that it
// remembers, it goes on as it was before, and would wait for another word for ever. said is how often we had said one.
func (s *step) overheard(r *Report, said int) bool {
	if s.cfg.Protocol != ISC || !s.link.starting || r.Starting || s.link.states != said {
		return false
	}
	switch r.State {
	case CommunicationsInterrupted, PartnerDown, ResolutionInterrupted:
		return true
	case Startup, Normal, PotentialConflict, Recover, Paused, Shutdown, RecoverDone, ConflictDone, RecoverWait:
	}
	return false
}

// alone returns the state that follows when the partner is lost. One that has recovered by what we told it may answer clients
// by now, so that nothing of what it holds is over because time passes.
func (e *Endpoint) alone() State {
	if e.rec.State == PartnerDown && e.rec.Roused && e.keeps(ruleRoused) {
		return CommunicationsInterrupted
	}
	if e.cfg.Protocol == ISC && e.rec.State == ConflictDone {
		return ResolutionInterrupted // it asks for what we did only where it hears of both states, one after the other
	}
	return nextAlone(e.rec.State)
}

// follow makes the change that the partner's state asks for.
func (s *step) follow(r *Report) {
	me, starting := s.rec.State, s.overlay == Startup
	to := next(me, starting, r.State)
	switch {
	case s.cfg.Protocol != ISC:
	case starting && to == ConflictDone:
		to = PotentialConflict // as in alone
	case to == RecoverDone && r.State == Recover && !s.link.recovered:
		to = PartnerDown // it has lost its store since, and asks for nothing on hearing RECOVER-DONE
	}
	if s.stopsISC(to, r.State) {
		to = Recover
	}
	cause := "the partner is in " + r.State.String()
	if to != me || starting {
		s.become(to, cause)
	}
	s.rouse(rouses(r))
	s.leaving = s.rec.State == PartnerDown && r.State == RecoverDone && !r.Starting
	if to == PartnerDown && me != PartnerDown && r.State == Recover && s.link.firstMeeting {
		s.rec.NeverServed = true
	}
}

// stopsISC reports whether an ISC server in state p would stop for good on hearing that we are in state to. We recover
// instead: it then goes to PARTNER-DOWN and tells us everything.
func (s *step) stopsISC(to, p State) bool {
	return s.cfg.Protocol == ISC && p == Normal && (to == PotentialConflict || to == ResolutionInterrupted || to == ConflictDone)
}
