package failover

import (
	"math"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Endpoint is one server's side of a relationship. One goroutine owns it; its own and the partner's differ by Config alone.
// Every change of a binding that the relationship covers passes Stamp or Lapse, or is one of Output.Changes.
type Endpoint struct {
	cfg   Config
	rec   Record
	dirty bool // rec is other than what was persisted

	// overlay is Startup or Paused, in which rec.State is kept for later; zero otherwise.
	overlay State
	until   time.Time // end of Startup; of the flush before Paused is said
	began   time.Time // when this server started
	silent  bool      // Paused was said, or need not be: no connection is wanted
	// behind: a greeting that was refused shows that this store lacks what the partner has seen. A start goes on until one is not.
	behind bool

	link    link
	last    binding.Sequence // the number that was given out last
	known   binding.Sequence // our last change that is here
	seen    binding.Sequence // the partner's last change that is here
	acked   binding.Sequence // our last change that the partner has acknowledged
	used    bool             // some address was used at some time
	due     time.Time        // when the next step is due: Output.Wake of the last one
	outbox  outbox
	flights flights
	dump    dump
	sweep   sweep
	balance balance
	heard   heard
	skew    skew
	skewed  bool

	// renumber says that our changes may have numbers that the partner knows for others: those that it has not acknowledged
	// get new ones before it is told of them. Those of an opening before forked have numbers of their own, and keep them
	// until the partner has told everything: what it knows may rest on what we have forgotten since, and then is the newer.
	renumber   bool
	forked     uint64
	leaving    bool // out of PARTNER-DOWN, as soon as the partner knows all
	told       bool // in RECOVER: the partner has told everything
	dumpUsed   bool // in RECOVER: the partner told of an address that was used
	recheckAt  time.Time
	compared   compared // with the partner's configuration
	trouble    string   // why there is no connection
	ignored    uint64   // messages that meant nothing where they came
	passedOver []place  // that the partner did not answer when something waited for it
	past       []byte   // of the last change that was stamped

	without rule // for tests alone

	step step // the one that is under way
}

// New returns an endpoint in STARTUP, with the record that was kept and the bindings that view has.
func New(cfg Config, rec Record, view View, now time.Time) *Endpoint {
	e := &Endpoint{cfg: cfg, rec: rec, overlay: Startup, until: now.Add(cfg.Startup), began: now}
	e.rec.Shares, e.rec.Gifts = slices.Clone(rec.Shares), slices.Clone(rec.Gifts)
	e.takeRole(now)
	if cfg.Role == Primary {
		e.rec.Buckets = Split(cfg.Split)
	}
	e.adoptLongest(now)
	e.adoptMCLT(now)
	e.flights.init()
	e.heard.init(cfg.Seed)
	e.load(view)
	e.beginOpening(now)
	e.renumber, e.forked = rec.State == Recover && rec.Lost, math.MaxUint64
	e.sweep.running = e.renumber
	e.dirty = true
	return e
}

// adoptMCLT puts the configured MCLT in force, and keeps in mind what was granted under a larger one.
func (e *Endpoint) adoptMCLT(now time.Time) {
	if e.cfg.Protocol == ISC && e.cfg.Role == Secondary && e.rec.Met {
		return // it is the partner's
	}
	e.setMCLT(now, e.cfg.MCLT)
	e.awaitMCLT(now)
}

// awaitMCLT keeps in mind that the partner may grant by a longer MCLT than this server does, for as long as it may and what it
// granted by it can last.
func (e *Endpoint) awaitMCLT(now time.Time) {
	r := &e.rec
	switch awaited := e.cfg.AwaitedMCLT; {
	case awaited > r.Largest:
		r.Largest, r.LargestUntil, e.dirty = awaited, time.Time{}, true
	case awaited > r.MCLT && awaited == r.Largest && !r.LargestUntil.IsZero():
		r.LargestUntil, e.dirty = time.Time{}, true
	case awaited <= r.MCLT && r.Largest > r.MCLT && r.LargestUntil.IsZero():
		if until := e.over(now); until.Before(binding.Forever) {
			r.LargestUntil, e.dirty = until, true
		}
	}
}

func (e *Endpoint) setMCLT(now time.Time, mclt time.Duration) {
	if mclt == e.rec.MCLT {
		return
	}
	if mclt < e.rec.MCLT {
		e.rec.LargestUntil = time.Time{}
		if until := e.over(now); until.Before(binding.Forever) {
			e.rec.LargestUntil = until
		}
	}
	e.rec.MCLT, e.rec.Largest, e.dirty = mclt, max(e.rec.Largest, mclt), true
}

// load brings what is kept in memory alone to what view has.
func (e *Endpoint) load(view View) {
	e.last, e.seen = e.rec.Last, e.rec.SharesSeen
	for _, g := range e.rec.Gifts {
		e.last = max(e.last, g.Ours)
	}
	for from, done := uint64(0), false; !done; {
		from, done = view.Scan(from, 1<<20, func(b *binding.Binding) bool {
			e.last, e.seen = max(e.last, b.Sync.Ours), max(e.seen, b.Sync.Theirs) // also of a range that was taken out
			if !b.Sync.Marks.Has(binding.Pending) {
				e.acked = max(e.acked, b.Sync.Ours)
			}
			covered := view.Covers(b.Addr())
			e.used = e.used || covered && wasUsed(b)
			if b.Sync.Marks.Has(binding.Pending) && (covered || e.cfg.Protocol == Lessor) {
				e.outbox.add(b)
			}
			return true
		})
	}
	e.known = e.last
}

func wasUsed(b *binding.Binding) bool {
	return b.State != binding.Free || !b.Client.Hardware.IsZero() || len(b.Client.ID) > 0
}

// Step decides what an event means at the time now, and appends to out what is to be done. The work of one step is bounded:
// where more is left, Wake is now.
func (e *Endpoint) Step(now time.Time, ev Event, view View, out *Output) {
	s := &e.step
	*s = step{Endpoint: e, now: now, view: view, out: out, first: len(out.Changes)}
	e.link.hearing.Look(now, e.due, e.cfg.ReceiveTimer)
	switch ev := ev.(type) {
	case Tick, Changed:
	case LinkUp:
		s.linkUp()
	case LinkDown:
		s.linkDown(ev.Reason)
	case Received:
		s.received(&ev)
	case PoolsChanged:
		s.balance.soon(now)
		s.sweep.begin() // what came back may have something to tell
	case Reconfigured:
		s.reconfigure(ev.Config)
	case DeclareDown:
		s.declareDown(ev)
	case Maintain:
		s.maintain(ev.On)
	case Dismissed:
		s.dismissed()
	}
	s.timers()
	more := s.work()
	s.finish(more)
	s.view, s.out, s.mine = nil, nil, nil
}

// step is one Step.
type step struct {
	*Endpoint
	now  time.Time
	view View
	out  *Output
	mine *binding.Binding // while records are compared: the one that is ours
	kept binding.Client   // and who has the address after that

	held   binding.Binding // ours, of which the partner tells
	budget int             // what is left of the work of this step

	// first is the index of this step's first change. Those before it are in the view, or what came after them is.
	first int
}

func (s *step) note(n Note) { s.out.Notes = append(s.out.Notes, n) }

// finish says what holds after the step.
func (s *step) finish(more bool) {
	if s.dirty {
		s.rec.Last = max(s.rec.Last, s.known)
		r := s.rec
		r.Gifts = slices.Clone(r.Gifts)
		s.out.Persist, s.dirty = &r, false
	}
	s.out.Connect = !s.silent
	s.out.Terms = s.Terms()
	s.out.Wake = s.wake(s.now)
	if more {
		s.out.Wake = s.now
	}
	s.due = s.out.Wake
}

// State returns the state that the server is in.
func (e *Endpoint) State() State {
	if e.overlay != 0 {
		return e.overlay
	}
	return e.rec.State
}

// Terms returns those on which clients may be answered.
func (e *Endpoint) Terms() Terms {
	state := e.answersAs()
	a := served[state]
	t := Terms{Known: a.known, New: a.fresh, Balanced: a.hash, MCLT: e.rec.MCLT, OwnShareFrom: e.rec.OwnShareFrom}
	if e.cfg.Protocol == ISC && e.rec.Partner == PartnerDown && state != PartnerDown {
		t.Known, t.New = false, false // it answers alone
	}
	if state == PartnerDown && !e.leaving {
		t.PartnerShareFrom = e.shareFrom()
	}
	t.Waiting = e.waiting(state)
	return t
}

// answersAs returns the state that says who is answered.
func (e *Endpoint) answersAs() State {
	state := e.State()
	if !e.keeps(ruleStartup) && state == Startup {
		state = e.rec.State
	}
	return state
}

// shareFrom returns from when on the partner's free addresses may be used in PARTNER-DOWN.
func (e *Endpoint) shareFrom() time.Time {
	var none binding.Binding
	return e.freeAt(&none)
}

// IsAlone reports whether the partner is down and was not heard since, and all is over that it can have promised.
func (e *Endpoint) IsAlone(now time.Time) bool {
	from, down := e.DismissFrom()
	return down && !now.Before(from)
}

func (e *Endpoint) waiting(state State) string {
	partner := string(e.cfg.Partner)
	switch state {
	case Startup:
		if e.behind {
			return "waiting for " + partner + ": this store lacks what it has seen, and it does not take part while the two refuse each other"
		}
		return "waiting for " + partner + ": just started"
	case Recover:
		if !e.rec.Met {
			return "waiting for " + partner + ": no contact yet, so new and lost disk look alike; start it, or run: lessor partner-down " + partner + " --never-served"
		}
		return "waiting for " + partner + ", which must tell what this store lacks"
	case RecoverWait:
		return "waiting until " + e.rec.WaitUntil.UTC().Format(time.RFC3339) + ", when promises that this store may have forgotten are over"
	case RecoverDone:
		return "new clients wait for " + partner + " to go on"
	case PotentialConflict:
		return "resolving with " + partner + " what both did while they could not hear each other"
	case Paused:
		return "paused by the operator; run: lessor maintenance off"
	case Normal, CommunicationsInterrupted, PartnerDown, Shutdown, ResolutionInterrupted, ConflictDone:
	}
	return ""
}

// Status is what an operator sees of a relationship.
type Status struct {
	Partner        binding.Member
	Role           Role
	State          State
	Since          time.Time
	Cause          string
	PartnerState   State
	PartnerSince   time.Time
	MCLT           time.Duration
	Unacked        int // changes that the partner has not acknowledged
	InFlight       int // of these, those that were sent and not answered
	Connected      bool
	Skew           time.Duration // our clock less the partner's
	Uncertain      time.Duration // how uncertain Skew is
	Ignored        uint64        // messages that meant nothing where they came
	Rejected       int           // updates that the partner refused and that are offered again
	PartnerSilent  bool          // the partner does not answer the clients that are its own
	Conflicts      []Note        // the latest
	LargestMCLT    time.Duration // under which something may still be held
	LargestUntil   time.Time
	NeverServed    bool
	WaitUntil      time.Time // end of RECOVER-WAIT
	Differs        []string  // parts of the configuration that differed at the last greeting
	Disagree       bool      // safety stands on some of them, so that the two do not serve together
	Trouble        string    // why there is no connection; empty while there is one
	SecondaryShare int       // runs of addresses without a binding that are the secondary's
}

// Status returns what an operator sees at the time now.
func (e *Endpoint) Status(now time.Time) Status {
	offset, spread := e.Offset(now)
	return Status{
		Partner: e.cfg.Partner, Role: e.cfg.Role, State: e.State(), Since: e.rec.Since, Cause: e.rec.Cause,
		PartnerState: e.rec.Partner, PartnerSince: e.rec.PartnerSince, MCLT: e.rec.MCLT,
		Unacked: e.outbox.len() + len(e.rec.Gifts), InFlight: e.flights.len(), Connected: e.link.open,
		Skew: offset, Uncertain: spread, Ignored: e.ignored, Rejected: e.outbox.rejected, PartnerSilent: e.heard.silent,
		Conflicts: slices.Clone(e.rec.Conflicts), LargestMCLT: e.rec.Largest, LargestUntil: e.rec.LargestUntil,
		NeverServed: e.rec.NeverServed, WaitUntil: e.rec.WaitUntil, Differs: e.compared.lines(), Disagree: !e.compared.vital.None(), Trouble: e.trouble, SecondaryShare: len(e.rec.Shares),
	}
}

// sequenceAfter returns a sequence that is below all of the next epoch and above all up to s.
func sequenceAfter(s binding.Sequence) binding.Sequence { return binding.SequenceOf(s.Epoch()+1, 0) }
