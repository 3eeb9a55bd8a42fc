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
			back := Wire{Dialect: d}.expiry(got)
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
		if got := (Wire{Dialect: c.d}).expiry(c.s); !got.Equal(c.want) || got.IsZero() != c.want.IsZero() {
			t.Errorf("%#x from %d is %v", c.s, c.d, got)
		}
	}
}

// What has happened has no end: a lie about it must not last for ever.
func TestTimesOfTheStateAreNeverForever(t *testing.T) {
	m := parsed(t, message(State, "0018 0001 02 0017 0001 00 0019 0004 ffffffff"), Wire{Dialect: ISC})
	if !m.Report.Since.Equal(at(0xffffffff)) {
		t.Errorf("%v", m.Report.Since)
	}
}

func TestTheOffsetMovesEveryTimeButTheHeaders(t *testing.T) {
	u := everyDetail()
	m := bndUpd(u)
	b, err := m.Append(nil, Lessor, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, offset := range []time.Duration{0, 30 * time.Second, -30 * time.Second, 1500 * time.Millisecond, -1500 * time.Millisecond} {
		later := (offset + time.Second - 1).Truncate(time.Second)
		if offset < 0 {
			later = offset.Truncate(time.Second) // towards zero is later
		}
		got := parsed(t, b, Wire{Lessor, offset})
		g := &got.Updates[0]
		for name, pair := range map[string][2]time.Time{
			"expires": {u.Expires, g.Expires}, "potential": {u.PotentialExpiry, g.PotentialExpiry}, "since": {u.Since, g.Since},
			"cltt": {u.CLTT, g.CLTT}, "starts": {u.Detail.Starts, g.Detail.Starts},
		} {
			if !pair[1].Equal(pair[0].Add(later)) {
				t.Errorf("offset %v: %s is moved by %v", offset, name, pair[1].Sub(pair[0]))
			}
		}
		if !got.Time.Equal(noon) {
			t.Errorf("offset %v: the header says %v", offset, got.Time)
		}
	}
}

func TestNeverAndForeverAreNotMoved(t *testing.T) {
	u := granted()
	u.Expires, u.PotentialExpiry, u.CLTT = binding.Forever, time.Time{}, at(3)
	m := bndUpd(u)
	b, err := m.Append(nil, Lessor, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := parsed(t, b, Wire{Lessor, -time.Hour}).Updates[0]
	if !got.Expires.Equal(binding.Forever) || !got.PotentialExpiry.IsZero() || !got.CLTT.Equal(at(1)) {
		t.Errorf("%v, %v, %v", got.Expires, got.PotentialExpiry, got.CLTT)
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
