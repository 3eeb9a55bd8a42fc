package node

import "time"

// clock gives the core its time: wall time at the start, advanced by the monotonic clock, so that a step of the wall
// clock neither ends a lease early nor makes one longer (RELIABILITY I12).
type clock struct {
	base    time.Time // with its monotonic reading
	forward time.Duration
}

// newClock returns a clock that never shows a time before last, the newest that is recorded. held says by how much the
// machine's clock is behind it.
func newClock(wall, last time.Time) (c clock, held time.Duration) {
	c.base = wall
	if last.After(wall) {
		c.forward = last.Sub(wall)
	}
	return c, c.forward
}

func (c *clock) now() time.Time { return c.at(time.Now()) }

func (c *clock) at(t time.Time) time.Time {
	return c.base.Round(0).Add(c.forward + t.Sub(c.base)).UTC()
}
