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

// hasty is how soon is asked again while leases are got, which nobody measures.
const hasty = 500 * time.Millisecond

// Acquire lets n clients that never asked before get leases, at the rate, or with none as fast as they are answered, for
// no longer than within, if that is not 0. It returns how many leases there now are.
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
	c.phase(ctx, &phase{name: "acquiring", n: n, rate: rate, within: within, begin: c.beginNew, progress: progress})
	c.settle(ctx, 3*first)
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
	c.rep.Elapsed, c.rep.GeneratorCPU = elapsed, used
	c.rep.NotSent, c.rep.NotHeard = sent-sentBefore, heard-heardBefore
	return c.report(), nil
}

const (
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
	begin    func(sender, time.Duration)
	progress func(Progress)

	first, told time.Duration
	toldDone    uint64
}

// due returns when exchange i is due.
func (f *phase) due(i int) time.Duration {
	return f.first + time.Duration(float64(i)/f.rate*float64(time.Second))
}

// phase begins the exchanges and returns how long that took.
func (c *Crowd) phase(ctx context.Context, f *phase) time.Duration {
	out := c.w.sender()
	f.first = c.now()
	f.told = f.first
	for i := 0; i < f.n && ctx.Err() == nil; {
		now := c.now()
		if f.within > 0 && now-f.first > f.within {
			break
		}
		c.mu.Lock()
		i = c.beginDue(f, out, i, now)
		c.sendAgain(out, now)
		c.tell(f, now) // unlocks
		out.flush()
		next := now + tick
		if f.rate > 0 {
			next = f.due(i)
		}
		pause(min(max(next-c.now(), tick), longest))
	}
	return c.now() - f.first
}

// beginDue begins what is due now and returns the number of the next.
func (c *Crowd) beginDue(f *phase, out sender, i int, now time.Duration) int {
	if f.rate == 0 {
		for ; i < f.n && c.open < window; i++ {
			f.begin(out, now)
		}
		return i
	}
	for ; i < f.n; i++ {
		due := f.due(i)
		if due > now {
			break
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

// settle sends again and waits until all is answered, at most for d.
func (c *Crowd) settle(ctx context.Context, d time.Duration) {
	out := c.w.sender()
	for end := c.now() + d; c.now() < end && ctx.Err() == nil; time.Sleep(longest) {
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
