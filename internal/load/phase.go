package load

import (
	"context"
	"syscall"
	"time"
)

// Progress is how a run goes, as it is told every second.
type Progress struct {
	Phase string // "acquiring" or "measuring"
	At    time.Duration
	Begun uint64
	Done  uint64
	Open  uint64  // begun, and neither answered nor given up
	Rate  float64 // done a second, since it was told last
	P50   time.Duration
	P99   time.Duration // both since it was told last
}

// window is how many exchanges go on at a time while leases are got as fast as they are answered. It is what servers with
// short queues can hold.
const window = 48

// mostOverdue is how many exchanges that had to ask again do not count as going on then. Without that, clients that nobody answers would
// hold up those that are answered.
const mostOverdue = 4096

// stuck is after how long without a lease clients no longer try to get some: longer than a client that nobody answers goes on.
const stuck = 20 * time.Second

// hasty is how soon is asked again while leases are got, which nobody measures.
const hasty = 500 * time.Millisecond

// Acquire lets n clients that never asked before get leases, at the rate, or with none as fast as they are answered, for
// no longer than within, if that is not 0, and until none got one for 20 s, as where the addresses are used up. It returns how many leases
// there now are.
func (c *Crowd) Acquire(ctx context.Context, n int, rate float64, within time.Duration, progress func(Progress)) int {
	c.mu.Lock()
	n = min(n, len(c.clients)-c.fresh)
	p := Plan{Mode: New, Rate: rate, Duration: 10 * time.Minute}
	if rate == 0 {
		p.Rate = 10 * window
	}
	first := min(c.cfg.Resend, hasty)
	c.begin(p, first)
	c.mu.Unlock()
	if n <= 0 {
		return c.held()
	}
	c.phase(ctx, &phase{name: "acquiring", n: n, rate: rate, within: within, stuck: stuck, begin: c.beginNew, progress: progress})
	if within == 0 {
		c.settle(ctx, 10*first)
	} else {
		c.settle(ctx, 3*first)
	}
	return c.held()
}

// held counts the clients that have a lease.
func (c *Crowd) held() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	for i := range c.clients[:c.reach] {
		if x := &c.clients[i]; x.addr != 0 && x.until > now {
			n++
		}
	}
	return n
}

// Measure runs the plan and waits for its answers. progress may be nil.
func (c *Crowd) Measure(ctx context.Context, p Plan, progress func(Progress)) (*Report, error) {
	p, err := p.complete()
	if err != nil {
		return nil, err
	}
	clients := c.held()
	begin := map[Mode]func(sender, time.Duration){
		New: c.beginNew, Discover: c.beginNew, Renew: c.beginRenewal, Release: c.beginRelease, Mixed: c.beginMixed,
	}[p.Mode]
	sentBefore, heardBefore := c.w.lost()
	c.mu.Lock()
	c.begin(p, c.cfg.Resend)
	c.rep.Clients = clients
	c.mu.Unlock()
	before := processor()
	elapsed := c.phase(ctx, &phase{name: "measuring", n: p.total(), rate: p.Rate, begin: begin, progress: progress})
	c.settle(ctx, p.Wait)
	used := processor() - before
	sent, heard := c.w.lost()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rep.Elapsed, c.rep.GeneratorCPU, c.rep.Stopped = elapsed, used, ctx.Err() != nil
	c.rep.NotSent, c.rep.NotHeard = sent-sentBefore, heard-heardBefore
	return c.report(), nil
}

const (
	// lateAfter is from when on an exchange began late.
	lateAfter = 5 * time.Millisecond
	// lastWords is how long answers still count that are on their way when the context ends.
	lastWords = time.Second
	// tick is the least time between two looks at what is due; what comes due meanwhile goes out together.
	tick = 200 * time.Microsecond
	// longest is how long the pacing may sleep through retransmissions and the end of the context.
	longest = 10 * time.Millisecond
)

// pause sleeps. The runtime's own timers round up to a whole millisecond where nothing else goes on, which would be
// part of every measured time.
func pause(d time.Duration) {
	ts := syscall.NsecToTimespec(int64(d))
	syscall.Nanosleep(&ts, nil) // woken early by a signal, the caller looks at what is due, and comes back
}

// phase is a run of exchanges.
type phase struct {
	name     string
	n        int
	rate     float64       // 0: as fast as they are answered
	within   time.Duration // 0: as long as it takes
	stuck    time.Duration // 0: it goes on however long none is done
	begin    func(sender, time.Duration)
	progress func(Progress)

	first, told time.Duration
	toldDone    uint64
	moved       time.Duration // when one more was seen done
	movedDone   uint64
}

// isStuck reports whether none of those that are open was done for long, of which so many are done now.
func (f *phase) isStuck(now time.Duration, done, open uint64) bool {
	if done != f.movedDone || open == 0 {
		f.moved, f.movedDone = now, done
	}
	return f.stuck > 0 && now-f.moved > f.stuck
}

// due returns when exchange i is due.
func (f *phase) due(i int) time.Duration {
	return f.first + time.Duration(float64(i)/f.rate*float64(time.Second))
}

// phase begins the exchanges and returns how long that took: as long as all of them together have at the rate, if there is one.
func (c *Crowd) phase(ctx context.Context, f *phase) time.Duration {
	out := c.w.sender()
	f.first = c.now()
	f.told, f.moved = f.first, f.first
	for i := 0; (i < f.n || f.rate > 0 && c.now() < f.due(f.n)) && ctx.Err() == nil; {
		now := c.now()
		if f.within > 0 && now-f.first > f.within {
			break
		}
		c.mu.Lock()
		i = c.beginDue(f, out, i, now)
		c.sendAgain(out, now)
		ends := f.isStuck(now, c.done, c.open)
		c.tell(f, now) // unlocks
		out.flush()
		next := now + tick
		if f.rate > 0 {
			next = f.due(i)
		}
		if ends {
			break
		}
		pause(min(max(next-c.now(), tick), longest))
	}
	return c.now() - f.first
}

// beginDue begins what is due now and returns the number of the next.
func (c *Crowd) beginDue(f *phase, out sender, i int, now time.Duration) int {
	if f.rate == 0 {
		for ; i < f.n && c.open-min(c.overdue, mostOverdue) < window; i++ {
			f.begin(out, now)
		}
		return i
	}
	for ; i < f.n; i++ {
		due := f.due(i)
		if due > now {
			break
		}
		if now-due > lateAfter {
			c.rep.Late++
		}
		c.rep.Lag = max(c.rep.Lag, now-due)
		f.begin(out, due)
	}
	return i
}

// tell tells the progress once a second. It is called with the lock, and gives it back.
func (c *Crowd) tell(f *phase, now time.Duration) {
	if now-f.told < time.Second || f.progress == nil {
		c.mu.Unlock()
		return
	}
	p := Progress{Phase: f.name, At: now - f.first, Begun: c.begun, Done: c.done, Open: c.open, P50: c.recent.Quantile(.5), P99: c.recent.Quantile(.99)}
	c.recent = Histogram{}
	c.mu.Unlock()
	p.Rate = float64(p.Done-f.toldDone) / (now - f.told).Seconds()
	f.told, f.toldDone = now, p.Done
	f.progress(p)
}

// settle sends again and waits until all is answered, at most for d, and at most for a second once ctx is done.
func (c *Crowd) settle(ctx context.Context, d time.Duration) {
	out := c.w.sender()
	ended := ctx.Done()
	for end := c.now() + d; c.now() < end; time.Sleep(longest) {
		select {
		case <-ended:
			ended, end = nil, min(end, c.now()+lastWords)
		default:
		}
		c.mu.Lock()
		c.sendAgain(out, c.now())
		open := c.open
		c.mu.Unlock()
		out.flush()
		if open == 0 {
			return
		}
	}
}

// processor returns the processor time that this process has used.
func processor() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
