package failover

import (
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// A partner that is gone for good is taken out of the group. This server has declared it down; when nobody can hold any more what
// it may have given away, what was its own is this server's: first each binding is made one of a server alone (Inherit), then the
// relationship ends (Dismissed).

// Dismissed says that the partner is no member any more, and that every binding was made one of a server alone: no connection is wanted
// from now on, and the record is that of a server on which a relationship with somebody else may begin.
type Dismissed struct{}

func (Dismissed) event() {}

// DismissFrom returns from when on what was the partner's is this server's where the partner does not come back; false where the
// partner is not declared down, or has been heard since.
func (e *Endpoint) DismissFrom() (time.Time, bool) {
	if e.rec.State != PartnerDown || e.overlay == Paused || e.link.open || e.rec.Roused {
		return time.Time{}, false
	}
	return later(e.shareFrom(), e.rec.OwnShareFrom), true
}

// Inherit returns b as a server alone keeps it: of nobody else, and held as long as the partner may have promised it. It changes nothing
// where b is that already. until is later than now where b is to be looked at again then. It may be asked from DismissFrom on.
func (e *Endpoint) Inherit(now time.Time, b *binding.Binding) (n binding.Binding, changed bool, until time.Time) {
	n = *b
	n.Sync, n.Past = binding.Sync{}, nil
	free := e.inheritedFrom(b)
	held := add(free, -e.cfg.Guard) // which is waited beside
	switch b.State {
	case binding.Free:
		if n.Owner = e.cfg.Self; b.Owner != e.cfg.Self && now.Before(free) {
			return *b, false, free
		}
	case binding.Active:
		if !b.CLTT.After(e.rec.Since) { // else its client has a newer word of ours than any of the partner's
			n.Expires = later(b.Expires, held)
		}
	case binding.Expired:
		n.Expires = later(b.Expires, held)
	case binding.Abandoned:
		n.Expires = later(b.Expires, free)
	case binding.Released: // nobody is left who could agree to that
		n.State, n.Cause, n.Expires = binding.Expired, binding.ClientReleased, held
	}
	if !n.Expires.Equal(b.Expires) {
		n.Expires = binding.Expiry(n.Expires, 0) // whole seconds
	}
	changed = n.State != b.State || n.Owner != b.Owner || !n.Expires.Equal(b.Expires) || b.Sync != binding.Sync{} || len(b.Past) > 0
	return n, changed, time.Time{}
}

// inheritedFrom returns from when on nobody can hold b's address any more, as far as the partner is concerned.
func (e *Endpoint) inheritedFrom(b *binding.Binding) time.Time {
	at := e.freeOnceFrom(b)
	if at.IsZero() {
		at = e.freeAt(b)
	}
	if held := e.heldUntil(b.Prefix); held.After(b.Starts) {
		at = later(at, add(held, e.cfg.Guard))
	}
	return at
}

// Alone returns the record of a server whose bindings are those of a server alone, for a relationship that begins: no partner was ever met
// or has promised anything, and all addresses are this server's until one is.
func Alone(now time.Time, mclt time.Duration, role Role, cause string) Record {
	r := NewRecord(now, mclt, true)
	r.State, r.Cause, r.NeverServed, r.Role = PartnerDown, cause, true, role
	if role == Secondary {
		r.Shares = runs(nil).others()
	}
	return r
}

// dismissed ends the relationship.
func (s *step) dismissed() {
	was := &s.rec
	r := Alone(s.now, was.MCLT, s.cfg.Role, string(s.cfg.Partner)+" is no member any more")
	r.Largest, r.LargestUntil = was.Largest, was.LargestUntil
	r.Lifetime, r.Longest, r.LongestUntil = was.Lifetime, was.Longest, was.LongestUntil
	r.Buckets, r.Agreed, r.Opening, r.Last = was.Buckets, was.Agreed, was.Opening, was.Last
	r.Conflicts = slices.Clone(was.Conflicts)
	if s.link.up {
		s.close(r.Cause)
	}
	s.rec, s.overlay, s.silent, s.dirty = r, 0, true, true
	s.note(Note{Kind: PartnerDismissed, Cause: r.Cause + ": all addresses are this server's"})
	s.sweep.begin()
}
