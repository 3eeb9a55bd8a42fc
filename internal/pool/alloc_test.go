package pool

import (
	"net/netip"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// seated is a seat as a server has it before it.
type seated struct {
	facts binding.StoredFacts
	from  From
}

func TestServingAllocatesNothing(t *testing.T) {
	const n = 5000
	for _, state := range []binding.State{binding.Active, binding.Free} {
		table := used(n, state)
		p := New([]Range{{nth(0), nth(2 * n)}}, nil, table)
		relay, port := []byte{10, 0, 0, 1}, []byte("abc")
		var seats []seated
		for k := range 9 {
			s := seat{k % 3, k / 3}
			seats = append(seats, seated{s.facts(0), p.Hashed(s.from(new(Quota)))})
		}
		i := 0
		for name, run := range map[string]func(){
			"a stay": func() { stay(p, table, i); i++ },
			"Pick":   func() { p.Pick(0) },
			"Counts": func() { p.Counts(0) },
			"Of, Available": func() {
				p.Of(nth(i % n))
				p.Available(nth(i % n))
				i++
			},
			"Moved, Full": func() {
				s := seats[i%len(seats)]
				next := binding.Binding{Prefix: single(nth(i % n)), State: binding.Active, Facts: s.facts}
				was, _ := table.Get(next.Prefix)
				p.Moved(&was, &next)
				p.Full(0, &s.from, s.from.Quota, epoch, "")
				p.Moved(&next, &was)
				i++
			},
			"Offer": func() {
				c := client(i % 100)
				p.OfferFrom(nth(i%n), &c, epoch.Add(time.Duration(i/10)*time.Second), From{Gate: relay, Port: port[:1+i%3], Quota: new(Quota)})
				cur := p.OfferTo(&c)
				for _, ok := p.Next(&cur); ok; _, ok = p.Next(&cur) {
				}
				p.NextOfferExpiry()
				p.ExpireOffers(epoch.Add(time.Duration(i/10-10) * time.Second))
				i++
			},
		} {
			for range 3 * n { // until nothing is new
				run()
			}
			if allocs := testing.AllocsPerRun(2000, run); allocs > 0 {
				t.Errorf("%v, %s: %v allocations", state, name, allocs)
			}
		}
	}
}

func TestServingInAGroupAllocatesNothing(t *testing.T) {
	const n = 5000
	table := used(n, binding.Free)
	p := New([]Range{{nth(0), nth(4 * n)}}, nil, table)
	runs := []Range{{nth(n / 2), nth(n)}, {nth(2 * n), nth(3 * n)}}
	i := 0
	for name, run := range map[string]func(){
		"a stay":        func() { stay(p, table, i); i++ },
		"PickOf":        func() { p.PickOf(0, "east") },
		"AvailableTo":   func() { p.AvailableTo(nth(i%n), "east"); i++ },
		"Counts":        func() { p.Counts(0) },
		"the same runs": func() { p.Share("west", "east", true, runs) },
		"a gift": func() {
			p.Share("west", "east", true, []Range{{nth(n / 2), nth(n + i%2*100)}, {nth(2 * n), nth(3 * n)}})
			i++
		},
		"EachFree": func() {
			most := 10
			p.EachFree(0, "east", func(*binding.Binding) bool { most--; return most > 0 })
		},
		"EachUnused": func() {
			sum := 0
			p.EachUnused(0, func(first, last netip.Addr) bool { sum++; return true })
		},
	} {
		for range 3 * n {
			run()
		}
		if allocs := testing.AllocsPerRun(2000, run); allocs > 0 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
}
