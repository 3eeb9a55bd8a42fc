package peerwire

import (
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

func at(s int64) time.Time { return time.Unix(s, 0).UTC() }

func TestExpiriesAreRoundedTowardsLater(t *testing.T) {
	for _, c := range []struct {
		name        string
		t           time.Time
		isc, lessor uint32
	}{
		{"never", time.Time{}, 0, 0},
		{"a whole second", at(1795341807), 1795341807, 1795341807},
		{"a nanosecond more", at(1795341807).Add(1), 1795341808, 1795341808},
		{"before 1970", at(-5), 1, 1},
		{"1970", at(0), 1, 1},
		{"the last that ISC can say", at(0x7ffffffe), 0x7ffffffe, 0x7ffffffe},
		{"a nanosecond after the last that ISC can say", at(0x7ffffffe).Add(1), 0x7fffffff, 0x7fffffff},
		{"2040", at(0x84000000), 0x7fffffff, 0x84000000},
		{"the last of all", at(0xfffffffe), 0x7fffffff, 0xfffffffe},
		{"2200", at(7_258_118_400), 0x7fffffff, 0xffffffff},
		{"without end", binding.Forever, 0x7fffffff, 0xffffffff},
		{"beyond that", binding.Forever.Add(time.Hour), 0x7fffffff, 0xffffffff},
	} {
		for d, want := range map[Dialect]uint32{ISC: c.isc, Lessor: c.lessor} {
			got := d.putExpiry(c.t)
			if got != want {
				t.Errorf("%s to %d: %#x; want %#x", c.name, d, got, want)
			}
			back := d.expiry(got)
			if back.Before(c.t) && c.t.Before(binding.Forever) || got == 0 != back.IsZero() {
				t.Errorf("%s to %d: read as %v", c.name, d, back)
			}
		}
	}
}

func TestEndlessIsReadAsForever(t *testing.T) {
	for _, c := range []struct {
		d    Dialect
		s    uint32
		want time.Time
	}{
		{ISC, 0x7fffffff, binding.Forever}, {ISC, 0x80000000, binding.Forever}, {ISC, 0xffffffff, binding.Forever},
		{ISC, 0x7ffffffe, at(0x7ffffffe)}, {Lessor, 0x7fffffff, at(0x7fffffff)}, {Lessor, 0xffffffff, binding.Forever}, {ISC, 0, time.Time{}},
	} {
		if got := c.d.expiry(c.s); !got.Equal(c.want) || got.IsZero() != c.want.IsZero() {
			t.Errorf("%#x from %d is %v", c.s, c.d, got)
		}
	}
}

// What has happened has no end: a lie about it must not last for ever.
func TestTimesOfTheStateAreNeverForever(t *testing.T) {
	m := parsed(t, message(State, "0018 0001 02 0017 0001 00 0019 0004 ffffffff"), ISC)
	if !m.Report.Since.Equal(at(0xffffffff)) {
		t.Errorf("%v", m.Report.Since)
	}
}

func TestDurationsAreRoundedUp(t *testing.T) {
	for _, c := range []struct {
		d    time.Duration
		want uint32
		ok   bool
	}{
		{0, 0, true}, {1, 1, true}, {time.Second, 1, true}, {3001 * time.Millisecond, 4, true}, {-1, 0, false}, {-time.Hour, 0, false},
		{(1<<32 - 1) * time.Second, 1<<32 - 1, true}, {1 << 32 * time.Second, 0, false}, {binding.Infinite, 0, false},
	} {
		if got, ok := seconds(c.d); ok != c.ok || ok && got != c.want {
			t.Errorf("%v is %d, %v", c.d, got, ok)
		}
	}
}
