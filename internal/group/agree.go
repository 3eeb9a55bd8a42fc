package group

import "github.com/lessor-dhcp/lessor/internal/config/version"

// Safety stands on what both members have: on Agreed. What it says of members, primary, protocol and MCLT holds at once. An address that it
// keeps for a client either member may give to that, so there is more to do: by what held before, the partner may just have given
// the address to somebody else. Both go through it in three steps, and each step is durable before the partner hears of it:
//
//  1. Agreed is the next version. What Agreed and Settled do not keep for the same client is given to nobody new from then on.
//  2. The partner has acknowledged all that this member gave away before: it is clear.
//  3. The partner says that it has come to step 2, too: Settled is Agreed, and the address is given by that.
//
// A member takes the first step only where both have ended the last for the version before, or behind the partner. So the two never
// stand on versions that are further apart than that, and the one that is behind knows that it gives nothing that the other one gives.

// Clear says that all that this member gave away by what held before agreed is known to the partner, in NORMAL; or, alone, that the
// partner is down and all is over that it can have promised.
func (m *Machine) Clear(agreed version.ID, alone bool) (out Output) {
	m.clear = clearance{agreed, alone}
	m.settle(&out)
	return out
}

// clearance is the last Clear.
type clearance struct {
	agreed version.ID
	alone  bool
}

// agreeOn brings Agreed and Settled forward.
func (m *Machine) agreeOn(known bool) {
	s, t := &m.State, &m.told
	switch {
	case m.Partner == "":
		s.Agreed, s.Settled = s.Head, s.Head
		return
	case s.Head.IsZero():
		return
	case s.Agreed.IsZero():
		m.agreeFirst(known)
		return
	}
	m.endSettling(known)
	switch {
	case !known || m.History.Get(t.Agreed) == nil:
	case t.Agreed == s.Agreed:
		if s.Settled == s.Agreed && m.keepSame(t.Settled, s.Agreed) {
			s.Agreed = m.common()
		}
	case m.History.Descends(t.Agreed, s.Agreed):
		if s.Settled == s.Agreed || m.keepSame(t.Settled, s.Settled) {
			s.Agreed = t.Agreed
		}
	case m.History.Descends(s.Agreed, t.Agreed): // it follows
	case m.keepSame(t.Settled, s.Settled): // both took a step when the other's head was older: neither will end it
		if both := m.common(); m.History.Descends(both, t.Agreed) {
			s.Agreed = both
		}
	}
	m.endSettling(known)
}

// agreeFirst is agreeOn for a member that has agreed on nothing yet: nobody has an address by what held before, or this member has
// lost its store, and serves when it knows what the partner does.
func (m *Machine) agreeFirst(known bool) {
	s, t := &m.State, &m.told
	switch {
	case !known:
		return
	case m.History.Get(t.Agreed) != nil:
		if s.Agreed, s.Settled = t.Agreed, t.Agreed; m.History.Get(t.Settled) != nil {
			s.Settled = t.Settled
		}
	case !t.Agreed.IsZero(): // it is yet to come
	case t.Head.IsZero(), t.Head == s.Head: // it may serve by this head from now on, and its word of that be lost
		s.Agreed, s.Settled = s.Head, s.Head
	default:
		s.Agreed = m.common()
		s.Settled = s.Agreed
	}
}

// endSettling takes the last step, where there is one to take.
func (m *Machine) endSettling(known bool) {
	s, t := &m.State, &m.told
	switch isClear := m.clear.agreed == s.Agreed; {
	case s.Settled == s.Agreed:
	case m.keepSame(s.Settled, s.Agreed):
		s.Settled = s.Agreed
	case isClear && m.clear.alone:
		s.Settled = s.Agreed
	case known && m.settledSince(): // which it is since it heard that this member was clear, whose store may have gone back then
		s.Settled = s.Agreed
	case known && t.Agreed == s.Agreed && (isClear && t.Clear || m.Without&RuleSettled != 0):
		s.Settled = s.Agreed
	}
}

// settledSince reports whether the partner has settled what is agreed here, or something later.
func (m *Machine) settledSince() bool {
	t := &m.told
	return m.History.Get(t.Settled) != nil && m.History.Descends(t.Settled, m.State.Agreed)
}

// isClear reports what the partner is told.
func (m *Machine) isClear() bool {
	s := &m.State
	return !s.Agreed.IsZero() && (s.Settled == s.Agreed || m.clear.agreed == s.Agreed)
}

// common returns the latest version that both members are known to have adopted; Agreed if there is none later. A version without one of
// the two is none: a member goes by Dismiss alone.
func (m *Machine) common() version.ID {
	agreed, theirs := m.State.Agreed, m.told.Head
	if m.History.Get(theirs) == nil || !m.isOfBoth() {
		return agreed
	}
	bases := m.History.Bases(m.State.Head, theirs)
	if len(bases) == 1 && (agreed.IsZero() || m.History.Descends(bases[0], agreed)) {
		return bases[0]
	}
	return agreed
}

// keepSame reports whether two versions keep the same addresses for the same clients.
func (m *Machine) keepSame(a, b version.ID) bool {
	if a == b {
		return true
	}
	if pair := [2]version.ID{a, b}; m.kept.of != pair {
		x, err := m.open(a)
		y, err2 := m.open(b)
		if err != nil || err2 != nil {
			return false // for now
		}
		m.kept = keptSame{pair, version.SameReservations(x, y)}
	}
	return m.kept.same
}

// keptSame is what keepSame found last: finding it again costs as much as the documents are long.
type keptSame struct {
	of   [2]version.ID
	same bool
}
