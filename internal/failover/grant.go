package failover

import (
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Promise is what a client may be told, and what the partner is to be told of it.
type Promise struct {
	Lifetime  time.Duration // whole seconds, or Infinite
	Expires   time.Time     // the end of Lifetime: Binding.Expires
	Potential time.Time     // Binding.Sync.Potential
}

// Grant returns the promise to client c that is to have its address for want. old is the address's binding before, nil if
// there is none. Every answer that grants time passes here, in whatever state. Where the clocks differ by more than they
// may, nothing that the partner said about time is counted on (RELIABILITY I12).
func (e *Endpoint) Grant(now time.Time, old *binding.Binding, c *binding.Client, want time.Duration) Promise {
	var acked time.Time
	if old != nil && holds(old, c) && !e.mayBeForgotten(old) && !e.skewed {
		acked = old.Sync.Acked
	}
	lifetime := want
	if e.keeps(ruleClamp) && (e.State() != PartnerDown || e.keeps(ruleClampPartnerDown)) {
		lifetime = within(now, ClientExpiry(now, add(now, want), acked, e.rec.MCLT), want)
	}
	granted := lifetime
	if granted == binding.Infinite {
		granted = 0
	}
	return Promise{Lifetime: lifetime, Expires: binding.Expiry(now, lifetime), Potential: PotentialExpiry(now, want, granted)}
}

// within returns want where it ends at end, else the whole seconds until end.
func within(now, end time.Time, want time.Duration) time.Duration {
	if !end.Before(add(now, want)) {
		return want
	}
	return end.Sub(now).Truncate(time.Second)
}

func holds(b *binding.Binding, c *binding.Client) bool {
	return (b.State == binding.Active || b.State == binding.Expired) && b.Client.Is(c)
}

// mayBeForgotten reports whether b is a lease that the partner knows to have ended: it may have made the address free meanwhile, and
// have forgotten what it had acknowledged.
func (e *Endpoint) mayBeForgotten(b *binding.Binding) bool {
	return b.State == binding.Expired && !e.Known(b)
}

// Known reports whether b's client has a claim to the address: it is leased, or its lease has ended here while the partner
// neither was told nor said so.
func (e *Endpoint) Known(b *binding.Binding) bool {
	switch b.State {
	case binding.Active:
		return true
	case binding.Expired:
		m := b.Sync.Marks
		return !m.Has(binding.Ceded) && !m.Has(binding.Pending|binding.Sent) || !e.keeps(ruleCeded)
	case binding.Free, binding.Released, binding.Abandoned:
	}
	return false
}

// MayGive reports whether a new client may be given the address now, whose binding is b, nil if it has none. Only its owner
// gives a free address away; in PARTNER-DOWN the other one does, too, when nobody can hold it any more. Where new clients are not
// answered, one that had the address before is none that is known: the partner may be giving it away.
func (e *Endpoint) MayGive(now time.Time, a netip.Addr, b *binding.Binding) bool {
	var owner binding.Member
	switch {
	case !served[e.answersAs()].fresh:
		return false
	case b == nil:
		owner = e.ownerOf(a)
	case b.State != binding.Free || now.Before(e.withheldUntil(b)):
		return false
	default:
		owner = b.Owner
	}
	if owner == e.cfg.Self || !e.keeps(ruleOwner) {
		return !now.Before(e.rec.OwnShareFrom)
	}
	if e.rec.State != PartnerDown || e.overlay != 0 || e.leaving {
		return false
	}
	if b == nil {
		return !now.Before(e.shareFrom())
	}
	return !now.Before(e.freeAt(b))
}

// MayGiveReserved reports whether a client may be given the address that is kept for it and that it has no claim to; b is its
// binding, nil if it has none, and inPool says that it lies in a pool. Either server gives it where both have agreed who it is
// kept for. Else it is an address like others: the partner may give it to somebody. An ISC server agrees to nothing, and
// gives reserved addresses of its pools to anybody.
func (e *Endpoint) MayGiveReserved(now time.Time, a netip.Addr, b *binding.Binding, inPool bool) bool {
	agreed := e.rec.Agreed == e.cfg.Parts.Told().Vital.Digest || !e.keeps(ruleOwner)
	if e.cfg.Protocol == ISC {
		agreed = !inPool
	}
	return agreed || e.MayGive(now, a, b)
}

// withheldUntil returns until when a free address stays unused. An ISC server gives away, with its word that it is free,
// what it has just offered, and what has just ended.
func (e *Endpoint) withheldUntil(b *binding.Binding) time.Time {
	if e.cfg.Protocol == ISC && !b.Expires.IsZero() {
		return add(b.Expires, e.cfg.Guard)
	}
	return b.Expires
}

// freeAt is FreeAt with what this relationship has come to. A partner that never served has promised nothing.
func (e *Endpoint) freeAt(b *binding.Binding) time.Time {
	guard, mclt, since := e.cfg.Guard, e.rec.Largest, e.rec.Since
	known := *b
	for _, r := range [...]struct {
		rule rule
		what *time.Time
	}{
		{ruleWaitSince, &since}, {ruleWaitExpires, &known.Expires}, {ruleWaitPotential, &known.Sync.Potential},
		{ruleWaitAcked, &known.Sync.Acked},
	} {
		if !e.keeps(r.rule) {
			*r.what = time.Time{}
		}
	}
	if !e.keeps(ruleGuard) {
		guard = 0
	}
	if !e.keeps(ruleWaitMCLT) {
		mclt = 0
	}
	if e.rec.NeverServed {
		return later(e.rec.Since, add(b.Expires, guard))
	}
	return FreeAt(&known, since, mclt, guard)
}

// Stamp makes b, a change that this server makes of old (nil: there was no binding), one that the partner will be told of. It
// must be put into the view and committed before the next one, with Due as the time when Lapse is to be asked about it, and Step(Changed) sends
// it. A lease that is given back becomes Released: the address is free when the partner has agreed.
func (e *Endpoint) Stamp(now time.Time, old, b *binding.Binding) {
	var was binding.Binding
	if old != nil {
		was = *old
	}
	if b.State == binding.Free && was.State != binding.Free && b.Cause == binding.ClientReleased {
		b.State, b.Owner = binding.Released, ""
	}
	e.stamp(now, &was, b)
	e.file(&was.Sync, b)
	e.used = true
	if b.State == binding.Active && !holds(&was, &b.Client) {
		e.heard.granted(now, &b.Client)
	}
}

// stamp numbers a change.
func (e *Endpoint) stamp(now time.Time, was, b *binding.Binding) {
	potential := b.Sync.Potential
	b.Sync = was.Sync
	begins := b.State == binding.Active && !holds(was, &b.Client)
	if begins {
		b.Sync.Potential, b.Sync.Acked = time.Time{}, time.Time{}
	} else if b.State == binding.Active && e.mayBeForgotten(was) { // it is told again, and waited for further
		b.Sync.Potential, b.Sync.Acked = later(b.Sync.Potential, b.Sync.Acked), time.Time{}
	}
	if b.State == binding.Active {
		b.Sync.Potential = later(b.Sync.Potential, potential)
		b.Owner = ""
	}
	e.last++
	e.known = e.last
	b.Sync.Ours = e.last
	e.stampPast(was, b)

	private := was.Sync.Marks.Has(binding.Private) || begins && e.wasOurs(was, b)
	m := binding.Pending
	switch {
	case e.updating():
		m |= binding.Sent
	case private:
		m |= binding.Private
	}
	b.Sync.Marks = m
}

// wasOurs reports whether the address was free and this server's.
func (e *Endpoint) wasOurs(was, b *binding.Binding) bool {
	if was.State == 0 {
		return e.ownerOf(b.Addr()) == e.cfg.Self
	}
	return was.State == binding.Free && was.Owner == e.cfg.Self
}
