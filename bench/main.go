package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// plan is what was asked for.
type plan struct {
	lessor, dir, out string
	only             string
	modes            string
	length           time.Duration
	steps, rounds    int
	clients          int
	quick            bool
	patience         time.Duration
	scale            float64
}

func main() {
	var p plan
	flag.StringVar(&p.lessor, "lessor", "build/lessor", "the Lessor to measure")
	flag.StringVar(&p.dir, "dir", "build/bench-state", "where the servers keep their leases; a real disk, not memory")
	flag.StringVar(&p.out, "out", "bench/RESULTS.md", "where to write the table; - writes it to the standard output alone")
	flag.StringVar(&p.only, "only", "", "measure only the servers whose name holds one of these words, separated by commas")
	flag.StringVar(&p.modes, "modes", "new,renew", "what to measure")
	flag.DurationVar(&p.length, "length", 5*time.Second, "length of each run")
	flag.IntVar(&p.steps, "steps", 8, "runs in the search for the highest rate")
	flag.IntVar(&p.rounds, "rounds", 5, "runs at half of it, for processor time and latency")
	flag.IntVar(&p.clients, "clients", 1000, "clients that renew")
	flag.DurationVar(&p.patience, "patience", 8*time.Second, "how long each run waits for a quiet machine")
	flag.Float64Var(&p.scale, "scale", 1, "multiplies the rates at which the search begins")
	flag.BoolVar(&p.quick, "quick", false, "4 steps, 3 rounds, runs of 3 s")
	responder := flag.String("respond", "", "be the responder without leases, with a journal in that file; for the program itself")
	flag.Parse()
	if *responder != "" {
		if err := respond(*responder); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if p.quick {
		p.steps, p.rounds, p.length = 4, 3, 3*time.Second
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := p.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// contender is a peer that is here, and how far the search for its highest rate is.
type contender struct {
	*peer
	program, version string
	mode             string
	rate             float64
	best             float64 // the highest rate that held
	half             []*trial
	search           []*trial
	failed           error
}

func (p *plan) run(ctx context.Context) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("namespaces need root")
	}
	dir, err := filepath.Abs(p.dir)
	if err != nil {
		return err
	}
	l, err := newLink()
	if err != nil {
		return err
	}
	defer l.remove()
	defer os.RemoveAll(dir)
	s := &setting{link: l, dir: dir, length: p.length, clients: p.clients, patience: p.patience}
	var all []*contender
	for mode := range strings.SplitSeq(p.modes, ",") {
		all = append(all, p.contenders(mode)...)
	}
	if len(all) == 0 {
		return fmt.Errorf("none of the servers is installed")
	}
	p.search(ctx, s, all)
	p.measure(ctx, s, all)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	text := table(p, all)
	fmt.Print(text)
	if p.out == "-" {
		return nil
	}
	return os.WriteFile(p.out, []byte(text), 0o644)
}

// contenders are the peers that are installed and wanted.
func (p *plan) contenders(mode string) (found []*contender) {
	lessor, _ := filepath.Abs(p.lessor)
	for _, x := range peers(lessor) {
		words := strings.Split(strings.ToLower(p.only), ",")
		if !slices.ContainsFunc(words, func(w string) bool { return strings.Contains(strings.ToLower(x.name), w) }) {
			continue
		}
		program, version, ok := x.installed()
		if !ok || x.start[mode] == 0 {
			fmt.Fprintf(os.Stderr, "%s is not installed\n", x.name)
			continue
		}
		found = append(found, &contender{peer: &x, program: program, version: version, mode: mode, rate: x.start[mode] * p.scale})
	}
	return found
}

// highest writes the highest rate that held; the search may have ended before one did not.
func (c *contender) highest() string {
	s := fmt.Sprintf("%.0f", c.best)
	if c.best < 0.99*c.rate { // it would go on upwards
		return "≥ " + s
	}
	return s
}

// tooNoisy is how many processors others may use before a run that did not hold says nothing.
const tooNoisy = 1

// search looks for the highest rate that each holds: up by a quarter, or down by a fifth, in turn.
func (p *plan) search(ctx context.Context, s *setting, all []*contender) {
	for range p.steps {
		for _, c := range all {
			t := c.try(ctx, s, c.rate)
			if t == nil {
				continue
			}
			c.search = append(c.search, t)
			switch {
			case t.holds():
				c.best = max(c.best, c.rate)
				c.rate *= 1.25
			case t.others < tooNoisy:
				c.rate *= 0.8
			}
		}
	}
}

// measure runs each at half of its highest rate.
func (p *plan) measure(ctx context.Context, s *setting, all []*contender) {
	for range p.rounds {
		for _, c := range all {
			if c.best == 0 {
				continue
			}
			if t := c.try(ctx, s, c.best/2); t != nil {
				c.half = append(c.half, t)
			}
		}
	}
}

// try runs one trial and tells it; nil if there is none.
func (c *contender) try(ctx context.Context, s *setting, rate float64) *trial {
	if c.failed != nil || ctx.Err() != nil {
		return nil
	}
	t, err := s.try(ctx, c.peer, c.program, c.mode, rate)
	if err != nil {
		c.failed = err
		fmt.Fprintf(os.Stderr, "%s, %s: %v\n", c.name, c.mode, err)
		return nil
	}
	held := "holds"
	if !t.holds() {
		held = "does not hold"
	}
	r := t.report
	fmt.Fprintf(os.Stderr, "%-26s %-6s %7.0f/s %s: %.0f/s, %.2f %% unanswered, p50 %v, p99 %v, %.1f µs, %d MB, others %.2f\n", c.name,
		c.mode, rate, held, r.Achieved, 100*r.LostPart(), r.P50.Round(10*time.Microsecond), r.P99.Round(10*time.Microsecond),
		micros(t.cpu), t.memory>>20, t.others)
	return t
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
