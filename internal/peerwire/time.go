package peerwire

import (
	"math"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Times are seconds since 1970 by the sender's clock, 0 for "never". A fraction of a second is rounded towards later,
// and a time that the wire cannot say becomes the next later one that it can: nobody may free an address too early.

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
func (w Wire) expiry(s uint32) time.Time {
	if s >= w.Dialect.endless() {
		return binding.Forever
	}
	return w.instant(s)
}

// instant reads what putInstant wrote, and moves it to our clock.
func (w Wire) instant(s uint32) time.Time {
	if s == 0 {
		return time.Time{}
	}
	t := time.Unix(int64(s), 0).UTC()
	if w.Offset == 0 {
		return t
	}
	return time.Unix(int64(putInstant(t.Add(w.Offset))), 0).UTC()
}

// seconds returns how a duration is written, rounded up; false if it is negative or too long.
func seconds(d time.Duration) (uint32, bool) {
	s := int64(d / time.Second)
	if d%time.Second > 0 {
		s++
	}
	return uint32(s), d >= 0 && s <= math.MaxUint32
}
