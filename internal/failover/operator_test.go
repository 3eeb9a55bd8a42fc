package failover

import (
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// A recovery that did not end in NORMAL may lack what the partner did last, so our own share waits, too, when the partner is
// declared down; also through a restart, and when the partner is heard and lost again.
func TestAfterAnUnfinishedRecoveryTheOwnShareWaits(t *testing.T) {
	for _, c := range []struct {
		from  State
		never bool
		waits bool
	}{
		{RecoverDone, false, true}, {RecoverWait, false, true}, {RecoverDone, true, false}, {CommunicationsInterrupted, false, false},
	} {
		x := newTalk(t, Primary, Lessor, func(cfg *Config, r *Record) {
			r.State, r.Lost, r.Met, r.WaitUntil = c.from, false, true, simStart.Add(time.Hour)
		})
		x.after(6 * time.Second)
		x.mustBe(c.from)
		x.step(DeclareDown{NeverServed: c.never, Forced: true, Reason: "a test"})
		x.mustBe(PartnerDown)
		own := &binding.Binding{Prefix: single(x.n.w.addr(0)), State: binding.Free, Owner: "west"}
		may := func() bool {
			return x.n.ep.MayGive(x.now, own.Addr(), own) && x.n.ep.MayGive(x.now, x.n.w.addr(1), nil)
		}
		if may() == c.waits {
			t.Errorf("from %v, never served %v: it gives at once: %v", c.from, c.never, !c.waits)
		}
		x.n.ep = New(x.n.cfg, x.n.ep.rec, x.n, x.now)
		x.after(time.Hour)
		if c.waits && may() {
			t.Errorf("from %v: it gives before the guard is over", c.from)
		}
		x.after(2 * time.Minute)
		if !may() {
			t.Errorf("from %v: it gives nothing after the wait", c.from)
		}
	}
}

// A pause that is taken back while the connection is still there ends in a greeting: the partner has no reason to say its
// state again.
func TestAPauseTakenBackAtOnceEnds(t *testing.T) {
	x := normalWithLessor(t, Primary, nil)
	b := binding.Binding{Prefix: single(x.n.w.addr(0)), State: binding.Active, Client: client(1), Expires: x.now.Add(time.Hour)}
	x.n.ep.Stamp(x.now, nil, &b)
	x.n.recs[0] = &b
	x.step(Changed{}) // is not acknowledged, so the pause waits for it
	x.step(Maintain{On: true})
	if x.shut != "" {
		t.Fatalf("closed: %q", x.shut)
	}
	x.step(Maintain{})
	if x.shut == "" {
		t.Error("the connection stays, and the partner says nothing on it any more")
	}
	x.meet(lessorHello(x.n))
}

// A start ends its silence also where the partner greets, and keeps the connection alive, but never says its state.
func TestAStartDoesNotWaitForEverForAPartnerWithoutAWord(t *testing.T) {
	x := normalWithLessor(t, Primary, nil)
	x.n.ep = New(x.n.cfg, x.n.ep.rec, x.n, x.now)
	x.shut = ""
	x.step(LinkUp{})
	x.answers(0, ConnectAck{Hello: lessorHello(x.n)})
	for range 14 {
		x.hears(Contact{})
		x.after(time.Second)
	}
	if x.mustBe(Startup); x.shut != "" {
		t.Fatalf("closed after 14 s: %q", x.shut)
	}
	x.hears(Contact{})
	x.after(time.Second)
	if x.shut == "" {
		t.Error("the connection stays")
	}
	x.after(time.Second)
	x.mustBe(CommunicationsInterrupted)
}

// What a server did not look for while it was down itself does not count as contact that failed.
func TestAutoPartnerDownCountsFromTheStart(t *testing.T) {
	x := normalWithLessor(t, Primary, func(cfg *Config, _ *Record) { cfg.AutoPartnerDown = time.Hour })
	x.step(LinkDown{"cut"})
	x.mustBe(CommunicationsInterrupted)
	x.after(10 * time.Minute)
	x.now = x.now.Add(24 * time.Hour) // it was off
	x.n.ep = New(x.n.cfg, x.n.ep.rec, x.n, x.now)
	x.after(59 * time.Minute)
	x.mustBe(CommunicationsInterrupted)
	x.after(2 * time.Minute)
	x.mustBe(PartnerDown)
}

// A partner that was declared down comes back, and the connection is lost before it has heard so. It waits for a word of ours, and
// must not hear that we only lost contact: it would give away what we have given.
func TestAPartnerThatOnlyBeganIsStillDown(t *testing.T) {
	for _, c := range []struct {
		said Report
		want State
	}{
		{Report{State: Normal, Starting: true}, PartnerDown},
		{Report{State: CommunicationsInterrupted, Starting: true}, PartnerDown},
		{Report{State: Recover, Starting: true}, PartnerDown},
		{Report{State: Recover}, PartnerDown},
		{Report{State: RecoverDone}, CommunicationsInterrupted}, // it knows all that we had done by then
	} {
		for _, role := range []Role{Primary, Secondary} {
			x := normalWithLessor(t, role, nil)
			x.step(LinkDown{"it was killed"})
			x.step(DeclareDown{})
			x.mustBe(PartnerDown)
			x.step(LinkUp{})
			if role == Primary {
				x.answers(0, ConnectAck{Hello: lessorHello(x.n)})
			} else {
				x.hears(Connect{lessorHello(x.n)})
			}
			x.hears(c.said)
			x.step(LinkDown{"reset"})
			if got := x.n.ep.State(); got != c.want {
				t.Errorf("%v, after %v (starting %v): %v, want %v", role, c.said.State, c.said.Starting, got, c.want)
			}
		}
	}
}
