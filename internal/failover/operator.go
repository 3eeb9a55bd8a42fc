package failover

import (
	"errors"
	"fmt"
	"time"
)

// ErrDeclareDown says why an operator's word that the partner does not serve is not taken.
var ErrDeclareDown = errors.New("partner-down is refused")

// MayDeclareDown returns why cmd is not taken now, nil if it is. The word is not believed while the partner answers, nor
// where it would help nobody; Forced overrides the first with a reason that is kept.
func (e *Endpoint) MayDeclareDown(cmd DeclareDown) error {
	refuse := func(why string) error { return fmt.Errorf("%w: %s", ErrDeclareDown, why) }
	switch {
	case cmd.Forced && cmd.Reason == "":
		return refuse("it is forced without a reason")
	case e.link.open && !cmd.Forced:
		return refuse(string(e.cfg.Partner) + " answers, so it may be serving; stop it first")
	case cmd.NeverServed && e.used && !cmd.Forced:
		return refuse("addresses were used here, so " + string(e.cfg.Partner) + " may have served; leave --never-served out")
	}
	if e.overlay == Paused {
		return refuse("this server is paused; run: lessor maintenance off")
	}
	switch e.rec.State {
	case PartnerDown:
		return refuse("it is in force already")
	case Recover, RecoverWait:
		if !cmd.NeverServed && !cmd.Forced {
			return refuse("this store does not know which addresses are in use; start " + string(e.cfg.Partner) + ", or if that has never served: --never-served")
		}
	case Normal, CommunicationsInterrupted, PotentialConflict, RecoverDone, ResolutionInterrupted, ConflictDone, Startup, Paused, Shutdown:
	}
	return nil
}

// declareDown takes the operator's word.
func (s *step) declareDown(cmd DeclareDown) {
	if err := s.MayDeclareDown(cmd); err != nil {
		s.note(Note{Kind: CommandRefused, Cause: err.Error()})
		return
	}
	cause := "the operator's word"
	if cmd.NeverServed {
		cause += ": the partner has never served"
	}
	if cmd.Reason != "" {
		cause += ": " + cmd.Reason
	}
	if s.link.up { // what the partner is in must be heard anew
		s.close("the operator declared the partner down")
	}
	s.rec.NeverServed = cmd.NeverServed
	if cmd.NeverServed {
		s.rec.Lost = false
	}
	s.become(PartnerDown, cause)
	s.rec.Since = s.now
}

// flushFor is how long changes are still told to the partner before a pause.
const flushFor = 5 * time.Second

// maintain begins or ends a pause. The state is kept for the time after it, so that it takes no wait to come back.
func (s *step) maintain(on bool) {
	switch {
	case on && s.overlay != Paused:
		s.note(Note{Kind: StateChanged, From: s.State(), To: Paused, Cause: "the operator's word"})
		s.overlay, s.until, s.silent = Paused, s.now.Add(flushFor), false
	case !on && s.overlay == Paused:
		s.note(Note{Kind: StateChanged, From: Paused, To: Startup, Cause: "the operator's word"})
		s.overlay, s.until, s.silent = Startup, s.now.Add(s.cfg.Startup), false
		if s.link.up { // which the partner's word has gone over already: it is waited for, and said after a greeting only
			s.close("the pause is over")
		}
	}
}

// flush ends the connection of a paused server when the partner knows all that there is to know, or when that takes too
// long: first it says PAUSED, to an ISC server only where that does not stop it.
func (s *step) flush() {
	if s.overlay != Paused || s.silent {
		return
	}
	if s.link.open && !s.drained() && s.now.Before(s.until) {
		return
	}
	s.silent = true
	if s.link.open {
		s.say()
	}
	if s.link.up {
		s.close("paused by the operator")
	}
}
