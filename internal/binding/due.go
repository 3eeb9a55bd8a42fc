package binding

import "time"

// Guard returns how long after its expiry an address stays withheld, so that clocks that disagree never give it to two
// clients: max(60 s, 0.05 % of the longest lifetime) (RELIABILITY, "When I1 can hold").
func Guard(longest time.Duration) time.Duration {
	if longest == Infinite {
		longest = 0 // such a lease never expires
	}
	return max(time.Minute, (longest / 2000).Truncate(time.Second))
}

// Due returns when the binding changes by itself: an active one at its expiry, an expired one when the guard has
// passed, an abandoned one when its quarantine is over; the zero time for one that does not.
func (b *Binding) Due(guard time.Duration) time.Time {
	switch b.State {
	case Active, Abandoned:
		return b.Expires
	case Expired:
		return b.Expires.Add(guard)
	}
	return time.Time{}
}

// Lapse returns what b becomes at its Due time, which is not after now.
func (b *Binding) Lapse(now time.Time, owner Member) Binding {
	n := *b
	n.Changed = now.Truncate(time.Second)
	switch b.State {
	case Active:
		n.State, n.Cause = Expired, LeaseExpired
	case Expired:
		n.State, n.Cause, n.Owner = Free, GuardPassed, owner
	case Abandoned:
		n.State, n.Cause, n.Owner = Free, QuarantineOver, owner
	}
	return n
}
