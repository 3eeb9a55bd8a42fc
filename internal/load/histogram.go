package load

import (
	"math/bits"
	"time"
)

// Histogram counts durations in buckets whose width is about 3 % of what they hold. It never grows.
type Histogram struct {
	n       uint64
	sum     time.Duration
	max     time.Duration
	buckets [64 * subBuckets]uint64
}

const (
	subBits    = 5
	subBuckets = 1 << subBits
)

// bucket is where d is counted: up to 32 µs exactly, above by the highest bits.
func bucket(d time.Duration) int {
	v := uint64(max(d, 0) / time.Microsecond)
	if v < subBuckets {
		return int(v)
	}
	shift := bits.Len64(v) - subBits - 1
	return (shift+1)<<subBits + int(v>>shift)&(subBuckets-1)
}

// top is the end of a bucket.
func top(i int) time.Duration {
	if i < subBuckets {
		return time.Duration(i+1) * time.Microsecond
	}
	shift := i>>subBits - 1
	return time.Duration(uint64(subBuckets+i&(subBuckets-1)+1)<<shift) * time.Microsecond
}

// Add counts d.
func (h *Histogram) Add(d time.Duration) {
	h.n++
	h.sum += d
	h.max = max(h.max, d)
	h.buckets[bucket(d)]++
}

// Count returns how many were counted.
func (h *Histogram) Count() uint64 { return h.n }

// Mean returns the mean; 0 if there are none.
func (h *Histogram) Mean() time.Duration {
	if h.n == 0 {
		return 0
	}
	return h.sum / time.Duration(h.n)
}

// Max returns the longest.
func (h *Histogram) Max() time.Duration { return h.max }

// Quantile returns what the part q of all durations is not longer than, at most 3 % above; 0 if there are none.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.n == 0 {
		return 0
	}
	rank := uint64(q * float64(h.n))
	for i, n := range h.buckets {
		if n > rank {
			return min(top(i), h.max)
		}
		rank -= n
	}
	return h.max
}

// Bar is a step of a histogram as it is shown.
type Bar struct {
	UpTo  time.Duration `json:"up_to_ns"`
	Count uint64        `json:"count"`
}

// Bars returns the counts by powers of two, from the first that is not empty to the last.
func (h *Histogram) Bars() []Bar {
	bars := []Bar{}
	for i := 0; i < len(h.buckets); {
		end := top(i)
		b := Bar{UpTo: powerOfTwo(end)}
		for ; i < len(h.buckets) && (top(i) <= b.UpTo); i++ {
			b.Count += h.buckets[i]
		}
		if len(bars) > 0 || b.Count > 0 {
			bars = append(bars, b)
		}
		if i > bucket(h.max) {
			break
		}
	}
	return bars
}

// powerOfTwo returns the least power of two, in µs, that is not shorter than d.
func powerOfTwo(d time.Duration) time.Duration {
	return time.Duration(1) << bits.Len64(uint64(d/time.Microsecond-1)) * time.Microsecond
}
