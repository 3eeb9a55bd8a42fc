package failover

import (
	"cmp"
	"fmt"
	"time"
)

// link is the connection to the partner. The zero link is none.
type link struct {
	up           bool // there is a connection
	open         bool // the two have greeted each other
	firstMeeting bool // and had never before
	heardState   bool // the partner has said its state
	saidState    bool // we have said ours
	states       int  // how often
	starting     bool // the partner said in its last word that it has just started
	recovered    bool // we recovered, on this connection
	complained   bool // we have greeted, though it was not ours to
	asked        State
	firstState   State // that the partner said first
	begun        time.Time
	said         time.Time // our last message
	hearing      Hearing   // of the partner's
	window       int       // how many messages with updates the partner takes unacknowledged
	contact      time.Duration
	nextID       uint32
	hello        Hello // the partner's
}

const (
	// greeting is how long the two have to greet each other (as ISC has it).
	greeting = 15 * time.Second
	// unsaidReceiveTimer and unsaidWindow are for a partner that does not say its own.
	unsaidReceiveTimer = 20 * time.Second
	unsaidWindow       = 10
	maxWindow          = 1 << 16
	// lessorWindow is of how many bindings a Lessor is told at most before it has acknowledged one. With a hundred each round trip of two
	// syncs would be for a hundred; with thousands a busy server would do the partner's work before its clients'.
	lessorWindow = 512
	// recoverWindow is the same of one that has lost its disk: it has no clients yet whom its work could keep waiting, and with less the
	// two work in turn, and not at the same time; with more, large results would not fit into what may wait to be written.
	recoverWindow = 4 * lessorWindow
	leastContact  = 100 * time.Millisecond
)

// send queues a message that is no answer.
func (s *step) send(m Message) uint32 {
	id := s.link.nextID
	s.link.nextID++
	s.reply(id, m)
	return id
}

// reply queues a message that answers the one with that number.
func (s *step) reply(id uint32, m Message) {
	s.out.Send = append(s.out.Send, Envelope{id, m})
	s.link.said = s.now
}

func (s *step) linkUp() {
	if s.link.up {
		s.lose("another connection took its place")
	}
	if s.silent {
		s.out.Close = "no connection is wanted"
		return
	}
	s.link = link{up: true, begun: s.now, said: s.now}
	s.link.hearing.Heard(s.now)
	s.skew = skew{}            // the partner may have begun anew, with its clock set
	if s.cfg.Role == Primary { // whoever made the connection
		s.tellOpening()
		s.send(Connect{s.hello()})
	}
}

// linkDown: the edge tells of a connection that is gone.
func (s *step) linkDown(reason string) {
	if s.link.up {
		s.lose(reason)
	}
}

// close ends the connection.
func (s *step) close(reason string) {
	s.out.Close = reason
	s.lose(reason)
}

// lose does what follows from the loss of the connection.
func (s *step) lose(reason string) {
	open := s.link.open
	s.link = link{}
	s.flights.clear()
	s.outbox.restart()
	if s.dump.running && s.rec.State == PartnerDown {
		s.sweep.begin() // time frees again what it did not (awake)
	}
	s.dump = dump{}
	s.leaving, s.told = false, false
	s.trouble = reason
	s.note(Note{Kind: LinkClosed, Cause: reason})
	if to := s.alone(); open && s.overlay == 0 && to != s.rec.State {
		s.become(to, reason)
	}
}

func (e *Endpoint) hello() Hello {
	return Hello{
		Relationship: e.cfg.Relationship, Member: e.cfg.Self, MaxUnacked: e.cfg.MaxUnacked, ReceiveTimer: e.cfg.ReceiveTimer,
		MCLT: e.rec.MCLT, Buckets: e.rec.Buckets, Store: e.cfg.Store, PartnerStore: e.rec.PartnerStore,
		LargestMCLT: e.rec.Largest, LongestLifetime: e.rec.Longest,
		Last: e.known, Seen: e.seen, Acknowledged: e.acked, Opening: e.rec.Opening, PartnerOpening: e.rec.PartnerOpening,
		Empty: e.rec.State == Recover && !e.used, Unmet: !e.rec.Met, Parts: e.cfg.Parts.Told(),
	}
}

// received takes a message of the partner.
func (s *step) received(r *Received) {
	if !s.link.up {
		s.ignored++
		return
	}
	s.link.hearing.Heard(s.now)
	s.measure(r.Sent)
	switch m := r.Message.(type) {
	case Connect:
		s.connect(r.ID, &m.Hello)
		return
	case ConnectAck:
		s.connectAck(&m)
		return
	case Disconnect:
		s.close(fmt.Sprintf("the partner closed: %s (reason %d)", m.Text, m.Reason))
		return
	}
	if !s.link.open { // ISC takes everything before; we take nothing
		s.ignored++
		return
	}
	switch m := r.Message.(type) {
	case Report:
		s.partnerReport(&m)
	case Contact:
	case BindingUpdate:
		s.receiveUpdates(r.ID, m.Updates)
	case BindingAck:
		for i := range m.Acks {
			s.acknowledged(r.ID, &m.Acks[i])
		}
	case UpdateRequest:
		s.startDump(r.ID, m.All)
	case UpdateDone:
		s.updateDone()
	case PoolRequest:
		s.poolRequest(r.ID)
	case PoolResponse: // what is given comes by itself
	case Connect, ConnectAck, Disconnect: // above
	}
}

// connect: the primary greets.
func (s *step) connect(id uint32, h *Hello) {
	if s.cfg.Protocol == ISC && s.cfg.Role == Primary { // its secondary never greets; as primary it does, and answers us, too
		text := "each server takes itself for the primary: make one of them the secondary in its file"
		s.send(Disconnect{InvalidPartner, text})
		s.close("refused: " + text)
		return
	}
	if s.link.open {
		s.ignored++
		return
	}
	reason, text := s.refuse(h)
	if reason == 0 && s.cfg.Role == Primary { // it is ours to greet
		s.ignored++
		return
	}
	s.tellOpening()
	ack := ConnectAck{Hello: s.hello(), Reason: reason, Text: text}
	s.reply(id, ack)
	if reason != 0 {
		s.doubt(reason, h)
		s.close("refused: " + text)
		return
	}
	s.open(h)
}

// connectAck: the secondary answers.
func (s *step) connectAck(m *ConnectAck) {
	if s.link.open || s.cfg.Role != Primary && !s.link.complained {
		s.ignored++
		return
	}
	reason, text := s.refuse(&m.Hello)
	if m.Reason != 0 || reason != 0 {
		s.doubt(cmp.Or(reason, m.Reason), &m.Hello)
	}
	if m.Reason != 0 {
		if reason == 0 {
			text = fmt.Sprintf("%s (reason %d)", m.Text, m.Reason)
		}
		s.close("the partner refused: " + text)
		return
	}
	if reason == 0 && s.cfg.Role != Primary {
		reason, text = InvalidPartner, "each server takes the other one for the primary"
	}
	if reason != 0 {
		s.send(Disconnect{reason, text})
		s.close("refused: " + text)
		return
	}
	s.open(&m.Hello)
}

// open: the two have greeted each other.
func (s *step) open(h *Hello) {
	l := &s.link
	l.open, l.hello, l.firstMeeting, s.behind = true, *h, !s.rec.Met, false
	l.window = min(h.MaxUnacked, maxWindow)
	if l.window <= 0 {
		l.window = unsaidWindow
	}
	timer := h.ReceiveTimer
	if timer <= 0 {
		timer = unsaidReceiveTimer
	}
	l.contact = max(timer/3, leastContact)
	s.rec.Met, s.rec.Agreed, s.dirty = true, s.cfg.Parts.Told().Vital.Digest, true
	if s.cfg.Role == Secondary {
		s.rec.Buckets = h.Buckets
		if s.cfg.Protocol == ISC {
			s.setMCLT(s.now, h.MCLT)
		}
	}
	s.note(Note{Kind: LinkOpened})
	s.trouble = ""
	if d := &s.compared.others; s.cfg.Protocol == Lessor && !d.None() {
		s.note(Note{Kind: ConfigurationDiffers, Cause: d.Words()})
	}
	s.comparePasts(h)
	s.awaitForgotten(h)
	if !s.link.saidState {
		s.say()
	}
}

// comparePasts finds out whether either store lacks what it once had: the partner has seen more of our changes than we
// know of, or the other way round (RELIABILITY I11). What we number from now on is above all that it has seen.
func (s *step) comparePasts(h *Hello) {
	if s.cfg.Protocol != Lessor {
		return
	}
	back := h.Seen > s.known || s.keeps(ruleOpenings) && s.wentBack(h)
	s.accept(h)
	if s.rec.PartnerStore == h.Store && h.Last < s.seen {
		s.note(Note{Kind: StoreWentBack, Cause: "the partner's store lacks changes that it once told us of: it must recover"})
	}
	s.rec.PartnerStore, s.rec.PartnerOpening = h.Store, h.Opening
	lacks := h.Acknowledged > s.seen && s.keeps(ruleOpenings)
	other := h.PartnerStore != ([16]byte{}) && h.PartnerStore != s.cfg.Store
	if other && s.keeps(ruleOpenings) && s.knewMore(h) {
		other = false
		s.note(Note{Kind: StoreWentBack, Cause: "the partner's store is one of before it met this server's: it must recover"})
	}
	if (back || other) && h.Seen >= s.last || back {
		s.last = max(s.last, h.Seen)
		s.beginOpening(s.now)
	}
	if !other && !back && !lacks || !s.keeps(ruleRecover) {
		return
	}
	if s.rec.State == Recover && s.rec.Lost {
		// It recovers anyway. But where the store is an old image of such a time, it has served behind that, until it began.
		s.rec.Since, s.rec.WaitUntil, s.dirty = later(s.rec.Since, s.began), time.Time{}, true
		return
	}
	cause := "the store lacks changes that the partner has seen"
	if lacks && !back {
		cause = "the store lacks changes of the partner that it has acknowledged"
	}
	if other {
		cause = "the partner knows this server with another store"
	}
	s.note(Note{Kind: StoreWentBack, Cause: cause})
	s.rec.Lost = true
	s.renumber, s.forked = true, h.PartnerOpening.Number
	if other || h.PartnerOpening == (Opening{}) {
		s.forked = 0
	}
	s.sweep.begin()
	s.become(Recover, cause)
	s.rec.Since, s.rec.WaitUntil = s.now, time.Time{} // it may have served until now
}

// wordless reports whether a start waits for the word of a partner that has greeted and says nothing: without an end, it would be
// silent for as long as such a partner is.
func (e *Endpoint) wordless() bool { return e.overlay == Startup && e.link.open && !e.link.heardState }

// timers does what is due at now.
func (s *step) timers() {
	l := &s.link
	switch {
	case l.up && !l.open && !s.now.Before(l.begun.Add(greeting)):
		s.close("no greeting within " + greeting.String())
	case s.wordless() && !s.now.Before(l.begun.Add(greeting)):
		s.close("no word of the partner's state within " + greeting.String())
	case l.up && !s.now.Before(l.hearing.SilentFrom(s.cfg.ReceiveTimer)):
		s.close("nothing heard for " + s.cfg.ReceiveTimer.String())
	case s.mustAsk() && !s.now.Before(l.begun.Add(s.patience())):
		l.complained = true
		s.tellOpening()
		s.send(Connect{s.hello()})
	case l.open && !s.now.Before(l.said.Add(l.contact)):
		s.send(Contact{})
	}
	s.unanswered()
	// While there is a connection its word is waited for: it may be that the operator declared us down.
	if s.overlay == Startup && !l.up && !s.behind && !s.now.Before(s.until) {
		s.become(s.alone(), "no word of the partner since the start")
	}
	if s.rec.State == RecoverWait && s.overlay == 0 && !s.now.Before(s.rec.WaitUntil) {
		s.recoverDone("forgotten promises are over")
	}
	if at, ok := s.autoDownAt(); ok && !s.now.Before(at) {
		s.become(PartnerDown, "no contact for "+s.cfg.AutoPartnerDown.String()+" (auto-partner-down)")
	}
	if !s.rec.LongestUntil.IsZero() && !s.now.Before(s.rec.LongestUntil) {
		s.rec.Longest, s.rec.LongestUntil, s.dirty = s.rec.Lifetime, time.Time{}, true
	}
	if !s.rec.LargestUntil.IsZero() && !s.now.Before(s.rec.LargestUntil) {
		s.rec.Largest, s.rec.LargestUntil, s.dirty = s.rec.MCLT, time.Time{}, true
	}
	if s.rec.State == Normal && s.overlay == 0 && !s.now.Before(s.recheckAt) {
		s.retry()
		s.sweep.begin()
	}
	s.heardTimer()
}

// autoDownAt returns when PARTNER-DOWN follows by itself, counted from when this server last looked for its partner in vain: not
// while it was down itself. false: it does not.
func (e *Endpoint) autoDownAt() (time.Time, bool) {
	ok := e.cfg.AutoPartnerDown > 0 && e.rec.State == CommunicationsInterrupted && e.overlay == 0 && !e.link.open
	return later(e.rec.Since, e.began).Add(e.cfg.AutoPartnerDown), ok
}

// wake returns when the next Tick is due.
func (e *Endpoint) wake(now time.Time) time.Time {
	var at time.Time
	due := func(t time.Time) {
		if at.IsZero() || t.Before(at) {
			at = t
		}
	}
	l := &e.link
	if l.up {
		due(l.hearing.SilentFrom(e.cfg.ReceiveTimer))
		if l.open {
			due(l.said.Add(l.contact))
			if e.wordless() {
				due(l.begun.Add(greeting))
			}
			if e.flights.len() > 0 {
				due(e.flights.lookAt.Add(e.answerWithin()))
			}
		} else {
			due(l.begun.Add(greeting))
			if e.mustAsk() {
				due(l.begun.Add(e.patience()))
			}
		}
	}
	if e.overlay == Startup && !l.up && !e.behind || e.overlay == Paused && !e.silent {
		due(e.until)
	}
	if e.rec.State == RecoverWait && e.overlay == 0 {
		due(e.rec.WaitUntil)
	}
	if t, ok := e.autoDownAt(); ok {
		due(t)
	}
	if !e.rec.LongestUntil.IsZero() {
		due(e.rec.LongestUntil)
	}
	if !e.rec.LargestUntil.IsZero() {
		due(e.rec.LargestUntil)
	}
	if e.rec.State == Normal && e.overlay == 0 {
		due(e.recheckAt)
	}
	if e.mayBalance() {
		due(e.balance.at)
	}
	if from := e.shareFrom(); e.leaving && e.cfg.Protocol == ISC && now.Before(from) {
		due(from)
	}
	return at
}
