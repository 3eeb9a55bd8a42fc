package main

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/lessor-dhcp/lessor/internal/load"
)

// trial is one run against one server, and what it showed.
type trial struct {
	peer, mode string
	rate       float64
	report     *load.Report
	cpu        time.Duration // of the server, an exchange
	memory     int           // of the server at the end
	written    int           // octets an exchange
	others     float64       // processors that neither the server nor the load used
}

// holds reports whether the server did what it was asked to: at most 1 % without an answer, and nearly the rate.
func (t *trial) holds() bool {
	return t.report.LostPart() <= 0.01 && t.report.Achieved >= 0.95*t.rate && t.report.Refused == 0 && t.report.Doubled == 0
}

// setting is what all trials have in common.
type setting struct {
	link    *link
	dir     string
	length  time.Duration
	clients int // of renewals
	// patience is how long a run may wait until others leave the machine alone.
	patience time.Duration
}

// try runs one trial. The server begins with an empty store each time.
func (s *setting) try(ctx context.Context, p *peer, program, mode string, rate float64) (*trial, error) {
	total := int(rate * s.length.Seconds())
	cfg := load.Config{
		Servers: []netip.AddrPort{netip.MustParseAddrPort(serverAddr + ":67")}, Local: []netip.Addr{netip.MustParseAddr(clientAddr)},
		Plan: load.Plan{Mode: load.Mode(mode), Rate: rate, Duration: s.length, Wait: time.Second, Once: true}, Clients: min(total, poolSize*9/10),
	}
	leases := cfg.Clients
	if mode == "renew" {
		cfg.Clients = s.clients
		leases = s.clients
	}
	server, err := startServer(s.link, p, program, filepath.Join(s.dir, "server"), leases)
	if err != nil {
		return nil, err
	}
	defer server.stop()
	if err := s.ready(ctx, server); err != nil {
		return nil, err
	}
	s.quiet(ctx)
	var before usage
	var busyBefore time.Duration
	began := time.Now()
	before, _ = server.usage()
	busyBefore, began = busy(), time.Now()
	t := &trial{peer: p.name, mode: mode, rate: rate}
	if t.report, err = s.ask(ctx, cfg); err != nil {
		return nil, err
	}
	after, err := server.usage()
	if err != nil {
		return nil, server.ended()
	}
	done := int(max(t.report.Done, 1))
	t.cpu = (after.cpu - before.cpu) / time.Duration(done)
	t.memory, t.written = after.memory, (after.written-before.written)/done
	ours := after.cpu - before.cpu + t.report.GeneratorCPU*time.Duration(done)
	t.others = max(0, (busy()-busyBefore-ours).Seconds()/time.Since(began).Seconds())
	return t, ctx.Err()
}

// ask runs a load from the client's namespace.
func (s *setting) ask(ctx context.Context, cfg load.Config) (r *load.Report, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err = s.link.enter(); err == nil {
			r, err = load.Run(ctx, cfg, nil)
		}
	}()
	<-done
	return r, err
}

// readyWithin is how long a server may take until it answers: dhcpd looks at every address of its pools first.
const readyWithin = 60 * time.Second

// ready waits until the server answers a client and has then nothing more to do by itself.
func (s *setting) ready(ctx context.Context, server *process) error {
	cfg := load.Config{
		Servers: []netip.AddrPort{netip.MustParseAddrPort(serverAddr + ":67")}, Local: []netip.Addr{netip.MustParseAddr(clientAddr)},
		Plan: load.Plan{Rate: 10, Duration: 100 * time.Millisecond, Wait: 500 * time.Millisecond, Once: true}, Clients: 1, First: 1 << 30,
	}
	for end := time.Now().Add(readyWithin); time.Now().Before(end) && ctx.Err() == nil; {
		r, err := s.ask(ctx, cfg)
		if err != nil {
			return err
		}
		if err := server.ended(); err != nil {
			return err
		}
		if r.Done > 0 {
			return idle(ctx, server, end)
		}
	}
	return fmt.Errorf("no answer within %v: %w", readyWithin, ctx.Err())
}

// idle waits until the server uses next to no time for a second.
func idle(ctx context.Context, server *process, end time.Time) error {
	for quiet := 0; quiet < 2 && time.Now().Before(end) && ctx.Err() == nil; {
		before, err := server.usage()
		if err != nil {
			return server.ended()
		}
		time.Sleep(500 * time.Millisecond)
		after, _ := server.usage()
		if quiet++; after.cpu-before.cpu > 2*clockTick {
			quiet = 0
		}
	}
	return ctx.Err()
}

// quiet waits until the machine uses less than a quarter of a processor for half a second, as long as patience lasts.
func (s *setting) quiet(ctx context.Context) {
	for end := time.Now().Add(s.patience); time.Now().Before(end) && ctx.Err() == nil; {
		before := busy()
		time.Sleep(500 * time.Millisecond)
		if busy()-before < 125*time.Millisecond {
			return
		}
	}
}
