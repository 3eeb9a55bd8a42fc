package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/load"
)

// recovery is how a pair of Lessors with many leases loses one server, and gives it back what it has lost with its disk.
type recovery struct {
	leases int
	alone  *load.Report // renewals by the one that is left
	during *load.Report // renewals while the other one is told everything
	// restart is from kill -9 of one of the two until it is in NORMAL again, with its disk.
	restart time.Duration
	// told is how long the one that lost its disk is in RECOVER: until it knows all.
	told   time.Duration
	failed error
}

const (
	// aloneRate is at which all clients come to the survivor, duringRate at which they renew while it tells.
	aloneRate  = 10000
	duringRate = 5000
)

func (p *plan) recoveries(ctx context.Context) (all []*recovery) {
	for _, n := range []int{100000, 1000000} {
		if n > max(p.most, 100000) || ctx.Err() != nil {
			break
		}
		x := &recovery{leases: n}
		if x.failed = x.run(ctx, p); x.failed != nil {
			fmt.Fprintf(os.Stderr, "a pair with %d leases: %v\n", n, x.failed)
		}
		all = append(all, x)
		fmt.Fprint(os.Stderr, x.row())
	}
	return all
}

func (x *recovery) run(ctx context.Context, p *plan) error {
	pair := pairs(p.lessor)[0]
	s, err := sit(ctx, &pair, p.lessor, filepath.Join(p.dir, "recovery"), seat{first: poolFirst, last: at(16<<16 + 2*x.leases).String(), clients: x.leases})
	if err != nil {
		return err
	}
	defer s.leave()
	if n := s.crowd.Acquire(ctx, x.leases, 0, 0, nil); n < x.leases*99/100 {
		return fmt.Errorf("only %d of %d clients have a lease", n, x.leases)
	}
	if err := s.told(ctx); err != nil {
		return err
	}
	s.sides[0].kill()
	if x.alone, err = s.renew(ctx, aloneRate, 5*time.Second); err != nil {
		return err
	}
	began := time.Now()
	if err := s.launch(0); err != nil {
		return err
	}
	if err := s.state(ctx, "NORMAL"); err != nil {
		return err
	}
	x.restart = time.Since(began)
	if err := s.told(ctx); err != nil {
		return err
	}
	return x.forget(ctx, s)
}

// forget takes the first server's disk away, and lets the other one tell it everything while clients renew.
func (x *recovery) forget(ctx context.Context, s *sitting) error {
	s.sides[0].kill()
	if err := s.sides[0].at.wipe(); err != nil {
		return err
	}
	told, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- x.renewUntil(ctx, s, told) }()
	err := s.launch(0)
	if err == nil {
		err = s.state(ctx, "RECOVER", "RECOVER-WAIT", "RECOVER-DONE", "NORMAL")
	}
	began := time.Now()
	if err == nil {
		err = s.state(ctx, "RECOVER-WAIT", "RECOVER-DONE", "NORMAL")
		x.told = time.Since(began)
	}
	close(told)
	return errors.Join(err, <-done)
}

// renewUntil lets clients renew, some seconds at a time, and adds up what becomes of it.
func (x *recovery) renewUntil(ctx context.Context, s *sitting, told <-chan struct{}) error {
	x.during = &load.Report{}
	for {
		r, err := s.renew(ctx, duringRate, 2*time.Second)
		if err != nil {
			return err
		}
		x.during.Begun += r.Begun
		x.during.Lost += r.Lost
		x.during.P99 = max(x.during.P99, r.P99)
		select {
		case <-told:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
	}
}

// wipe takes everything from a server's data but its keys.
func (at *place) wipe() error {
	all, err := os.ReadDir(at.file("data"))
	for _, e := range all {
		if e.Name() != "keys" && err == nil {
			err = os.RemoveAll(filepath.Join(at.file("data"), e.Name()))
		}
	}
	return err
}

func (s *sitting) renew(ctx context.Context, rate float64, length time.Duration) (*load.Report, error) {
	return s.crowd.Measure(ctx, load.Plan{Mode: load.Renew, Rate: rate, Duration: length, Wait: straggle}, nil)
}

// state waits until the first server is in one of the states.
func (s *sitting) state(ctx context.Context, states ...string) error {
	last := ""
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); {
		st, err := s.sides[0].at.standing()
		if err == nil && len(st.Partners) == 1 {
			last = st.Partners[0].State
			for _, want := range states {
				if last == want {
					return nil
				}
			}
		}
		if !wait(ctx, 50*time.Millisecond) {
			return ctx.Err()
		}
	}
	return fmt.Errorf("the first server is in %s, not in %s, after 3 min", last, strings.Join(states, " or "))
}

// told waits until both have told each other everything.
func (s *sitting) told(ctx context.Context) error {
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); {
		left := 0
		for _, p := range s.sides {
			st, err := p.at.standing()
			if err != nil || !lessorNormal(p.at) || st.Partners[0].Unacked > 0 {
				left++
			}
		}
		if left == 0 {
			return nil
		}
		if !wait(ctx, 100*time.Millisecond) {
			return ctx.Err()
		}
	}
	return fmt.Errorf("the two have not told each other everything after 3 min")
}

func recoveryTable(b *strings.Builder, all []*recovery) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## A pair of Lessors with many leases\n\nOne of two is killed (-9), and all clients renew with the other one at %d/s for 5 s; it comes back, until NORMAL; then it loses its disk, and comes\n"+
		"back, while clients renew at %d/s. Told everything: from RECOVER on; p99: of the worst 2 s.\n\n", aloneRate, duringRate)
	b.WriteString("| leases | survivor: done, /s | unanswered | p99, ms | back in NORMAL, s | told everything, s | bindings/s | meanwhile: unanswered | p99, ms |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, x := range all {
		b.WriteString(x.row())
	}
}

func (x *recovery) row() string {
	if x.failed != nil {
		return fmt.Sprintf("| %d | %s | | | | | | | |\n", x.leases, strings.Join(strings.Fields(strings.ReplaceAll(x.failed.Error(), "|", "/")), " "))
	}
	return fmt.Sprintf("| %d | %.0f | %d of %d | %.1f | %.1f | %.1f | %.0f | %d of %d | %.1f |\n", x.leases, x.alone.Achieved, x.alone.Lost, x.alone.Begun, micros(x.alone.P99)/1000,
		x.restart.Seconds(), x.told.Seconds(), float64(x.leases)/x.told.Seconds(), x.during.Lost, x.during.Begun, micros(x.during.P99)/1000)
}
