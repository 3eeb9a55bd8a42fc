package load

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"
)

// Crowd are clients, each with what it was given, and their way to the servers. Its methods follow each other.
type Crowd struct {
	cfg       Config
	w         wire
	start     time.Time
	receiving sync.WaitGroup

	mu        sync.Mutex // the pacing goroutine and the receiving one take turns by it
	exchanges exchanges
	wheel     *wheel
	clients   []client
	holders   map[uint32]uint32 // address → index of the client that was given it last
	fresh     int               // the next client that asks for the first time
	reach     int               // clients below have asked
	turn      int               // whose turn to renew or release it is
	mixed     uint64            // how many places of the mix there were, skipped ones too

	// Of the phase that goes on.
	first   time.Duration // before the first retransmission
	once    bool
	since   time.Duration // when it began
	open    uint64
	overdue uint64 // of the open ones, those that had to ask again
	begun   uint64
	done    uint64
	recent  Histogram // since the progress was told last
	servers map[uint32]uint64
	rep     Report
	fresher tally // exchanges of new clients
	renewed tally
	whole   Histogram
	offers  Histogram
}

// Open returns clients of which none has asked yet. They must be closed.
func Open(cfg Config) (*Crowd, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	c := &Crowd{cfg: cfg, start: time.Now(), holders: map[uint32]uint32{}, clients: make([]client, cfg.Clients), wheel: newWheel(cfg.Resend)}
	c.exchanges.base, c.exchanges.next = rand.Uint32(), 1
	c.begin(Plan{Rate: 1, Duration: time.Second}, cfg.Resend)
	if cfg.Direct != "" {
		c.w, err = openDirect(cfg.Direct)
	} else {
		c.w, err = openRelayed(&cfg)
	}
	if err != nil {
		return nil, err
	}
	c.receiving.Go(c.receive)
	return c, nil
}

// Close ends all.
func (c *Crowd) Close() {
	c.w.close()
	c.receiving.Wait()
}

func (c *Crowd) now() time.Duration { return time.Since(c.start) }

// begin forgets what goes on and begins to count anew.
func (c *Crowd) begin(p Plan, first time.Duration) {
	for i := range c.exchanges.ring {
		if e := &c.exchanges.ring[i]; e.waits() {
			c.clients[e.client].busy = false
		}
	}
	c.exchanges.fit(p.Rate*p.Duration.Seconds(), p.Rate, min(giveUp(first), p.Duration+p.Wait))
	c.since, c.first, c.once = c.now(), first, p.Once
	c.wheel.clear(c.since)
	c.open, c.overdue, c.begun, c.done = 0, 0, 0, 0
	c.servers = map[uint32]uint64{}
	c.rep = Report{Mode: p.Mode, Rate: p.Rate, Servers: map[string]uint64{}}
	c.fresher, c.renewed = tally{}, tally{}
	c.whole, c.offers, c.recent = Histogram{}, Histogram{}, Histogram{}
}

// Promise is a lease as its client counts it.
type Promise struct {
	Hardware [6]byte
	Address  netip.Addr
	Server   netip.Addr // the identifier of the one that granted it last
	Left     time.Duration
}

// Promises are the leases of all clients that still run.
func (c *Crowd) Promises() (all []Promise) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	for i := range c.clients {
		if x := &c.clients[i]; x.addr != 0 && x.until > now {
			all = append(all, Promise{hardware(uint32(c.cfg.First + i)), address(x.addr), address(x.server), x.until - now})
		}
	}
	return all
}

// Run lets clients acquire what the plan needs, measures until its duration is over, and reports. Once ctx is done it stops
// early and reports what there is. progress may be nil.
func Run(ctx context.Context, cfg Config, progress func(Progress)) (*Report, error) {
	c, err := Open(cfg)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	wanted := c.needed()
	if wanted > 0 && c.Acquire(ctx, wanted, cfg.AcquireRate, 0, progress) == 0 && c.cfg.Mode != Mixed || ctx.Err() != nil {
		return c.unmeasured(ctx, wanted), nil
	}
	r, err := c.Measure(ctx, cfg.Plan, progress)
	if err == nil {
		r.Wanted = wanted
	}
	return r, err
}

// unmeasured is the report of a run whose measured part never began.
func (c *Crowd) unmeasured(ctx context.Context, wanted int) *Report {
	held := c.held()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begin(c.cfg.Plan, c.cfg.Resend)
	c.rep.Clients, c.rep.Wanted, c.rep.Stopped = held, wanted, ctx.Err() != nil
	return c.report()
}

// needed is how many clients must have a lease before the plan of the configuration begins.
func (c *Crowd) needed() int {
	switch p := &c.cfg.Plan; p.Mode {
	case Renew, Release:
		return min(c.cfg.Clients, p.total())
	case Mixed:
		return max(1, c.cfg.Clients/2)
	default:
		return 0
	}
}
