package pair

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

// The servers lose each other, and both go on: first with clients that hear both, then with clients that hear one of them.
// When they meet again they know the same.
func TestTheServersLoseEachOther(t *testing.T) {
	t.Parallel()
	l := newLab(t, brief, crowd)
	time.Sleep(4 * time.Second)

	l.ledger.Phase("the link is cut")
	l.apart(l.Link.Cut)
	l.newcomers(40)
	time.Sleep(6 * time.Second)
	l.keptAll("the link is cut", worst)
	for _, m := range l.Both() {
		if n := l.ledger.Of("the link is cut").By[m.Address]; n == 0 {
			t.Errorf("%s granted nothing", m.Host.Role)
		}
	}
	l.ledger.Phase("together")
	healed := time.Now()
	l.Link.Heal()
	l.Normal(20 * time.Second)
	t.Logf("in NORMAL %v after the link was healed", time.Since(healed).Round(time.Millisecond))
	l.agree(30 * time.Second)

	l.ledger.Phase("link and segment are cut")
	l.Trunk.Cut()
	l.apart(l.Link.Cut)
	l.newcomers(40)
	// Longer than a lease: each client must come to terms with the server on its side.
	time.Sleep(brief.Lease + 2*time.Second)
	l.keptAll("link and segment are cut", worst)
	l.clean("link and segment are cut")
	l.ledger.Phase("together again")
	l.Trunk.Heal()
	l.Link.Heal()
	l.Normal(20 * time.Second)
	l.agree(30 * time.Second)
	l.noConflicts()
}

// apart waits until both servers have lost each other.
func (l *lab) apart(cut func()) {
	l.t.Helper()
	began := time.Now()
	cut()
	for _, m := range l.Both() {
		m.Becomes(world.Receive+3*time.Second, "COMMUNICATIONS-INTERRUPTED")
	}
	l.t.Logf("both noticed after %v", time.Since(began).Round(time.Millisecond))
}

// noConflicts fails the test if a server has an item for its operator.
func (l *lab) noConflicts() {
	l.t.Helper()
	for _, m := range l.Both() {
		r, err := m.Relation()
		if err != nil || len(r.Conflicts) > 0 || len(r.RefusedUpdates) > 0 || r.Rejected > 0 {
			l.t.Errorf("%s has conflicts %v, refused updates %v, %d rejected; %v", m.Host.Role, r.Conflicts, r.RefusedUpdates, r.Rejected, err)
		}
	}
}

// patient is a lease whose client has time to ask everybody more than once, also on a machine that is robbed of its processors: T2 is 4 s
// before its end.
const patient = 32 * time.Second

// One server hears the other and no clients. Its clients are answered by the other at their second question,
// though they say each time that they have only just begun, and the operator is told.
func TestAServerHearsNoClients(t *testing.T) {
	t.Parallel()
	calm := world.PairSetup{MCLT: patient, Lease: patient, Receive: world.Calm}
	l := newLab(t, calm, world.Life{Clients: 40, Pause: time.Second, Renew: 9, Release: 1, SecsZero: true})
	time.Sleep(2 * time.Second)
	for _, m := range []*world.Member{l.East, l.West} {
		phase := m.Host.Role + " hears no clients"
		l.ledger.Phase(phase)
		m.HideFromClients()
		l.newcomers(40)
		other := l.Other(m)
		l.Eventually(20*time.Second, "the other server says so", func() bool {
			r, err := other.Relation()
			return err == nil && r.PartnerSilent
		})
		time.Sleep(patient)
		l.keptAll(phase, worst)
		if r, err := other.Relation(); err != nil || r.State != "NORMAL" || !r.Connected {
			t.Errorf("%s: %v %v", other.Host.Role, r, err)
		}
		asked := l.ledger.Of(phase).Asked[world.ForNew]
		slow := 0
		for _, n := range asked {
			if n > 1 {
				slow++
			}
		}
		// Otherwise the answering server did not care whose clients they are, and the test shows nothing.
		if slow < 10 {
			t.Errorf("%s: only %d of %d new clients had to ask twice", phase, slow, len(asked))
		}
		l.ledger.Phase(m.Host.Role + " hears clients again")
		m.Rejoin()
		time.Sleep(time.Second)
		l.clean(phase)
	}
	l.agree(30 * time.Second)
}

// Both servers hear each other only now and then.
func TestTheLinkComesAndGoes(t *testing.T) {
	t.Parallel()
	l := newLab(t, brief, world.Life{Clients: 100, Pause: 500 * time.Millisecond, Renew: 6, Reboot: 2, Release: 2})
	_, dice := seeded(t)
	l.ledger.Phase("the link comes and goes")
	for began := time.Now(); time.Since(began) < 40*time.Second; {
		l.Link.Cut()
		time.Sleep(time.Duration(dice.Int64N(int64(2 * world.Receive))))
		l.Link.Heal()
		time.Sleep(time.Duration(dice.IntN(3000)) * time.Millisecond)
	}
	l.keptAll("the link comes and goes", worst)
	l.Normal(20 * time.Second)
	l.agree(30 * time.Second)
	l.noConflicts()
	a := l.ledger.Of("the link comes and goes")
	t.Log(fmt.Sprint("ACKs by server: ", a.By, "; new: ", world.Spread(a.Waits[world.ForNew])))
	if slices.Max(a.Waits[world.ForRenewal]) > brief.Lease {
		t.Error("a client renewed for longer than its lease lasts")
	}
}
