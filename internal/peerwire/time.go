package peerwire

import (
	"math"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Times are seconds since 1970 by the sender's clock, 0 for "never". A fraction of a second is rounded towards later,
// and a time that the wire cannot say becomes the next later one that it can: nobody may free an address too early.
//
// They are not moved by how far the two clocks are apart. That is known by an estimate that varies, so a time that went
// there and back would grow with each renewal, and two records of one binding would never be equal. What clocks differ by
// is covered by the guard behind every lease (docs/protocol.md).

// endless is what the expiry of a lease without end is: ISC's largest time, or the largest of all. ISC has no time
// behind its own; in 2038 a Lessor goes on counting.
func (d Dialect) endless() uint32 {
	if d == Lessor {
		return math.MaxUint32
	}
	return math.MaxInt32
}

// putExpiry returns how an expiry is written.
func (d Dialect) putExpiry(t time.Time) uint32 {
	if !t.Before(binding.Forever) {
		return d.endless()
	}
	return min(putInstant(t), d.endless())
}

// putInstant returns how a time that something happened at is written.
func putInstant(t time.Time) uint32 {
	if t.IsZero() {
		return 0
	}
	s := t.Unix()
	if t.Nanosecond() > 0 {
		s++
	}
	return uint32(min(max(s, 1), math.MaxUint32))
}

// expiry reads what putExpiry wrote.
func (d Dialect) expiry(s uint32) time.Time {
	if s >= d.endless() {
		return binding.Forever
	}
	return instant(s)
}

// instant reads what putInstant wrote.
func instant(s uint32) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(int64(s), 0).UTC()
}

// seconds returns how a duration is written, rounded up; false if it is negative or too long.
func seconds(d time.Duration) (uint32, bool) {
	s := int64(d / time.Second)
	if d%time.Second > 0 {
		s++
	}
	return uint32(s), d >= 0 && s <= math.MaxUint32
}

// putSpan returns how a span of time is written that may have no end, rounded up to seconds.
func putSpan(d time.Duration) uint32 {
	s, ok := seconds(max(d, 0))
	if !ok {
		return math.MaxUint32
	}
	return s
}

// span reads what putSpan wrote.
func span(v []byte) time.Duration {
	if d := duration(v); d < math.MaxUint32*time.Second {
		return d
	}
	return binding.Infinite
}
