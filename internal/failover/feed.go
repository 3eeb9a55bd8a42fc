package failover

import (
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// What one step does at most.
const (
	feedsAStep  = 256  // updates sent
	placesAStep = 1024 // places of the table looked at
	giftsAStep  = 64   // addresses given to the partner
	rangesAStep = 256  // ranges whose shares are counted
	bundle      = 32   // bindings in a message between Lessors
)

// get returns the binding of p as it is after the changes of this step.
func (s *step) get(p netip.Prefix) (binding.Binding, bool) {
	for i := len(s.out.Changes) - 1; i >= s.first; i-- {
		if c := &s.out.Changes[i]; c.Binding.Prefix == p {
			return c.Binding, true
		}
	}
	return s.view.Get(p)
}

// put makes b what is known of its prefix; old is what was.
func (s *step) put(old *binding.Sync, b *binding.Binding) {
	s.file(old, b)
	s.out.Changes = append(s.out.Changes, Change{Binding: s.out.own(b), Due: s.Due(b)})
}

// putSync is put where nothing of b but Sync and Past is another.
func (s *step) putSync(old *binding.Sync, b *binding.Binding) {
	s.put(old, b)
	s.out.Changes[len(s.out.Changes)-1].Sync = true
}

// after returns b, which a scan of the view gave, as it is after the changes of this step.
func (s *step) after(b *binding.Binding) binding.Binding {
	if len(s.out.Changes) == s.first {
		return *b
	}
	n, _ := s.get(b.Prefix)
	return n
}

// updating reports whether changes are told to the partner as they come: the two know each other's state.
func (e *Endpoint) updating() bool {
	return e.link.open && e.link.heardState && e.overlay != Startup && !e.silent
}

// work does a bounded part of what there is to do, and reports whether there is more.
func (s *step) work() (more bool) {
	if s.renumber && !s.sweep.running && s.mayRenumber() {
		s.sweep.begin()
	}
	if s.sweep.running {
		more = s.sweepOn()
	}
	s.budget = feedsAStep
	if s.updating() {
		more = s.balanceOn() || more
		s.feedGifts()
		more = s.feed() || more
		more = s.dumpOn() || more
	}
	s.recovered()
	s.leavePartnerDown()
	s.flush()
	return more
}

// room returns of how many bindings the partner may be told now. max-unacked-bndupd counts messages, of which an ISC server's has one
// binding, and a Lessor's many.
func (e *Endpoint) room() int {
	switch {
	case e.cfg.Protocol == ISC:
		return e.link.window - e.flights.len()
	case e.flights.messages() >= e.link.window:
		return 0
	}
	if e.rec.Partner == Recover {
		return recoverWindow - e.flights.len()
	}
	return lessorWindow - e.flights.len()
}

// feed offers what is not acknowledged, in the order in which it changed.
func (s *step) feed() (more bool) {
	m := s.bundler()
	for !s.renumber && s.room()-len(m.updates) > 0 {
		ours, p, ok := s.outbox.next()
		if !ok {
			break
		}
		if s.budget == 0 {
			more = true
			break
		}
		s.outbox.cursor = ours
		b, had := s.get(p)
		if !had || b.Sync.Ours != ours || !b.Sync.Marks.Has(binding.Pending) || !s.exchanges(p.Addr()) {
			s.outbox.remove(ours) // where its range was taken out, until that is put back, or NORMAL ends
			continue
		}
		if s.flights.flying(p, ours) {
			continue
		}
		s.budget--
		if s.mustMarkSent(&b) {
			old := b.Sync
			b.Sync.Marks = b.Sync.Marks&^binding.Private | binding.Sent
			s.putSync(&old, &b)
		}
		s.bundle(&m, &b, s.dump.running)
	}
	s.ship(&m)
	return more
}

// exchanges reports whether the two tell each other of a. In NORMAL that are the addresses of the ranges that both have. In every
// other state all are, also those of a range that was taken out since: what a server did alone it may have done with an address
// that is the other one's, and the range may be put back before the two hear each other again.
func (s *step) exchanges(a netip.Addr) bool {
	return s.view.Covers(a) || s.cfg.Protocol == Lessor && s.rec.State != Normal
}

// mustMarkSent reports whether it matters, and is not known on disk yet, that the binding's last change is told: then its
// client has no claim any more, or its address is not ours alone.
func (s *step) mustMarkSent(b *binding.Binding) bool {
	if !s.keeps(ruleSentFirst) {
		return false
	}
	m := b.Sync.Marks
	return m.Has(binding.Private) || b.State == binding.Expired && s.tells(b) == binding.Expired && !m.Has(binding.Sent)
}

// tells returns the state that the partner is told of a binding. Only the primary tells that a lease ended by itself: for
// a secondary's word ISC has no ear in NORMAL, and one of the two is enough. The secondary tells of the lease, whose end
// says the same.
func (e *Endpoint) tells(b *binding.Binding) binding.State {
	if b.State == binding.Expired && e.cfg.Role == Secondary && !b.Sync.Marks.Has(binding.Ceded) {
		return binding.Active
	}
	return b.State
}

// bundler gathers updates for one message, in Output's memory.
type bundler struct {
	updates []Update
	dump    bool
}

func (s *step) bundler() bundler {
	all := s.out.updates
	return bundler{updates: all[len(all):]}
}

// bundle adds a binding to the message, and sends it where it is full.
func (s *step) bundle(m *bundler, b *binding.Binding, dump bool) {
	u := Update{Binding: s.out.own(b)}
	u.Binding.State = s.tells(b)
	// All that both know, so that a partner that has forgotten it knows it again.
	u.Binding.Sync.Potential = later(b.Sync.Potential, b.Sync.Acked)
	m.updates = append(m.updates, u) // nobody else appends before it is shipped
	m.dump = m.dump || dump
	if s.cfg.Protocol == ISC || len(m.updates) == bundle {
		s.ship(m)
	}
}

// ship sends what was gathered.
func (s *step) ship(m *bundler) {
	if len(m.updates) == 0 {
		return
	}
	if s.link.nextID == 0 {
		s.link.nextID++ // which no update has
	}
	id := s.send(BindingUpdate{m.updates})
	for i := range m.updates {
		u := &m.updates[i]
		s.flights.begin(flightID{id, placeOf(u.Binding.Prefix)}, flight{ours: u.Binding.Sync.Ours, at: s.now, as: u.Binding.State, dump: m.dump})
	}
	s.out.updates = append(s.out.updates[:len(s.out.updates)], m.updates...)
	*m = s.bundler()
}

// acknowledged takes the partner's answer to one binding of an update. Only that to the latest change of the binding says
// anything about it: what the partner acknowledged before may be what it knows no longer.
func (s *step) acknowledged(id uint32, a *Ack) {
	fl, ok := s.flights.end(flightID{id, placeOf(a.Prefix)})
	if !ok {
		s.ignored++
		return
	}
	if fl.gift {
		s.giftAcknowledged(fl.ours, a)
		return
	}
	b, had := s.get(a.Prefix)
	if !had || b.Sync.Ours != fl.ours && s.keeps(ruleLatestAck) {
		return
	}
	old, state := b.Sync, b.State
	if a.Reason == 0 || a.Reason == LessCritical || a.Reason == OutdatedUpdate {
		s.acked = max(s.acked, fl.ours)
	}
	switch {
	case a.Reason == 0:
		s.agree(&b, fl.as)
	case a.Reason == LessCritical || a.Reason == OutdatedUpdate:
		// The partner's record is the better one, and on its way. Between Lessors it has ours in it.
		b.Sync.Marks &^= binding.Pending
		b.Past = nil
	default:
		s.outbox.rejected++
		s.note(Note{Kind: UpdateRefused, Prefix: a.Prefix, Reason: a.Reason, Cause: "the partner: " + a.Text})
		return
	}
	switch {
	case b.State != state:
		s.put(&old, &b)
	case b.Sync != old:
		s.putSync(&old, &b)
	}
}

// agree makes b what both know now that the partner has our record, in which it was in state as.
func (s *step) agree(b *binding.Binding, as binding.State) {
	b.Sync.Marks = b.Sync.Marks&^(binding.Pending|binding.Private) | binding.Sent
	b.Past = nil
	switch as {
	case binding.Active:
		b.Sync.Acked = later(b.Sync.Acked, later(b.Sync.Potential, b.Expires))
	case binding.Expired, binding.Released, binding.Abandoned:
		if b.State == as {
			s.cede(b)
		}
	case binding.Free:
	}
}

// cede makes b a binding whose end both know. An ISC primary takes the address back at once and does not say so.
func (s *step) cede(b *binding.Binding) {
	b.Sync.Marks |= binding.Ceded
	if s.cfg.Protocol == ISC && s.cfg.Role == Secondary && b.State != binding.Abandoned {
		b.State, b.Owner, b.Changed = binding.Free, s.cfg.Partner, wholeSeconds(s.now)
	}
}
