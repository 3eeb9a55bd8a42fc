package node

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// clock gives the core its time: wall time at the start, advanced by the monotonic clock, so that a step of the wall
// clock neither ends a lease early nor makes one longer (RELIABILITY I12). What the machine slept through counts.
type clock struct {
	base time.Time // with its monotonic reading
	// forward is by how much it began ahead of the machine's clock. It comes back by running slower, by which no lease ends too early.
	forward time.Duration
	slept   atomic.Int64 // nanoseconds for which the machine was suspended since base
	begun   time.Duration
}

// slower is by which part of the time that passes a clock that is ahead comes back.
const slower = 20

// newClock returns a clock that never shows a time before last, the newest that is recorded, but for the second by which that may have
// been rounded up: leases would end so much too early. held says by how much the machine's clock is behind it.
func newClock(wall, last time.Time) (c *clock, held time.Duration) {
	c = &clock{base: wall, begun: suspended()}
	if ahead := last.Sub(wall); ahead > time.Second {
		c.forward = ahead
	}
	return c, c.forward
}

// now returns the time.
func (c *clock) now() time.Time {
	c.sleptFor(suspended() - c.begun)
	return c.at(time.Now())
}

// sleptFor notes for how long the machine was suspended since base. What differs by little does so because two clocks are never read
// at one moment.
func (c *clock) sleptFor(d time.Duration) {
	if was := c.slept.Load(); int64(d) > was+int64(100*time.Millisecond) {
		c.slept.CompareAndSwap(was, int64(d))
	}
}

// at returns the time that it was at t, which has a monotonic reading and lies behind the last suspension of the machine.
func (c *clock) at(t time.Time) time.Time {
	passed := t.Sub(c.base) + time.Duration(c.slept.Load())
	return c.base.Round(0).Add(passed + max(0, c.forward-passed/slower)).UTC()
}

// suspended returns for how long the machine was suspended since it was started: the monotonic clock stands still then.
func suspended() time.Duration {
	var boot, mono unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) != nil || unix.ClockGettime(unix.CLOCK_MONOTONIC, &mono) != nil {
		return 0
	}
	return time.Duration(boot.Nano() - mono.Nano())
}
