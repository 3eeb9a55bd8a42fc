package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/load"
)

// contender is a peer that is here, and what it showed.
type contender struct {
	*peer
	program, version string
	modes            []load.Mode
	of               map[load.Mode]*series
	failed           error
}

// series is how the search for the highest rate in one mode is going, and what was measured at half of it.
type series struct {
	rate   float64 // tried next
	best   float64 // the highest that held
	missed float64 // the highest that did not
	top    *trial  // at best
	half   []*trial
}

// contenders are those of all that are installed and wanted, in words that their names hold.
func contenders(all []peer, only string, modes []load.Mode) (found []*contender) {
	for _, x := range all {
		if !x.wanted(only) {
			continue
		}
		program, version, ok := x.installed()
		if !ok {
			continue
		}
		c := &contender{peer: &x, program: program, version: version, modes: modes, of: map[load.Mode]*series{}}
		for _, m := range modes {
			c.of[m] = &series{}
		}
		found = append(found, c)
	}
	return found
}

// wanted reports whether the name holds one of the words, which are separated by commas.
func (p *peer) wanted(only string) bool {
	words := strings.Split(strings.ToLower(only), ",")
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(strings.ToLower(p.name), w) })
}

// absent names the programs of those that are wanted and not installed, each once.
func absent(all []peer, only string) (programs []string) {
	for _, x := range all {
		if !x.wanted(only) || slices.Contains(programs, x.program) {
			continue
		}
		if _, _, ok := x.installed(); !ok {
			programs = append(programs, x.program)
		}
	}
	return programs
}

// effort is how much is done in a sitting.
type effort struct {
	steps    int           // of the search, in each mode
	step     time.Duration // how long each takes
	length   time.Duration // of what is measured at half of the highest rate
	warm     time.Duration // how long clients get leases at first
	patience time.Duration
}

// round lets c sit once, and notes what fails.
func (c *contender) round(ctx context.Context, dir string, e effort) {
	if c.failed != nil || ctx.Err() != nil {
		return
	}
	quiet(ctx, e.patience)
	if err := c.sit(ctx, dir, e); err != nil && ctx.Err() == nil {
		c.failed = err
		fmt.Fprintf(os.Stderr, "%s: %v\n", c.name, err)
	}
}

func (c *contender) sit(ctx context.Context, dir string, e effort) error {
	s, err := sit(ctx, c.peer, c.program, filepath.Join(dir, "sitting"), seat{})
	if err != nil {
		return err
	}
	defer s.leave()
	began := time.Now()
	warm := s.crowd.Acquire(ctx, poolSize, 0, e.warm, nil)
	reached := float64(warm) / time.Since(began).Seconds()
	for _, m := range c.modes {
		of := c.of[m]
		if of.rate == 0 { // a renewal is half as many messages
			of.rate = max(10, 0.8*reached*map[load.Mode]float64{load.New: 1, load.Renew: 1.6, load.Mixed: 1.4}[m])
		}
		if err := c.search(ctx, s, m, e); err != nil {
			return err
		}
		rate := of.best / 2
		if rate == 0 {
			rate = of.rate / 2
		}
		t, err := c.try(ctx, s, m, rate, e.length)
		if err != nil {
			return err
		}
		of.half = append(of.half, t)
	}
	return nil
}

// tooNoisy is how many processors others may use before a run that did not hold says nothing.
const tooNoisy = 1

// search looks for the highest rate that is held: up by a half until one is not, then up by a quarter, and down by a fifth.
func (c *contender) search(ctx context.Context, s *sitting, m load.Mode, e effort) error {
	of := c.of[m]
	for range e.steps {
		t, err := c.try(ctx, s, m, of.rate, e.step)
		if err != nil {
			return err
		}
		switch {
		case t.holds():
			if of.rate >= of.best {
				of.best, of.top = of.rate, t
			}
			if of.rate *= 1.25; of.missed == 0 {
				of.rate *= 1.2
			}
		case t.others < tooNoisy:
			of.missed = max(of.missed, of.rate)
			of.rate *= 0.8
			if err := s.idle(ctx, time.Now().Add(readyWithin)); err != nil {
				return err
			}
		}
	}
	return nil
}

// try measures one part and tells it.
func (c *contender) try(ctx context.Context, s *sitting, m load.Mode, rate float64, length time.Duration) (*trial, error) {
	t, err := s.try(ctx, m, rate, length)
	if err != nil {
		return nil, err
	}
	held := "holds"
	if !t.holds() {
		held = "does not hold"
	}
	r := t.report
	fmt.Fprintf(os.Stderr, "%-34s %-6s %7.0f/s %s: %.0f/s, %.2f %% unanswered, p50 %v, p99 %v, %.1f µs (generator %.1f, %v late), %d MB, %.2f syncs, others %.2f\n",
		c.name, m, rate, held, r.Achieved, 100*r.LostPart(), r.P50.Round(10*time.Microsecond), r.P99.Round(10*time.Microsecond), micros(t.cpu),
		micros(r.GeneratorCPU), r.Lag.Round(100*time.Microsecond), t.memory>>20, t.syncs, t.others)
	return t, nil
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// highest writes the highest rate that held; the search may have ended before one did not.
func (s *series) highest() string {
	if s.best == 0 {
		return "none held"
	}
	if s.missed < s.best { // it would go on upwards
		return fmt.Sprintf("≥ %.0f", s.best)
	}
	return fmt.Sprintf("%.0f", s.best)
}
