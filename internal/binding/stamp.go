package binding

import "time"

// stamp is a time in whole seconds in 40 bits: 0 is the zero time, 1 the beginning of 1970, and Forever fits. So does
// every time until the year 36812, where 32 bits would end in 2106.
type stamp [5]byte

// stampOf returns the stamp of t, without fractions of a second. What is before 1970 becomes the beginning of 1970,
// what is after Forever becomes Forever.
func stampOf(t time.Time) stamp {
	if t.IsZero() {
		return stamp{}
	}
	s := uint64(min(max(t.Unix(), 0), foreverUnix)) + 1
	return stamp{byte(s >> 32), byte(s >> 24), byte(s >> 16), byte(s >> 8), byte(s)}
}

var foreverUnix = Forever.Unix()

// seconds returns the stamp as a number whose order is that of time; 0 for the zero time.
func (s stamp) seconds() uint64 {
	return uint64(s[0])<<32 | uint64(s[1])<<24 | uint64(s[2])<<16 | uint64(s[3])<<8 | uint64(s[4])
}

func (s stamp) time() time.Time {
	if s == (stamp{}) {
		return time.Time{}
	}
	return time.Unix(int64(s.seconds())-1, 0).UTC()
}

// dueStamp is the stamp of a time at which something becomes due, never early: fractions are rounded up. It is zero
// for never.
func dueStamp(t time.Time) stamp {
	if t.IsZero() || !t.Before(Forever) {
		return stamp{}
	}
	if t.Nanosecond() > 0 {
		t = t.Add(time.Second)
	}
	return stampOf(t)
}
