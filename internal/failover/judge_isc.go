package failover

import "github.com/lessor-dhcp/lessor/internal/binding"

// judgeISC decides about the word of an ISC server, which says nothing of what it knows. A change of ours that it has not
// acknowledged counts as unknown to it, as it does the other way round; the tables are those of its own that are safe,
// and stricter where they are not.
func (s *step) judgeISC(mine *binding.Binding, had bool, u *binding.Binding) verdict {
	if !had {
		*mine = binding.Binding{Prefix: u.Prefix}
		return s.takeISC(mine, u)
	}
	if mine.Sync.Marks.Has(binding.Pending) {
		return s.duel(mine, u)
	}
	if mine.State == binding.Active && u.State != binding.Active && !s.hasEnded(mine, u) {
		return refused(FatalConflict, "invalid state transition: the lease has not ended yet")
	}
	return s.takeISC(mine, u)
}

// hasEnded reports whether u may end our lease: its client gave it back or found the address in use, or its time is over.
func (s *step) hasEnded(mine, u *binding.Binding) bool {
	switch u.State {
	case binding.Released, binding.Abandoned:
		return true
	case binding.Expired:
		return !mine.Expires.After(s.now.Add(early))
	case binding.Free:
		return !later(mine.Expires, later(mine.Sync.Acked, mine.Sync.Potential)).After(s.now)
	case binding.Active:
	}
	return false
}

// duel decides between a change of ours that the partner has not acknowledged and one of its. A lease wins; of two, the one
// of which something was heard later. The partner decides in the same way about ours, so that one of the two is refused.
func (s *step) duel(mine, u *binding.Binding) verdict {
	mineActive, theirsActive := mine.State == binding.Active, u.State == binding.Active
	same := mine.Client.Is(&u.Client)
	switch {
	case mineActive && theirsActive && same:
		n := *mine
		if s.primarysLease(u, mine) {
			n = s.asOurs(mine, u)
		}
		n.Sync = s.join(mine, u)
		s.mergeLease(&n, mine, u)
		if n.Expires.After(mine.Expires) { // it may have taken ours, which ends earlier than what its client was told
			s.tellAgain(&n)
		}
		return verdict{binding: n, change: true}
	case mineActive && theirsActive:
		v := s.takeISC(mine, u)
		if !s.primarysLease(u, mine) {
			v = refused(LessCritical, "incoming update is less critical than outgoing update")
			v.binding = *mine
		}
		v.compare = compareAll
		return v
	case mineActive && u.State == binding.Expired && s.hasEnded(mine, u):
		return s.takeISC(mine, u)
	case mineActive:
		return refused(LessCritical, "incoming update is less critical than outgoing update")
	case theirsActive:
		v := s.takeISC(mine, u)
		s.tellAgain(&v.binding) // it may have taken ours: of a lease and another word either takes the other's
		return v
	case s.cfg.Role == Primary:
		return refused(LessCritical, "incoming update is less critical than outgoing update")
	}
	return s.takeISC(mine, u)
}

// tellAgain makes what was heard a change of ours, so that the partner hears it back.
func (s *step) tellAgain(b *binding.Binding) {
	s.last++
	s.known = s.last
	b.Sync.Ours = s.last
	b.Sync.Marks = b.Sync.Marks&^binding.Private | binding.Pending | binding.Sent
}

// primarysLease reports whether the partner's lease is the one to keep.
func (s *step) primarysLease(u, mine *binding.Binding) bool {
	s.mine = mine
	return s.prefersLease(u, mine)
}

// takeISC makes the word of an ISC server our record. What ended is free at once there, on our acknowledgement.
func (s *step) takeISC(mine, u *binding.Binding) verdict {
	v := verdict{change: true, binding: s.asOurs(mine, u), compare: compareLease}
	if mine.Sync.Marks.Has(binding.Pending) {
		v.compare = compareAll
	}
	n := &v.binding
	if s.cfg.Role == Secondary && (n.State == binding.Expired || n.State == binding.Released) {
		n.State, n.Owner, n.Changed = binding.Free, s.cfg.Partner, wholeSeconds(s.now)
		n.Sync.Marks &^= binding.Ceded
	}
	return v
}

// asOurs returns the word of an ISC server as our record, with what it does not say.
func (s *step) asOurs(mine, u *binding.Binding) binding.Binding {
	n := s.adopt(mine, u)
	if n.State == binding.Active && n.Home == "" {
		n.Home = s.cfg.Partner
	}
	if n.State == binding.Active && n.Starts.IsZero() {
		n.Starts = wholeSeconds(s.now)
	}
	if n.Changed.IsZero() {
		n.Changed = wholeSeconds(s.now)
	}
	if n.Cause == 0 {
		n.Cause = binding.ToldByPartner
	}
	if noClient := n.Client.Hardware.IsZero() && len(n.Client.ID) == 0; noClient && n.State == binding.Abandoned {
		n.Client = mine.Client // it does not say whose the address was
	}
	return n
}
