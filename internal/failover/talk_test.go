package failover

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// talk is one server whose partner is the test: everything is durable at once, and what it says is kept.
type talk struct {
	t     *testing.T
	n     *simNode
	now   time.Time
	said  []Envelope
	shut  string // why it closed the connection
	next  uint32
	note  []Note
	first []Envelope // what was said until NORMAL
}

func newTalk(t *testing.T, role Role, p Protocol, change func(*Config, *Record)) *talk {
	w := newWorld(1, 0, false)
	w.steady, w.outside = true, true
	n := w.nodes[role-1]
	n.cfg.Protocol, n.cfg.MaxUnacked, n.cfg.ReceiveTimer, n.cfg.Startup = p, 10, 30*time.Second, 5*time.Second
	n.recs, n.due = make([]*binding.Binding, 8), make([]time.Time, 8)
	n.offers = make([]simOffer, 8)
	for _, o := range w.nodes {
		o.disk.recs = make([]*binding.Binding, 8)
	}
	rec := NewRecord(simStart, simMCLT, false)
	if change != nil {
		change(&n.cfg, &rec)
	}
	n.up = true
	n.ep = New(n.cfg, rec, n, simStart)
	x := &talk{t: t, n: n, now: simStart}
	x.step(Tick{})
	return x
}

// step lets something happen, and whatever is due at once.
func (x *talk) step(ev Event) {
	x.t.Helper()
	for i := 0; ; i++ {
		x.n.w.now = x.now
		x.n.out.Reset()
		x.n.ep.Step(x.now, ev, x.n, &x.n.out)
		o := &x.n.out
		for _, ch := range o.Changes {
			x.n.apply(ch)
		}
		for _, e := range o.Send {
			x.said = append(x.said, cloneEnvelope(e))
		}
		x.note = append(x.note, o.Notes...)
		if o.Close != "" {
			x.shut = o.Close
		}
		x.n.terms = o.Terms
		if o.Wake.IsZero() || o.Wake.After(x.now) {
			return
		}
		if ev = (Tick{}); i > 100 {
			x.t.Fatal("it never rests")
		}
	}
}

func (x *talk) hears(m Message) uint32 {
	x.t.Helper()
	x.next++
	x.step(Received{Envelope: Envelope{x.next, m}, Sent: x.now})
	return x.next
}

func (x *talk) answers(id uint32, m Message) {
	x.t.Helper()
	x.step(Received{Envelope: Envelope{id, m}, Sent: x.now})
}

func (x *talk) after(d time.Duration) {
	x.t.Helper()
	x.now = x.now.Add(d)
	x.step(Tick{})
}

// says returns what was said since, in brief.
func (x *talk) says() string {
	var all []string
	for _, e := range x.said {
		all = append(all, brief(e))
	}
	x.said = nil
	return strings.Join(all, ", ")
}

func brief(e Envelope) string {
	switch m := e.Message.(type) {
	case Connect:
		return "CONNECT"
	case ConnectAck:
		return fmt.Sprintf("CONNECTACK %d", m.Reason)
	case Report:
		if m.Starting {
			return "STATE " + m.State.String() + " starting"
		}
		return "STATE " + m.State.String()
	case BindingUpdate:
		s := "BNDUPD"
		for _, u := range m.Updates {
			s += fmt.Sprintf(" %v %v%s", u.Binding.Prefix.Addr(), u.Binding.State, map[bool]string{true: " of " + string(u.Binding.Owner)}[u.Binding.State == binding.Free])
		}
		return s
	case BindingAck:
		s := "BNDACK"
		for _, a := range m.Acks {
			s += fmt.Sprintf(" %d", a.Reason)
		}
		return s
	case UpdateRequest:
		if m.All {
			return "UPDREQALL"
		}
		return "UPDREQ"
	case UpdateDone:
		return fmt.Sprintf("UPDDONE %d", e.ID)
	case PoolRequest:
		return "POOLREQ"
	case PoolResponse:
		return fmt.Sprintf("POOLRESP %d", m.Given)
	case Contact:
		return "CONTACT"
	case Disconnect:
		return fmt.Sprintf("DISCONNECT %d", m.Reason)
	}
	return "?"
}

func (x *talk) mustSay(want string) {
	x.t.Helper()
	if got := x.says(); got != want {
		x.t.Fatalf("it says %q, expected %q", got, want)
	}
}

func (x *talk) mustBe(want State) {
	x.t.Helper()
	if got := x.n.ep.State(); got != want {
		x.t.Fatalf("it is in %v, expected %v", got, want)
	}
}

// iscHello is what an ISC server says first.
func iscHello() Hello {
	return Hello{Relationship: "campus", MaxUnacked: 10, ReceiveTimer: 24 * time.Second, MCLT: simMCLT, Buckets: Split(128)}
}

// greet brings the two to where states are said.
func (x *talk) greet() {
	x.t.Helper()
	x.step(LinkUp{})
	if x.n.cfg.Role == Primary {
		x.mustSay("CONNECT")
		x.answers(0, ConnectAck{Hello: iscHello()})
	} else {
		x.mustSay("")
		x.hears(Connect{iscHello()})
		x.mustSay("CONNECTACK 0")
	}
}

// Both fresh, as in the capture at 3 s: UPDREQALL twice each way, mutual dumps, one UPDDONE each. Nobody waits.
func TestFirstStartWithISC(t *testing.T) {
	for _, role := range []Role{Primary, Secondary} {
		t.Run(role.String(), func(t *testing.T) {
			x := newTalk(t, role, ISC, nil)
			x.greet()
			x.mustSay("") // an ISC server's word first: some of ours would end it
			x.hears(Report{State: Recover, Starting: true})
			x.mustSay("STATE RECOVER, UPDREQALL")
			first := x.hears(UpdateRequest{All: true})
			x.mustSay(fmt.Sprintf("UPDDONE %d", first))
			x.hears(Report{State: Recover})
			second := x.hears(UpdateRequest{All: true})
			x.mustSay(fmt.Sprintf("UPDDONE %d", second))
			for i := range 4 { // its dump of addresses that were never used
				x.hears(BindingUpdate{[]Update{{Binding: binding.Binding{Prefix: single(x.n.w.addr(i)), State: binding.Free, Owner: "west"}}}})
				x.mustSay("BNDACK 0")
			}
			x.hears(Report{State: RecoverDone})
			x.mustSay("")
			x.hears(UpdateDone{})
			x.mustBe(RecoverDone)
			x.mustSay("STATE RECOVER-DONE")
			x.hears(Report{State: Normal})
			x.mustBe(Normal)
			if got := x.says(); !strings.HasPrefix(got, "STATE NORMAL") {
				t.Errorf("it says %q", got)
			}
		})
	}
}

// A dump that holds an address that was used: the ISC server is not new, so we wait; it would not.
func TestAnISCServerWithAPastIsWaitedFor(t *testing.T) {
	x := newTalk(t, Secondary, ISC, nil)
	x.greet()
	x.hears(Report{State: Recover})
	x.says()
	x.hears(BindingUpdate{[]Update{{Binding: binding.Binding{Prefix: single(x.n.w.addr(0)), State: binding.Active, Client: client(1), Expires: x.now.Add(time.Hour)}}}})
	x.hears(UpdateDone{})
	x.mustBe(RecoverWait)
	x.mustSay("BNDACK 0, STATE RECOVER")
	for range 62 * 6 {
		x.after(10 * time.Second)
		x.hears(Contact{})
	}
	x.mustBe(RecoverDone)
}

// acks acknowledges every update that was said.
func (x *talk) acks() {
	x.t.Helper()
	for len(x.said) > 0 {
		said := x.said
		x.said = nil
		for _, e := range said {
			if m, ok := e.Message.(BindingUpdate); ok {
				var a BindingAck
				for _, u := range m.Updates {
					a.Acks = append(a.Acks, Ack{Prefix: u.Binding.Prefix, Ours: u.Binding.Sync.Ours})
				}
				x.answers(e.ID, a)
			}
		}
	}
}

// normalWithISC returns a server in NORMAL with an ISC server.
func normalWithISC(t *testing.T, role Role) *talk {
	x := newTalk(t, role, ISC, func(_ *Config, r *Record) {
		r.State, r.Lost, r.Met, r.Partner = Normal, false, true, CommunicationsInterrupted
	})
	x.greet()
	x.hears(Report{State: Normal})
	x.mustBe(Normal)
	x.first = x.said
	x.acks()
	return x
}

func TestToISCOneBindingAMessageAndEachNeverUsedAddressForItself(t *testing.T) {
	x := normalWithISC(t, Primary)
	x.said = x.first
	got := x.says()
	if n := strings.Count(got, "BNDUPD 10.0.0."); n != 4 || strings.Count(got, " free of east") != 4 {
		t.Errorf("of 8 addresses it gives %q", got)
	}
	for range 100 {
		x.after(20 * time.Second)
		x.hears(Contact{})
	}
	if got := x.says(); strings.Contains(got, "BNDUPD") {
		t.Errorf("again %q", got)
	}
}

// As a secondary we never tell an ISC server that a lease ended (Q13); it tells us, and the address is its own at once.
func TestASecondaryOfISCWaitsForItsWord(t *testing.T) {
	x := normalWithISC(t, Secondary)
	x.hears(BindingUpdate{[]Update{{Binding: binding.Binding{Prefix: single(x.n.w.addr(0)), State: binding.Active, Client: client(1), Expires: x.now.Add(time.Minute), Sync: binding.Sync{Potential: x.now.Add(time.Hour)}}}}})
	x.mustSay("BNDACK 0")
	x.now = x.now.Add(2 * time.Minute)
	x.hears(Contact{})
	x.says()
	ch := x.n.ep.Lapse(x.now, x.n.recs[0])
	x.n.apply(ch)
	x.step(Changed{})
	x.mustSay("")
	if b := x.n.recs[0]; b.State != binding.Expired || !x.n.ep.Known(b) {
		t.Errorf("%+v", b)
	}
	x.hears(BindingUpdate{[]Update{{Binding: binding.Binding{Prefix: single(x.n.w.addr(0)), State: binding.Expired, Client: client(1), Expires: x.now.Add(-time.Minute)}}}})
	x.mustSay("BNDACK 0, POOLREQ") // a free address more is a reason to look at the shares
	if b := x.n.recs[0]; b.State != binding.Free || b.Owner != "west" || x.n.ep.MayGive(x.now, b.Addr(), b) {
		t.Errorf("%+v", b)
	}
	x.hears(BindingUpdate{[]Update{{Binding: binding.Binding{Prefix: single(x.n.w.addr(0)), State: binding.Free, Owner: "east", Client: client(1), Expires: x.now.Add(time.Minute)}}}})
	b := x.n.recs[0]
	if x.n.ep.MayGive(x.now, b.Addr(), b) || !x.n.ep.MayGive(x.now.Add(2*time.Minute), b.Addr(), b) {
		t.Error("an address that ISC has just offered is given away, or never is")
	}
}

// STATE 3 to a primary in conflict-done ends its process (Q3): it is told POTENTIAL-CONFLICT until NORMAL can be said, also by
// a server that lost its disk.
func TestAnISCServerInConflictDoneIsToldNothingThatEndsIt(t *testing.T) {
	for _, lost := range []bool{false, true} {
		x := newTalk(t, Secondary, ISC, func(_ *Config, r *Record) {
			if !lost {
				r.State, r.Lost, r.Met = CommunicationsInterrupted, false, true
			}
		})
		x.greet()
		x.mustSay("")
		x.hears(Report{State: ConflictDone})
		got := x.says()
		if !strings.HasPrefix(got, "STATE POTENTIAL-CONFLICT, UPDREQ") {
			t.Fatalf("lost %v: it says %q", lost, got)
		}
		x.hears(UpdateDone{})
		x.mustBe(Normal)
		x.mustSay("STATE NORMAL")
	}
}

// POTENTIAL-CONFLICT stops an ISC server in NORMAL for good: we recover instead.
func TestAnISCServerInNormalIsNotToldOfAConflict(t *testing.T) {
	x := newTalk(t, Secondary, ISC, func(_ *Config, r *Record) {
		r.State, r.Lost, r.Met = ResolutionInterrupted, false, true
	})
	x.greet()
	x.hears(Report{State: Normal})
	x.mustBe(Recover)
	x.mustSay("STATE RECOVER, UPDREQALL")
	x.hears(Report{State: PartnerDown})
	if x.n.terms.Known || x.n.terms.New {
		t.Error("it answers")
	}
	x.hears(UpdateDone{})
	x.mustBe(RecoverDone)
	x.hears(Report{State: Normal})
	x.mustBe(Normal)
}

// A wiped ISC secondary comes back: it would skip its wait, so the one that went on keeps it waiting.
func TestAWipedISCServerWaitsAsLongAsItMust(t *testing.T) {
	x := normalWithISC(t, Primary)
	x.step(LinkDown{"killed"})
	x.mustBe(CommunicationsInterrupted)
	x.said, x.next = nil, 0
	x.greet()
	x.hears(Report{State: Recover, Starting: true})
	x.mustBe(PartnerDown)
	x.hears(Report{State: Recover})
	x.hears(UpdateRequest{All: true})
	x.acks()
	x.hears(Report{State: RecoverDone})
	x.mustBe(PartnerDown)
	for range 60 * 6 {
		x.after(10 * time.Second)
		x.hears(Contact{})
	}
	x.mustBe(PartnerDown)
	for range 7 {
		x.after(10 * time.Second)
		x.hears(Contact{})
	}
	x.mustBe(Normal)
}

func TestTimers(t *testing.T) {
	x := normalWithISC(t, Primary)
	x.says()
	x.after(7 * time.Second)
	x.mustSay("")
	x.after(time.Second) // a third of the 24 s that it said
	x.mustSay("CONTACT")
	x.after(8 * time.Second)
	x.after(8 * time.Second)
	x.after(6 * time.Second) // 30 s without a word
	if x.shut != "nothing heard for 30s" {
		t.Errorf("closed: %q", x.shut)
	}
	x.mustBe(CommunicationsInterrupted)
	x.step(LinkUp{})
	x.shut = ""
	x.after(15 * time.Second)
	if x.shut != "no greeting within 15s" {
		t.Errorf("closed: %q", x.shut)
	}
}

// What is refused says what to change, and never changes the state.
func TestRefusals(t *testing.T) {
	ours := []Part{partOf("members", "a", true), partOf("ranges", "b", true), partOf("options", "c", false)}
	good := Hello{Relationship: "campus", Member: "west", MaxUnacked: 10, ReceiveTimer: 30 * time.Second, MCLT: simMCLT, Buckets: Split(128), Store: [16]byte{1}, Parts: PartsOf(ours).Told()}
	for _, c := range []struct {
		name   string
		change func(*Hello)
		reason Reason
		says   string
	}{
		{"good", func(*Hello) {}, 0, ""},
		{"another relationship", func(h *Hello) { h.Relationship = "lab" }, InvalidPartner, `the relationship is named "campus" here, "lab" there`},
		{"another member", func(h *Hello) { h.Member = "north" }, InvalidPartner, `the partner is "west" here, but "north" spoke`},
		{"no MCLT", func(h *Hello) { h.MCLT = 0 }, InvalidMCLT, "no MCLT"},
		{"another MCLT", func(h *Hello) { h.MCLT = time.Minute }, InvalidMCLT, "mclt is 1h0m0s here, 1m0s there"},
		{"a copied directory", func(h *Hello) { h.Store = [16]byte{7} }, InvalidPartner, "copies of one data directory"},
		{"ranges that differ", func(h *Hello) { h.Parts = PartsOf([]Part{ours[0], partOf("ranges", "x", true), ours[2]}).Told() }, Miscellaneous, "agree on: ranges"},
		{"options that differ", func(h *Hello) { h.Parts = PartsOf([]Part{ours[0], ours[1]}).Told() }, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := newTalk(t, Secondary, Lessor, func(cfg *Config, r *Record) {
				cfg.Parts, cfg.Store = PartsOf(ours), [16]byte{7}
				r.State, r.Lost = CommunicationsInterrupted, false
			})
			x.after(6 * time.Second)
			x.mustBe(CommunicationsInterrupted)
			x.step(LinkUp{})
			h := good
			c.change(&h)
			x.hears(Connect{h})
			ack, ok := x.said[0].Message.(ConnectAck)
			if !ok || ack.Reason != c.reason || !strings.Contains(ack.Text, c.says) {
				t.Errorf("%+v", ack)
			}
			if (x.shut != "") != (c.reason != 0) || x.n.ep.Status(x.now).Connected != (c.reason == 0) {
				t.Errorf("closed: %q", x.shut)
			}
			x.mustBe(CommunicationsInterrupted)
			warned := false
			for _, n := range x.note {
				warned = warned || n.Kind == ConfigurationDiffers && n.Cause == "options (only here)"
			}
			if warned != (c.name == "options that differ") {
				t.Errorf("warned %v", warned)
			}
		})
	}
}

// Before the greeting nothing counts, whoever says it (ISC takes everything).
func TestNothingCountsBeforeTheGreeting(t *testing.T) {
	x := newTalk(t, Secondary, Lessor, nil)
	x.step(LinkUp{})
	for _, m := range []Message{
		Report{State: PartnerDown}, UpdateDone{}, UpdateRequest{All: true}, PoolRequest{}, BindingAck{},
		BindingUpdate{[]Update{{Binding: binding.Binding{Prefix: single(x.n.w.addr(0)), State: binding.Active, Client: client(1)}}}},
	} {
		x.hears(m)
	}
	x.mustSay("")
	if x.n.recs[0] != nil || x.n.ep.Status(x.now).Ignored != 6 {
		t.Errorf("%+v", x.n.ep.Status(x.now))
	}
	x.mustBe(Startup)
}

// A large difference of the clocks is an alarm; grants then stay within the MCLT, and renewals go on.
func TestSkewIsSaidAndKeepsGrantsShort(t *testing.T) {
	x := normalWithISC(t, Primary)
	b := binding.Binding{Prefix: single(x.n.w.addr(0)), State: binding.Active, Client: client(1), Expires: x.now.Add(time.Hour), Sync: binding.Sync{Acked: x.now.Add(6 * time.Hour)}}
	who := client(1)
	if p := x.n.ep.Grant(x.now, &b, &who, simLease); p.Lifetime != simLease {
		t.Errorf("before: %v", p.Lifetime)
	}
	x.now = x.now.Add(11 * time.Minute)
	x.n.ep.link.hearing.Heard(x.now)
	x.step(Received{Envelope: Envelope{9, Contact{}}, Sent: x.now.Add(-time.Minute)})
	if p := x.n.ep.Grant(x.now, &b, &who, simLease); p.Lifetime != simMCLT {
		t.Errorf("with a skew: %v", p.Lifetime)
	}
	x.now = x.now.Add(time.Second)
	x.step(Received{Envelope: Envelope{9, Contact{}}, Sent: x.now})
	kinds := ""
	for _, n := range x.note {
		if n.Kind == SkewFound || n.Kind == SkewGone {
			kinds += fmt.Sprint(n.Kind == SkewFound, " ")
		}
	}
	if kinds != "true false " {
		t.Errorf("notes: %s", kinds)
	}
}

func TestMayDeclareDown(t *testing.T) {
	x := normalWithISC(t, Primary)
	refused := func(cmd DeclareDown, why string) {
		t.Helper()
		if err := x.n.ep.MayDeclareDown(cmd); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%+v: %v", cmd, err)
		}
	}
	refused(DeclareDown{}, "answers")
	refused(DeclareDown{Forced: true}, "without a reason")
	x.step(LinkDown{"cut"})
	if err := x.n.ep.MayDeclareDown(DeclareDown{}); err != nil {
		t.Error(err)
	}
	x.n.ep.used = true
	refused(DeclareDown{NeverServed: true}, "may have served")
	x.step(DeclareDown{})
	x.mustBe(PartnerDown)
	refused(DeclareDown{}, "already")
}
