package pair

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

// killsInCI is how often a server is killed where LESSOR_PAIR_KILLS does not say.
const killsInCI = 50

// Either server is killed at any moment, again and again, under load; sometimes while it still starts, sometimes while the
// other one is gone too. No promise is forgotten, none meets another one. LESSOR_SEED makes the moments those of that run.
func TestNoPromiseIsForgottenWhenServersAreKilled(t *testing.T) {
	t.Parallel()
	kills := int(number(t, "LESSOR_PAIR_KILLS", killsInCI))
	setup := world.PairSetup{MCLT: 30 * time.Second, Lease: 30 * time.Second, Failover: "max-unacked: 20"}
	l := newLab(t, setup, world.Life{Clients: 200, Pause: 400 * time.Millisecond, Renew: 60, Reboot: 15, Release: 22, Vanish: 3})
	_, dice := seeded(t)
	phase := "servers are killed"
	l.ledger.Phase(phase)
	var answers []time.Duration
	compared, early, together := 0, 0, 0
	for i := 0; i < kills; i++ {
		time.Sleep(time.Duration(dice.IntN(1500)) * time.Millisecond)
		victims := []*world.Member{l.Both()[dice.IntN(2)]}
		if dice.IntN(8) == 0 {
			victims = append(victims, l.Other(victims[0]))
			together++
		}
		for _, m := range victims {
			m.Kill()
		}
		time.Sleep(time.Duration(dice.IntN(1500)) * time.Millisecond)
		for _, m := range victims {
			early += l.killEarly(m, dice)
			began := time.Now()
			m.Begin(true)
			l.answers(m)
			answers = append(answers, time.Since(began))
			compared += l.remembered(m, m.Address)
		}
		l.clean("after a kill")
		if t.Failed() {
			t.Fatalf("at kill %d", i+1)
		}
	}
	a := l.ledger.Of(phase)
	if a.Naks > 0 || a.Moved > 0 || len(a.Waits[world.ForRenewal]) < 20*kills {
		t.Errorf("%d clients were told no, %d moved, %d renewed", a.Naks, a.Moved, len(a.Waits[world.ForRenewal]))
	}
	l.Normal(30 * time.Second)
	l.agree(40 * time.Second)
	l.noConflicts()
	slices.Sort(answers)
	t.Logf("%d kills, %d of both servers at once, %d more while starting; %d promises compared: 0 forgotten, 0 double, %d lost; "+
		"start to the first answer of status: median %v, most %v", kills, together, early, compared, a.Lost,
		answers[len(answers)/2].Round(time.Millisecond), answers[len(answers)-1].Round(time.Millisecond))
}

// killEarly starts a server some times and kills it before it is ready.
func (l *lab) killEarly(m *world.Member, dice *rand.Rand) (n int) {
	for ; dice.IntN(5) == 0; n++ {
		m.Begin(true)
		time.Sleep(time.Duration(dice.IntN(60)) * time.Millisecond)
		m.Kill()
	}
	return n
}

// answers waits until the server answers its operator.
func (l *lab) answers(m *world.Member) {
	l.t.Helper()
	l.Eventually(15*time.Second, m.Host.Role+" answers its operator", func() bool { _, err := m.Relation(); return err == nil })
}
