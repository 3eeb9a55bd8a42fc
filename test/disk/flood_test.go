package disk

import (
	"net/netip"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/load"
)

// strangers are clients without number behind a relay of their own, none of which takes what it is offered.
func (l *lab) strangers() (c *load.Crowd) {
	l.t.Helper()
	l.load.Run("ip", "addr", "add", "10.1.0.3/16", "dev", "eth0")
	cfg := load.Config{Servers: []netip.AddrPort{netip.MustParseAddrPort("10.1.0.1:67")}, Local: []netip.Addr{netip.MustParseAddr("10.1.0.3")},
		Clients: 1 << 22, First: 1 << 30}
	must(l.t, l.load.Do(func() (err error) { c, err = load.Open(cfg); return err }))
	l.t.Cleanup(c.Close)
	return c
}

// While a disk stands still in the middle of a flood the kernel drops whoever comes last, renewals as well. Each is counted, who has a lease
// keeps it by asking again, and the server takes no more memory. It goes alone: a flood takes the processors from other tests.
func TestADiskThatStandsStillInAFlood(t *testing.T) {
	const stood, around = 2 * time.Second, 2 * time.Second
	l := newLab(t)
	l.settle(2000, 4*time.Second)
	strangers, before := l.strangers(), l.memory()
	flood := make(chan *load.Report, 1)
	go func() {
		r, err := strangers.Measure(t.Context(), load.Plan{Mode: load.Discover, Rate: 20000, Duration: stood + 3*around, Wait: time.Millisecond, Once: true}, nil)
		if err != nil {
			t.Error(err)
		}
		flood <- r
	}()
	r := l.under(500, stood+2*around, 30*time.Second, func(time.Time) {
		time.Sleep(around)
		l.stands(l.disk.Stand, func() {
			time.Sleep(stood)
			if now := l.memory(); now > before+64 {
				t.Errorf("the server took %d MiB before and %d at the end of it", before, now)
			}
		})
	})
	asked := (<-flood).Begun
	l.answeredAll(r)
	s := l.status()
	if s.Drops["socket-overflow"] == 0 {
		t.Errorf("%d strangers asked, and the kernel had room for all: this shows nothing", asked)
	}
	t.Logf("%d strangers asked; left unanswered: %v; %d promises compared", asked, counted(s.Drops), l.remembered())
}
