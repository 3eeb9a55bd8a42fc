package node

import (
	"sync/atomic"
	"time"
)

// Histogram is how often something was how much since the start.
type Histogram struct {
	// Bounds are the upper bounds of the buckets, rising; Counts has how many values fell into each, and at its end how many
	// were larger than all of them.
	Bounds []float64
	Counts []uint64
	Sum    float64 // of all values
}

// Total returns how many values there were.
func (h *Histogram) Total() (n uint64) {
	for _, k := range h.Counts {
		n += k
	}
	return n
}

// The bounds of the buckets. They are the same in every version, so that what was recorded goes on being comparable.
var (
	// waits are for what a client or a disk takes, in nanoseconds.
	waits = [...]uint64{
		50e3, 100e3, 200e3, 500e3, 1e6, 2e6, 5e6, 10e6, 20e6, 50e6, 100e6, 200e6, 500e6, 1e9, 2e9, 5e9, 10e9,
	}
	// crowds are for how many of something there are at once.
	crowds = [...]uint64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096}
)

// mostBounds is how many bounds a tally has room for.
const mostBounds = len(waits)

// tally counts values into buckets. One at a time adds to it; anybody reads it, at any time, without a lock. It does not allocate.
type tally struct {
	counts [mostBounds + 1]atomic.Uint64
	sum    atomic.Uint64
}

// add counts v.
func (t *tally) add(bounds []uint64, v uint64) {
	i := 0
	for i < len(bounds) && v > bounds[i] {
		i++
	}
	t.counts[i].Add(1)
	t.sum.Add(v)
}

// wait counts a time; one that is negative, since the machine's clock was set back meanwhile, counts as none.
func (t *tally) wait(d time.Duration) { t.add(waits[:], uint64(max(d, 0))) }

// crowd counts how many there were.
func (t *tally) crowd(n int) { t.add(crowds[:], uint64(n)) }

// read returns what was counted, with bounds and sum divided by unit.
func (t *tally) read(bounds []uint64, unit float64) Histogram {
	h := Histogram{Bounds: make([]float64, len(bounds)), Counts: make([]uint64, len(bounds)+1), Sum: float64(t.sum.Load()) / unit}
	for i, b := range bounds {
		h.Bounds[i] = float64(b) / unit
	}
	for i := range h.Counts {
		h.Counts[i] = t.counts[i].Load()
	}
	return h
}

// seconds returns the times that were counted.
func (t *tally) seconds() Histogram { return t.read(waits[:], 1e9) }

// pieces returns the numbers that were counted.
func (t *tally) pieces() Histogram { return t.read(crowds[:], 1) }
