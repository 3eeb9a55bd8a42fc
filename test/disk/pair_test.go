package disk

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

// pairLab is two servers, of which west has a disk of the test's own, with a town of clients on the segment of each.
type pairLab struct {
	*world.Pair
	t      *testing.T
	disk   *Disk
	ledger *world.Ledger
	towns  [2]*world.Town
}

func newPairLab(t *testing.T) *pairLab {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("LESSOR_SEED=%d", seed)
	w := world.New(t)
	l := &pairLab{t: t, Pair: w.Pair(world.PairSetup{Alone: true, Seed: seed}), ledger: world.NewLedger("all is well")}
	l.disk = Over(t, l.West.Data)
	l.West.Begin(true)
	l.East.Begin(true)
	l.Normal(30 * time.Second)
	l.WithoutARP("10.1.16.0/20")
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{}, len(l.towns))
	for i, m := range l.Both() {
		host := w.Host("town" + strconv.Itoa(i))
		m.Segment.Attach(host, "eth0")
		l.towns[i] = host.Town("eth0", l.ledger, world.Life{Clients: 150, Pause: 1500 * time.Millisecond, Renew: 6, Reboot: 1, Release: 2, First: byte(i + 1)}, seed)
		go func() { l.towns[i].Live(ctx); ended <- struct{}{} }()
	}
	t.Cleanup(func() {
		cancel()
		for range l.towns {
			<-ended
		}
		t.Logf("clients' ledger:\n%v", l.ledger)
	})
	return l
}

// agree waits until all clients have an answer and both servers know the same, all that clients count on included.
func (l *pairLab) agree() {
	l.t.Helper()
	for _, town := range l.towns {
		town.Settle(true)
	}
	l.Eventually(60*time.Second, "every client has an address", func() bool { return l.towns[0].Waiting()+l.towns[1].Waiting() == 0 })
	l.Converged(60 * time.Second)
	for _, m := range l.Both() {
		for _, lost := range world.Unknown(l.ledger.Held(), m.Leases(), netip.Addr{}) {
			l.t.Errorf("%s forgot: %s", m.Host.Role, lost)
		}
	}
	for _, wrong := range l.ledger.Wrongs() {
		l.t.Error(wrong)
	}
	for _, town := range l.towns {
		town.Settle(false)
	}
}

// kept fails the test if in that phase, in which west's disk stood still for so long, a client lost its lease, was told no, or waited for
// long. Of those without an address that is one whose offer nobody knows any more: it asks for it twice, 4 and 8 seconds, and then begins
// again (RFC 2131 §3.1). A renewal waits for the server that gave the lease until that answers, or until T2.
func (l *pairLab) kept(phase string, stood time.Duration) {
	l.t.Helper()
	a := l.ledger.Of(phase)
	if a.Lost > 0 || a.Naks > 0 || a.Moved > 0 {
		l.t.Errorf("%s: %d leases were lost, %d clients were told no, %d were moved", phase, a.Lost, a.Naks, a.Moved)
	}
	const most = 25 * time.Second
	for q, most := range map[world.Question]time.Duration{world.ForNew: most, world.ForReboot: most, world.ForRenewal: stood + most} {
		w := a.Waits[q]
		if len(w) == 0 {
			l.t.Errorf("%s: nobody asked: %s", phase, q)
		} else if worst := slices.Max(w); worst > most {
			l.t.Errorf("%s: a client waited for %v: %s", phase, worst, q)
		}
	}
}

// isAbout returns whether an alarm has one of the codes.
func isAbout(codes ...string) func(world.Alarm) bool {
	return func(a world.Alarm) bool { return slices.Contains(codes, a.Code) }
}

func not(is func(world.Alarm) bool) func(world.Alarm) bool {
	return func(a world.Alarm) bool { return !is(a) }
}

// One of two servers whose disk stands still answers nobody. The other one is not held up by it, and answers for it; when the disk goes on
// both are as before, and nobody has lost anything.
func TestADiskOfOneOfTwoStandsStill(t *testing.T) {
	t.Parallel()
	l := newPairLab(t)
	for _, d := range []time.Duration{3 * time.Second, 30 * time.Second} {
		phase := "west's disk stands still for " + d.String()
		l.ledger.Phase(phase)
		time.Sleep(time.Second)
		l.disk.Freeze()
		began := time.Now()
		if d > 2*world.Receive {
			l.East.Becomes(d, "COMMUNICATIONS-INTERRUPTED")
			s := l.East.Status() // where enough clients asked in vain before, it says that, too
			if !slices.ContainsFunc(s.Alarms, isAbout("partner-unreachable")) || slices.ContainsFunc(s.Alarms, not(isAbout("partner-unreachable", "partner-silent"))) {
				t.Errorf("east has the alarms %+v", s.Alarms)
			}
			l.Eventually(d, "west says that its disk stands still", func() bool {
				return slices.ContainsFunc(l.West.Status().Alarms, isAbout("disk-stalled"))
			})
		}
		time.Sleep(time.Until(began.Add(d)))
		r, err := l.West.Relation()
		t.Logf("at the end of it west says: %v %v", r, err)
		r, err = l.East.Relation()
		t.Logf("and east: %v %v", r, err)
		if err != nil || d > 2*world.Receive && (r.Trouble == "" || strings.Contains(r.Trouble, "of no use")) {
			t.Errorf("east says of it %q, %v", r.Trouble, err)
		}
		l.disk.Go()
		stood := time.Since(began)
		l.Normal(30 * time.Second)
		t.Logf("both are in NORMAL %v after it; west left unanswered %v", (time.Since(began) - stood).Round(10*time.Millisecond), counted(l.West.Status().Drops))
		l.agree()
		l.kept(phase, stood)
	}
}
