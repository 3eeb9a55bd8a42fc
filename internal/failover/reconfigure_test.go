package failover

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

func partOf(name, text string, vital bool) Part {
	return Part{Name: name, Digest: binding.DigestOf([]byte(name + "=" + text)), Vital: vital}
}

// lessorHello is what a partner that is a Lessor says first.
func lessorHello(n *simNode) Hello {
	o := n.w.other(n).cfg
	return Hello{
		Relationship: o.Relationship, Member: o.Self, MaxUnacked: 10, ReceiveTimer: 30 * time.Second, MCLT: n.cfg.MCLT,
		Buckets: Split(128), Store: [16]byte{9}, PartnerStore: n.cfg.Store, Parts: n.cfg.Parts.Told(),
	}
}

// normalWithLessor returns a server in NORMAL with another one, whose partner has acknowledged everything.
func normalWithLessor(t *testing.T, role Role, change func(*Config, *Record)) *talk {
	x := newTalk(t, role, Lessor, func(cfg *Config, r *Record) {
		r.State, r.Lost, r.Met, r.Partner = Normal, false, true, CommunicationsInterrupted
		cfg.Store = [16]byte{7}
		if change != nil {
			change(cfg, r)
		}
	})
	x.meet(lessorHello(x.n))
	return x
}

// meet brings the two to NORMAL.
func (x *talk) meet(h Hello) {
	x.t.Helper()
	x.shut, x.said = "", nil
	x.step(LinkUp{})
	if x.n.cfg.Role == Primary {
		x.answers(0, ConnectAck{Hello: h})
	} else {
		x.hears(Connect{h})
	}
	x.hears(Report{State: Normal})
	x.mustBe(Normal)
	x.acks()
}

func TestAReloadIsCompared(t *testing.T) {
	parts := []Part{partOf("members", "a", true), partOf("ranges", "b", true), partOf("options", "c", false)}
	for _, c := range []struct {
		name   string
		role   Role
		proto  Protocol
		change func(*Config)
		cause  string // of the connection's end; empty: it stays
	}{
		{"nothing", Primary, Lessor, func(*Config) {}, ""},
		{"what the partner need not know", Primary, Lessor, func(c *Config) { c.Guard, c.MaxSkew, c.LoadBalanceSecs = time.Hour, time.Hour, 0 }, ""},
		{"the order of parts", Secondary, Lessor, func(c *Config) { c.Parts = PartsOf([]Part{parts[2], parts[0], parts[1]}) }, ""},
		{"options", Primary, Lessor, func(c *Config) { c.Parts = PartsOf([]Part{parts[0], parts[1], partOf("options", "x", false)}) }, "the configuration has changed here: options"},
		{"ranges", Secondary, Lessor, func(c *Config) { c.Parts = PartsOf([]Part{parts[0], partOf("ranges", "x", true), parts[2]}) }, "the configuration has changed here: ranges"},
		{"a part more and a part less", Secondary, Lessor, func(c *Config) { c.Parts = PartsOf([]Part{partOf("hosts", "a", true), parts[1], parts[2]}) }, "the configuration has changed here: hosts, members"},
		{"mclt", Secondary, Lessor, func(c *Config) { c.MCLT = 30 * time.Minute }, "the configuration has changed here: mclt is 30m0s"},
		{"split", Primary, Lessor, func(c *Config) { c.Split = 64 }, "the configuration has changed here: split is 64"},
		{"split, of which the secondary hears", Secondary, Lessor, func(c *Config) { c.Split = 64 }, ""},
		{"timers", Primary, Lessor, func(c *Config) { c.ReceiveTimer, c.MaxUnacked = time.Minute, 9 }, "the configuration has changed here: receive-timer is 1m0s, max-unacked is 9"},
		{"options, with ISC", Primary, ISC, func(c *Config) { c.Parts = PartsOf([]Part{parts[0], parts[1], partOf("options", "x", false)}) }, ""},
		{"mclt, with ISC's secondary", Primary, ISC, func(c *Config) { c.MCLT = 30 * time.Minute }, "the configuration has changed here: mclt is 30m0s"},
		{"mclt, with ISC's primary, whose it is", Secondary, ISC, func(c *Config) { c.MCLT = 30 * time.Minute }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var x *talk
			if c.proto == ISC {
				x = normalWithISC(t, c.role)
			} else {
				x = normalWithLessor(t, c.role, func(cfg *Config, _ *Record) { cfg.Parts = PartsOf(parts) })
			}
			x.says()
			cfg := x.n.cfg
			cfg.Parts = PartsOf(parts)
			c.change(&cfg)
			x.step(Reconfigured{cfg})
			if x.shut != c.cause {
				t.Fatalf("closed: %q", x.shut)
			}
			if c.cause == "" {
				x.mustBe(Normal)
				return
			}
			x.mustBe(CommunicationsInterrupted)
			if st := x.n.ep.Status(x.now); st.Cause != c.cause || st.Trouble != c.cause {
				t.Errorf("%+v", st)
			}
			if said := x.says(); strings.Contains(said, "DISCONNECT 6") != (c.proto == Lessor) {
				t.Errorf("it says %q", said)
			}
			if !x.n.out.Connect {
				t.Error("no connection is wanted any more")
			}
		})
	}
}

// The greeting after a reload says what is in force now, and finds what differs.
func TestAReloadIsGreetedAnew(t *testing.T) {
	x := normalWithLessor(t, Primary, func(cfg *Config, _ *Record) {
		cfg.Parts = PartsOf([]Part{partOf("ranges", "a", true), partOf("options", "a", false)})
	})
	theirs := lessorHello(x.n)
	cfg := x.n.cfg
	cfg.Parts, cfg.Split = PartsOf([]Part{partOf("ranges", "a", true), partOf("options", "b", false)}), 256
	x.step(Reconfigured{cfg})
	x.said = nil
	x.step(LinkUp{})
	h, ok := x.said[0].Message.(Connect)
	if !ok || h.Parts.Other.Digest != cfg.Parts.Told().Other.Digest || h.Buckets != Split(256) {
		t.Fatalf("it greets with %+v", x.said[0].Message)
	}
	x.answers(0, ConnectAck{Hello: theirs})
	if st := x.n.ep.Status(x.now); !st.Connected || !slices.Equal(st.Differs, []string{"options"}) || st.Trouble != "" {
		t.Errorf("%+v", st)
	}
	cfg.Parts = PartsOf([]Part{partOf("ranges", "b", true), partOf("options", "b", false)})
	x.step(Reconfigured{cfg})
	x.step(LinkUp{})
	x.answers(0, ConnectAck{Hello: theirs})
	if st := x.n.ep.Status(x.now); st.Connected || !slices.Equal(st.Differs, []string{"ranges", "options"}) || !strings.Contains(st.Trouble, "agree on: ranges") {
		t.Errorf("%+v", st)
	}
}

func TestWhatARelationshipIsFormedByStaysOnAReload(t *testing.T) {
	x := normalWithLessor(t, Primary, nil)
	before := x.n.ep.cfg
	cfg := before
	if err := x.n.ep.MayReconfigure(&cfg); err != nil {
		t.Error(err)
	}
	cfg.Self, cfg.Partner, cfg.Role, cfg.Protocol, cfg.Relationship, cfg.Store, cfg.Seed = "a", "b", Secondary, ISC, "lab", [16]byte{1}, 99
	err := x.n.ep.MayReconfigure(&cfg)
	if !errors.Is(err, ErrReconfigure) {
		t.Fatal(err)
	}
	for _, name := range []string{"server: name", "the other member's name", "primary", "protocol", "relationship"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%v does not name %s", err, name)
		}
	}
	x.step(Reconfigured{cfg})
	after := x.n.ep.cfg
	after.Parts, before.Parts = nil, nil
	if after.Self != before.Self || after.Partner != before.Partner || after.Role != before.Role || after.Protocol != before.Protocol ||
		after.Relationship != before.Relationship || after.Store != before.Store || after.Seed != before.Seed || x.shut != "" {
		t.Errorf("%+v became %+v", before, after)
	}
}

// What was granted under a larger MCLT and a longer lease is waited for; through a restart, too.
func TestWhatWasGrantedBeforeAReloadIsWaitedFor(t *testing.T) {
	x := normalWithLessor(t, Primary, nil)
	cfg := x.n.cfg
	cfg.MCLT, cfg.Longest = 10*time.Minute, time.Hour
	x.step(Reconfigured{cfg})
	st := x.n.ep.Status(x.now)
	until := x.now.Add(simLease + simLease/2 + 2*simMCLT)
	if st.MCLT != 10*time.Minute || st.LargestMCLT != simMCLT || !st.LargestUntil.Equal(until) {
		t.Fatalf("%+v", st)
	}
	rec, err := DecodeRecord(x.n.ep.rec.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	x.n.cfg = cfg
	x.n.ep = New(cfg, rec, x.n, x.now)
	if got := x.n.ep.over(x.now); !got.Equal(until) {
		t.Errorf("after a restart promises are over at %v, not at %v", got, until)
	}
	x.now = until.Add(-time.Second)
	x.step(Tick{})
	if r := x.n.ep.rec; r.Longest != simLease || r.Largest != simMCLT {
		t.Errorf("too early: %v, %v", r.Longest, r.Largest)
	}
	x.after(time.Second)
	if r := x.n.ep.rec; r.Longest != time.Hour || r.Largest != 10*time.Minute {
		t.Errorf("it never forgets them: %v, %v", r.Longest, r.Largest)
	}
}

// A longer guard holds for what waits for its end already.
func TestAGuardOfAReloadHoldsForWhatHasEnded(t *testing.T) {
	x := normalWithLessor(t, Primary, nil)
	b := &binding.Binding{
		Prefix: single(x.n.w.addr(0)), State: binding.Expired, Client: client(1), Expires: x.now.Add(-time.Second),
		Sync: binding.Sync{Ours: 1, Marks: binding.Ceded},
	}
	x.n.recs[0], x.n.due[0] = b, x.n.ep.Due(b)
	cfg := x.n.cfg
	cfg.Guard = time.Hour
	x.step(Reconfigured{cfg})
	if want := b.Expires.Add(time.Hour); !x.n.due[0].Equal(want) {
		t.Errorf("due at %v, not at %v", x.n.due[0], want)
	}
}

// narrowed is a view in which one address is in no range.
type narrowed struct {
	*simNode
	without netip.Addr
}

func (v narrowed) Covers(a netip.Addr) bool { return a != v.without && v.simNode.Covers(a) }

// What is in a range that is taken out is told when it is put back, and what was numbered there is never numbered again.
func TestARangeThatIsPutBackHasSomethingToTell(t *testing.T) {
	x := normalWithLessor(t, Primary, nil)
	x.says()
	x.step(LinkDown{"cut"})
	c := client(1)
	b := binding.Binding{Prefix: single(x.n.w.addr(0)), State: binding.Active, Client: c, Expires: x.now.Add(time.Hour)}
	x.n.ep.Stamp(x.now, nil, &b)
	x.n.recs[0] = &b
	without := narrowed{x.n, x.n.w.addr(0)}
	x.n.ep = New(x.n.cfg, x.n.ep.rec, without, x.now)
	if x.n.ep.last <= b.Sync.Ours {
		t.Errorf("after %x it numbers from %x", uint64(b.Sync.Ours), uint64(x.n.ep.last))
	}
	var out Output
	tell := func(ev Event, v View) (said string) {
		for range 3 {
			out.Reset()
			x.n.ep.Step(x.now, ev, v, &out)
			for _, e := range out.Send {
				said += brief(e) + ", "
			}
			ev = Tick{}
		}
		return said
	}
	tell(LinkUp{}, without)
	tell(Received{Envelope: Envelope{0, ConnectAck{Hello: lessorHello(x.n)}}}, without)
	if said := tell(Received{Envelope: Envelope{1, Report{State: Normal}}}, without); strings.Contains(said, "active") {
		t.Errorf("of an address in no range it says %s", said)
	}
	if said := tell(PoolsChanged{}, x.n); !strings.Contains(said, "BNDUPD 10.0.0.10 active") {
		t.Errorf("it says %s", said)
	}
}

// An MCLT by which the partner may grant already is waited for, though this server does not grant by it; and until what was granted
// by it is over, where it comes to nothing.
func TestAnMCLTThatThePartnerMayHaveIsWaitedFor(t *testing.T) {
	x := normalWithLessor(t, Primary, nil)
	cfg := x.n.cfg
	cfg.AwaitedMCLT = 3 * simMCLT
	x.step(Reconfigured{cfg})
	if st := x.n.ep.Status(x.now); st.MCLT != simMCLT || st.LargestMCLT != 3*simMCLT || !st.LargestUntil.IsZero() {
		t.Fatalf("awaited: %+v", st)
	}
	cfg.AwaitedMCLT = 0
	x.step(Reconfigured{cfg})
	st := x.n.ep.Status(x.now)
	if st.LargestMCLT != 3*simMCLT || !st.LargestUntil.After(x.now.Add(simLease)) {
		t.Fatalf("not awaited any more: %+v", st)
	}
	x.now = st.LargestUntil
	x.step(Tick{})
	if st := x.n.ep.Status(x.now); st.LargestMCLT != simMCLT {
		t.Errorf("it never forgets: %+v", st)
	}
	cfg.AwaitedMCLT = 2 * simMCLT
	x.step(Reconfigured{cfg})
	cfg.AwaitedMCLT, cfg.MCLT = 0, 2*simMCLT
	x.step(Reconfigured{cfg})
	if st := x.n.ep.Status(x.now); st.MCLT != 2*simMCLT || st.LargestMCLT != 2*simMCLT {
		t.Errorf("in force: %+v", st)
	}
}
