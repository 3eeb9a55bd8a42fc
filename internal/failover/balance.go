package failover

import (
	"net/netip"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// balance is when and how far free addresses are shared out, in NORMAL (specification of ISC's behaviour: pool balance).
type balance struct {
	running bool
	asked   bool      // the partner was asked for addresses in this run
	pool    int       // that is looked at next
	at      time.Time // of the next run
	last    time.Time // run
}

const (
	balanceAtLeast = time.Hour   // between two runs at most
	balanceAtMost  = time.Minute // between two runs at least
	holdPercent    = 10          // of a range, what the shares may differ by for the sake of clients who come again
	panicPercent   = 30          // of a range, what we must lack to ask
)

// soon lets a run begin at once.
func (b *balance) soon(now time.Time) { b.at = now }

// changed lets a run begin before long, since something became free or changed its owner.
func (b *balance) changed(now time.Time) {
	if next := later(now, b.last.Add(balanceAtMost)); next.Before(b.at) {
		b.at = next
	}
}

// mayBalance reports whether both are in NORMAL and hear each other.
func (e *Endpoint) mayBalance() bool {
	return e.updating() && e.rec.State == Normal && e.overlay == 0 && e.rec.Partner == Normal
}

// balanceOn goes on with a run by a bounded part, and begins one when it is due.
func (s *step) balanceOn() (more bool) {
	b := &s.balance
	if !s.mayBalance() {
		b.running = false
		return false
	}
	if !b.running {
		if s.now.Before(b.at) {
			return false
		}
		*b = balance{running: true, last: s.now, at: s.now.Add(balanceAtLeast)}
	}
	for given, looked := 0, 0; b.pool < s.view.Ranges(); b.pool++ {
		if looked++; given >= giftsAStep || looked > rangesAStep {
			return true
		}
		if s.giftsUnderWay() {
			return false
		}
		n, again := s.balancePool(b.pool, giftsAStep-given)
		given += n
		if again {
			return true
		}
	}
	b.running = false
	return false
}

// shares is how a range's free addresses are owned.
type shares struct {
	used, unused           uint64 // ours: used before, never used
	theirsUsed, theirsFree uint64
}

func (h *shares) ours() uint64   { return plus(h.used, h.unused) }
func (h *shares) theirs() uint64 { return plus(h.theirsUsed, h.theirsFree) }

// lead returns half of what our share is larger than the partner's; negative where it is smaller.
func (h *shares) lead() int64 {
	a, b := h.ours(), h.theirs()
	if a >= b {
		return int64(min((a-b)/2, 1<<62))
	}
	return -int64(min((b-a)/2, 1<<62))
}

// part returns percent of all that is free.
func (h *shares) part(percent uint64) int64 {
	return int64(plus(h.ours(), h.theirs()) / 100 * percent)
}

func (h *shares) hold() int64 {
	total := plus(h.ours(), h.theirs())
	if total < 1<<32 {
		return int64((total*holdPercent + 50) / 100)
	}
	return h.part(holdPercent)
}

func plus(a, b uint64) uint64 {
	if a+b < a {
		return 1<<64 - 1
	}
	return a + b
}

// count returns how range i is shared, and the longest run of never-used addresses that is ours.
func (s *step) count(i int) (h shares, longest Run) {
	h.used, h.theirsUsed = s.view.FreeOf(i, s.cfg.Self), s.view.FreeOf(i, s.cfg.Partner)
	var most uint64
	s.view.EachUnused(i, func(first, last netip.Addr) bool {
		s.rec.Shares.each(Run{first, last}, func(part Run, secondarys bool) bool {
			n := part.size()
			if secondarys != (s.cfg.Role == Secondary) {
				h.theirsFree = plus(h.theirsFree, n)
				return true
			}
			h.unused = plus(h.unused, n)
			if n > most {
				most, longest = n, part
			}
			return true
		})
		return true
	})
	return h, longest
}

// balancePool gives away what our share of range i is too large by, at most budget addresses one by one; it asks for some
// where it is far too small.
func (s *step) balancePool(i, budget int) (given int, again bool) {
	h, longest := s.count(i)
	lead, hold := h.lead(), h.hold()
	if asks := max(1, 2*((lead64(h)*15+50)/100)); lead < 0 && -lead > asks {
		if !s.balance.asked {
			s.balance.asked = true
			s.send(PoolRequest{})
		}
		return 0, false
	}
	if lead > 0 && h.unused > 0 && s.cfg.Protocol == Lessor {
		if n := min(uint64(lead), longest.size()); s.giveRun(longest.end(n)) {
			lead -= int64(n)
			given++
		}
	}
	give := func(b *binding.Binding, least int64) bool {
		if lead <= least || given >= budget {
			return false
		}
		s.giveUsed(b)
		lead--
		given++
		return true
	}
	looked := 0
	s.view.EachFree(i, s.cfg.Self, func(b *binding.Binding) bool { // those whose last client will ask the partner
		if looked++; looked > placesAStep {
			return false
		}
		if neverHeld(b) || !s.settled(b) || s.rec.Buckets.Primary(HashOf(&b.Client)) == (s.cfg.Role == Primary) {
			return true
		}
		return give(b, -hold)
	})
	looked = 0
	s.view.EachFree(i, s.cfg.Self, func(b *binding.Binding) bool {
		least := hold
		if neverHeld(b) { // nobody comes again for it
			least = 0
		}
		if s.settled(b) {
			give(b, least)
		}
		looked++
		return lead > 0 && given < budget && looked < placesAStep
	})
	if lead > 0 && (s.cfg.Protocol == ISC || s.runsFull()) {
		given += s.giveUnused(i, min(int(lead), budget-given))
	}
	return given, given >= budget
}

// neverHeld reports whether a free address has a record, and never had a client: an ISC server tells of each.
func neverHeld(b *binding.Binding) bool { return len(b.Client.ID) == 0 && b.Client.Hardware.IsZero() }

func lead64(h shares) int64 { return int64(min(plus(h.ours(), h.theirs()), 1<<40)) }

// settled reports whether a free address of ours may be given: it was not in this step, and the partner knows that it is
// free.
func (s *step) settled(b *binding.Binding) bool {
	now, _ := s.get(b.Prefix)
	return now.State == binding.Free && now.Owner == s.cfg.Self
}

// giveUsed gives a free address that was used before.
func (s *step) giveUsed(b *binding.Binding) {
	n := *b
	n.Owner, n.Cause = s.cfg.Partner, binding.Balanced
	s.stamp(s.now, b, &n)
	n.Sync.Marks &^= binding.Private
	s.put(&b.Sync, &n)
}

// giftsUnderWay reports whether as many gifts are on their way as may be: the run goes on when one of them is answered.
func (s *step) giftsUnderWay() bool {
	return len(s.rec.Gifts) >= maxGifts && slices.ContainsFunc(s.rec.Gifts, func(g Gift) bool { return s.flights.flying(single(g.First), g.Ours) })
}

// runsFull reports whether no more addresses can be given as runs: then they are given one by one, as to an ISC server.
func (e *Endpoint) runsFull() bool { return len(e.rec.Shares) >= maxRuns-1 }

// giveRun gives addresses that nobody ever used; false if no more can be given so now.
func (s *step) giveRun(r Run) bool {
	if len(s.rec.Gifts) >= maxGifts || s.runsFull() {
		return false
	}
	s.last++
	s.known = s.last
	s.assign(r, s.cfg.Partner)
	s.rec.Gifts = append(s.rec.Gifts, Gift{Run: r, Owner: s.cfg.Partner, Ours: s.last})
	s.feedGifts()
	return true
}

// giveUnused gives addresses that nobody ever used, one by one, and returns how many.
func (s *step) giveUnused(i, most int) (given int) {
	s.view.EachUnused(i, func(first, last netip.Addr) bool {
		s.rec.Shares.each(Run{first, last}, func(part Run, secondarys bool) bool {
			if secondarys != (s.cfg.Role == Secondary) {
				return true
			}
			for a := part.Last; given < most && !a.Less(part.First); a = a.Prev() {
				if _, had := s.get(single(a)); had {
					continue
				}
				b := binding.Binding{Prefix: single(a), State: binding.Free, Owner: s.cfg.Partner, Cause: binding.Balanced, Changed: wholeSeconds(s.now)}
				var none binding.Binding
				s.stamp(s.now, &none, &b)
				b.Sync.Marks &^= binding.Private
				s.put(&none.Sync, &b)
				given++
			}
			return given < most
		})
		return given < most
	})
	return given
}

func runUpdate(r Run, owner binding.Member, ours binding.Sequence) Update {
	return Update{Last: r.Last, Binding: binding.Binding{
		Prefix: single(r.First), State: binding.Free, Owner: owner, Sync: binding.Sync{Ours: ours},
	}}
}

// feedGifts tells of the gifts that were not told on this connection.
func (s *step) feedGifts() {
	for _, g := range s.rec.Gifts {
		p := single(g.First)
		if s.flights.flying(p, g.Ours) || s.room() <= 0 || !s.updating() {
			continue
		}
		id := s.send(BindingUpdate{[]Update{runUpdate(g.Run, g.Owner, g.Ours)}})
		s.flights.begin(flightID{id, placeOf(p)}, flight{ours: g.Ours, at: s.now, gift: true})
	}
}

// giftAcknowledged: the partner has the gift, or will not have it; then it stays its own until it says otherwise.
func (s *step) giftAcknowledged(ours binding.Sequence, a *Ack) {
	for i, g := range s.rec.Gifts {
		if g.Ours == ours && a.Reason == 0 {
			s.rec.Gifts = append(s.rec.Gifts[:i:i], s.rec.Gifts[i+1:]...)
			s.dirty = true
			return
		}
	}
}

// poolRequest: the partner asks for addresses. It is told a number first, and then of them.
func (s *step) poolRequest(id uint32) {
	given := 0
	if s.rec.State == Normal && s.overlay == 0 {
		for i := range s.view.Ranges() {
			h, _ := s.count(i)
			given += int(min(max(h.lead(), 0), 1<<30))
		}
		s.balance.soon(s.now)
	}
	s.reply(id, PoolResponse{given})
}
