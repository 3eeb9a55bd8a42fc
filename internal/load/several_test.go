package load

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

// memberOf answers as one of several servers that know of each other: each offers every client its address, and grants what it offered
// itself, or what the client has.
func memberOf(identifier uint32) func(asked, int) answer {
	return func(q asked, n int) answer {
		if q.kind == request && q.held == 0 && q.server != identifier {
			return answer{} // another one's offer was taken
		}
		q.server = 0x7f000001
		a := honest(q, n)
		a.server = identifier
		return a
	}
}

// Where several servers answer, each client takes what comes first; what comes after that is told apart, and so is who was first.
func TestWhatASecondServerAnswersIsToldApart(t *testing.T) {
	a, b := serve(t, memberOf(0x7f000001)), serve(t, memberOf(0x7f000002))
	c := openCrowdOf(t, Config{Clients: 100, Resend: 10 * time.Second, Servers: []netip.AddrPort{a.at, b.at}})
	for _, x := range []struct {
		mode         Mode
		offers, done uint64
	}{{New, 50, 50}, {Renew, 0, 50}, {Discover, 50, 50}} {
		r := c.mustMeasure(t, Plan{Mode: x.mode, Rate: 1000, Duration: 50 * time.Millisecond})
		second, stray := c.strays(r.Begun)
		if r.Begun != 50 || r.Done != x.done || r.Offers != x.offers || r.Lost+r.Refused+r.Doubled+stray != 0 || second != 50 ||
			r.Servers["127.0.0.1"]+r.Servers["127.0.0.2"] != x.done {
			t.Errorf("%s: %d answers of a second server, %d that nobody waited for; %+v", x.mode, second, stray, r)
		}
	}
	r := Report{Servers: map[string]uint64{"10.0.0.3": 2, "10.0.0.2": 40}, Second: 7}
	if got := text(&r); !strings.Contains(got, "answered first by: 10.0.0.2 40, 10.0.0.3 2\n") || !strings.Contains(got, "7 answers that came after another server's") {
		t.Error(got)
	}
}

// strays returns how many answers nobody waited for once there are n, or ten seconds later.
func (c *Crowd) strays(n uint64) (second, stray uint64) {
	for end := time.Now().Add(10 * time.Second); second+stray < n && time.Now().Before(end); time.Sleep(time.Millisecond) {
		c.mu.Lock()
		second, stray = c.rep.Second, c.rep.Stray
		c.mu.Unlock()
	}
	return second, stray
}

// What nobody waits for is no other server's if it is what was said before.
func TestAnAnswerSaidTwiceIsNoOtherServers(t *testing.T) {
	c := openCrowd(t, serve(t, honest), Config{Clients: 10})
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.w.sender()
	c.begin(Plan{Mode: New, Rate: 1, Duration: time.Hour}, time.Hour)
	c.beginNew(out, c.now())
	e := c.exchanges.at(c.exchanges.next - 1)
	q := asked{xid: c.exchanges.xid(e), mac: hardware(c.name(e))}
	say := func(a answer) { c.hear(out, writeAnswer(q, a), c.now()) }
	say(answer{kind: offer, addr: 1, lease: 60})
	say(answer{kind: offer, addr: 1, lease: 60})
	if c.rep.Stray != 1 || c.rep.Second != 0 {
		t.Errorf("an OFFER twice: %+v", c.rep)
	}
	say(answer{kind: offer, addr: 2, lease: 60, server: 2})
	say(answer{kind: ack, addr: 1, lease: 60})
	say(answer{kind: ack, addr: 1, lease: 60})
	if c.rep.Stray != 2 || c.rep.Second != 1 || c.done != 1 {
		t.Errorf("an ACK twice, after another server's OFFER: %+v", c.rep)
	}
}
