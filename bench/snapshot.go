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
	leases int
	times  []imagedOnce
	// restart is from kill -9 until the first renewal is answered, with a journal that is nearly as long as it gets.
	restart           time.Duration
	snapshot, journal int64
	failed            error
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
		if err := s.lengthen(ctx); err != nil {
			return err
		}
		if err := s.rest(ctx); err != nil {
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
	return x.again(ctx, s)
}

// again kills the server when it has most to read, and starts it.
func (x *imaged) again(ctx context.Context, s *sitting) error {
	if err := s.lengthen(ctx); err != nil {
		return err
	}
	if err := s.rest(ctx); err != nil {
		return err
	}
	st, err := s.sides[0].at.status()
	if err != nil {
		return err
	}
	x.snapshot, x.journal = st.Store.SnapshotBytes, st.Store.JournalBytes
	x.restart, err = s.restart(ctx)
	return err
}

const (
	// leastJournal is how long a journal is at least when a snapshot is due; it may be as long as the last snapshot.
	leastJournal = 32 << 20
	// nearly is how much shorter than that the journal is left: a segment and a part of one, of which it consists.
	nearly = 12 << 20
	// longWithin is how long it may take to make it that long: a million leases' needs half a minute.
	longWithin = 5 * time.Minute
)

// lengthen lets clients renew in a hurry until the next snapshot is nearly due.
func (s *sitting) lengthen(ctx context.Context) error {
	for end := time.Now().Add(longWithin); time.Now().Before(end); {
		st, err := s.sides[0].at.status()
		if err != nil {
			return err
		}
		if due := max(leastJournal, st.Store.SnapshotBytes); st.Store.JournalBytes > due-nearly && !s.imaging() {
			return nil
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
		if x.restart > 0 {
			fmt.Fprintf(b, "\nWith a snapshot of %d MB and a journal of %d MB behind it, hardly less than there ever is to read, from kill -9 to the first renewal answered: %.2f s.\n",
				x.snapshot>>20, x.journal>>20, x.restart.Seconds())
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
