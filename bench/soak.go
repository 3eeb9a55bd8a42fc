package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/lessor-dhcp/lessor/internal/load"
)

// soak is a pair of Lessors that serves for long, while the one or the other is lost and comes back and the configuration
// changes. The first one's process lives throughout, so that what grows in it is seen.
type soak struct {
	*sitting
	total, failEvery, changeEvery time.Duration
	leases                        int
	rate                          float64

	turn     sync.Mutex // held while one is lost, and while the configuration changes: not in the middle of each other
	mu       sync.Mutex // guards what follows
	lost     bool       // somebody is lost at the moment
	samples  []sample
	log      []string
	changes  int
	refused  int
	document int
	trouble  []string
	normal   []time.Duration // how long it took after each loss
}

// sample is what one process had at one time.
type sample struct {
	at time.Duration
	usage
	goroutines int
	bindings   int
}

func setting(name string, otherwise float64) float64 {
	if v, err := strconv.ParseFloat(os.Getenv(name), 64); err == nil && v > 0 {
		return v
	}
	return otherwise
}

// wholeSoak is how long the run is that is kept.
const wholeSoak = 20 * time.Minute

// soak lets a pair serve. LESSOR_SOAK is how long, LESSOR_SOAK_LEASES and LESSOR_SOAK_RATE how many leases and exchanges a
// second; a short run has fewer leases, and everything in it follows more closely.
func (p *plan) soak(ctx context.Context) error {
	total, err := time.ParseDuration(os.Getenv("LESSOR_SOAK"))
	if err != nil || total < 30*time.Second {
		total = wholeSoak
	}
	part := min(1, float64(total)/float64(wholeSoak))
	s := &soak{total: total, failEvery: min(2*time.Minute, total/4), changeEvery: min(30*time.Second, total/8),
		leases: int(setting("LESSOR_SOAK_LEASES", max(20000, 1e6*part))), rate: setting("LESSOR_SOAK_RATE", 5000)}
	pair := pairs(p.lessor)[0]
	// Few more addresses than leases, so that given back ones are soon given again, and the records stay as many as they are; but as
	// many as are given back in three minutes, for the share of one server, and the guard.
	spare := s.leases*3/20 + int(s.rate*0.1*180)
	how := seat{first: poolFirst, last: at(16<<16 + s.leases + spare).String(), clients: s.leases * 11 / 10, enterprise: s.options()}
	if s.sitting, err = sit(ctx, &pair, p.lessor, p.dir, how); err != nil {
		return err
	}
	defer s.leave()
	began := time.Now()
	held := s.crowd.Acquire(ctx, s.leases, 0, 0, s.tell)
	s.note("%d clients have leases, after %v", held, time.Since(began).Round(time.Second))
	report, err := s.serve(ctx)
	if err != nil {
		return err
	}
	verdict := s.judge(ctx, report)
	out := "-"
	if total >= wholeSoak {
		out = p.out
	}
	if err := p.keep(out, "Soak", s.page(report, verdict)); err != nil {
		return err
	}
	if len(verdict) > 0 {
		return fmt.Errorf("%d things were not as they should be", len(verdict))
	}
	return ctx.Err()
}

// options is the part of the document that changes.
func (s *soak) options() string {
	return fmt.Sprintf(", options: {domain-name-servers: [10.0.1.%d]}", 1+s.document%200)
}

func (s *soak) note(format string, args ...any) {
	line := time.Now().UTC().Format(time.TimeOnly) + " " + fmt.Sprintf(format, args...)
	fmt.Fprintln(os.Stderr, line)
	s.mu.Lock()
	s.log = append(s.log, line)
	s.mu.Unlock()
}

func (s *soak) tell(p load.Progress) {
	if int(p.At.Seconds())%10 == 0 {
		fmt.Fprintf(os.Stderr, "%s %v: %.0f/s, p50 %v, p99 %v, %d open\n", p.Phase, p.At.Round(time.Second), p.Rate, p.P50, p.P99, p.Open)
	}
}

// serve lets clients ask while things happen, until the time is over.
func (s *soak) serve(ctx context.Context) (*load.Report, error) {
	happening, stop := context.WithTimeout(ctx, s.total-s.failEvery/4)
	defer stop()
	var all sync.WaitGroup
	all.Go(func() { s.watch(happening) })
	all.Go(func() { s.change(happening) })
	all.Go(func() { s.fail(happening) })
	report, err := s.crowd.Measure(ctx, load.Plan{Mode: load.Mixed, Rate: s.rate, Duration: s.total, Wait: 30 * time.Second}, s.tell)
	stop()
	all.Wait()
	return report, err
}

// watch samples the first process.
func (s *soak) watch(ctx context.Context) {
	began := time.Now()
	for wait(ctx, max(time.Second, s.total/240)) {
		p := s.sides[0]
		u, err := p.usage()
		st, err2 := p.at.status()
		if err != nil || err2 != nil {
			continue // it is too busy to say
		}
		s.mu.Lock()
		s.samples = append(s.samples, sample{time.Since(began), u, st.Goroutines, st.Bindings["total"]})
		s.mu.Unlock()
	}
}

// wait waits; false if ctx is done before.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// change changes the configuration again and again: on the second member in turn with the first while both are there.
func (s *soak) change(ctx context.Context) {
	for i := 0; wait(ctx, s.changeEvery); i++ {
		s.turn.Lock()
		s.mu.Lock()
		side := i % 2
		if s.lost {
			side = 0
		}
		s.document++
		s.mu.Unlock()
		out, err := s.apply(s.sides[side].at)
		s.turn.Unlock()
		s.mu.Lock()
		s.changes++
		if err != nil {
			s.refused++
		}
		s.mu.Unlock()
		if err != nil {
			s.note("change %d on %s: %v: %s", s.document, sideName(side), err, last(out, 300))
		}
	}
}

// losses are the ways in which one of the two is lost and comes back.
func (s *soak) losses() []struct {
	what       string
	lose, back func() error
} {
	killed := func() error { s.sides[1].kill(); return nil }
	stopped := func() error { s.sides[1].stop(); return nil }
	started := func() error { return s.launch(1) }
	return []struct {
		what       string
		lose, back func() error
	}{
		{"east is killed (-9)", killed, started},
		{"west is cut off", func() error { return s.lab.unplug(0) }, func() error { return s.lab.plug(0) }},
		{"east is stopped", stopped, started},
		{"east is cut off", func() error { return s.lab.unplug(1) }, func() error { return s.lab.plug(1) }},
	}
}

// noticed is what silence each of the two notices.
const noticed = 15 * time.Second

// fail loses the one or the other again and again, each time for a fourth of the time until the next, but until it is noticed
// at least.
func (s *soak) fail(ctx context.Context) {
	all := s.losses()
	for i := 0; wait(ctx, s.failEvery/2); i++ {
		x := all[i%len(all)]
		s.turn.Lock()
		s.set(true)
		s.note("%s", x.what)
		err := x.lose()
		s.turn.Unlock()
		wait(ctx, max(s.failEvery/4, min(s.failEvery/2, noticed)))
		if e := x.back(); err == nil {
			err = e
		}
		if err != nil {
			s.bad("%s: %v", x.what, err)
			return
		}
		began := time.Now()
		for !lessorNormal(s.sides[0].at) || !lessorNormal(s.sides[1].at) {
			if time.Since(began) > 2*time.Minute {
				s.bad("%s: not both in NORMAL after 2 min", x.what)
				return
			}
			time.Sleep(200 * time.Millisecond)
		}
		s.note("both in NORMAL %v after it was back", time.Since(began).Round(100*time.Millisecond))
		s.mu.Lock()
		s.normal = append(s.normal, time.Since(began))
		s.mu.Unlock()
		s.set(false)
		wait(ctx, s.failEvery/4)
	}
}

func (s *soak) set(lost bool) {
	s.mu.Lock()
	s.lost = lost
	s.mu.Unlock()
}

// bad notes what should not be.
func (s *soak) bad(format string, args ...any) {
	s.note("NOT AS IT SHOULD BE: "+format, args...)
	s.mu.Lock()
	s.trouble = append(s.trouble, fmt.Sprintf(format, args...))
	s.mu.Unlock()
}
