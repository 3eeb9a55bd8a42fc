package failover

import (
	"github.com/lessor-dhcp/lessor/internal/binding"
)

// merge makes one record of two that do not know of each other. Both servers come to the same one, whichever hears the
// other first: it depends on nothing but the two records and who is the primary. Where one of them goes on meanwhile they may
// not; so the primary's is a change of its own, which the secondary takes, since it knows of both. No lease of either
// disappears: one that runs is stronger than any word that the address is free, which was said without knowledge of it.
func (s *step) merge(mine, u *binding.Binding) verdict {
	s.mine = mine
	winner, loser := mine, u
	if s.prefers(u, mine) {
		winner, loser = u, mine
	}
	n := *winner
	n.Sync = s.join(mine, u)
	n.Sync.Marks = mine.Sync.Marks | binding.Pending // ours was not heard yet, or must be told again
	if u.State != binding.Free {                     // it has promised something itself, as either may of an address that is kept for the client
		n.Sync.Marks &^= binding.Private
	}
	mergePromises(&n.Sync, mine, winner == mine, mine.Client.Is(&u.Client))
	if s.cfg.Role == Primary {
		s.last++
		s.known = s.last
		n.Sync.Ours = s.last
	}
	if mine.Client.Is(&u.Client) {
		n.CLTT = later(mine.CLTT, u.CLTT) // whoever heard the client last, it was heard then
		if mine.State == binding.Active && u.State == binding.Active {
			s.mergeLease(&n, mine, u)
		}
	}
	if n.State == binding.Active || n.State == binding.Free {
		n.Sync.Marks &^= binding.Ceded
	} else if loser.State != binding.Active {
		n.Sync.Marks |= binding.Ceded // both say that it is over
	}
	n.Past = mine.Past
	if h, ok := lastHolding(mine); ok && winner != mine {
		s.past = appendHolding(append(s.past[:0], mine.Past...), &h)
		n.Past = s.past
	}
	v := verdict{binding: n, change: true, compare: compareApart}
	if n.State == binding.Active && u.State != binding.Active {
		v.reason, v.text = LessCritical, "the address is leased"
	}
	return v
}

// mergePromises makes what was promised of two records one; n has the partner's in Acked. What was acknowledged of another client says
// nothing about what this one may be granted: the partner knows of no promise to it. But until it is over nobody else gets the address.
func mergePromises(n *binding.Sync, mine *binding.Binding, isMine, same bool) {
	ours, theirs := mine.Sync.Acked, n.Acked
	n.Potential = later(n.Potential, mine.Sync.Potential)
	switch {
	case same:
		n.Acked = later(theirs, ours)
	case isMine:
		n.Acked, n.Potential = ours, later(n.Potential, theirs)
	default:
		n.Potential = later(n.Potential, ours)
	}
}

// bothForgot reports whether both servers lack something: each numbers its changes anew at once, so a number does not say that
// its server knew all that came before.
func (s *step) bothForgot() bool { return s.recovering() && s.rec.Partner == Recover }

// takesAway reports whether something of our record would be lost if the partner's took its place, and ours is the stronger one.
// That a lease is over takes nothing away from one that ends no later: that is how it ends.
func (s *step) takesAway(mine, u *binding.Binding) bool {
	if mine.State == binding.Active && leased(u) && mine.Client.Is(&u.Client) {
		return mine.Expires.After(u.Expires)
	}
	same := mine.State == u.State && mine.Client.Is(&u.Client)
	s.mine = mine
	return !(same && mine.Owner == u.Owner && mine.Expires.Equal(u.Expires)) && s.prefers(mine, u)
}

// mergeLease makes one lease of two of the same client: it ends when the later of the two does.
func (s *step) mergeLease(n, mine, u *binding.Binding) {
	if s.keeps(ruleLastWord) {
		n.Expires = later(mine.Expires, u.Expires)
	}
	if mine.Expires.Before(u.Starts) || u.Expires.Before(mine.Starts) { // somebody else may have had it in between
		n.Starts, n.Changed = later(mine.Starts, u.Starts), later(mine.Changed, u.Changed)
	} else {
		n.Starts, n.Changed = earlier(mine.Starts, u.Starts), earlier(mine.Changed, u.Changed)
	}
}

// rank orders the states of records that do not know of each other.
func rank(st binding.State) int {
	switch st {
	case binding.Active:
		return 4
	case binding.Abandoned:
		return 3
	case binding.Expired, binding.Released:
		return 2
	case binding.Free:
		return 1
	}
	return 0
}

// prefers reports whether record a is stronger than b, of which one is ours. Of any two it says so of exactly one.
func (s *step) prefers(a, b *binding.Binding) bool {
	if a.State == binding.Active && b.State == binding.Active {
		return s.prefersLease(a, b)
	}
	if !s.keeps(ruleActiveWins) {
		return s.primarys(a, b)
	}
	if over(a, b) {
		return false
	}
	if over(b, a) {
		return true
	}
	if ra, rb := rank(a.State), rank(b.State); ra != rb {
		return ra > rb
	}
	if a.State == binding.Abandoned && !a.Expires.Equal(b.Expires) {
		return a.Expires.After(b.Expires)
	}
	return s.primarys(a, b)
}

// over reports whether lease a of one client was over before record b of another began.
func over(a, b *binding.Binding) bool {
	if a.State != binding.Active || a.Client.Is(&b.Client) {
		return false
	}
	began := b.Starts
	if b.State == binding.Free || b.State == binding.Abandoned {
		began = b.Changed
	}
	return !began.IsZero() && !a.Expires.After(began)
}

// prefersLease compares two leases: the one of which something was heard later is right, the primary's where that is equal
// (as ISC decides between updates that cross each other).
func (s *step) prefersLease(a, b *binding.Binding) bool {
	if first, second := over(a, b), over(b, a); first != second { // both only where one ends before it begins
		return second
	}
	if !a.CLTT.Equal(b.CLTT) {
		return a.CLTT.After(b.CLTT)
	}
	return s.primarys(a, b)
}

// primarys reports whether a is the primary's record, and not b.
func (s *step) primarys(a, b *binding.Binding) bool {
	aIsTheirs := a != s.mine
	return aIsTheirs == (s.cfg.Role == Secondary)
}

// leased reports whether b says of a client from when until when it had the address.
func leased(b *binding.Binding) bool { return b.State == binding.Active || b.State == binding.Expired }
