package sim

import (
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
)

// reused sees to I5, I7, I12 and I13: what a server decides about an address, and what it knew of it before.
func (o *oracle) reused(m *Member, i int, b *binding.Binding) {
	was, is := o.view[m.i][i], o.briefOf(b)
	o.view[m.i][i] = is
	if is.state != binding.Active {
		p := &o.told[m.i][i]
		if is.state != binding.Expired || b.Cause != binding.LeaseExpired {
			p.over, p.ended = true, is.ours
		}
	}
	if is.ours < was.ours || is.theirs < was.theirs {
		o.w.fail("I13: %s: %v goes back in its numbers", m.name, b.Prefix)
	}
	if o.w.set.Outside || o.w.failed != "" {
		return
	}
	same := was.client != nil && is.client != nil && was.client.identity == is.client.identity
	if was.state == binding.Active && is.state == binding.Active && same && is.expires.Before(was.expires) && !o.ever[0] && !o.ever[1] {
		o.w.fail("I7: %s shortens the lease of %v from %v to %v", m.name, b.Prefix, was.expires.Sub(epoch), is.expires.Sub(epoch))
	}
	if is.theirs != was.theirs || is.ours == was.ours && is.state != binding.Expired { // the other server's word
		return
	}
	second := m.clk.now().Truncate(time.Second) // what is older was told by the other one, to whom much was told again
	switch {
	case was.state == binding.Active && is.state == binding.Expired && b.Cause == binding.LeaseExpired:
		o.expired(m, i, was)
	case is.state == binding.Free && b.Changed.Equal(second) && (was.state == binding.Expired || was.state == binding.Released || was.state == binding.Abandoned):
		o.freed(m, i, was, b)
	case is.state == binding.Active && !same && b.CLTT.Equal(second):
		o.given(m, i, was, b)
	}
}

// expired sees to I12: no lease ends before the time that its client was told, by the clock of the server that told it.
func (o *oracle) expired(m *Member, i int, was brief) {
	o.w.marks.hit(MarkExpired)
	p := &o.told[m.i][i]
	if p.client == nil || p.over || was.client == nil || p.client.identity != was.client.identity || p.ours > was.ours || o.ever[m.i] {
		return
	}
	if now := m.clk.now(); now.Before(p.expires) {
		o.w.fail("I12: %s ends the lease of %v at %v; its client was told %v", m.name, addressOf(i), now.Sub(epoch), p.expires.Sub(epoch))
	}
}

// freed sees to I5: an address is free when the other server has agreed that its lease is over, never heard of it, or is known not to
// serve and whatever either may have promised is over.
func (o *oracle) freed(m *Member, i int, was brief, b *binding.Binding) {
	now, r := m.clk.now(), &o.record[m.i]
	if was.state == binding.Released {
		o.w.marks.hit(MarkReleased)
	}
	if was.state == binding.Expired && now.Before(was.expires.Add(m.relation.Guard)) {
		o.w.fail("I5: %s frees %v %v after its lease", m.name, b.Prefix, now.Sub(was.expires))
		return
	}
	mine, theirs := &o.wire[m.i][i], &o.wire[1-m.i][i]
	wasPrivate := mine.private(was.theirs)
	mine.own, mine.ownEver, mine.ownHeard, mine.ownSince = true, mine.ever, b.Sync.Theirs, b.Sync.Ours
	switch {
	case o.ever[0] || o.ever[1] || r.NeverServed:
		return
	case theirs.acknowledged >= was.ours, was.theirs != 0 && mine.ended >= was.theirs, mine.ever == 0 && was.theirs == 0:
		return
	case r.State == failover.PartnerDown && !now.Before(o.reusable(r, &was, m.relation.Guard)):
		o.w.marks.hit(MarkFreedAlone)
		return
	}
	if wasPrivate {
		return
	}
	o.w.fail("I5: %s, in %v since %v, frees %v, which was %v (#%x, #%x), without a word of the other one: that acknowledged #%x, and was told #%x", m.name, r.State,
		r.Since.Sub(epoch), b.Prefix, was.state, uint64(was.ours), uint64(was.theirs), uint64(theirs.acknowledged), uint64(mine.ever))
}

// private reports whether nothing was said of the address since it was free and this server's own by the word of either; heard
// is the other server's last change of it that this one knows.
func (t *talk) private(heard binding.Sequence) bool {
	return t.own && t.ownEver == t.ever && t.ownHeard == heard
}

// reusable returns from when on a server whose partner is down may use what that may have promised (RELIABILITY I5).
func (o *oracle) reusable(r *failover.Record, was *brief, guard time.Duration) time.Time {
	last := r.Since
	for _, t := range [...]time.Time{was.expires, was.potential, was.acked} {
		if t.After(last) {
			last = t
		}
	}
	return last.Add(r.MCLT + guard)
}

// given sees to I4 and I5: a new client gets what is free and this server's own or, where the other one is known not to serve, what
// that cannot have promised to anybody any more.
func (o *oracle) given(m *Member, i int, was brief, b *binding.Binding) {
	if was.state != 0 && was.state != binding.Free {
		o.w.fail("I5: %s gives %v away, which was %v for client %d", m.name, b.Prefix, was.state, was.client.id)
		return
	}
	if was.state == 0 || was.owner == m.name || m.keep != nil && m.keep.mayBoth(b) {
		return
	}
	now, r := m.clk.now(), &o.record[m.i]
	switch {
	case r.State != failover.PartnerDown:
		o.w.fail("I4: %s, in %v, gives %v away, which is %s's", m.name, r.State, b.Prefix, was.owner)
	case r.NeverServed:
	case now.Before(o.reusable(r, &was, m.relation.Guard)):
		o.w.fail("I5: %s gives %v of the other one's share away %v too early", m.name, b.Prefix, o.reusable(r, &was, m.relation.Guard).Sub(now))
	default:
		o.w.marks.hit(MarkPartnerShare)
	}
}
