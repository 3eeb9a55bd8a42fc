package failover

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// keptView is a view of one binding that is shared, and may change.
type keptView struct {
	View
	b *binding.Binding
}

func (v keptView) Get(p netip.Prefix) (binding.Binding, bool) { return *v.b, p == v.b.Prefix }
func (v keptView) Covers(netip.Addr) bool                     { return true }

// A store that went back has a change that it believes its partner not to know. The partner knows it, and what came after
// it: a release, and another client's lease. That is what is right, and the old change must not look newer.
func TestAStoreThatWentBackDoesNotUndoWhatItForgot(t *testing.T) {
	old := binding.Binding{
		Prefix: netip.MustParsePrefix("10.0.0.10/32"), State: binding.Active, Client: client(1), Starts: noon.Add(-2 * time.Hour),
		Expires: noon.Add(time.Hour), CLTT: noon.Add(-2 * time.Hour),
		Sync: binding.Sync{Marks: binding.Pending | binding.Sent, Ours: binding.SequenceOf(1, 7)},
	}
	back := func(b *binding.Binding, told bool) *step {
		s := stepOf(Primary, Lessor)
		s.rec.State, s.rec.Lost, s.rec.Met = Recover, true, true
		s.last, s.renumber, s.forked, s.told = binding.SequenceOf(3, 0), true, 2, told
		s.view = keptView{b: b}
		s.sweepOne(b)
		got, _ := s.get(b.Prefix)
		*b = got
		return s
	}
	mine := old
	s := back(&mine, false)
	if mine.Sync.Ours != old.Sync.Ours {
		t.Fatalf("the change has the number %v before the partner has told everything", mine.Sync.Ours)
	}
	others := old
	others.Client, others.Starts, others.CLTT = client(2), noon.Add(-time.Hour), noon.Add(-time.Hour)
	others.Sync = binding.Sync{Theirs: binding.SequenceOf(2, 9)} // all of it was this server's own doing
	v := s.judge(&mine, true, &others)
	if c := client(2); !v.change || !v.binding.Client.Is(&c) {
		t.Fatalf("the partner's record became %+v", v)
	}
	// The other way round: what the partner hears of the old change changes nothing.
	at := others
	at.Sync = binding.Sync{Theirs: binding.SequenceOf(2, 9)}
	if v := stepOf(Secondary, Lessor).judge(&at, true, &mine); v.change {
		t.Fatalf("the old change became %+v at the partner", v)
	}
	// What was changed under a number that the partner may know for another change gets a new one at once; all that the
	// partner has not told of does in the end.
	forked := old
	forked.Sync.Ours = binding.SequenceOf(2, 5)
	if back(&forked, false); forked.Sync.Ours != binding.SequenceOf(3, 1) {
		t.Fatalf("a change of a number that there may be twice has the number %v", forked.Sync.Ours)
	}
	mine = old
	if back(&mine, true); mine.Sync.Ours != binding.SequenceOf(3, 1) {
		t.Fatalf("a change that the partner has not told of has the number %v", mine.Sync.Ours)
	}
}

// Both stores lack something: one went back, and numbered what it has anew; the other one lost its store before, and has what it was
// told since. What is right is in either of them, so neither's number takes a lease away, and both come to know the same.
func TestOfTwoThatForgotTheStrongerRecordIsKept(t *testing.T) {
	r := newRandom(t)
	forgot := func(role Role, n uint64) *step {
		s := stepOf(role, Lessor)
		s.rec.State, s.rec.Lost, s.rec.Partner = Recover, true, Recover
		s.last = binding.SequenceOf(6, n)
		return s
	}
	for range 5000 {
		back, knows := randomLease(r), randomLease(r)
		for _, b := range []*binding.Binding{&back, &knows} {
			if b.State == binding.Free {
				b.Owner = []binding.Member{"west", "east"}[r.IntN(2)]
			}
		}
		back.Sync = binding.Sync{Ours: binding.SequenceOf(6, 40), Theirs: binding.SequenceOf(5, uint64(r.IntN(3))), Marks: binding.Pending}
		knows.Sync = binding.Sync{Ours: binding.SequenceOf(5, 1), Theirs: binding.SequenceOf(4, 220)}
		backs := Role(1 + r.IntN(2))
		steps := [2]*step{forgot(backs, 40), forgot(Primary+Secondary-backs, 68)}
		records := [2]*binding.Binding{&back, &knows}
		running := [2]binding.Binding{back, knows}
		from, quiet, ends := r.IntN(2), 0, r.IntN(3) == 0
		for rounds := 0; quiet < 2; rounds++ {
			if rounds > 8 {
				t.Fatalf("they tell one another without an end: %+v, %+v", back, knows)
			}
			u, mine := *records[from], records[1-from]
			u.Sync = binding.Sync{Ours: u.Sync.Ours, Theirs: u.Sync.Theirs, Potential: u.Sync.Potential}
			quiet++
			if v := steps[1-from].judge(mine, true, &u); v.change {
				if *mine = v.binding; v.binding.Sync.Marks.Has(binding.Pending) {
					quiet = 0
				}
			}
			if records[from].Sync.Theirs <= mine.Sync.Ours && mine.Sync.Theirs >= records[from].Sync.Ours {
				records[from].Sync.Marks &^= binding.Pending // it is acknowledged
			}
			for i, s := range steps { // leases that are over end meanwhile: the primary says so, with a number of its own
				if b := records[i]; ends && s.cfg.Role == Primary && b.State == binding.Active {
					s.last++
					b.State, b.Sync.Ours, b.Sync.Marks, quiet = binding.Expired, s.last, binding.Pending, 0
				}
			}
			from = 1 - from
		}
		if ends { // the secondary's lease has ended by itself
			continue
		}
		if back.State != knows.State || !back.Client.Is(&knows.Client) || back.State == binding.Active && !back.Expires.Equal(knows.Expires) {
			t.Fatalf("of %+v and %+v came %+v and %+v", running[0], running[1], back, knows)
		}
		for _, was := range running {
			if was.State == binding.Active && back.State == binding.Free && was.Expires.After(back.Changed) {
				t.Fatalf("the lease %+v became free by a word of %v", was, back.Changed)
			}
		}
	}
	// Where the partner lacks nothing it says what is right.
	mine, u := randomLease(r), randomLease(r)
	mine.State, u.State, u.Owner = binding.Active, binding.Free, "west"
	mine.Sync = binding.Sync{Ours: binding.SequenceOf(5, 1), Theirs: binding.SequenceOf(4, 220)}
	u.Sync = binding.Sync{Ours: binding.SequenceOf(6, 40), Theirs: binding.SequenceOf(5, 1)}
	s := forgot(Secondary, 68)
	s.rec.Partner = PartnerDown
	if v := s.judge(&mine, true, &u); !v.change || v.binding.State != binding.Free {
		t.Errorf("a partner that knows everything is not believed: %+v", v)
	}
}

// What a lost store may have promised it promised before it began anew, however long it then waited for its partner.
func TestALostStoreSaysSinceWhenItKnowsWhatItPromises(t *testing.T) {
	x := newTalk(t, Primary, Lessor, func(cfg *Config, r *Record) { cfg.Store, r.Lost = [16]byte{7}, true })
	x.after(5 * time.Hour)
	h := lessorHello(x.n)
	h.PartnerStore = [16]byte{6}
	x.step(LinkUp{})
	x.answers(0, ConnectAck{Hello: h})
	x.hears(Report{State: PartnerDown})
	x.hears(UpdateDone{})
	for _, n := range x.note {
		if n.Kind != PromisesForgotten {
			continue
		}
		if want := "promised before " + simStart.UTC().Format(time.RFC3339); !strings.Contains(n.Cause, want) {
			t.Errorf("%q does not say %q", n.Cause, want)
		}
		return
	}
	t.Error("nothing is said of what is forgotten")
}

// A store may go back to a time when it was new, and its server recovered. It has served since then, so what it forgot is counted from
// when it began on it. One that is new, and waits for its partner, counts from when it was made.
func TestAStoreThatWentBackToItsBeginningWaits(t *testing.T) {
	for _, c := range []struct {
		name   string
		since  time.Duration // of the recovery, before the start
		alone  time.Duration // until the two meet
		served binding.Sequence
		wait   time.Duration // from the start on
	}{
		{"an old image", 5 * time.Hour, 0, binding.SequenceOf(3, 9), time.Hour},
		{"an old image, and a partner that is away", 5 * time.Hour, 30 * time.Minute, binding.SequenceOf(3, 9), time.Hour},
		{"a new store", 0, 30 * time.Minute, binding.SequenceOf(3, 9), time.Hour},
	} {
		x := newTalk(t, Primary, Lessor, func(cfg *Config, r *Record) {
			cfg.Store, r.State, r.Lost, r.Met = [16]byte{7}, Recover, true, false
			r.Since = r.Since.Add(-c.since)
		})
		began := x.now
		x.after(c.alone)
		h := lessorHello(x.n)
		h.PartnerStore, h.Seen = [16]byte{7}, c.served
		x.step(LinkUp{})
		x.answers(0, ConnectAck{Hello: h})
		x.hears(Report{State: PartnerDown})
		x.hears(UpdateDone{})
		x.mustBe(RecoverWait)
		if got := x.n.ep.rec.WaitUntil.Sub(began); got < c.wait || got > c.wait+5*time.Minute {
			t.Errorf("%s: it waits until %v after it began", c.name, got)
		}
	}
}

// A server that begins on a store that went back does not serve while the two refuse each other for something else: the greeting that is
// refused says so much. One on a whole store goes on by itself, as after any start.
func TestAStoreThatWentBackIsNotServedFromWhileTheTwoRefuseEachOther(t *testing.T) {
	for _, role := range []Role{Primary, Secondary} {
		for _, back := range []bool{false, true} {
			x := newTalk(t, role, Lessor, func(cfg *Config, r *Record) {
				r.State, r.Lost, r.Met, r.Partner, cfg.Store = Normal, false, true, Normal, [16]byte{7}
			})
			greet := func(mclt time.Duration) {
				h := lessorHello(x.n)
				if h.MCLT = mclt; back {
					h.Seen = binding.SequenceOf(4, 9)
				}
				x.shut, x.said = "", nil
				x.step(LinkUp{})
				if role == Primary {
					x.answers(0, ConnectAck{Hello: h})
				} else {
					x.hears(Connect{h})
				}
			}
			for range 3 {
				greet(simMCLT + time.Minute)
				if !strings.Contains(x.shut, "mclt") {
					t.Fatalf("%v: closed: %q", role, x.shut)
				}
				x.mustBe(Startup)
			}
			x.after(time.Minute)
			if !back {
				x.mustBe(CommunicationsInterrupted)
				continue
			}
			x.mustBe(Startup)
			if st := x.n.ep.Status(x.now); !strings.Contains(x.n.ep.waiting(Startup), "lacks what it has seen") || st.State != Startup {
				t.Errorf("%v: %+v", role, st)
			}
			greet(simMCLT)
			x.hears(Report{State: Normal})
			x.mustBe(Recover)
		}
	}
}

// Two that were declared down to each other begin at the same time: neither goes on as the one that was whole, each recovers from the other.
func TestTwoThatWereDeclaredDownBeginTogether(t *testing.T) {
	for _, role := range []Role{Primary, Secondary} {
		x := newTalk(t, role, Lessor, func(cfg *Config, r *Record) {
			r.State, r.Lost, r.Met, r.Partner, cfg.Store = PartnerDown, false, true, Normal, [16]byte{7}
		})
		h := lessorHello(x.n)
		x.step(LinkUp{})
		if role == Primary {
			x.answers(0, ConnectAck{Hello: h})
		} else {
			x.hears(Connect{h})
		}
		x.hears(Report{State: PartnerDown, Starting: true})
		x.mustBe(Recover)
	}
}

// What a lost store has promised it may have promised under a larger MCLT than the configuration has now, and for longer: its partner says so.
func TestALostStoreWaitsByWhatItsPartnerKnowsToBeHeld(t *testing.T) {
	for _, lost := range []bool{true, false} {
		x := newTalk(t, Primary, Lessor, func(cfg *Config, r *Record) {
			cfg.Store, r.Lost, r.Met = [16]byte{7}, lost, true
			if !lost {
				r.State = Normal
			}
		})
		h := lessorHello(x.n)
		h.LargestMCLT, h.LongestLifetime = 3*simMCLT, 100*time.Hour
		if h.PartnerStore = [16]byte{7}; lost {
			h.PartnerStore = [16]byte{6}
		}
		x.step(LinkUp{})
		x.answers(0, ConnectAck{Hello: h})
		x.hears(Report{State: PartnerDown})
		x.hears(UpdateDone{})
		r := &x.n.ep.rec
		if !lost {
			if r.Largest != simMCLT || r.Longest == 100*time.Hour {
				t.Errorf("a whole store takes %v and %v for what is held", r.Largest, r.Longest)
			}
			continue
		}
		x.mustBe(RecoverWait)
		if got := r.WaitUntil.Sub(x.now); got < 3*simMCLT {
			t.Errorf("it waits for %v", got)
		}
		if r.Longest != 100*time.Hour || !r.LargestUntil.After(x.now.Add(100*time.Hour)) || !r.LongestUntil.After(x.now.Add(100*time.Hour)) {
			t.Errorf("%v until %v, %v until %v", r.Largest, r.LargestUntil, r.Longest, r.LongestUntil)
		}
	}
}
