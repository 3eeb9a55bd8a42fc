package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/lessor-dhcp/lessor/internal/load"
)

// plan is what was asked for.
type plan struct {
	lessor, dir, out string
	only, parts      string
	modes            string
	rounds           int
	effort           effort
	thorough         bool
	most             int // leases of --scale
	resend           time.Duration
	absent           []string // programs that are not installed
}

// quick are the parts of a run of some ten minutes.
const quick = "alone,pair,takeover"

// everything are all parts.
const everything = quick + ",flood,recovery,snapshot"

// ends are the signals after which nothing may be left behind: who pipes the table to a program that ends, or closes the terminal, too.
var ends = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE}

func main() {
	var p plan
	flag.StringVar(&p.lessor, "lessor", "build/lessor", "the Lessor to measure")
	flag.StringVar(&p.dir, "dir", "build/bench-state", "where the servers keep their leases, in a new directory that is removed at the end; a real disk, not memory")
	flag.StringVar(&p.out, "out", "bench/RESULTS.md", "where to write the table; - writes it to the standard output alone")
	flag.StringVar(&p.only, "only", "", "measure only the servers whose name holds one of these words, separated by commas; with --scale, rows that hold it, such as '| 100000 |'")
	flag.StringVar(&p.parts, "parts", quick, "what to measure: alone, pair, takeover, flood, recovery (of a pair with --most leases), snapshot (of --most leases)")
	flag.StringVar(&p.modes, "modes", "new,renew,mixed", "what the clients do")
	flag.IntVar(&p.rounds, "rounds", 2, "how often each server sits, in turn with the others")
	flag.IntVar(&p.effort.steps, "steps", 2, "steps of the search for the highest rate in each sitting and mode")
	flag.DurationVar(&p.effort.step, "step", time.Second, "length of each step")
	flag.DurationVar(&p.effort.length, "length", 1500*time.Millisecond, "length of each run at half of the highest rate")
	flag.DurationVar(&p.effort.warm, "warm", 1200*time.Millisecond, "how long clients get their first leases")
	flag.DurationVar(&p.effort.patience, "patience", 3*time.Second, "how long each sitting waits for a quiet machine")
	flag.BoolVar(&p.thorough, "thorough", false, "5 rounds of 3 steps of 3 s, and runs of 5 s: about 50 minutes")
	install := flag.Bool("install", false, "install the servers that are missing (Debian), without starting them")
	scaled := flag.Bool("scale", false, "measure how Lessor's costs grow with leases, subnets, classes and free addresses instead")
	flag.IntVar(&p.most, "most", 1000000, "with --scale and for the recovery of a pair, the most leases that are tried")
	flag.DurationVar(&p.resend, "resend", time.Second, "how long clients of a lost server wait until they ask again; doubled each time")
	soaked := flag.Bool("soak", false, "let a pair of Lessors serve for long while it fails over and changes its configuration instead (LESSOR_SOAK=20m)")
	responder := flag.String("respond", "", "be the responder without leases, with its files in that directory; for the program itself")
	durable := flag.Bool("durable", false, "the responder writes each lease to the disk; for the program itself")
	flag.Parse()
	if p.thorough {
		p.rounds, p.effort.steps, p.effort.step, p.effort.length = 5, 3, 3*time.Second, 5*time.Second
		if p.parts == quick {
			p.parts = everything
		}
	}
	if err := p.check(flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), ends...)
	defer stop()
	do := p.compare
	switch {
	case *responder != "":
		do = func(context.Context) error { return respond(*responder, *durable) }
	case *scaled:
		do = p.scale
	case *soaked:
		do = p.soak
	}
	if err := p.prepare(*install, *responder == ""); err == nil {
		err = do(ctx)
		p.end(*responder == "", err)
	} else {
		p.end(false, err)
	}
}

// check says what of the command line names nothing, before anything is measured or overwritten.
func (p *plan) check(rest []string) error {
	if len(rest) > 0 {
		return fmt.Errorf("%s: only flags are taken", rest[0])
	}
	for part := range strings.SplitSeq(p.parts, ",") {
		if !slices.Contains(strings.Split(everything, ","), part) {
			return fmt.Errorf("--parts %s: there are %s", part, everything)
		}
	}
	for m := range strings.SplitSeq(p.modes, ",") {
		if !slices.Contains(load.Modes, load.Mode(m)) {
			return fmt.Errorf("--modes %s: there are %v", m, load.Modes)
		}
	}
	if p.rounds <= 0 || p.effort.steps <= 0 || p.effort.step <= 0 || p.effort.length <= 0 || p.most <= 0 {
		return fmt.Errorf("--rounds, --steps, --step, --length and --most must be above 0")
	}
	return nil
}

// prepare makes sure of what every part needs.
func (p *plan) prepare(install, measures bool) (err error) {
	if !measures {
		return nil
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("namespaces need root")
	}
	if install {
		c := exec.Command("scripts/install-test-packages", "bench")
		c.Stdout, c.Stderr = os.Stderr, os.Stderr
		if err := c.Run(); err != nil {
			fmt.Fprintf(os.Stderr, "bench: the other servers could not be installed (%v); what is here is measured\n", err)
		}
	}
	if _, err := exec.LookPath("ip"); err != nil {
		return fmt.Errorf("namespaces need iproute2: %w", err)
	}
	if p.lessor, err = filepath.Abs(p.lessor); err != nil {
		return err
	}
	return p.place()
}

// place makes p.dir a directory of this run alone in the one that was named. It is removed at the end, and what else is there is not.
func (p *plan) place() (err error) {
	if p.dir, err = filepath.Abs(p.dir); err != nil {
		return err
	}
	if err = os.MkdirAll(p.dir, 0o755); err != nil {
		return err
	}
	if p.dir, err = os.MkdirTemp(p.dir, "lessor-"); err != nil {
		return err
	}
	return os.Chmod(p.dir, 0o755) // some servers give up root before they read it
}

func (p *plan) end(clean bool, err error) {
	if clean {
		os.RemoveAll(p.dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// compared are the servers that the parts are about, and are wanted.
func (p *plan) compared() (all []peer) {
	if strings.Contains(p.parts, "alone") || strings.Contains(p.parts, "flood") {
		all = append(all, alone(p.lessor)...)
	}
	if strings.Contains(p.parts, "pair") || strings.Contains(p.parts, "takeover") {
		all = append(all, pairs(p.lessor)...)
	}
	return all
}

// missing says which of them are not installed; an error if there is nothing to measure.
func (p *plan) missing() error {
	all := p.compared()
	if p.absent = absent(all, p.only); len(p.absent) > 0 {
		fmt.Fprintf(os.Stderr, "not installed, so not measured: %s (bench/run --install)\n", strings.Join(p.absent, ", "))
	}
	if len(contenders(all, p.only, nil)) == 0 && !strings.Contains(p.parts, "recovery") && !strings.Contains(p.parts, "snapshot") {
		return fmt.Errorf("none of the servers that --only %q names is here", p.only)
	}
	return nil
}

// compare measures all servers beside each other, in turn.
func (p *plan) compare(ctx context.Context) error {
	if err := p.missing(); err != nil {
		return err
	}
	began := time.Now()
	var modes []load.Mode
	for m := range strings.SplitSeq(p.modes, ",") {
		modes = append(modes, load.Mode(m))
	}
	var single, double []*contender
	if strings.Contains(p.parts, "alone") {
		single = contenders(alone(p.lessor), p.only, modes)
	}
	if strings.Contains(p.parts, "pair") {
		double = contenders(pairs(p.lessor), p.only, modes[:min(2, len(modes))])
	}
	for i := range p.rounds {
		for _, c := range single {
			c.round(ctx, p.dir, p.effort)
		}
		for _, c := range double {
			if i%2 == 0 { // they take longer to find each other than to be measured
				c.round(ctx, p.dir, p.effort)
			}
		}
	}
	var losses []*loss
	if strings.Contains(p.parts, "takeover") && ctx.Err() == nil {
		losses = p.takeovers(ctx, contenders(pairs(p.lessor), p.only, nil))
	}
	var under []*flood
	if strings.Contains(p.parts, "flood") {
		under = p.floods(ctx, contenders(alone(p.lessor), p.only, nil))
	}
	var again []*recovery
	if strings.Contains(p.parts, "recovery") {
		again = p.recoveries(ctx)
	}
	var images []*imaged
	if strings.Contains(p.parts, "snapshot") && ctx.Err() == nil {
		images = p.snapshots(ctx)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return p.keep(p.out, "Measured", table(p, single, double, losses, under, again, images, time.Since(began)))
}
