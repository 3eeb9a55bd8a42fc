package failover

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Clients 1 and 3 are the secondary's at split 128, 2 is the primary's (the specification's vectors).
func balanced(role Role) *Endpoint {
	s := stepOf(role, Lessor)
	s.cfg.LoadBalanceSecs = 3 * time.Second
	s.rec.Buckets = Split(128)
	s.heard.init(1)
	return s.Endpoint
}

func TestTheHashSaysWhoAnswers(t *testing.T) {
	for _, c := range []struct {
		client byte
		role   Role
	}{{1, Secondary}, {2, Primary}, {3, Secondary}, {4, Secondary}} {
		who := client(c.client)
		for _, role := range []Role{Primary, Secondary} {
			got := balanced(role).Serves(noon, Asking{Client: &who, PartnerHasFree: true})
			if got.Answer() != (role == c.role) {
				t.Errorf("client %d at the %v: %v", c.client, role, got)
			}
		}
	}
}

func TestOverrides(t *testing.T) {
	who, at := client(1), func(d time.Duration) time.Time { return noon.Add(d) }
	ask := func(secs time.Duration) Asking { return Asking{Client: &who, Secs: secs, PartnerHasFree: true} }
	t.Run("secs must be more than the limit", func(t *testing.T) {
		e := balanced(Primary)
		if a := e.Serves(noon, ask(3*time.Second)); a.Answer() {
			t.Error(a)
		}
		if a := e.Serves(noon, ask(4*time.Second)); a != AskedLong {
			t.Error(a)
		}
	})
	t.Run("a limit of 0 is none", func(t *testing.T) {
		e := balanced(Primary)
		e.cfg.LoadBalanceSecs = 0
		if a := e.Serves(noon, ask(100*time.Second)); a.Answer() {
			t.Error(a)
		}
	})
	t.Run("the partner has no address", func(t *testing.T) {
		if a := balanced(Primary).Serves(noon, Asking{Client: &who}); a != PartnerHasNone {
			t.Error(a)
		}
	})
	t.Run("the third DISCOVER", func(t *testing.T) {
		e := balanced(Primary)
		for i, want := range []Answerer{PartnersClient, PartnersClient, AskedAgain} {
			if a := e.Serves(at(time.Duration(i)*time.Second), ask(0)); a != want {
				t.Errorf("%d: %v", i, a)
			}
		}
	})
	t.Run("when a client asks again that was not answered, RFC 2131 §4.1", func(t *testing.T) {
		for again, want := range map[time.Duration]Answerer{2 * time.Second: PartnersClient, 3 * time.Second: AskedAgain, 4 * time.Second: AskedAgain, 5 * time.Second: AskedAgain} {
			e := balanced(Primary)
			e.Serves(noon, ask(0))
			if a := e.Serves(at(again), ask(0)); a != want {
				t.Errorf("after %v: %v", again, a)
			}
		}
	})
	t.Run("a DISCOVER of more than 30 s ago is forgotten", func(t *testing.T) {
		e := balanced(Primary)
		e.Serves(noon, ask(0))
		e.Serves(at(time.Second), ask(0))
		if a := e.Serves(at(31*time.Second), ask(0)); a.Answer() {
			t.Error(a)
		}
	})
	t.Run("the partner told of a lease", func(t *testing.T) {
		e := balanced(Primary)
		e.Serves(noon, ask(0))
		e.heard.answered(&who)
		if a := e.Serves(at(4*time.Second), ask(0)); a.Answer() {
			t.Error(a)
		}
	})
}

// The partner is said to be silent where its clients have leases of us since they asked again, and it tells of none. What asks again and
// takes nothing, as a flood of made-up clients does, says nothing of it: it may be offering all of them an address.
func TestAPartnerThatAnswersNobodyIsNamed(t *testing.T) {
	for _, c := range []struct {
		about          string
		secs           time.Duration // that it says when it asks again
		takes          bool
		after          time.Duration // it asked again
		told           bool          // the partner tells of a lease now and then
		without        bool          // the partner has no address
		clients, again int
		silent         bool
	}{
		{about: "they take our offer", takes: true, clients: silentClients, again: 1, silent: true},
		{about: "too few do", takes: true, clients: silentClients - 1, again: 1},
		{about: "they took the partner's, of which it told", takes: true, told: true, clients: 3 * silentClients, again: 1},
		{about: "they take our offer, and say how long they have asked", secs: 4 * time.Second, takes: true, clients: silentClients, again: 1, silent: true},
		{about: "the partner has no address for them", secs: 4 * time.Second, without: true, takes: true, clients: 3 * silentClients, again: 1},
		{about: "they only ask, and say for how long", secs: 4 * time.Second, clients: 3 * silentClients, again: 5},
		{about: "they only ask", clients: 3 * silentClients, again: 5},
		{about: "they asked once", takes: true, clients: 3 * silentClients},
		{about: "they come with a lease much later", takes: true, after: 2 * takenWithin, clients: 3 * silentClients, again: 1},
	} {
		t.Run(c.about, func(t *testing.T) {
			x := normalWithLessor(t, Primary, func(cfg *Config, _ *Record) { cfg.LoadBalanceSecs, cfg.ReceiveTimer = 3*time.Second, time.Hour })
			x.n.ep.rec.Buckets = Split(0) // all clients are the partner's
			for i := range c.clients {
				who := binding.Client{Hardware: binding.HardwareOf(1, []byte{2, 0, 0, 1, 0, byte(i)})}
				ask := Asking{Client: &who, PartnerHasFree: !c.without}
				x.n.ep.Serves(x.now, ask)
				ask.Secs = c.secs
				for range c.again {
					x.after(3 * time.Second)
					if a := x.n.ep.Serves(x.now, ask); !a.Answer() {
						t.Fatalf("client %d: %v", i, a)
					}
				}
				if x.after(c.after); c.takes {
					b := binding.Binding{Prefix: single(x.n.w.addr(0)), State: binding.Active, Client: who, Starts: x.now, Expires: x.now.Add(time.Hour)}
					x.n.ep.Stamp(x.now, nil, &b)
				}
				if c.told && i%(silentClients-1) == 0 {
					x.n.ep.step = step{Endpoint: x.n.ep, now: x.now}
					x.n.ep.step.noteUse(&binding.Binding{State: binding.Active, Client: client(1)})
				}
				x.step(Tick{})
			}
			if got := x.n.ep.Status(x.now).PartnerSilent; got != c.silent {
				t.Errorf("said to be silent: %v", got)
			}
			x.n.ep.step = step{Endpoint: x.n.ep, now: x.now}
			x.n.ep.step.partnerAnswers()
			x.step(Tick{})
			var said []NoteKind
			for _, n := range x.note {
				if n.Kind == PartnerSilent || n.Kind == PartnerHeard {
					said = append(said, n.Kind)
				}
			}
			if want := []NoteKind{PartnerSilent, PartnerHeard}; c.silent && !slices.Equal(said, want) || !c.silent && len(said) > 0 {
				t.Errorf("the operator is told %v", said)
			}
		})
	}
}

// A million clients that ask once cost no more memory than the table has, and hide nobody for long.
func TestTheMemoryOfDiscoversIsBounded(t *testing.T) {
	e := balanced(Primary)
	var who binding.Client
	run := func(i int) {
		who.Hardware = binding.HardwareOf(1, []byte{3, 0, byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)})
		e.heard.again(noon.Add(time.Duration(i)*time.Microsecond), &who)
	}
	run(0)
	i := 0
	if allocs := testing.AllocsPerRun(100_000, func() { i++; run(i) }); allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
	if len(e.heard.slots) != askers {
		t.Errorf("%d slots", len(e.heard.slots))
	}
}

// What the partner tells of a client ends what its DISCOVERs counted for, whatever client it is that it tells of otherwise.
func TestALeaseThatThePartnerToldOfEndsTheOverride(t *testing.T) {
	for _, c := range []struct {
		name   string
		update binding.Binding
		answer bool
	}{
		{"its lease", binding.Binding{State: binding.Active, Client: client(1)}, false},
		{"another client's", binding.Binding{State: binding.Active, Client: client(3)}, true},
		{"that its lease ended", binding.Binding{State: binding.Released, Client: client(1)}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := normalWithLessor(t, Primary, func(cfg *Config, r *Record) { cfg.LoadBalanceSecs = 3 * time.Second })
			x.n.ep.rec.Buckets = Split(128)
			who := client(1)
			ask := func() bool { return x.n.ep.Serves(x.now, Asking{Client: &who, PartnerHasFree: true}).Answer() }
			ask()
			ask()
			u := c.update
			u.Prefix, u.Expires, u.Starts, u.Sync.Ours = single(x.n.w.addr(6)), x.now.Add(time.Hour), x.now, 1
			x.hears(BindingUpdate{[]Update{{Binding: u}}})
			if ask() != c.answer {
				t.Errorf("the third DISCOVER is answered: %v", !c.answer)
			}
		})
	}
}

// In PARTNER-DOWN time frees nothing while the partner answers its clients again, or is being told what it needs for that: it may
// prolong a lease that is over here, unless it has said that this is over.
func TestTimeFreesNothingThatAnAwakePartnerMayProlong(t *testing.T) {
	told := binding.Sync{Ours: binding.SequenceOf(1, 1), Marks: binding.Sent}
	agreed := binding.Sync{Ours: binding.SequenceOf(1, 1), Marks: binding.Sent | binding.Ceded}
	alone := binding.Sync{Ours: binding.SequenceOf(1, 1), Marks: binding.Private | binding.Pending}
	for _, c := range []struct {
		about           string
		roused, dumping bool
		sync            binding.Sync
		frees           bool
	}{
		{"asleep", false, false, told, true},
		{"in RECOVER-DONE", true, false, told, false},
		{"being told everything", false, true, told, false},
		{"in RECOVER-DONE, and knows that it is over", true, false, agreed, true},
		{"in RECOVER-DONE, and never heard of it", true, false, alone, true},
	} {
		for _, role := range []Role{Primary, Secondary} {
			s := stepOf(role, Lessor)
			s.rec.State, s.rec.Roused, s.dump.running = PartnerDown, c.roused, c.dumping
			b := binding.Binding{Prefix: single(netip.MustParseAddr("10.0.0.10")), State: binding.Expired, Client: client(1), Expires: noon, Sync: c.sync}
			if got := !s.Due(&b).IsZero(); got != c.frees {
				t.Errorf("%v, the partner is %s: time frees it: %v", role, c.about, got)
			}
		}
	}
}

// What an awake partner kept from becoming free is due again when the partner is lost while it was told, or begins anew.
func TestTimeFreesAgainWhenThePartnerIsDownAgain(t *testing.T) {
	lost := stepOf(Primary, Lessor)
	lost.rec.State, lost.dump.running, lost.link = PartnerDown, true, link{up: true, open: true}
	lost.lose("cut")
	anew := stepOf(Primary, Lessor)
	anew.rec.State, anew.rec.Roused, anew.link = PartnerDown, true, link{up: true, open: true}
	anew.partnerReport(&Report{State: Recover})
	for about, s := range map[string]*step{"lost": lost, "anew": anew} {
		if s.rec.State != PartnerDown || s.awake() || !s.sweep.running {
			t.Errorf("%s: in %v, awake %v, looked at again %v", about, s.rec.State, s.awake(), s.sweep.running)
		}
	}
}

// RECOVER-DONE answers clients whose lease is known. One that had an address before has none, and in PARTNER-DOWN the partner may be
// giving that address to somebody.
func TestWhereNewClientsAreNotAnsweredNothingIsGiven(t *testing.T) {
	own := binding.Binding{Prefix: single(netip.MustParseAddr("10.0.0.10")), State: binding.Free, Owner: "west", Client: client(1)}
	for state := State(1); state < states; state++ {
		s := stepOf(Primary, Lessor)
		s.rec.State = state
		want := s.Terms().New
		if got := s.MayGive(noon, own.Addr(), &own); got != want {
			t.Errorf("%v: an address that the client had before: %v, expected %v", state, got, want)
		}
		if got := s.MayGive(noon, own.Addr(), nil); got != want {
			t.Errorf("%v: an address that nobody had: %v, expected %v", state, got, want)
		}
	}
}
