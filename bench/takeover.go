package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/lessor-dhcp/lessor/internal/load"
)

// fault is how a server is lost.
type fault string

const (
	killed   fault = "kill -9"
	silenced fault = "silent loss"
)

// loss is what clients went through when the first server of a pair, the primary, was lost.
type loss struct {
	*contender
	fault  fault
	report *load.Report
	failed error
}

const (
	// takeoverRate is so low that all pairs can be looked at at the same time.
	takeoverRate = 100
	// takeoverClients have leases beforehand.
	takeoverClients = 400
	// lossAt is when the server is lost.
	lossAt = 5 * time.Second
	// longestTakeover is how long a pair may take to notice; Kea's needs 60 s and some.
	longestTakeover = 75 * time.Second
)

// takeovers loses the first server of each pair in both ways, all at the same time, since what is measured is waiting.
func (p *plan) takeovers(ctx context.Context, all []*contender) (losses []*loss) {
	var wait sync.WaitGroup
	for _, c := range all {
		for _, f := range []fault{killed, silenced} {
			x := &loss{contender: c, fault: f}
			losses = append(losses, x)
			dir := filepath.Join(p.dir, fmt.Sprintf("takeover-%d", len(losses)))
			wait.Go(func() {
				if x.failed = x.lose(ctx, dir, p.resend); x.failed != nil {
					fmt.Fprintf(os.Stderr, "%s, %s: %v\n", c.name, f, x.failed)
					return
				}
				fmt.Fprintf(os.Stderr, "%s, %s: known clients: silence %v, longest %v; new ones: silence %v, longest %v; %d of %d unanswered\n",
					c.name, f, x.report.Renew.Silence, x.report.Renew.Max, x.report.New.Silence, x.report.New.Max, x.report.Lost, x.report.Begun)
			})
		}
	}
	wait.Wait()
	return losses
}

// lose runs one of them. Clients ask again after resend, doubled each time; where that is short, how long they wait says how
// long nobody answered.
func (x *loss) lose(ctx context.Context, dir string, resend time.Duration) error {
	s, err := sit(ctx, x.peer, x.program, dir, seat{clients: 1 << 16, resend: resend})
	if err != nil {
		return err
	}
	defer s.leave()
	s.crowd.Acquire(ctx, takeoverClients, 100, 0, nil)
	lost := make(chan error, 1)
	go func() {
		select {
		case <-time.After(lossAt):
		case <-ctx.Done():
		}
		if x.fault == killed {
			s.sides[0].kill()
			lost <- nil
		} else {
			lost <- s.lab.unplug(0)
		}
	}()
	x.report, err = s.crowd.Measure(ctx, load.Plan{Mode: load.Mixed, Rate: takeoverRate, Duration: longestTakeover + lossAt, Wait: 20 * time.Second}, nil)
	if e := <-lost; err == nil {
		err = e
	}
	return err
}
