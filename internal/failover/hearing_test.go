package failover

import (
	"testing"
	"time"
)

// look is when a server looks at its connection, and when it was to look at the latest.
type look struct{ at, due time.Duration }

func TestOnlyASilenceThatWasListenedToCounts(t *testing.T) {
	const limit = 10 * time.Second
	ms := time.Millisecond
	for _, c := range []struct {
		about string
		looks []look
		from  time.Duration
	}{
		{"nobody looked", nil, limit},
		{"each look was in time", []look{{3333 * ms, 3333 * ms}, {6700 * ms, 6666 * ms}, {10010 * ms, 10000 * ms}}, limit},
		{"a look was late, long before", []look{{5000 * ms, 3333 * ms}}, limit},
		{"a look was late just before", []look{{9900 * ms, 3333 * ms}}, 10150 * ms},
		{"the first look behind the limit was late", []look{{11000 * ms, 3333 * ms}}, 11250 * ms},
		{"of late looks behind the limit the first counts", []look{{11000 * ms, 3333 * ms}, {11200 * ms, 11000 * ms}, {11500 * ms, 11250 * ms}}, 11250 * ms},
		{"the first look behind the limit was in time", []look{{10000 * ms, 10000 * ms}, {12000 * ms, 11000 * ms}}, limit},
		{"nothing is due at any time", []look{{11000 * ms, -1}}, limit},
	} {
		var h Hearing
		h.Heard(noon)
		for _, l := range c.looks {
			due := noon.Add(l.due)
			if l.due < 0 {
				due = time.Time{}
			}
			h.Look(noon.Add(l.at), due, limit)
		}
		if got := h.SilentFrom(limit).Sub(noon); got != c.from {
			t.Errorf("%s: silent from %v on, and not %v", c.about, got, c.from)
		}
	}
}

// A server that stood still for almost its receive timer finds the connection silent for longer than that, and what arrived meanwhile
// not handed over yet. That is no reason to end it.
func TestAServerThatWasLateListensBeforeItEndsAConnection(t *testing.T) {
	for _, p := range []Protocol{Lessor, ISC} {
		for _, c := range []struct {
			about  string
			heard  bool
			closed bool
		}{
			{"the partner spoke meanwhile", true, false},
			{"it did not", false, true},
		} {
			x := normalWithLessor(t, Primary, nil)
			if p == ISC {
				x = normalWithISC(t, Primary)
			}
			timer := x.n.cfg.ReceiveTimer
			x.after(timer / 4)
			x.hears(Contact{})
			x.after(timer / 3) // ours is said; the next one would be due a third later
			x.after(timer * 3 / 4)
			if x.shut != "" {
				t.Errorf("%v, %s: closed at the first look: %s", p, c.about, x.shut)
			}
			if wake := x.n.out.Wake.Sub(x.now); wake > listening {
				t.Errorf("%v, %s: the next look is due after %v", p, c.about, wake)
			}
			x.now = x.now.Add(listening / 2)
			if c.heard {
				x.hears(Contact{})
			}
			x.after(listening)
			if (x.shut != "") != c.closed {
				t.Errorf("%v, %s: closed: %q", p, c.about, x.shut)
			}
		}
	}
}

// A server that is late whenever it looks gives up a partner that is gone, no more than one wait later.
func TestAServerThatIsAlwaysLateNoticesThatItsPartnerIsGone(t *testing.T) {
	x := normalWithLessor(t, Primary, nil)
	gone := x.now
	for x.shut == "" {
		x.now = x.n.out.Wake
		x.after(2 * lateLook)
		if took := x.now.Sub(gone); took > x.n.cfg.ReceiveTimer+listening+4*lateLook {
			t.Fatalf("not noticed after %v", took)
		}
	}
	x.mustBe(CommunicationsInterrupted)
}
