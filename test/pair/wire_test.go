package pair

import (
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

// Both wires are slow, and lose, repeat, reorder and change what they carry: the one between the servers, and the one
// between the clients and whichever server is not on their side.
func TestBothWiresAreBad(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		segments, link world.Faults
	}{
		{"slow", world.Faults{Delay: 50 * time.Millisecond, Jitter: 20 * time.Millisecond},
			world.Faults{Delay: 150 * time.Millisecond, Jitter: 50 * time.Millisecond}},
		{"lossy", world.Faults{Delay: 2 * time.Millisecond, Loss: 0.2, Duplicate: 0.1, Corrupt: 0.05},
			world.Faults{Delay: 5 * time.Millisecond, Loss: 0.05, Duplicate: 0.1, Corrupt: 0.02}},
		{"out of order", world.Faults{Delay: 5 * time.Millisecond, Jitter: 100 * time.Millisecond, Duplicate: 0.2},
			world.Faults{Delay: 5 * time.Millisecond, Jitter: 30 * time.Millisecond, Duplicate: 0.2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			setup := world.PairSetup{MCLT: 30 * time.Second, Lease: 30 * time.Second, Segments: &c.segments, Link: &c.link}
			l := newLab(t, setup, world.Life{Clients: 120, Pause: 400 * time.Millisecond, Renew: 80, Reboot: 16, Release: 3, Vanish: 1})
			l.ledger.Phase("bad wires")
			l.newcomers(20)
			time.Sleep(20 * time.Second)
			l.clean("bad wires")
			a := l.ledger.Of("bad wires")
			if a.Lost > 0 || len(a.Waits[world.ForRenewal]) < 500 {
				t.Errorf("%d leases were lost, %d were renewed", a.Lost, len(a.Waits[world.ForRenewal]))
			}
			segments, link := l.Trunk.(*world.Wire), l.Link.(*world.Wire)
			t.Logf("clients' wire: %v\nservers' wire: %v", segments.Tally(), link.Tally())
			segments.Set(world.Faults{})
			link.Set(world.Faults{})
			l.ledger.Phase("good wires")
			l.agree(40 * time.Second)
			l.noConflicts()
		})
	}
}

// One server is killed while the wires are bad.
func TestAServerIsKilledBehindBadWires(t *testing.T) {
	t.Parallel()
	bad := world.Faults{Delay: 10 * time.Millisecond, Jitter: 20 * time.Millisecond, Loss: 0.05, Duplicate: 0.05, Corrupt: 0.01}
	setup := world.PairSetup{MCLT: 20 * time.Second, Lease: 20 * time.Second, Segments: &bad, Link: &bad}
	l := newLab(t, setup, world.Life{Clients: 120, Pause: 400 * time.Millisecond, Renew: 80, Reboot: 16, Release: 3, Vanish: 1})
	time.Sleep(5 * time.Second)
	for _, m := range []*world.Member{l.West, l.East} {
		l.ledger.Phase(m.Host.Role + " is killed")
		m.Kill()
		time.Sleep(8 * time.Second)
		m.Begin(true)
		l.Normal(30 * time.Second)
		l.remembers(m)
		time.Sleep(time.Second)
		l.clean(m.Host.Role + " was killed")
	}
	t.Logf("clients' wire: %v\nservers' wire: %v", l.Trunk.(*world.Wire).Tally(), l.Link.(*world.Wire).Tally())
	l.Trunk.(*world.Wire).Set(world.Faults{})
	l.Link.(*world.Wire).Set(world.Faults{})
	l.agree(40 * time.Second)
	l.noConflicts()
}
