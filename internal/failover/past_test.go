package failover

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

func holdingsOf(past []byte) (all []holding) {
	var h holding
	for rest, ok := cutHolding(past, &h); ok; rest, ok = cutHolding(rest, &h) {
		all = append(all, h)
	}
	return all
}

func randomHolding(r *rand.Rand, i int) holding {
	from := noon.Add(time.Duration(i) * time.Hour)
	h := holding{client: client(byte(r.IntN(200))), from: from, until: from.Add(time.Duration(1+r.IntN(3000)) * time.Second)}
	if r.IntN(2) == 0 {
		h.client.ID = make([]byte, 1+r.IntN(binding.MaxClientID))
		for k := range h.client.ID {
			h.client.ID[k] = byte(r.Uint32())
		}
	}
	if r.IntN(4) == 0 {
		h.client.Hardware = binding.HardwareOf(32, []byte{9, 15: byte(i)}[:1+r.IntN(16)])
	}
	return h
}

// What a past says, it says of every moment: where there is no room, of more time or of more clients, never of less.
func TestAPastForgetsNoMoment(t *testing.T) {
	r := newRandom(t)
	for range 300 {
		var past []byte
		var told []holding
		for i := range 1 + r.IntN(40) {
			h := randomHolding(r, i)
			told = append(told, h)
			past = appendHolding(past, &h)
			if len(past) > binding.MaxPast {
				t.Fatalf("%d octets", len(past))
			}
		}
		all := holdingsOf(past)
		for _, h := range told {
			found := false
			for _, o := range all {
				found = found || (o.is(&h) || o.others) && !o.from.After(h.from) && !o.until.Before(h.until)
			}
			if !found {
				t.Fatalf("%+v is in none of %+v", h, all)
			}
		}
		if last := all[len(all)-1]; !last.is(&told[len(told)-1]) {
			t.Fatalf("the last of all is %+v", last)
		}
	}
}

func TestAPastOfAnythingIsRead(t *testing.T) {
	r := newRandom(t)
	for range 20000 {
		b := make([]byte, r.IntN(80))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		for _, h := range holdingsOf(b) {
			if h.until.Before(h.from) || len(h.client.ID) > maxPastID || h.until.After(binding.Forever) {
				t.Fatalf("%x: %+v", b, h)
			}
		}
		h := randomHolding(r, 1)
		if past := appendHolding(b, &h); len(past) > binding.MaxPast || len(holdingsOf(past)) == 0 {
			t.Fatalf("%x", past)
		}
	}
}

// Both of two clients are named, whatever has become of their leases since: given back, ended, given to others.
func TestAConflictIsSaidWhateverHasBecomeOfTheLeases(t *testing.T) {
	at := func(h float64) time.Time { return noon.Add(time.Duration(h * float64(time.Hour))) }
	lease := func(who byte, from, until float64) binding.Binding {
		return binding.Binding{
			Prefix: netip.MustParsePrefix("10.0.0.10/32"), State: binding.Active, Client: client(who), Starts: at(from), CLTT: at(from), Expires: at(until), Changed: at(from),
		}
	}
	given := func(b binding.Binding, when float64) binding.Binding {
		b.State, b.Owner, b.Expires, b.Changed, b.Cause = binding.Free, "west", at(when), at(when), binding.ClientReleased
		return b
	}
	for _, c := range []struct {
		name         string
		ours, theirs []binding.Binding // one after the other
		says         string
	}{
		{"both hold it", []binding.Binding{lease(1, -2, 1)}, []binding.Binding{lease(2, -1, 2)}, "2 1"},
		{"ours gave it back", []binding.Binding{lease(1, -2, 1), given(lease(1, -2, 1), -0.5)}, []binding.Binding{lease(2, -1, 2)}, "2 1"},
		{"theirs has ended, and another one has it", []binding.Binding{lease(1, -3, 1)}, []binding.Binding{lease(2, -3, -2), lease(3, -1, 2)}, "3 1, 2 1"},
		{"neither has it any more", []binding.Binding{lease(1, -5, -3), given(lease(4, -2, -1), -1.5)}, []binding.Binding{lease(2, -4, -3), given(lease(5, -1, 1), -0.5)}, "2 1"},
		{"one after the other", []binding.Binding{lease(1, -5, -4)}, []binding.Binding{lease(2, -3, 2)}, ""},
		{"one after the other, less than the guard apart", []binding.Binding{lease(1, -5, -3)}, []binding.Binding{lease(2, -2.995, 2)}, "2 1"},
		{"less than the guard apart, by one that knew of the end", []binding.Binding{lease(1, -5, -3), lease(2, -2.995, -2)}, []binding.Binding{lease(1, -5, -3), lease(3, -1, 2)}, ""},
		{"less than the guard apart, by one that knew of another end", []binding.Binding{lease(1, -5, -3.5), lease(2, -2.995, -2)}, []binding.Binding{lease(1, -5, -3), lease(3, -1, 2)}, "2 1"},
		{"the same client", []binding.Binding{lease(1, -2, 1)}, []binding.Binding{lease(1, -1, 2)}, ""},
		{"our own, one after the other", []binding.Binding{lease(1, -5, -4), lease(2, -3, -2)}, []binding.Binding{lease(3, -1, 2)}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			history := func(e *Endpoint, all []binding.Binding) binding.Binding {
				var b binding.Binding
				for i, n := range all {
					old := b
					b = n
					if i == 0 {
						e.Stamp(noon, nil, &b)
					} else {
						e.Stamp(noon, &old, &b)
					}
					b = *cloneBinding(&b)
				}
				return b
			}
			west, east := stepOf(Primary, Lessor), stepOf(Secondary, Lessor)
			ours, theirs := history(west.Endpoint, c.ours), history(east.Endpoint, c.theirs)
			v := west.judge(&ours, true, &theirs)
			if leased(&v.binding) {
				west.kept = v.binding.Client
			}
			west.clash(&ours, &theirs, v.compare)
			says := ""
			for i, n := range west.out.Notes {
				if i > 0 {
					says += ", "
				}
				says += string('0'+n.Kept.Hardware.Addr[5]) + " " + string('0'+n.Lost.Hardware.Addr[5])
			}
			if says != c.says {
				t.Errorf("it says %q, expected %q", says, c.says)
			}
			rec := west.rec
			rec.Conflicts = append(rec.Conflicts[:0:0], rec.Conflicts...)
			rec.Partner = Normal
			back, err := DecodeRecord(rec.Append(nil))
			if err != nil || len(back.Conflicts) != len(west.out.Notes) {
				t.Errorf("%v: %+v", err, back.Conflicts)
			}
			west.clash(&ours, &theirs, v.compare)
			if len(west.out.Notes) != len(back.Conflicts) {
				t.Error("it says so again")
			}
		})
	}
}
