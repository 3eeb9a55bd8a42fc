package load

import (
	"context"
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// A run takes as long as its exchanges have at the rate, also where that is one of them, and says so.
func TestARateIsOverTheWholeOfItsTime(t *testing.T) {
	r := measure(t, serve(t, honest), Config{Plan: Plan{Rate: 4, Duration: 250 * time.Millisecond}})
	if r.Done != 1 || r.Elapsed < 250*time.Millisecond || r.Achieved > 4 {
		t.Errorf("%v/s in %v: %+v", r.Achieved, r.Elapsed, r)
	}
	if got := text(r); !strings.Contains(got, "mode new: 4/s asked for") || strings.Contains(got, "none done") {
		t.Error(got)
	}
	for x, want := range map[float64]string{0: "0", 0.1: "0.1", 1. / 3: "0.333", 99.94: "99.9", 99.96: "100", 12345.6: "12346"} {
		if got := Rate(x); got != want {
			t.Errorf("%v is written %s, want %s", x, got, want)
		}
	}
}

func text(r *Report) string {
	var b strings.Builder
	r.Write(&b)
	return b.String()
}

// Clients that had not given up when the run ended are told apart from those that nobody answered.
func TestWhoStillAskedAtTheEndIsNamed(t *testing.T) {
	silent := serve(t, func(asked, int) answer { return answer{} })
	r := measure(t, silent, Config{Resend: time.Minute, Plan: Plan{Rate: 1000, Duration: 20 * time.Millisecond, Wait: time.Millisecond}})
	if r.Lost != 20 || r.Waiting != 20 || r.Heard() || !strings.Contains(text(r), "unanswered 20 (100.00 %), of which 20 still asked when it ended") {
		t.Errorf("%+v\n%s", r, text(r))
	}
	r = measure(t, silent, Config{Resend: time.Millisecond, Plan: Plan{Rate: 1000, Duration: 20 * time.Millisecond, Wait: 20 * time.Second}})
	if r.Lost != 20 || r.Waiting != 0 {
		t.Errorf("%+v", r)
	}
}

// What is on its way when the context ends still counts.
func TestAnEndDoesNotMakeAnswersLost(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	requests := 0
	s := serve(t, func(q asked, n int) answer {
		if q.kind == request {
			if requests++; requests == 10 {
				cancel()
				time.Sleep(20 * time.Millisecond) // the clients have noticed when this is answered
			}
		}
		return honest(q, n)
	})
	c := openCrowd(t, s, Config{Clients: 100000})
	r, err := c.Measure(ctx, Plan{Rate: 200, Duration: time.Hour}, nil)
	if err != nil || !r.Stopped || r.Begun == 0 || r.Waiting+r.Lost != 0 || !strings.Contains(text(r), "stopped before its time") {
		t.Errorf("%v, %+v", err, r)
	}
}

// A server whose addresses are used up, or that answers some clients only, holds up neither the other clients nor the run.
func TestClientsThatNobodyAnswersHoldUpNobody(t *testing.T) {
	s := serve(t, func(q asked, n int) answer {
		if q.mac[5]%4 != 0 {
			return answer{}
		}
		return honest(q, n)
	})
	c := openCrowd(t, s, Config{Clients: 1000, Resend: 40 * time.Millisecond})
	if n := c.Acquire(t.Context(), 1000, 0, 0, nil); n != 250 {
		t.Errorf("%d clients have a lease", n)
	}
	f := phase{stuck: stuck}
	for _, x := range []struct {
		at         time.Duration
		done, open uint64
		stuck      bool
	}{
		{0, 0, 1, false}, {stuck, 0, 1, false}, {stuck + 1, 0, 1, true}, {stuck + 2, 1, 1, false}, {2 * stuck, 1, 1, false},
		{3 * stuck, 1, 0, false}, {4 * stuck, 1, 1, false}, {4*stuck + 1, 1, 1, true},
	} {
		if got := f.isStuck(x.at, x.done, x.open); got != x.stuck {
			t.Errorf("at %v, %d done, %d open: %v", x.at, x.done, x.open, got)
		}
	}
}

// Where no client has what it should renew, there is nothing to measure, and the report says why.
func TestARunWithoutLeasesDoesNotBegin(t *testing.T) {
	began := time.Now()
	r := measure(t, serve(t, func(asked, int) answer { return answer{kind: nak} }), Config{Clients: 5, Resend: time.Millisecond,
		Plan: Plan{Mode: Renew, Rate: 1, Duration: time.Hour}})
	if r.Clients != 0 || r.Wanted != 5 || r.Begun != 0 || !strings.Contains(text(r), "0 of 5 clients had a lease when it began") {
		t.Errorf("%+v after %v", r, time.Since(began))
	}
}

// An answer to another client is not taken, even if it has the transaction identifier.
func TestAnAnswerToAnotherClientIsNotTaken(t *testing.T) {
	s := serve(t, honest)
	c := openCrowd(t, s, Config{Clients: 10})
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.w.sender()
	c.begin(Plan{Mode: New, Rate: 1, Duration: time.Hour}, time.Hour)
	c.beginNew(out, c.now())
	e := c.exchanges.at(c.exchanges.next - 1)
	b := writeAnswer(asked{xid: c.exchanges.xid(e), mac: hardware(c.name(e) + 1)}, answer{kind: offer, addr: 0x0a000001})
	if c.hear(out, b, c.now()); c.rep.Offers != 0 || c.rep.Stray != 1 {
		t.Errorf("taken: %+v", c.rep)
	}
	binary.BigEndian.PutUint32(b[30:], c.name(e))
	if c.hear(out, b, c.now()); c.rep.Offers != 1 {
		t.Errorf("not taken: %+v", c.rep)
	}
	none := writeAnswer(asked{xid: c.exchanges.xid(e), mac: hardware(c.name(e))}, answer{kind: ack})
	if c.hear(out, none, c.now()); c.done != 0 {
		t.Error("a lease of no address is taken")
	}
}

// A machine that cannot begin what it was asked for says that it was itself.
func TestLatenessIsTheMachinesOwn(t *testing.T) {
	r := Report{Mode: New, Rate: 1e6, Begun: 90, Skipped: 10, Late: 2, Lag: time.Second}
	if got := text(&r); !strings.Contains(got, "2.0 % of the exchanges began more than 5ms late") {
		t.Error(got)
	}
	r.Late = 1
	if got := text(&r); strings.Contains(got, "began more than") {
		t.Error(got)
	}
	c := openCrowd(t, serve(t, honest), Config{Clients: 100})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begin(Plan{Mode: New, Rate: 1000, Duration: time.Second}, time.Hour)
	f := phase{n: 20, rate: 1000, begin: func(sender, time.Duration) {}}
	if i := c.beginDue(&f, nil, 0, 10*time.Millisecond); i != 11 || c.rep.Late != 5 || c.rep.Lag != 10*time.Millisecond {
		t.Errorf("%d begun, %d late, at most %v", i, c.rep.Late, c.rep.Lag)
	}
}

// The clients of a circuit stay on it.
func TestClientsAreSpreadOverCircuits(t *testing.T) {
	q := question{kind: discover, client: 7, circuit: 12345, portOfRelay: true}
	if b := string(q.append(nil)); !strings.Contains(b, "\x52\x0e\x01\x0aport-12345\x13\x00\xff") || len(b) > largest {
		t.Errorf("%q", b)
	}
	q.circuit, q.portOfRelay, q.wanted, q.server = maxCircuits, false, 1, 1
	if b := string(q.append(nil)); !strings.Contains(b, "\x52\x0f\x01\x0dport-16777216\xff") || len(b) > largest {
		t.Errorf("%q", b)
	}
	c := Crowd{cfg: Config{Circuits: 3, First: 1, Servers: []netip.AddrPort{}}}
	for i, want := range []uint32{2, 3, 1, 2} {
		if got := c.circuit(&exchange{client: uint32(i)}); got != want {
			t.Errorf("client %d is on circuit %d, want %d", i, got, want)
		}
	}
	c.cfg.Circuits = 0
	if c.circuit(&exchange{}) != 0 {
		t.Error("a circuit that nobody asked for")
	}
}
