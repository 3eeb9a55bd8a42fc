package failover

import (
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Due returns when Lapse is to be asked about b; the zero time: not before something changes.
func (e *Endpoint) Due(b *binding.Binding) time.Time {
	switch b.State {
	case binding.Active:
		return b.Expires
	case binding.Expired, binding.Released, binding.Abandoned:
		return e.freeFrom(b)
	case binding.Free:
	}
	return time.Time{}
}

// freeFrom returns when an ended binding becomes free. Both must know that it ended, and then only the primary makes it so:
// one of the two does. What the partner never heard of, whoever owned the address does. In PARTNER-DOWN time does, as long as
// the partner does not answer clients again, and so it does where the one that acknowledged may have promised more before it lost its store.
func (e *Endpoint) freeFrom(b *binding.Binding) time.Time {
	if !e.frees() {
		return time.Time{}
	}
	at := e.freeOnceFrom(b)
	if held := e.heldUntil(b.Prefix); !at.IsZero() && !held.IsZero() && held.After(b.Starts) && e.keeps(rulePast) {
		at = later(at, add(held, e.cfg.Guard)) // who lost it in a conflict has it still
	}
	return at
}

// freeOnceFrom is freeFrom where there was no conflict.
func (e *Endpoint) freeOnceFrom(b *binding.Binding) time.Time {
	m := b.Sync.Marks
	agreed := e.cfg.Role == Primary && m.Has(binding.Ceded) && !m.Has(binding.Pending)
	if agreed && b.Starts.Before(e.rec.Forgotten) && e.keeps(ruleForgotten) {
		return later(earlier(FreeAt(b, e.rec.Forgotten, e.rec.Largest, e.cfg.Guard), e.forgottenUntil()), add(b.Expires, e.cfg.Guard))
	}
	if agreed || m.Has(binding.Private) || !e.keeps(ruleFreeAcked) {
		switch b.State {
		case binding.Expired:
			if !e.keeps(ruleGuard) {
				return b.Expires
			}
			return add(b.Expires, e.cfg.Guard)
		case binding.Abandoned:
			return b.Expires
		case binding.Released, binding.Active, binding.Free:
			return b.Changed // its client said so
		}
	}
	if e.rec.State == PartnerDown && (!e.awake() || m.Has(binding.Ceded) && !m.Has(binding.Pending)) {
		return e.freeAt(b)
	}
	return time.Time{}
}

// awake reports whether the partner of a server in PARTNER-DOWN answers its clients again, or does so before it hears what is done
// from now on: it is being told what it needs for that. It may prolong a lease that is over here, unless it knows that that is over.
func (e *Endpoint) awake() bool { return (e.rec.Roused || e.dump.running) && e.keeps(ruleRoused) }

// frees reports whether this is a state in which ended bindings become free: not where the partner may have been in
// PARTNER-DOWN, and have freed them itself.
func (e *Endpoint) frees() bool {
	switch e.State() {
	case Normal, CommunicationsInterrupted, PartnerDown:
		return true
	case Startup, PotentialConflict, Recover, Paused, Shutdown, RecoverDone, ResolutionInterrupted, ConflictDone, RecoverWait:
	}
	return false
}

// forgottenUntil returns when all is over that a server can have promised before it lost its store.
func (e *Endpoint) forgottenUntil() time.Time { return add(e.over(e.rec.Forgotten), e.cfg.Guard) }

// Lapse returns what becomes of a binding that is due at now. Where nothing does any more, the change is Quiet. Like those of
// Stamp, changes must be put into the view and committed, and Step(Changed) sends them.
func (e *Endpoint) Lapse(now time.Time, b *binding.Binding) Change {
	due := e.Due(b)
	if due.IsZero() || now.Before(due) {
		return Change{Binding: *b, Due: due, Quiet: true}
	}
	n := *b
	n.Changed = wholeSeconds(now)
	if b.State == binding.Active {
		n.State, n.Cause = binding.Expired, binding.LeaseExpired
		if e.cfg.Role == Secondary { // told to nobody
			n.Changed = b.Changed
			return Change{Binding: n, Due: e.Due(&n)}
		}
	} else {
		n.State, n.Owner, n.Cause = binding.Free, e.cfg.Self, binding.GuardPassed
		if b.State == binding.Abandoned {
			n.Cause = binding.QuarantineOver
		}
	}
	e.stamp(now, b, &n)
	if n.State == binding.Free {
		n.Sync.Potential, n.Sync.Acked = time.Time{}, time.Time{}
		e.balance.changed(now)
	}
	e.file(&b.Sync, &n)
	return Change{Binding: n, Due: e.Due(&n)}
}

// sweep walks over all bindings and sees to it that each that can go on does: it is due when the state says so, and the
// partner is told again of an end that neither has acknowledged.
type sweep struct {
	running bool
	scan    uint64
}

func (w *sweep) begin() { *w = sweep{running: true} }

// sweepOn goes on with a sweep by a bounded part.
func (s *step) sweepOn() (more bool) {
	next, done := s.view.Scan(s.sweep.scan, placesAStep, func(b *binding.Binding) bool {
		if s.exchanges(b.Addr()) {
			s.sweepOne(b)
		}
		return true
	})
	s.sweep = sweep{running: !done, scan: next}
	s.renumber = s.renumber && !(done && s.mayRenumber())
	return !done
}

// mayRenumber reports whether what the partner knows of ours is known here, or nobody knows it.
func (s *step) mayRenumber() bool {
	return s.told || s.rec.State != Recover || !s.rec.Lost || s.rec.Partner == Recover
}

func (s *step) sweepOne(b *binding.Binding) {
	now := s.after(b)
	m := now.Sync.Marks
	if m.Has(binding.Pending) {
		s.outbox.again(&now) // its range was taken out, and is back
		if s.renumber && (s.mayRenumber() || now.Sync.Ours.Epoch() >= s.forked) {
			old := now.Sync
			s.last++
			s.known = s.last
			now.Sync.Ours = s.last
			s.put(&old, &now)
		}
	}
	if !s.view.Covers(b.Addr()) {
		return // it changes when its range is back
	}
	switch now.State {
	case binding.Expired, binding.Released, binding.Abandoned:
		ours := s.cfg.Role == Primary || now.State != binding.Expired
		if s.rec.State == Normal && ours && !m.Has(binding.Ceded) && !m.Has(binding.Pending) {
			old := now
			s.stamp(s.now, &old, &now)
			s.put(&old.Sync, &now)
			return
		}
		s.out.Changes = append(s.out.Changes, Change{Binding: s.out.own(&now), Due: s.Due(&now), Quiet: true})
	case binding.Active, binding.Free:
	}
}
