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

// imaged is how renewals fared while a Lessor with many leases wrote a snapshot of them, as it does by itself when its journal is long.
type imaged struct {
	leases   int
	times    []imagedOnce
	restarts []restarted
	failed   error
}

// restarted is a start after a kill -9, until the first renewal is answered.
type restarted struct {
	snapshot, journal int64 // octets to be read
	took              time.Duration
}

type imagedOnce struct {
	before, during, after *load.Report
	bytes                 int64 // of the snapshot
}

const (
	// imagedRate is at which clients renew while it is measured, hurriedRate that at which the journal is made long.
	imagedRate  = 5000
	hurriedRate = 30000
	// imagedSides is how long is measured after a snapshot.
	imagedSides = 5 * time.Second
	// snapshotWithin is how long a snapshot may take, and it may be until it begins.
	snapshotWithin = 3 * time.Minute
)

func (p *plan) snapshots(ctx context.Context) []*imaged {
	x := &imaged{leases: p.most}
	if x.failed = x.run(ctx, p); x.failed != nil {
		fmt.Fprintf(os.Stderr, "snapshots of %d leases: %v\n", x.leases, x.failed)
	}
	return []*imaged{x}
}

func (x *imaged) run(ctx context.Context, p *plan) error {
	one := alone(p.lessor)[0]
	s, err := sit(ctx, &one, p.lessor, filepath.Join(p.dir, "snapshot"), seat{first: poolFirst, last: at(16<<16 + 2*x.leases).String(), clients: x.leases})
	if err != nil {
		return err
	}
	defer s.leave()
	if n := s.crowd.Acquire(ctx, x.leases, 0, 0, nil); n < x.leases*99/100 {
		return fmt.Errorf("only %d of %d clients have a lease", n, x.leases)
	}
	for range p.rounds {
		if err := s.lengthen(ctx, 1); err != nil {
			return err
		}
		var once imagedOnce
		if once.before, err = s.renewWhile(ctx, snapshotWithin, false); err != nil {
			return err
		}
		if once.during, err = s.renewWhile(ctx, snapshotWithin, true); err != nil {
			return err
		}
		if once.after, err = s.renew(ctx, imagedRate, imagedSides); err != nil {
			return err
		}
		st, err := s.sides[0].at.status()
		if err != nil {
			return err
		}
		once.bytes = st.Store.SnapshotBytes
		x.times = append(x.times, once)
		fmt.Fprint(os.Stderr, once.rows())
	}
	for _, part := range []int64{1, quarter} {
		if err := x.again(ctx, s, part); err != nil {
			return err
		}
	}
	return nil
}

// again kills the server when the journal is that part of the snapshot, and starts it.
func (x *imaged) again(ctx context.Context, s *sitting, part int64) error {
	if err := s.lengthen(ctx, part); err != nil {
		return err
	}
	st, err := s.sides[0].at.status()
	if err != nil {
		return err
	}
	took, err := s.restart(ctx)
	x.restarts = append(x.restarts, restarted{st.Store.SnapshotBytes, st.Store.JournalBytes, took})
	return err
}

const (
	// leastJournal is how long a journal is at least when a snapshot is due; it may be a quarter of the last snapshot, and as long within a minute.
	leastJournal = 32 << 20
	quarter      = 4
	// nearly is how much shorter than that the journal is left: a segment and a part of one, of which it consists.
	nearly = 12 << 20
	// longWithin is how long it may take to make it that long: a million leases' needs half a minute.
	longWithin = 5 * time.Minute
)

// lengthen lets clients renew in a hurry until the journal is nearly as long as that part of the snapshot, and waits until what that leaves to be done is.
func (s *sitting) lengthen(ctx context.Context, part int64) error {
	for end := time.Now().Add(longWithin); time.Now().Before(end); {
		st, err := s.sides[0].at.status()
		if err != nil {
			return err
		}
		if due := max(leastJournal, st.Store.SnapshotBytes/part); st.Store.JournalBytes > due-nearly && !s.imaging() {
			return s.rest(ctx)
		}
		if _, err := s.renew(ctx, hurriedRate, time.Second/4); err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
	}
	return fmt.Errorf("the journal was not long enough after %v", longWithin)
}

// imaging reports whether a snapshot is being written.
func (s *sitting) imaging() bool {
	_, err := os.Stat(s.sides[0].at.file("data/snapshot.tmp"))
	return err == nil
}

// renewWhile measures renewals until a snapshot begins, or for as long as one is written.
func (s *sitting) renewWhile(ctx context.Context, within time.Duration, written bool) (*load.Report, error) {
	over, end := context.WithCancel(ctx)
	defer end()
	go func() {
		for s.imaging() == written && wait(over, 5*time.Millisecond) {
		}
		end()
	}()
	r, err := s.crowd.Measure(over, load.Plan{Mode: load.Renew, Rate: imagedRate, Duration: within, Wait: straggle}, nil)
	if err == nil && !r.Stopped {
		err = fmt.Errorf("no snapshot began, or ended, within %v", within)
	}
	return r, errors.Join(err, ctx.Err())
}

func snapshotTable(b *strings.Builder, all []*imaged) {
	for _, x := range all {
		fmt.Fprintf(b, "\n## A snapshot while clients renew\n\nOne Lessor with %d leases; renewals at %d/s until it begins to write a snapshot by itself, for as long as it does, and for %v after that.\n\n"+
			"| | snapshot, MB | s | renewals | unanswered | p50, ms | p99, ms | p999, ms | longest, ms |\n|---|---|---|---|---|---|---|---|---|\n", x.leases, imagedRate, imagedSides)
		for i := range x.times {
			b.WriteString(x.times[i].rows())
		}
		for _, r := range x.restarts {
			fmt.Fprintf(b, "\nWith a snapshot of %d MB and a journal of %d MB behind it, from kill -9 to the first renewal answered: %.2f s.\n",
				r.snapshot>>20, r.journal>>20, r.took.Seconds())
		}
		if x.failed != nil {
			fmt.Fprintf(b, "| %s | | | | | | | | |\n", strings.Join(strings.Fields(strings.ReplaceAll(x.failed.Error(), "|", "/")), " "))
		}
	}
}

func (x *imagedOnce) rows() string {
	var b strings.Builder
	ms := func(d time.Duration) float64 { return micros(d) / 1000 }
	for _, part := range []struct {
		name string
		r    *load.Report
		size string
	}{{"before", x.before, ""}, {"meanwhile", x.during, fmt.Sprint(x.bytes >> 20)}, {"after", x.after, ""}} {
		r := part.r
		fmt.Fprintf(&b, "| %s | %s | %.1f | %d | %d | %.2f | %.2f | %.2f | %.1f |\n", part.name, part.size, r.Elapsed.Seconds(), r.Begun, r.Lost, ms(r.P50), ms(r.P99), ms(r.P999), ms(r.Max))
	}
	return b.String()
}
