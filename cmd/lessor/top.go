package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/node"
)

type topCommand struct {
	whichServer `embed:""`
	Every       time.Duration `placeholder:"DURATION" default:"1s" help:"How often it is shown anew, as in 5s; less often where the server takes its time to answer."`
	Once        bool          `help:"Show it once, as plain text."`
	JSON        bool          `name:"json" help:"Print one JSON object each time, on a line."`
}

func (topCommand) Help() string {
	return `Alarms stand at the top, then how the two servers stand to each other, what comes and goes, the pools, the fullest first, with when each will
be empty at this rate, and the newest events, those of before included. q ends it, ? says which keys there are, ↑ and ↓ (or k and j), page up
and page down go through the pools.

Where the output is no terminal it is shown once.

Examples:

  lessor top
  lessor top --once
  lessor top --json --every 10s | jq .rates.answer_p99_ms`
}

// leastEvery is how often a server is asked at most.
const leastEvery = 200 * time.Millisecond

// leaveAlone is how many times as long as a server took to answer it is left alone, so that watching it never costs much.
const leaveAlone = 4

// trendsFor is how long what is known of the pools' trends is good enough.
const trendsFor = 10 * time.Second

// Run shows the overview.
func (x topCommand) Run(ctx context.Context, c *console) error {
	if x.Every < leastEvery {
		return usageError{fmt.Errorf("--every %v is too often: at least %v", x.Every, leastEvery), "lessor top --help"}
	}
	client, err := x.client()
	if err != nil {
		return err
	}
	v := &overview{}
	first := question{client: client}
	if n := first.ask(ctx, c.now()); n.err != nil {
		return unlessInterrupted(ctx, n.err)
	} else {
		v.take(n)
	}
	once := x.Once || !x.JSON && (!c.terminal || !c.cursor)
	if once || x.JSON {
		for _, e := range first.before(ctx) {
			v.happened(e)
		}
	}
	switch {
	case x.JSON && x.Once:
		return c.json(v.json())
	case once:
		return v.print(c)
	case x.JSON:
		return x.stream(ctx, c, &first, v)
	}
	return x.watch(ctx, c, &first, v)
}

// print writes the overview once, without anything that is for a terminal alone.
func (v *overview) print(c *console) error {
	plainly := *c
	plainly.colour = false
	_, err := io.WriteString(c.out, strings.Join(v.frame(&plainly, c.width(), 0), "\n")+"\n")
	return err
}

// question asks a server what an overview has.
type question struct {
	client *api.Client
	trends []node.PoolTrend
	at     time.Time // of trends
	last   string    // the event that is known; empty: none
}

// news is what one time of asking brought.
type news struct {
	at     time.Time
	status node.Status
	rates  *node.Rates      // nil: the server does not know
	trends []node.PoolTrend // the same
	err    error            // nobody answered; what else is in it is empty
}

func (q *question) ask(ctx context.Context, now time.Time) news {
	n := news{at: now}
	if n.status, n.err = q.client.Status(ctx); n.err != nil {
		return n
	}
	if r, err := q.client.Rates(ctx, node.Seconds); err == nil {
		n.rates = &r
	}
	if q.at.IsZero() || now.Sub(q.at) >= trendsFor {
		if t, err := q.client.PoolTrends(ctx); err == nil {
			q.trends, q.at = t, now
		}
	}
	n.trends = q.trends
	return n
}

// keepAsking sends what the server says, every so often, until ctx is done.
func (q *question) keepAsking(ctx context.Context, c *console, every time.Duration, to chan<- news) {
	wait := every
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		begun := time.Now()
		n := q.ask(ctx, c.now())
		wait = max(every, leaveAlone*time.Since(begun)) // where it took its time
		select {
		case <-ctx.Done():
			return
		case to <- n:
		}
	}
}

// watched are the kinds of events that are shown: single leases come by the thousand, and are counted above.
func watched() (kinds []node.EventKind) {
	for _, name := range node.EventKinds() {
		switch k, _ := node.ParseEventKind(name); k {
		case node.LeaseGranted, node.LeaseRenewed, node.LeaseReleased, node.LeaseEnded, node.PacketIn, node.PacketOut, node.PacketDropped:
		default:
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// keepListening sends events until ctx is done, from those on that the server still keeps; where it goes away, those since the last one.
func (q *question) keepListening(ctx context.Context, to chan<- node.Event) {
	for ctx.Err() == nil {
		// Why it ended is what the status says too.
		_ = q.listen(ctx, nil, func(e node.Event) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case to <- e:
				return nil
			}
		})
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// listen calls each with what happened after the event that is known, and what happens. Of a server that keeps nothing, with what happens.
func (q *question) listen(ctx context.Context, begun func(), each func(node.Event) error) error {
	f := node.EventFilter{Kinds: watched()}
	err := q.client.EventsAfter(ctx, f, cmp.Or(q.last, "0"), begun, func(e node.Event) error {
		if !e.ID.IsZero() {
			q.last = e.ID.String()
		}
		return each(e)
	})
	if _, refused := errors.AsType[*api.Problem](err); refused {
		return q.client.Events(ctx, f, begun, each)
	}
	return err
}

// The times within which what a server keeps of events is there.
const (
	eventsApart = 200 * time.Millisecond // one after the other
	eventsKept  = 2 * time.Second        // all of them
)

// before returns the events that the server keeps, as far as it tells them without a pause.
func (q *question) before(ctx context.Context) (events []node.Event) {
	ctx, cancel := context.WithTimeout(ctx, eventsKept)
	defer cancel()
	pause := time.AfterFunc(eventsKept, cancel)
	defer pause.Stop()
	pausing := func() { pause.Reset(eventsApart) }
	// It always ends by an error: most often that nothing more came.
	_ = q.listen(ctx, pausing, func(e node.Event) error {
		pausing()
		events = append(events, e)
		return nil
	})
	return events
}

// follow has show called whenever there is something new, until it returns errEnough or ctx is done.
func (x topCommand) follow(ctx context.Context, c *console, q *question, v *overview, more <-chan func(), show func() error) error {
	ctx, cancel := context.WithCancel(ctx)
	var asking sync.WaitGroup
	defer asking.Wait()
	defer cancel()
	answers, events := make(chan news), make(chan node.Event)
	asking.Go(func() { q.keepAsking(ctx, c, x.Every, answers) })
	asking.Go(func() { q.keepListening(ctx, events) })
	for {
		select {
		case <-ctx.Done():
			return nil
		case n := <-answers:
			v.take(n)
		case e := <-events:
			v.happened(e)
			continue // it is shown with what the server says next
		case f := <-more:
			f()
		}
		if err := show(); err != nil || ctx.Err() != nil {
			if errors.Is(err, errEnough) {
				return nil
			}
			return err
		}
	}
}

// stream writes an object each time.
func (x topCommand) stream(ctx context.Context, c *console, q *question, v *overview) error {
	show := func() error {
		err := c.json(v.json())
		v.events = nil // each is told once
		return err
	}
	if err := show(); err != nil {
		return err
	}
	return x.follow(ctx, c, q, v, nil, show)
}

// watch shows the overview on the terminal until q is pressed or ctx is done.
func (x topCommand) watch(ctx context.Context, c *console, q *question, v *overview) error {
	got := make(chan os.Signal, 4)
	signal.Notify(got, syscall.SIGWINCH, syscall.SIGTSTP) // before the terminal is taken: what stops the process has to give it back
	defer signal.Stop(got)
	s, err := openScreen(c)
	if err != nil {
		return err
	}
	defer s.close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	more, done := make(chan func()), false
	var reading sync.WaitGroup
	defer reading.Wait()
	defer cancel()
	reading.Go(func() {
		s.keys(ctx, func(k key) {
			press := func() { done = v.press(k) }
			select {
			case <-ctx.Done():
			case more <- press:
			}
		})
	})
	reading.Go(func() { s.signals(ctx, got, more) })
	show := func() error {
		if done {
			return errEnough
		}
		width, height := c.size()
		return s.draw(v.frame(c, width, height))
	}
	if err := show(); err != nil {
		return err
	}
	return x.follow(ctx, c, q, v, more, show)
}

// signals has the overview drawn anew when the terminal has another size, and gives the terminal back while the process is stopped.
func (s *screen) signals(ctx context.Context, got <-chan os.Signal, more chan<- func()) {
	for {
		select {
		case <-ctx.Done():
			return
		case g := <-got:
			f := func() {}
			if g == syscall.SIGTSTP {
				f = s.suspend
			}
			select {
			case <-ctx.Done():
				return
			case more <- f:
			}
		}
	}
}
