package load

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

// openCrowd returns clients of s behind a relay of their own port.
func openCrowd(t *testing.T, s *server, cfg Config) *Crowd {
	t.Helper()
	cfg.Servers = []netip.AddrPort{s.at}
	return openCrowdOf(t, cfg)
}

// openCrowdOf returns clients of the servers that cfg names.
func openCrowdOf(t *testing.T, cfg Config) *Crowd {
	t.Helper()
	cfg.Local = []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	for cfg.SourcePort = 20500; ; cfg.SourcePort++ {
		c, err := Open(cfg)
		if err == nil {
			t.Cleanup(c.Close)
			return c
		}
		if cfg.SourcePort == 20600 {
			t.Fatal(err)
		}
	}
}

func (c *Crowd) mustMeasure(t *testing.T, p Plan) *Report {
	t.Helper()
	r, err := c.Measure(t.Context(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestACrowdKeepsItsLeasesFromOneMeasureToTheNext(t *testing.T) {
	s := serve(t, honest)
	c := openCrowd(t, s, Config{Clients: 300, First: 7})
	if n := c.Acquire(t.Context(), 100, 0, 0, nil); n != 100 {
		t.Fatalf("%d leases", n)
	}
	r := c.mustMeasure(t, Plan{Mode: Renew, Rate: 1000, Duration: 100 * time.Millisecond})
	if r.Clients != 100 || r.Done != 100 || r.Renew.Done != 100 || r.New.Begun != 0 || r.Skipped != 0 {
		t.Errorf("renewals: %+v", r)
	}
	r = c.mustMeasure(t, Plan{Mode: New, Rate: 1000, Duration: 100 * time.Millisecond})
	if r.Done != 100 || r.New.Done != 100 || r.Renew.Begun != 0 || r.Offers != 100 || r.Doubled != 0 {
		t.Errorf("new clients: %+v", r)
	}
	all := c.Promises()
	if len(all) != 200 {
		t.Fatalf("%d promises", len(all))
	}
	for _, p := range all {
		// The server gives each client the address that ends like its hardware address.
		want := netip.AddrFrom4([4]byte{10 | p.Hardware[2], p.Hardware[3], p.Hardware[4], p.Hardware[5]})
		if p.Address != want || p.Server.String() != "127.0.0.1" || p.Left > time.Hour || p.Left < 50*time.Minute {
			t.Fatalf("%+v of %v", p, net.HardwareAddr(p.Hardware[:]))
		}
	}
	if r = c.mustMeasure(t, Plan{Mode: Release, Rate: 1000, Duration: 50 * time.Millisecond}); r.Releases != 50 || len(c.Promises()) != 150 {
		t.Errorf("%d promises are left after %+v", len(c.Promises()), r)
	}
}

func TestALeaseThatIsOverIsNotRenewed(t *testing.T) {
	s := serve(t, func(q asked, n int) answer {
		a := honest(q, n)
		a.lease = 0
		return a
	})
	c := openCrowd(t, s, Config{Clients: 100})
	if n := c.Acquire(t.Context(), 20, 0, 0, nil); n != 0 {
		t.Errorf("%d leases", n)
	}
	r := c.mustMeasure(t, Plan{Mode: Renew, Rate: 1000, Duration: 20 * time.Millisecond, Wait: time.Millisecond})
	if r.Begun != 0 || r.Skipped != 20 || len(c.Promises()) != 0 {
		t.Errorf("%+v", r)
	}
}

// Leases are got no longer than one is told to, however slow the server is.
func TestAcquiringEndsInItsTime(t *testing.T) {
	s := serve(t, func(q asked, n int) answer {
		time.Sleep(2 * time.Millisecond) // a slow server
		return honest(q, n)
	})
	c := openCrowd(t, s, Config{Clients: 100000})
	began := time.Now()
	if n := c.Acquire(t.Context(), 100000, 0, 100*time.Millisecond, nil); n == 0 || n > 5000 {
		t.Errorf("%d leases", n)
	}
	if d := time.Since(began); d > 10*time.Second {
		t.Errorf("it took %v", d)
	}
}

// What is answered after the measure it belongs to counts as nobody's.
func TestALateAnswerIsNotCountedInTheNextMeasure(t *testing.T) {
	hold := make(chan struct{})
	s := serve(t, func(q asked, n int) answer {
		<-hold
		return honest(q, n)
	})
	c := openCrowd(t, s, Config{Clients: 100})
	if r := c.mustMeasure(t, Plan{Rate: 1000, Duration: 10 * time.Millisecond, Wait: time.Millisecond, Once: true}); r.Lost != 10 {
		t.Errorf("%+v", r)
	}
	close(hold)
	r := c.mustMeasure(t, Plan{Rate: 1000, Duration: 10 * time.Millisecond, Wait: 5 * time.Second, Once: true})
	if r.Begun != 10 || r.Done != 10 || r.Lost != 0 {
		t.Errorf("%+v", r)
	}
}
