package load

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/lessor-dhcp/lessor/internal/socket"
)

// Progress is how a run goes, as it is told every second.
type Progress struct {
	Phase string // "acquiring" or "measuring"
	At    time.Duration
	Begun uint64
	Done  uint64
	Open  uint64 // begun, and neither answered nor given up
	Rate  float64
}

// run is one run. The pacing goroutine and the receiving one take turns by mu.
type run struct {
	cfg   Config
	s     *socket.Sockets
	relay uint32
	start time.Time

	mu        sync.Mutex
	exchanges *exchanges
	resends   resends
	clients   []client
	holders   map[uint32]uint32 // address → index of the client that was given it last
	turn      int               // whose turn it is, below reach
	reach     int
	fresh     int // Mixed: the next client without a lease
	measuring bool
	open      uint64
	begun     uint64
	done      uint64
	servers   map[uint32]uint64
	rep       Report
	whole     Histogram
	offers    Histogram
}

// Run asks and measures until the duration is over, and reports. Once ctx is done it stops early and reports what
// there is. progress may be nil.
func Run(ctx context.Context, cfg Config, progress func(Progress)) (*Report, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	s, err := socket.Open(socket.Config{
		Listen: []netip.Addr{cfg.Local}, Bind: cfg.Local, Port: cfg.SourcePort, UnicastOnly: true,
	})
	if err != nil {
		return nil, fmt.Errorf("as a relay at %v: %w", cfg.Local, err)
	}
	r := newRun(cfg, s)
	var receiving sync.WaitGroup
	receiving.Go(r.receive)
	defer func() {
		s.Close()
		receiving.Wait()
	}()
	if n := r.acquired(); n > 0 {
		r.phase(ctx, "acquiring", n, cfg.AcquireRate, r.beginNew, progress)
		r.settle(ctx, 3*r.resends.first)
	}
	r.measure(ctx, progress)
	return r.report(), nil
}

func newRun(cfg Config, s *socket.Sockets) *run {
	r := &run{
		cfg: cfg, s: s, relay: number(cfg.Local), start: time.Now(), holders: map[uint32]uint32{}, servers: map[uint32]uint64{},
		clients: make([]client, cfg.Clients), rep: Report{Mode: cfg.Mode, Rate: cfg.Rate, Servers: map[string]uint64{}},
	}
	r.resends.first = cfg.first
	if r.reach = r.acquired(); r.reach == 0 {
		r.reach = cfg.Clients
	}
	total := cfg.Rate*cfg.Duration.Seconds() + float64(r.acquired())
	r.exchanges = newExchanges(total, max(cfg.Rate, cfg.AcquireRate), r.resends.giveUp(), rand.Uint32())
	return r
}

// acquired is how many clients get a lease before the measured part.
func (r *run) acquired() int {
	switch r.cfg.Mode {
	case Renew, Release:
		return min(r.cfg.Clients, r.total())
	case Mixed:
		return r.cfg.Clients / 2
	default:
		return 0
	}
}

// total is how many exchanges are measured.
func (r *run) total() int { return max(1, int(r.cfg.Rate*r.cfg.Duration.Seconds())) }

func number(a netip.Addr) uint32 {
	b := a.As4()
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

func (r *run) now() time.Duration { return time.Since(r.start) }

// measure runs the measured part and waits for its answers.
func (r *run) measure(ctx context.Context, progress func(Progress)) {
	begin := map[Mode]func(*burst, time.Duration){
		New: r.beginNew, Renew: r.beginRenewal, Release: r.beginRelease, Mixed: r.beginMixed,
	}[r.cfg.Mode]
	r.mu.Lock()
	r.measuring, r.begun, r.done, r.open, r.turn, r.fresh = true, 0, 0, 0, 0, r.acquired()
	r.rep.Stray, r.rep.Malformed = 0, 0
	r.mu.Unlock()
	if r.cfg.Measured != nil {
		r.cfg.Measured()
	}
	before := processor()
	r.rep.Elapsed = r.phase(ctx, "measuring", r.total(), r.cfg.Rate, begin, progress)
	r.settle(ctx, r.cfg.Wait)
	r.rep.GeneratorCPU = processor() - before
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

// phase begins n exchanges at the rate and returns how long that took.
func (r *run) phase(ctx context.Context, name string, n int, rate float64, begin func(*burst, time.Duration),
	progress func(Progress)) time.Duration {
	out := newBurst(r)
	first, told, toldDone := r.now(), r.now(), uint64(0)
	for i := 0; i < n && ctx.Err() == nil; {
		now := r.now()
		r.mu.Lock()
		for ; i < n; i++ {
			due := first + time.Duration(float64(i)/rate*float64(time.Second))
			if due > now {
				break
			}
			if r.measuring {
				r.rep.Lag = max(r.rep.Lag, now-due)
			}
			begin(out, due)
		}
		r.sendAgain(out, now)
		p := Progress{Phase: name, At: now - first, Begun: r.begun, Done: r.done, Open: r.open}
		r.mu.Unlock()
		out.flush()
		if now-told >= time.Second && progress != nil {
			p.Rate = float64(p.Done-toldDone) / (now - told).Seconds()
			told, toldDone = now, p.Done
			progress(p)
		}
		next := first + time.Duration(float64(i)/rate*float64(time.Second))
		pause(min(max(next-r.now(), tick), longest))
	}
	return r.now() - first
}

// settle sends again and waits until all is answered, at most for d.
func (r *run) settle(ctx context.Context, d time.Duration) {
	out := newBurst(r)
	for end := r.now() + d; r.now() < end && ctx.Err() == nil; time.Sleep(longest) {
		r.mu.Lock()
		r.sendAgain(out, r.now())
		open := r.open
		r.mu.Unlock()
		out.flush()
		if open == 0 {
			return
		}
	}
}

func (r *run) report() *Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	rep := &r.rep
	rep.Begun, rep.Done = r.begun, r.done
	rep.Lost = rep.Begun - rep.Done - rep.Refused
	rep.Achieved = float64(rep.Done) / max(rep.Elapsed.Seconds(), 1e-9)
	rep.GeneratorCPU /= time.Duration(max(rep.Done, 1))
	rep.P50, rep.P99, rep.P999, rep.Max = r.whole.Quantile(.5), r.whole.Quantile(.99), r.whole.Quantile(.999), r.whole.Max()
	rep.OfferP50, rep.OfferP99 = r.offers.Quantile(.5), r.offers.Quantile(.99)
	rep.Histogram = r.whole.Bars()
	for s, n := range r.servers {
		rep.Servers[netip.AddrFrom4([4]byte{byte(s >> 24), byte(s >> 16), byte(s >> 8), byte(s)}).String()] = n
	}
	c := r.s.Counters()
	for _, n := range c.Failed {
		rep.NotSent += n
	}
	rep.NotHeard = c.Overflow
	return rep
}

// processor returns the processor time that this process has used.
func processor() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
