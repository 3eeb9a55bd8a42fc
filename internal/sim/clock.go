package sim

import (
	"math/rand/v2"
	"time"
)

// clock is the clocks of a machine. The monotonic one goes at about the right speed; the wall clock is that and an offset,
// which somebody may change.
type clock struct {
	w      *World
	rng    *rand.Rand
	drift  int           // how wrong the speed may be, in parts per million
	speed  int64         // how wrong it is now
	since  time.Duration // the true time since which it has this speed
	mono   time.Duration // what the monotonic clock showed then
	offset time.Duration // of the wall clock
	frozen bool

	base, start time.Duration // of the process: what its clock showed at its start, and the monotonic clock then
}

// driftChanges is how often the speed of a clock changes, as with a machine that is warm or cold, and kept right by others.
const driftChanges = 6 * time.Hour

func newClock(w *World, i int) *clock {
	c := &clock{w: w, rng: w.chances(chancesOfClock, i), drift: w.set.Drift, offset: w.set.Offset[i]}
	c.changeSpeed()
	return c
}

// changeSpeed draws another speed, and again after a while. It pulls back towards the right time.
func (c *clock) changeSpeed() {
	if c.drift > 0 {
		c.mono, c.since = c.monotonic(), c.w.now
		c.speed = c.rng.Int64N(int64(2*c.drift+1)) - int64(c.drift)
		if ahead := c.mono - c.w.now; ahead > 3*time.Second || ahead < -3*time.Second {
			if (ahead > 0) == (c.speed > 0) {
				c.speed = -c.speed
			}
		}
		c.w.after(driftChanges, c.changeSpeed)
	}
}

// monotonic returns what the monotonic clock shows.
func (c *clock) monotonic() time.Duration {
	if c.frozen {
		return c.mono
	}
	d := c.w.now - c.since
	return c.mono + d + time.Duration(int64(d)/1_000_000*c.speed)
}

// wall returns what the wall clock shows.
func (c *clock) wall() time.Duration { return c.monotonic() + c.offset }

// begin is the start of a process, whose store has seen the time latest.
func (c *clock) begin(latest time.Time) {
	c.start, c.base = c.monotonic(), c.wall()
	if !latest.IsZero() {
		c.base = max(c.base, latest.Sub(epoch))
	}
}

// now returns the time by which the process decides: the wall clock at its start, advanced by the monotonic one
// (node's clock).
func (c *clock) now() time.Time { return epoch.Add(c.base + c.monotonic() - c.start) }

// error returns by how much the process's clock is ahead of the true time.
func (c *clock) error() time.Duration { return c.base + c.monotonic() - c.start - c.w.now }

// trueTime returns when the process's clock shows t, if its speed stays as it is.
func (c *clock) trueTime(t time.Time) time.Duration {
	left := t.Sub(epoch) - (c.base + c.monotonic() - c.start)
	return c.w.now + left - time.Duration(int64(left)/1_000_000*c.speed)
}

// freeze stops the machine's clocks, and thaw lets them go on.
func (c *clock) freeze() { c.mono, c.frozen = c.monotonic(), true }

func (c *clock) thaw() { c.since, c.frozen = c.w.now, false }

// thawed lets clocks go on that are still stopped.
func (c *clock) thawed() {
	if c.frozen {
		c.thaw()
	}
}
