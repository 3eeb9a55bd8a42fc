package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/load"
)

// flood is how a server fared while strangers asked it for offers that they did not take.
type flood struct {
	*contender
	renewals, strangers *load.Report
	before, after       int // resident memory, octets
	failed              error
}

const (
	// floodRate is how many strangers ask in a second, each once.
	floodRate = 50000
	// floodClients have leases, and renew at floodRenewals a second.
	floodClients  = 2000
	floodRenewals = 500
	// strangersAddr is the relay that strangers come from.
	strangersAddr = "10.0.0.99"
)

// floods asks each server in turn.
func (p *plan) floods(ctx context.Context, all []*contender) (found []*flood) {
	for _, c := range all {
		if ctx.Err() != nil {
			break
		}
		x := &flood{contender: c}
		found = append(found, x)
		quiet(ctx, p.effort.patience)
		if x.failed = x.run(ctx, filepath.Join(p.dir, "flood"), 3*p.effort.length); x.failed != nil {
			fmt.Fprintf(os.Stderr, "%s, flood: %v\n", c.name, x.failed)
			continue
		}
		fmt.Fprintf(os.Stderr, "%-34s flood of %.0f/s: %.3f %% of renewals unanswered within a second, p99 %v; %d MB, %d MB before\n", c.name,
			float64(x.strangers.Begun)/x.strangers.Elapsed.Seconds(), x.late(), x.renewals.P99.Round(10*time.Microsecond), x.after>>20, x.before>>20)
	}
	return found
}

func (x *flood) run(ctx context.Context, dir string, length time.Duration) error {
	s, err := sit(ctx, x.peer, x.program, dir, seat{clients: floodClients})
	if err != nil {
		return err
	}
	defer s.leave()
	if n := s.crowd.Acquire(ctx, floodClients, 0, 20*time.Second, nil); n < floodClients/4 {
		return fmt.Errorf("only %d clients have a lease", n)
	}
	strangers, err := s.strangers()
	if err != nil {
		return err
	}
	defer strangers.Close()
	u, err := s.usage()
	if err != nil {
		return err
	}
	x.before = u.memory
	done := make(chan error, 1)
	go func() {
		var err error
		x.strangers, err = strangers.Measure(ctx, load.Plan{Mode: load.Discover, Rate: floodRate, Duration: length + 2*time.Second, Wait: time.Millisecond, Once: true}, nil)
		done <- err
	}()
	wait(ctx, time.Second)
	x.renewals, err = s.crowd.Measure(ctx, load.Plan{Mode: load.Renew, Rate: floodRenewals, Duration: length, Wait: time.Second, Once: true}, nil)
	if e := <-done; err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	if u, err = s.usage(); err != nil {
		return err
	}
	x.after = u.memory
	return ctx.Err()
}

// strangers returns clients behind a relay of their own.
func (s *sitting) strangers() (c *load.Crowd, err error) {
	if out, err := ip("-n", s.lab.client, "addr", "add", strangersAddr+"/8", "dev", "eth0"); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	err = s.lab.inside(func() (err error) {
		c, err = load.Open(load.Config{Servers: []netip.AddrPort{netip.MustParseAddrPort(serverAddr(0) + ":67")}, Local: []netip.Addr{netip.MustParseAddr(strangersAddr)},
			Clients: 1 << 22, First: 1 << 30})
		return err
	})
	return c, err
}

// late is the part of the renewals, in percent, that was not answered within a second.
func (x *flood) late() float64 {
	return 100 * float64(x.renewals.Lost+x.renewals.Refused) / float64(max(x.renewals.Begun, 1))
}

func floodTable(b *strings.Builder, floods []*flood) {
	if len(floods) == 0 {
		return
	}
	fmt.Fprintf(b, `
## While strangers ask

%d strangers a second, each of which asks once and takes no offer, from one relay, beside %d renewals a second from another. What the machine
could send of that is in the table.

| server | strangers, /s | renewals unanswered within a second | p50, ms | p99, ms | p999, ms | RSS before, MB | after, MB |
|---|---|---|---|---|---|---|---|
`, floodRate, floodRenewals)
	for _, x := range floods {
		if x.failed != nil {
			fmt.Fprintf(b, "| %s | %s | | | | | | |\n", x.name, strings.Join(strings.Fields(strings.ReplaceAll(x.failed.Error(), "|", "/")), " "))
			continue
		}
		r := x.renewals
		ms := func(d time.Duration) float64 { return micros(d) / 1000 }
		fmt.Fprintf(b, "| %s | %.0f | %.2f %% of %d | %.2f | %.1f | %.1f | %d | %d |\n", x.name, float64(x.strangers.Begun)/x.strangers.Elapsed.Seconds(), x.late(), r.Begun,
			ms(r.P50), ms(r.P99), ms(r.P999), x.before>>20, x.after>>20)
	}
}
