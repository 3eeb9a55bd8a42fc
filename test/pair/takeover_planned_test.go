package pair

import (
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

// A server is taken out of service in order: the other one answers everybody within a second. It comes back without a
// wait.
func TestAServerIsTakenOutOfService(t *testing.T) {
	t.Parallel()
	const mclt = time.Minute
	for _, c := range []struct {
		name      string
		out, back func(t *testing.T, m *world.Member)
	}{
		{"maintenance", command("maintenance", "on"), command("maintenance", "off")},
		{"SIGTERM", func(t *testing.T, m *world.Member) {
			t.Helper()
			if err := m.Stop(8 * time.Second); err != nil {
				t.Errorf("%s ended with %v", m.Host.Role, err)
			}
		}, func(t *testing.T, m *world.Member) { m.Begin(true) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, world.PairSetup{MCLT: mclt, Lease: mclt}, world.Life{Clients: 160, Pause: 500 * time.Millisecond, Renew: 7, Reboot: 2, Release: 1})
			time.Sleep(2 * time.Second)
			for _, m := range []*world.Member{l.East, l.West} {
				phase := m.Host.Role + " is out of service"
				other := l.Other(m)
				began := time.Now()
				c.out(t, m)
				told := other.Becomes(time.Second, "COMMUNICATIONS-INTERRUPTED")
				out := time.Since(began)
				if told.PartnerState != "PAUSED" { // it was told, and need not find out
					t.Errorf("%s: %v", phase, told)
				}
				l.ledger.Phase(phase)
				l.newcomers(40)
				time.Sleep(6 * time.Second)
				l.keptAll(phase, 1)
				if w := slices.Sorted(slices.Values(l.ledger.Of(phase).Waits[world.ForNew])); len(w) > 0 && w[len(w)/2] > time.Second {
					t.Errorf("%s: half of the new clients waited for more than %v", phase, w[len(w)/2])
				}
				if a := l.ledger.Of(phase); a.By[m.Address] > 0 {
					t.Errorf("%s: it sent %d ACKs", phase, a.By[m.Address])
				}
				l.ledger.Phase(m.Host.Role + " is back")
				began = time.Now()
				c.back(t, m)
				states := l.passes(m, 15*time.Second)
				back := time.Since(began)
				l.clean(phase)
				t.Logf("%s: the other one serves everybody after %v; back by way of %v in %v", phase, out.Round(time.Millisecond), states, back.Round(time.Millisecond))
			}
			l.agree(20 * time.Second)
			l.noConflicts()
		})
	}
}

// command returns what runs the command line against a server.
func command(args ...string) func(t *testing.T, m *world.Member) {
	return func(t *testing.T, m *world.Member) {
		t.Helper()
		if out, code := m.Command(args...); code != 0 {
			t.Fatalf("lessor %v: exit code %d: %s", args, code, out)
		}
	}
}

// Both are taken out of service, one after the other, and come back.
func TestBothServersAreRestartedInOrder(t *testing.T) {
	t.Parallel()
	l := newLab(t, world.PairSetup{}, world.Life{Clients: 100, Pause: 500 * time.Millisecond, Renew: 7, Reboot: 2, Release: 1})
	time.Sleep(2 * time.Second)
	l.settled(10 * time.Second)
	for _, m := range l.Both() {
		m.Signal(syscall.SIGTERM)
	}
	for _, m := range l.Both() {
		if err := m.Wait(8 * time.Second); err != nil {
			t.Errorf("%s ended with %v", m.Host.Role, err)
		}
	}
	began := time.Now()
	for _, m := range l.Both() {
		m.Begin(true)
	}
	l.Normal(15 * time.Second)
	t.Logf("both in NORMAL %v after both were started", time.Since(began).Round(time.Millisecond))
	for _, m := range l.Both() {
		l.remembers(m)
	}
	l.resume()
	l.newcomers(20)
	l.agree(30 * time.Second)
}
