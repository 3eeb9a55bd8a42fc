package pair

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

// number reads a whole number from the environment.
func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s=%q is no number", name, text)
	}
	return n
}

// seeded returns the seed of this run, which it prints, and dice that follow from it. LESSOR_SEED gives that of another.
func seeded(t *testing.T) (uint64, *rand.Rand) {
	t.Helper()
	seed := number(t, "LESSOR_SEED", uint64(time.Now().UnixNano()))
	t.Logf("LESSOR_SEED=%d", seed)
	return seed, rand.New(rand.NewPCG(seed, 3))
}

// lab is two servers, and a town of clients on the segment of each, with one ledger for both.
type lab struct {
	*world.Pair
	t      *testing.T
	ledger *world.Ledger
	towns  [2]*world.Town // on west's segment, on east's
}

// newLab makes a pair, and towns that have begun to live. Half of life.Clients are on either side.
func newLab(t *testing.T, setup world.PairSetup, life world.Life) *lab {
	t.Helper()
	seed, _ := seeded(t)
	setup.Seed = seed
	w := world.New(t)
	l := &lab{t: t, Pair: w.Pair(setup), ledger: world.NewLedger("both serve")}
	l.WithoutARP("10.1.16.0/20")
	for i, m := range l.Both() {
		host := w.Host("town" + strconv.Itoa(i))
		m.Segment.Attach(host, "eth0")
		half := life
		half.Clients, half.First = life.Clients/2, byte(i+1)
		l.towns[i] = host.Town("eth0", l.ledger, half, seed)
	}
	l.live()
	return l
}

// live lets the towns live until the test ends.
func (l *lab) live() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{}, len(l.towns))
	for _, town := range l.towns {
		go func() { town.Live(ctx); ended <- struct{}{} }()
	}
	l.t.Cleanup(func() {
		cancel()
		for range l.towns {
			<-ended
		}
		l.t.Logf("clients' ledger:\n%v", l.ledger)
	})
}

// settled lets the towns begin nothing new, and waits until every client has an address.
func (l *lab) settled(d time.Duration) {
	l.t.Helper()
	for _, town := range l.towns {
		town.Settle(true)
	}
	l.Eventually(d, "every client has an address", func() bool { return l.waiting() == 0 })
}

// waiting counts the clients without an answer.
func (l *lab) waiting() int { return l.towns[0].Waiting() + l.towns[1].Waiting() }

// resume lets the towns go on after settled.
func (l *lab) resume() {
	for _, town := range l.towns {
		town.Settle(false)
	}
}

// newcomers lets n further clients come on either side.
func (l *lab) newcomers(n int) {
	for _, town := range l.towns {
		town.Newcomers(n)
	}
}

// clean fails the test if any client was wronged.
func (l *lab) clean(when string) {
	l.t.Helper()
	wrongs := l.ledger.Wrongs()
	for _, wrong := range wrongs[:min(len(wrongs), 20)] {
		l.t.Errorf("%s: %s", when, wrong)
	}
	if l.t.Failed() {
		for _, m := range l.Both() {
			if !m.Ended() {
				out, _ := m.Command("status")
				l.t.Log(out)
			}
		}
		l.t.FailNow()
	}
}

// keptAll fails the test if in that phase a client lost its lease, was told no, or had to ask for a new one more often than most.
func (l *lab) keptAll(phase string, most int) {
	l.t.Helper()
	a := l.ledger.Of(phase)
	for _, p := range l.ledger.Lost() {
		l.t.Logf("%s lost %v, which %v gave it at %s until %s", p.MAC, p.Address, p.By, p.Asked.Format("15:04:05.000"), p.Until().Format("15:04:05.000"))
	}
	if a.Lost > 0 || a.Naks > 0 || a.Moved > 0 {
		l.t.Errorf("%s: %d leases were lost, %d clients were told no, %d were moved", phase, a.Lost, a.Naks, a.Moved)
	}
	if len(a.Waits[world.ForRenewal]) == 0 || len(a.Waits[world.ForNew]) == 0 {
		l.t.Errorf("%s: %d renewals and %d new leases show nothing", phase, len(a.Waits[world.ForRenewal]), len(a.Waits[world.ForNew]))
		return
	}
	if worst := slices.Max(a.Asked[world.ForNew]); worst > most {
		l.t.Errorf("%s: a new client had to ask %d times, and not %d at most; %s", phase, worst, most, world.Spread(a.Waits[world.ForNew]))
	}
}

// remembered fails the test if the server does not know a promise that it made and that a client counts on; the zero Addr:
// that anybody made.
func (l *lab) remembered(m *world.Member, by netip.Addr) int {
	l.t.Helper()
	before := l.ledger.Held()
	rows := m.Leases()
	now := map[netip.Addr]world.Promise{}
	for _, p := range l.ledger.Held() {
		now[p.Address] = p
	}
	// What changed meanwhile is not compared: the client may have given it back.
	before = slices.DeleteFunc(before, func(p world.Promise) bool { return now[p.Address] != p || by.IsValid() && p.By != by })
	unknown := world.Unknown(before, rows, by)
	for _, lost := range unknown[:min(len(unknown), 10)] {
		l.t.Errorf("%s forgot: %s", m.Host.Role, lost)
	}
	return len(before)
}

// agree waits until the towns are quiet and both servers know the same, all that clients count on included.
func (l *lab) agree(d time.Duration) {
	l.t.Helper()
	l.settled(d)
	took := l.Converged(d)
	n := 0
	for _, m := range l.Both() {
		n = l.remembered(m, netip.Addr{})
	}
	l.t.Logf("both know the same %v after the clients were quiet; %d promises compared", took.Round(time.Millisecond), n)
	l.clean("at the end")
	l.resume()
}
