package main

import (
	"context"
	"time"

	"github.com/lessor-dhcp/lessor/internal/load"
)

// trial is one measured part of a sitting, and what it showed.
type trial struct {
	mode    load.Mode
	rate    float64
	report  *load.Report
	cpu     time.Duration // of all sides together, an exchange
	memory  int           // of all sides at the end
	written int           // octets an exchange
	// syncs an exchange; exact if the servers count them, else what the disk was told by anybody. -1: not known.
	syncs  float64
	exact  bool
	others float64 // processors that neither the servers nor the load used
}

// holds reports whether the server did what it was asked to: at most 1 % without an answer, and nearly the rate.
func (t *trial) holds() bool {
	missed := float64(t.report.Lost + t.report.Refused)
	return missed <= 0.01*float64(t.report.Begun) && t.report.Achieved >= 0.95*t.rate && t.report.Doubled == 0
}

// straggle is how long after the last question answers still count. Nobody asks again.
const straggle = time.Second

// try measures one part.
func (s *sitting) try(ctx context.Context, mode load.Mode, rate float64, length time.Duration) (*trial, error) {
	before, err := s.usage()
	if err != nil {
		return nil, err
	}
	syncsBefore, _, _ := s.syncs()
	busyBefore, began := busy(), time.Now()
	t := &trial{mode: mode, rate: rate, syncs: -1}
	if t.report, err = s.crowd.Measure(ctx, load.Plan{Mode: mode, Rate: rate, Duration: length, Wait: straggle, Once: true}, nil); err != nil {
		return nil, err
	}
	after, err := s.usage()
	if err != nil {
		return nil, err
	}
	done := float64(max(t.report.Done, 1))
	t.cpu = time.Duration(float64(after.cpu-before.cpu) / done)
	t.memory, t.written = after.memory, int(float64(after.written-before.written)/done)
	generator := time.Duration(float64(t.report.GeneratorCPU) * float64(t.report.Begun))
	t.others = max(0, (busy()-busyBefore-(after.cpu-before.cpu)-generator).Seconds()/time.Since(began).Seconds())
	if n, exact, known := s.syncs(); known {
		t.exact, t.syncs = exact, float64(n-syncsBefore)/done
	}
	return t, ctx.Err()
}

// quiet waits until the machine uses less than a quarter of a processor for half a second, as long as patience lasts.
func quiet(ctx context.Context, patience time.Duration) {
	for end := time.Now().Add(patience); time.Now().Before(end) && ctx.Err() == nil; {
		before := busy()
		time.Sleep(500 * time.Millisecond)
		if busy()-before < 125*time.Millisecond {
			return
		}
	}
}
