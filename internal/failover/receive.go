package failover

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// maxUpdates is how many bindings of one message are looked at.
const maxUpdates = 1024

// receiveUpdates takes the partner's word about bindings. What is accepted is on disk before it is acknowledged, because
// everything in Send waits for it.
func (s *step) receiveUpdates(id uint32, updates []Update) {
	acks := make([]Ack, 0, min(len(updates), maxUpdates))
	for i := range updates[:min(len(updates), maxUpdates)] {
		u := &updates[i]
		var a Ack
		if u.Last.IsValid() {
			a = s.receiveRun(u)
		} else {
			a = s.receive(&u.Binding)
		}
		if a.Reason != 0 && a.Reason != LessCritical {
			s.note(Note{Kind: UpdateRefused, Prefix: a.Prefix, Reason: a.Reason, Cause: "we: " + a.Text})
		}
		acks = append(acks, a)
	}
	s.reply(id, BindingAck{acks})
}

// receive takes the partner's word about one binding.
func (s *step) receive(u *binding.Binding) Ack {
	a := Ack{Prefix: u.Prefix, Ours: u.Sync.Ours}
	if a.Reason, a.Text = s.unusable(u); a.Reason != 0 {
		return a
	}
	s.seen = max(s.seen, u.Sync.Ours)
	s.known = max(s.known, u.Sync.Theirs)
	s.noteUse(u)
	var had bool
	mine := &s.held
	*mine, had = s.get(u.Prefix)
	if had {
		// The secondary's own end of a lease was told to nobody: to the partner it is a lease still (tells).
		mine.State = s.tells(mine)
	}
	old := mine.Sync
	v := s.judge(mine, had, u)
	a.Reason, a.Text = v.reason, v.text
	if had && v.compare != 0 {
		if s.kept = (binding.Client{}); leased(&v.binding) {
			s.kept = v.binding.Client
		}
		s.clash(mine, u, v.compare)
	}
	if v.change {
		if !had {
			old = binding.Sync{}
		}
		s.put(&old, &v.binding)
		s.used = s.used || wasUsed(&v.binding)
		if v.binding.State == binding.Free {
			s.balance.changed(s.now)
		}
	}
	return a
}

// unusable returns why an update says nothing about a binding.
func (s *step) unusable(u *binding.Binding) (Reason, string) {
	noClient := u.Client.Hardware.IsZero() && len(u.Client.ID) == 0
	switch {
	case !u.Prefix.IsValid() || u.Prefix != u.Prefix.Masked() || !s.exchanges(u.Prefix.Addr()) && !s.recovering():
		return IllegalAddress, fmt.Sprintf("%v is in no range that the two share", u.Prefix)
	case u.State < binding.Free || u.State > binding.Abandoned:
		return MissingInformation, "no binding status"
	case noClient && (u.State == binding.Active || u.State == binding.Expired || u.State == binding.Released):
		return MissingInformation, "a lease of nobody"
	case u.Sync.Theirs > s.last || u.Sync.Ours.Epoch() > max(s.seen.Epoch(), s.link.hello.Last.Epoch(), s.link.hello.Opening.Number)+maxEpochs:
		return MissingInformation, "a number that no change has"
	case u.State == binding.Free && u.Owner != s.cfg.Self && u.Owner != s.cfg.Partner:
		return MissingInformation, "a free address of nobody"
	case !s.recovering() && later(later(u.CLTT, u.Changed), u.Starts).After(s.now.Add(yetToCome)):
		return TimeMismatch, "something happened that is yet to come, by the clock of the other server"
	}
	return 0, ""
}

// yetToCome is by how much what is told may have happened later than now. Clocks differ; beyond this the word would win over
// everything that is heard of the address in years. A server that recovers takes what it is told: it knows nothing better.
const yetToCome = 24 * time.Hour

// maxEpochs is by how much the partner's epoch may be above the one that it greeted with: it is so by one or two.
const maxEpochs = 4

// noteUse keeps in mind that the partner answers clients, and that it has promised something at some time.
func (s *step) noteUse(u *binding.Binding) {
	if wasUsed(u) || !u.Expires.IsZero() {
		s.dumpUsed = true
	}
	if u.State == binding.Active {
		s.heard.answered(&u.Client)
		s.partnerAnswers()
	}
}

// verdict is what becomes of a binding of which the partner told.
type verdict struct {
	binding binding.Binding
	change  bool
	reason  Reason // zero: accepted
	text    string
	// compare says which of those who had the address, as we know it, may be unknown to the partner.
	compare compare
}

type compare uint8

const (
	_ compare = iota
	// compareLease: it knew all; what it left out of account is compared.
	compareLease
	// compareAll: it may have forgotten what it knew.
	compareAll
	// compareApart: neither knew of the other's change.
	compareApart
)

func refused(r Reason, text string) verdict { return verdict{reason: r, text: text} }

// judge decides what an update makes of our record.
func (s *step) judge(mine *binding.Binding, had bool, u *binding.Binding) verdict {
	if s.cfg.Protocol == ISC {
		return s.judgeISC(mine, had, u)
	}
	if !had {
		*mine = binding.Binding{Prefix: u.Prefix}
		return s.take(mine, u)
	}
	// Each record says how far it knows the changes of either server.
	theyKnow := u.Sync.Theirs >= mine.Sync.Ours
	weKnow := mine.Sync.Theirs >= u.Sync.Ours
	switch {
	case weKnow && mine.Sync.Ours >= u.Sync.Theirs && s.recovering() && mine.Sync.Marks.Has(binding.Pending):
		// Numbered anew, after the partner was told what this store has forgotten.
		return s.merge(mine, u)
	case weKnow && mine.Sync.Ours >= u.Sync.Theirs && s.keeps(ruleVector): // heard before
		return s.answerOnly(mine, u)
	case s.bothForgot() && s.takesAway(mine, u):
		v := s.merge(mine, u)
		if s.cfg.Role == Secondary { // the partner, too, takes what it had for its own, so this must be news to it
			s.last++
			s.known = s.last
			v.binding.Sync.Ours = s.last
		}
		return v
	case theyKnow && u.Sync.Ours >= mine.Sync.Theirs || !s.keeps(ruleVector):
		return s.take(mine, u)
	}
	return s.merge(mine, u)
}

// answerOnly says again what was said to an update that is in our record already.
func (s *step) answerOnly(mine, u *binding.Binding) verdict {
	if mine.State == binding.Active && u.State != binding.Active {
		return refused(LessCritical, "the address is leased")
	}
	return verdict{}
}

// early is by how much a lease's end may be told before its time: clocks differ (ISC allows 65 s).
const early = 65 * time.Second

// take makes the partner's record ours, since it knows all that we did.
func (s *step) take(mine, u *binding.Binding) verdict {
	same := mine.Client.Is(&u.Client)
	running := mine.State == binding.Active && mine.Expires.After(s.now.Add(early))
	switch {
	case !running || s.recovering():
	case u.Cause == binding.ClientReleased: // which may be told as an end: it was in no pool then
	case (u.State == binding.Expired || u.State == binding.Free) && same:
		return refused(FatalConflict, "the lease has not ended yet")
	}
	return verdict{change: true, binding: s.adopt(mine, u), compare: s.takes()}
}

// takes returns what is compared where the partner knew all that we did: no more than whom it left out of account. A partner that
// recovers may have known it, and forgotten it.
func (s *step) takes() compare {
	switch s.rec.Partner {
	case Recover, RecoverWait, RecoverDone:
		return compareAll
	case Startup, Normal, CommunicationsInterrupted, PartnerDown, PotentialConflict, Paused, Shutdown, ResolutionInterrupted, ConflictDone:
	}
	return compareLease
}

// adopt returns the partner's record as ours.
func (s *step) adopt(mine, u *binding.Binding) binding.Binding {
	n := *u
	same := mine.State != 0 && mine.Client.Is(&u.Client)
	n.Sync = s.join(mine, u)
	n.Sync.Marks, n.Past = 0, nil
	if same {
		s.keepResult(&n, mine)
	}
	if same && mine.State == binding.Active && u.State == binding.Active {
		n.Expires = later(mine.Expires, u.Expires)
	}
	if n.State != binding.Free {
		n.Owner = ""
	}
	switch n.State {
	case binding.Expired, binding.Released, binding.Abandoned:
		n.Sync.Marks = binding.Ceded
	case binding.Free, binding.Active:
	}
	return n
}

// join returns what is known after hearing u: the later of everything. A partner that says no potential expiry, or a stale
// one, takes nothing back (ISC does for leases that its partner granted).
func (s *step) join(mine, u *binding.Binding) binding.Sync {
	n := binding.Sync{
		Marks: mine.Sync.Marks,
		Ours:  max(mine.Sync.Ours, u.Sync.Theirs), Theirs: max(mine.Sync.Theirs, u.Sync.Ours),
	}
	switch u.State {
	case binding.Active, binding.Expired:
		n.Acked = later(u.Sync.Potential, u.Expires)
	case binding.Released, binding.Abandoned: // whose Expires is not the end of a lease
		n.Acked = u.Sync.Potential
	case binding.Free:
	}
	if !s.keeps(ruleNeverLower) {
		n.Acked = u.Sync.Potential
	} else if goesOn(mine, u) {
		n.Potential, n.Acked = mine.Sync.Potential, later(mine.Sync.Acked, n.Acked)
	}
	return n
}

// goesOn reports whether u tells of the same holding of the address as our record. What was promised in an earlier one, the
// partner need not remember.
func goesOn(mine, u *binding.Binding) bool {
	return mine.Client.Is(&u.Client) && (mine.State == binding.Active || mine.State == binding.Expired) && u.State != binding.Free
}

// keepResult keeps what u does not say of the same client.
func (s *step) keepResult(n, mine *binding.Binding) {
	if n.Result == nil {
		n.Result, n.Reasons, n.Version = mine.Result, mine.Reasons, mine.Version
	}
	if n.Facts.Shared == nil && n.Facts.Own == nil {
		n.Facts = mine.Facts
	}
	if n.Home == "" {
		n.Home = mine.Home
	}
	if n.Starts.IsZero() || n.Starts.After(mine.Starts) && mine.State == binding.Active && !n.Starts.After(mine.Expires) {
		n.Starts = mine.Starts
	}
	n.CLTT = later(n.CLTT, mine.CLTT)
}

func wholeSeconds(t time.Time) time.Time { return t.Truncate(time.Second).UTC() }

func single(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
