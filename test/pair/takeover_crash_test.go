package pair

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

// crowd is a town of 320 clients that begin some 300 conversations a second.
var crowd = world.Life{Clients: 320, Pause: time.Second, Renew: 80, Reboot: 16, Release: 3, Vanish: 1}

// brief makes leases so short that within a test every client must renew or rebind.
var brief = world.PairSetup{MCLT: 20 * time.Second, Lease: 20 * time.Second}

// worst is how often a new client asks at most while one server is known to be gone: its first retransmission, 4 s and a second more or
// less after its first question (RFC 2131 §4.1), is answered. While nobody has noticed it, the other server answers what comes 4 s
// after the first question: who is a little early is answered at its second retransmission, 8 s and a second more or less later.
const (
	worst          = 2
	worstUnnoticed = 3
)

// death is a way for a server to be gone, and to come back.
type death struct {
	name string
	die  func(m *world.Member)
	back func(m *world.Member)
	// told says that the other server's machine hears of it, and need not wait for the receive timer.
	told bool
	// worst is how often a new client asks at most.
	worst int
}

var deaths = []death{
	{"killed", func(m *world.Member) { m.Kill() }, func(m *world.Member) { m.Begin(true) }, true, worst},
	{"not heard", (*world.Member).Isolate, (*world.Member).Rejoin, false, worstUnnoticed},
	{"stopped", (*world.Member).Freeze, (*world.Member).Thaw, false, worstUnnoticed},
	{"without power", (*world.Member).Pull, func(m *world.Member) { m.Rejoin(); m.Begin(true) }, false, worstUnnoticed},
}

// One of two servers is gone, under load, in every way in which that can happen; then it comes back; then the other one.
// Nobody loses a lease, no address is held by two, and who is new need not wait for longer than until its second question.
func TestOneOfTwoIsGone(t *testing.T) {
	t.Parallel()
	for _, d := range deaths {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, brief, crowd)
			time.Sleep(4 * time.Second)
			for _, m := range []*world.Member{l.East, l.West} {
				l.goneAndBack(m, d)
			}
			l.agree(40 * time.Second)
		})
	}
}

// unheard is the cause where a server waited for the receive timer.
const unheard = "nothing heard for"

func (l *lab) goneAndBack(m *world.Member, d death) {
	l.t.Helper()
	gone := m.Host.Role + " is " + d.name
	l.ledger.Phase(gone)
	began := time.Now()
	d.die(m)
	l.newcomers(40)
	by := l.Other(m).Becomes(world.Receive+3*time.Second, "COMMUNICATIONS-INTERRUPTED")
	noticed := time.Since(began)
	if d.told && strings.Contains(by.Cause, unheard) {
		l.t.Errorf("%s: the other server waited for its timer: %v", gone, by)
	}
	// Longer than a lease, so that each client that had one had to renew it at the other server.
	time.Sleep(time.Until(began.Add(brief.Lease + 3*time.Second)))
	l.keptAll(gone, d.worst)
	l.clean(gone)

	l.ledger.Phase(m.Host.Role + " is back")
	returned := time.Now()
	d.back(m)
	l.Normal(30 * time.Second)
	took := time.Since(returned)
	l.remembers(m)
	time.Sleep(2 * time.Second)
	l.clean(m.Host.Role + " is back")
	l.staleAnswers(m, returned)
	l.t.Logf("%s: noticed after %v, back in NORMAL after %v", gone, noticed.Round(time.Millisecond), took.Round(time.Millisecond))
}

// remembers fails the test if a server that came back does not know what it promised itself.
func (l *lab) remembers(m *world.Member) {
	l.t.Helper()
	if n := l.remembered(m, m.Address); n > 0 {
		l.t.Logf("%s knows its %d promises", m.Host.Role, n)
	}
}

// staleAnswers fails the test if a server that was gone answered, before it was in NORMAL again, what had waited for it
// meanwhile. What its kernel kept for it until after that is answered, and counted here: by then it knows what the other
// one did, and the client counts its lease from its question.
func (l *lab) staleAnswers(m *world.Member, back time.Time) {
	l.t.Helper()
	// The log says so behind the answers that were decided with it, once all that is durable.
	normal := normalAfter(m, back).Add(-100 * time.Millisecond)
	early, late := 0, 0
	for _, s := range l.ledger.Strays() {
		if s.By != m.Address || !s.At.After(back) || !s.Asked.Before(back.Add(-100*time.Millisecond)) {
			continue
		}
		if late++; s.At.Before(normal) {
			early++
			l.t.Logf("%s ACKed after %v what %s had asked %v before, and was in NORMAL after %v", m.Host.Role, s.At.Sub(back), s.MAC,
				back.Sub(s.Asked), normal.Sub(back))
		}
	}
	if early > 0 {
		l.t.Errorf("%s sent %d ACKs before it knew what the other one had done", m.Host.Role, early)
	}
	if late > early {
		l.t.Logf("%s answered %d questions of before, in NORMAL", m.Host.Role, late-early)
	}
}

// normalAfter returns when the server says that it came to NORMAL, the first time after at.
func normalAfter(m *world.Member, at time.Time) time.Time {
	for line := range strings.Lines(m.Log()) {
		var said struct {
			Time time.Time `json:"time"`
			Msg  string    `json:"msg"`
		}
		if json.Unmarshal([]byte(line), &said) == nil && strings.HasSuffix(said.Msg, "-> NORMAL") && said.Time.After(at) {
			return said.Time
		}
	}
	return time.Now()
}

// The servers share the load while both are there.
func TestBothServe(t *testing.T) {
	t.Parallel()
	l := newLab(t, world.PairSetup{}, world.Life{Clients: 200, Pause: 500 * time.Millisecond, Renew: 4, Release: 1})
	time.Sleep(5 * time.Second)
	a := l.ledger.Of("both serve")
	for _, m := range l.Both() {
		if n := a.By[m.Address]; n < 100 {
			t.Errorf("%s sent %d ACKs of %v", m.Host.Role, n, a.By)
		}
	}
	if worst := slices.Max(a.Asked[world.ForNew]); worst > 1 {
		t.Errorf("a new client had to ask %d times", worst)
	}
	l.agree(20 * time.Second)
}
