package node

import (
	"bytes"
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/ledger"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// Sweep says that there is time to look at some more bindings after the configuration changed, while Sweeping: at up to Most of
// them, or at about a third of a millisecond's worth.
type Sweep struct{ Most int }

func (Sweep) input() {}

// Descent says from which versions of the configuration others come, parents first: all that this server has, and later those that
// are new, whether they are served by or not.
type Descent struct{ Versions []Descendant }

// Descendant is one version of the configuration.
type Descendant struct {
	ID, Document binding.Digest
	Parents      []binding.Digest
}

func (Descent) input() {}

// descend takes note of versions.
func (c *Core) descend(all []Descendant) {
	if c.lineage == nil {
		c.lineage = ledger.NewLineage()
	}
	for i := range all {
		c.lineage.Add(all[i].ID, all[i].Document, all[i].Parents...)
	}
}

// sweepRest is how long a sweep waits behind the last of the bindings that the partner tells one that lost all it knew.
const sweepRest = time.Second

// sweepStride is how many bindings a Sweep looks at that does not say how many.
const sweepStride = 128

// staleness keeps the ledger of the clients that have something else than the policy would give them. It is exact but for
// the bindings that a sweep has not come to yet, which stand as the policy before had them.
type staleness struct {
	judge ledger.Judge
	book  *ledger.Ledger
	since time.Time // from when on the policy is served by

	sweeping bool
	next     uint64    // where the sweep goes on
	looked   int       // at how many bindings it has looked
	rests    time.Time // until when it does not go on

	// strangers are versions, few of many, by which clients have what they were told, and from which the policy does not come.
	strangers []binding.Digest
}

// maxStrangers is how many are kept: when some of them are lost, others are found.
const maxStrangers = 64

// Strangers returns versions by which stale clients were told, and from which what is served by does not come: of many some.
func (c *Core) Strangers() []binding.Digest { return slices.Clone(c.ledger.strangers) }

// meet notes by which version a stale client was told, where that is not behind the policy.
func (s *staleness) meet(v binding.Digest) {
	if len(s.strangers) < maxStrangers && !s.judge.Policy().Follows(v) && !slices.Contains(s.strangers, v) {
		s.strangers = append(s.strangers, v)
	}
}

// begin makes p what is judged by from now on, as far as both members agreed on it.
func (s *staleness) begin(self binding.Member, p, agreed *policy.Policy, now time.Time, table *binding.Table) {
	if s.judge.Uses(p, agreed) {
		return
	}
	if s.judge.Policy() != p {
		s.since = now
	}
	s.judge.Use(self, p, agreed)
	if s.book == nil {
		s.book = ledger.NewLedger()
	}
	s.sweepAll(table)
}

// beginAnew forgets all, since the bindings were read anew.
func (s *staleness) beginAnew(table *binding.Table) {
	s.book = ledger.NewLedger()
	s.sweepAll(table)
}

func (s *staleness) sweepAll(table *binding.Table) {
	s.sweeping, s.next, s.looked, s.strangers = table.Len() > 0, 0, 0, nil
}

// putOff leaves a binding to a sweep, which begins when nothing of the kind has come for a while: a server that is told everything
// anew answers sooner if it looks at all of it once it knows it.
func (s *staleness) putOff(now time.Time) {
	s.sweeping, s.next, s.looked, s.rests = true, 0, 0, now.Add(sweepRest)
}

// SweepRests returns until when a sweep rests, since bindings come that it would have to look at again.
func (c *Core) SweepRests() time.Time { return c.ledger.rests }

// ServedSince says since when the policy is served by, where that is longer ago than the core knows.
func (c *Core) ServedSince(t time.Time) { c.ledger.since = t }

// Sweeping reports whether bindings are still to be looked at (Sweep).
func (c *Core) Sweeping() bool { return c.ledger.sweeping }

// sweep looks at up to most bindings more.
func (c *Core) sweep(most int) {
	s := &c.ledger
	if !s.sweeping {
		return
	}
	next, done := c.table.Scan(s.next, cmp.Or(most, sweepStride), func(b *binding.Binding) bool {
		s.looked++
		s.note(s.since, b)
		return true
	})
	s.next, s.sweeping = next, !done
}

// note makes the ledger say what b says. Who is stale is so since the time since, unless it was before.
func (s *staleness) note(since time.Time, b *binding.Binding) {
	switch standing, cause := s.judge.Look(b); standing {
	case ledger.Stale:
		s.book.Note(b.Prefix, since, cause)
		s.meet(b.Version)
	case ledger.Unknown:
		s.book.Note(b.Prefix, since, 0)
	case ledger.NoLease, ledger.Current:
		s.book.Forget(b.Prefix)
	}
}

// rejudge notes what became of b.
func (c *Core) rejudge(now time.Time, b *binding.Binding) { c.ledger.note(now, b) }

// answered notes what our own answer to b's client made of b. What was resolved by the policy that is judged by need not be
// resolved again.
func (c *Core) answered(now time.Time, b *binding.Binding) {
	granted := b.State == binding.Active && (b.Cause == binding.Granted || b.Cause == binding.Renewed)
	if granted && b.Version == c.policy.Version {
		c.ledger.book.Forget(b.Prefix)
		return
	}
	c.rejudge(now, b)
}

// toldOlder looks for the one client that no server can know to be one: while the two were apart it was told by a newer
// version here, and later by an older one there, or the other way around. n, which is about to take the place of our record,
// then says so in its cause, until the client is answered again.
func (c *Core) toldOlder(ev failover.Event, n *binding.Binding) {
	mine, had := c.table.Get(n.Prefix)
	if !had || n.State != binding.Active || mine.State != binding.Active && mine.State != binding.Expired || !mine.Client.Is(&n.Client) {
		return
	}
	later, earlier := n, &mine
	switch {
	case n.Cause == binding.ToldByPartner: // another vendor's server, which does not say by what it told the client
		if sameAnswer(n, &mine) {
			n.Cause = mine.Cause // it only says again what we told it
		}
		return
	case n.CLTT.After(mine.CLTT): // the partner's answer was the later one
	case mine.Cause == binding.ToldOlder && sameAnswer(n, &mine):
		n.Cause = binding.ToldOlder // said before, and it still holds
		return
	default:
		theirs := updateOf(ev, n.Prefix)
		if theirs == nil || theirs.State != binding.Active || !theirs.Client.Is(&n.Client) {
			return
		}
		if earlier = theirs; sameAnswer(n, theirs) {
			earlier = &mine
		}
	}
	if later.Result == nil || earlier.Result == nil || bytes.Equal(later.Result.Bytes, earlier.Result.Bytes) {
		return
	}
	if !c.follows(later.Version, earlier.Version) {
		n.Cause = binding.ToldOlder
	}
}

// sameAnswer reports whether two records rest on the same answer to their client.
func sameAnswer(a, b *binding.Binding) bool {
	return a.CLTT.Equal(b.CLTT) && a.Version == b.Version &&
		(a.Result == nil) == (b.Result == nil) && (a.Result == nil || bytes.Equal(a.Result.Bytes, b.Result.Bytes))
}

// updateOf returns what the partner's message says of p; nil if nothing.
func updateOf(ev failover.Event, p netip.Prefix) *binding.Binding {
	in, ok := ev.(failover.Received)
	if !ok {
		return nil
	}
	m, ok := in.Message.(failover.BindingUpdate)
	if !ok {
		return nil
	}
	for i := range m.Updates {
		if u := &m.Updates[i]; u.Binding.Prefix == p && !u.Last.IsValid() {
			return &u.Binding
		}
	}
	return nil
}

// follows reports whether version v is of, or comes from it, as far as this server can know: of two versions before its own it
// cannot tell, and takes the one that was told later for the later one.
func (c *Core) follows(v, of binding.Digest) bool {
	switch {
	case v == of, v.IsZero(), of.IsZero(), v == c.policy.Version:
		return v == of || v.IsZero() || c.policy.Follows(of)
	case c.lineage != nil:
		return c.lineage.Follows(v, of)
	case !c.policy.Follows(v): // newer than this server, or of another branch: the partner can say
		return true
	}
	return of != c.policy.Version && c.policy.Follows(of)
}
