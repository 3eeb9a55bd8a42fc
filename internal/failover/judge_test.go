package failover

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

func client(n byte) binding.Client {
	return binding.Client{Hardware: binding.HardwareOf(1, []byte{2, 0, 0, 0, 0, n})}
}

// stepOf returns a step of a server of that role, in NORMAL, whose clock shows noon.
func stepOf(role Role, p Protocol) *step {
	names := []binding.Member{"west", "east"}
	e := &Endpoint{
		cfg: Config{Self: names[role-1], Partner: names[2-role], Role: role, Protocol: p, MCLT: time.Hour, Guard: time.Minute, Longest: 4 * time.Hour},
		rec: Record{State: Normal, MCLT: time.Hour, Largest: time.Hour, Since: noon},
	}
	return &step{Endpoint: e, now: noon, out: &Output{}}
}

func randomLease(r *rand.Rand) binding.Binding {
	at := func(span int) time.Time { return noon.Add(time.Duration(r.IntN(span)-span/2) * time.Minute) }
	b := binding.Binding{
		Prefix: netip.MustParsePrefix("10.0.0.10/32"), State: binding.State(1 + r.IntN(5)), Client: client(byte(r.IntN(2))),
		Starts: at(400), Expires: at(600), CLTT: at(4), Changed: at(600),
	}
	if !b.Expires.After(b.Starts) { // a lease ends after it began
		b.Starts, b.Expires = b.Expires, b.Starts.Add(time.Second)
	}
	b.Sync = binding.Sync{Potential: b.Expires.Add(time.Hour), Ours: binding.Sequence(1 + r.IntN(9))}
	if b.State == binding.Free {
		b.Owner = []binding.Member{"west", "east"}[r.IntN(2)]
	}
	return b
}

// Two records that do not know of each other become the same one on both servers, and no running lease disappears but for
// one that began later.
func TestMergesAreTheSameOnBothSides(t *testing.T) {
	r := newRandom(t)
	for range 20000 {
		a, b := randomLease(r), randomLease(r)
		west, east := stepOf(Primary, Lessor), stepOf(Secondary, Lessor)
		atWest, atEast := west.merge(&a, &b), east.merge(&b, &a)
		west.clash(&a, &b, compareApart)
		east.clash(&b, &a, compareApart)
		saysWest, saysEast := len(west.out.Notes) > 0, len(east.out.Notes) > 0
		x, y := &atWest.binding, &atEast.binding
		if x.State != y.State || !x.Client.Is(&y.Client) || !x.Expires.Equal(y.Expires) || x.Owner != y.Owner ||
			!x.Starts.Equal(y.Starts) || !x.CLTT.Equal(y.CLTT) {
			t.Fatalf("%+v and %+v became\n%+v at the primary,\n%+v at the secondary", a, b, x, y)
		}
		if saysWest != saysEast {
			t.Fatalf("%+v and %+v: only one server says a conflict", a, b)
		}
		for _, l := range []*binding.Binding{&a, &b} {
			if l.State != binding.Active || x.State == binding.Active && x.Client.Is(&l.Client) && !x.Expires.Before(l.Expires) {
				continue
			}
			o := &a
			if l == o {
				o = &b
			}
			if !over(l, o) && !saysWest {
				t.Fatalf("the lease %+v disappeared before %+v", *l, *o)
			}
		}
	}
}

// A primary's answer of 16 to an end is the only one that keeps a lease; an accepted end leaves no claim on either side.
func TestMergesAnswerWhatTheyKeep(t *testing.T) {
	r := newRandom(t)
	for range 5000 {
		mine, u := randomLease(r), randomLease(r)
		v := stepOf(Primary, Lessor).merge(&mine, &u)
		keeps := v.binding.State == binding.Active && u.State != binding.Active
		if keeps != (v.reason == LessCritical) {
			t.Fatalf("%+v hears %+v: %+v", mine, u, v)
		}
	}
}

func TestWhatTheOtherLessorKnowsCounts(t *testing.T) {
	lease := binding.Binding{
		Prefix: netip.MustParsePrefix("10.0.0.10/32"), State: binding.Active, Client: client(1), Starts: noon.Add(-time.Hour),
		Expires: noon.Add(time.Hour), CLTT: noon.Add(-time.Hour), Sync: binding.Sync{Ours: 5, Theirs: 7},
	}
	update := func(change func(*binding.Binding)) *binding.Binding {
		u := lease
		u.Sync = binding.Sync{Ours: 8, Theirs: 5}
		change(&u)
		return &u
	}
	for _, c := range []struct {
		name   string
		u      *binding.Binding
		reason Reason
		state  binding.State
		client byte
	}{
		{"a renewal that knows ours", update(func(u *binding.Binding) { u.Expires = noon.Add(3 * time.Hour) }), 0, binding.Active, 1},
		{"a shorter lease", update(func(u *binding.Binding) { u.Expires = noon }), 0, binding.Active, 1},
		{"an end before its time", update(func(u *binding.Binding) { u.State = binding.Expired }), FatalConflict, 0, 0},
		{"a release", update(func(u *binding.Binding) { u.State, u.Cause = binding.Released, binding.ClientReleased }), 0, binding.Released, 1},
		{"a release of an address that is in no pool", update(func(u *binding.Binding) { u.State, u.Cause = binding.Expired, binding.ClientReleased }), 0, binding.Expired, 1},
		{"a decline", update(func(u *binding.Binding) { u.State = binding.Abandoned }), 0, binding.Abandoned, 1},
		{"free before its time", update(func(u *binding.Binding) { u.State, u.Owner = binding.Free, "east" }), FatalConflict, 0, 0},
		{"free after a release", update(func(u *binding.Binding) {
			u.State, u.Owner, u.Cause = binding.Free, "east", binding.ClientReleased
		}), 0, binding.Free, 1},
		{"an end that does not know ours", update(func(u *binding.Binding) { u.State, u.Sync.Theirs = binding.Expired, 4 }), LessCritical, binding.Active, 1},
		{"what was heard before", update(func(u *binding.Binding) { u.Sync.Ours, u.Sync.Theirs = 7, 4; u.Expires = noon.Add(9 * time.Hour) }), 0, 0, 0},
		{"an end that was heard before", update(func(u *binding.Binding) { u.Sync.Ours, u.State = 6, binding.Expired }), LessCritical, 0, 0},
		{"another client's, later", update(func(u *binding.Binding) { u.Client, u.Starts = client(2), noon.Add(2*time.Hour) }), 0, binding.Active, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			mine := lease
			v := stepOf(Primary, Lessor).judge(&mine, true, c.u)
			if v.reason != c.reason || v.change != (c.state != 0) {
				t.Fatalf("%+v", v)
			}
			if c.state == 0 {
				return
			}
			want := client(c.client)
			if v.binding.State != c.state || !v.binding.Client.Is(&want) {
				t.Errorf("%+v", v.binding)
			}
			if c.state == binding.Active && v.binding.Expires.Before(lease.Expires) && c.client == 1 {
				t.Error("the lease was shortened")
			}
		})
	}
}

// The tables of ISC's behaviour, where the receiver is us: rows of §11.2 and §11.3, as strict as its primary, and §11.4.
func TestWhatAnISCServerSays(t *testing.T) {
	mine := func(st binding.State, ends time.Duration, pending bool) binding.Binding {
		b := binding.Binding{
			Prefix: netip.MustParsePrefix("10.0.0.10/32"), State: st, Client: client(1), Starts: noon.Add(-time.Hour),
			Expires: noon.Add(ends), CLTT: noon.Add(-10 * time.Minute), Sync: binding.Sync{Ours: 1, Marks: binding.Sent},
		}
		if st == binding.Free {
			b.Owner = "west"
		}
		if pending {
			b.Sync.Marks |= binding.Pending
		}
		return b
	}
	says := func(st binding.State, who byte, cltt time.Duration) binding.Binding {
		u := binding.Binding{Prefix: netip.MustParsePrefix("10.0.0.10/32"), State: st, Client: client(who), Expires: noon.Add(50 * time.Minute)}
		if cltt != 0 {
			u.CLTT = noon.Add(cltt)
		}
		if st == binding.Free {
			u.Owner = "east"
		}
		return u
	}
	for _, c := range []struct {
		name   string
		role   Role
		mine   binding.Binding
		u      binding.Binding
		reason Reason
		state  binding.State
	}{
		{"a lease on a free address", Primary, mine(binding.Free, -time.Hour, false), says(binding.Active, 2, 0), 0, binding.Active},
		{"a renewal", Primary, mine(binding.Active, time.Hour, false), says(binding.Active, 1, 0), 0, binding.Active},
		{"an end before its time", Secondary, mine(binding.Active, time.Hour, false), says(binding.Expired, 1, 0), FatalConflict, 0},
		{"an end within the clocks' difference", Secondary, mine(binding.Active, time.Minute, false), says(binding.Expired, 1, 0), 0, binding.Free},
		{"free before its time", Secondary, mine(binding.Active, time.Hour, false), says(binding.Free, 1, 0), FatalConflict, 0},
		{"a release at the secondary", Primary, mine(binding.Active, time.Hour, false), says(binding.Released, 1, 0), 0, binding.Released},
		{"a release at the primary", Secondary, mine(binding.Active, time.Hour, false), says(binding.Released, 1, 0), 0, binding.Free},
		{"a decline", Primary, mine(binding.Active, time.Hour, false), says(binding.Abandoned, 1, 0), 0, binding.Abandoned},
		{"a gift", Secondary, mine(binding.Free, -time.Hour, false), says(binding.Free, 1, 0), 0, binding.Free},
		{"duel: our lease, an end", Primary, mine(binding.Active, time.Hour, true), says(binding.Expired, 1, 0), LessCritical, 0},
		{"duel: our lease, a release", Secondary, mine(binding.Active, time.Hour, true), says(binding.Released, 1, 0), LessCritical, 0},
		{"duel: our release, its lease", Primary, mine(binding.Released, 0, true), says(binding.Active, 1, 0), 0, binding.Active},
		{"duel: two leases, its is later", Primary, mine(binding.Active, time.Hour, true), says(binding.Active, 2, -time.Minute), 0, binding.Active},
		{"duel: two leases, its has no CLTT", Primary, mine(binding.Active, time.Hour, true), says(binding.Active, 2, 0), LessCritical, 0},
		{"duel: two leases, equal, we are primary", Primary, mine(binding.Active, time.Hour, true), says(binding.Active, 2, -10*time.Minute), LessCritical, 0},
		{"duel: two leases, equal, it is primary", Secondary, mine(binding.Active, time.Hour, true), says(binding.Active, 2, -10*time.Minute), 0, binding.Active},
		{"duel: neither a lease, we are primary", Primary, mine(binding.Abandoned, time.Hour, true), says(binding.Free, 1, 0), LessCritical, 0},
		{"duel: neither a lease, it is primary", Secondary, mine(binding.Abandoned, time.Hour, true), says(binding.Free, 1, 0), 0, binding.Free},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := c.mine.Expires
			v := stepOf(c.role, ISC).judge(&c.mine, true, &c.u)
			if v.reason != c.reason || v.change != (c.state != 0) || v.change && v.binding.State != c.state {
				t.Fatalf("%d %q, %v", v.reason, v.text, v.binding.State)
			}
			if c.state == binding.Active && c.u.Client.Is(&c.mine.Client) && v.binding.Expires.Before(before) {
				t.Error("the lease was shortened")
			}
		})
	}
}

// An ISC server says a potential expiry of 0, or a stale one, for leases that its partner granted (Q9).
func TestAStalePotentialExpiryLowersNothing(t *testing.T) {
	mine := binding.Binding{
		Prefix: netip.MustParsePrefix("10.0.0.10/32"), State: binding.Active, Client: client(1), Expires: noon.Add(time.Hour),
		Sync: binding.Sync{Ours: 1, Potential: noon.Add(3 * time.Hour), Acked: noon.Add(3 * time.Hour)},
	}
	for _, said := range []time.Time{{}, noon.Add(-time.Hour)} {
		u := mine
		u.Sync = binding.Sync{Potential: said}
		v := stepOf(Primary, ISC).judge(&mine, true, &u)
		if y := v.binding.Sync; !y.Acked.Equal(noon.Add(3*time.Hour)) || !y.Potential.Equal(noon.Add(3*time.Hour)) {
			t.Errorf("%v said: %+v", said, y)
		}
	}
}
