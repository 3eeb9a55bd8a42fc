package pool

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// twoServers share a pool of addresses, of which each has its half at first. What one of them knows the other hears of when they meet.
type twoServers struct {
	tables [2]*binding.Table
	pools  [2]*Pools
	owned  []int // by address: whose it is as long as nobody has it
	given  []int // by address: whose clients have it: 0 nobody's, else 1 + the circuit's number
	size   int
}

var serverNames = [2]binding.Member{"west", "east"}

func newTwoServers(size int) *twoServers {
	s := &twoServers{size: size, owned: make([]int, size), given: make([]int, size)}
	for i := range size {
		s.owned[i] = 2 * i / size
	}
	for i := range s.tables {
		s.tables[i] = binding.NewTable()
		s.restart(i)
	}
	return s
}

// restart begins server i again, with what its table has.
func (s *twoServers) restart(i int) {
	s.pools[i] = New([]Range{{nth(0), nth(s.size - 1)}}, nil, s.tables[i])
	s.share(i)
}

func (s *twoServers) share(i int) {
	var easts []Range
	for n, owner := range s.owned {
		if owner == 1 {
			easts = append(easts, Range{nth(n), nth(n)})
		}
	}
	s.pools[i].Share(serverNames[i], serverNames[1-i], i == 0, easts)
}

// grant has server i give a client at that circuit an address, if its quota lets it; offered first, or at once.
func (s *twoServers) grant(i, circuit int, q *Quota, offered bool) bool {
	p, at := s.pools[i], seat{1, 1 + circuit}
	from := at.from(q)
	var until time.Time
	if offered {
		until = epoch.Add(time.Minute)
	}
	a, ok := p.Pick(0)
	if _, is := p.Full(0, &from, q, until, serverNames[i]); !ok || is {
		return false
	}
	n := s.number(a)
	if offered {
		c := client(n)
		p.OfferFrom(a, &c, until, from)
	}
	if s.given[n] != 0 {
		panic("given twice")
	}
	s.given[n] = 1 + circuit
	become(p, s.tables[i], a, binding.Active, at, byte(n))
	p.Withdraw(a)
	return true
}

func (s *twoServers) number(a netip.Addr) int { return int(keyOf(a).Minus(keyOf(nth(0))).Lo) }

// all grants what one server gives at a circuit, and returns how many that is.
func (s *twoServers) all(i, circuit int, q *Quota) (n int) {
	for s.grant(i, circuit, q, n%2 == 0) {
		n++
	}
	return n
}

// meet has both know all, and share out what is free.
func (s *twoServers) meet() {
	free := 0
	for n, circuit := range s.given {
		if circuit == 0 {
			s.owned[n] = free % 2
			free++
			continue
		}
		for i, table := range s.tables {
			if b, _ := table.Get(single(nth(n))); b.State != binding.Active {
				become(s.pools[i], table, nth(n), binding.Active, seat{1, circuit}, byte(n))
			}
		}
	}
	for i := range s.pools {
		s.share(i)
	}
}

// held returns how many addresses clients at the circuit have, of both servers.
func (s *twoServers) held(circuit int) (n int) {
	for _, c := range s.given {
		if c == 1+circuit {
			n++
		}
	}
	return n
}

// Two servers that cannot hear each other give one port what its quota is, or, where that is less than nine tenths, up to it each; and
// each has something left for others, to the last address.
func TestTwoServersApartLeaveSomethingToOthers(t *testing.T) {
	for _, c := range []struct {
		size       int
		share      Share
		west, east int
	}{
		{50, Share{}, 22, 23}, {100, Share{}, 45, 45}, {254, Share{}, 114, 115}, {9, Share{}, 5, 4}, {10, Share{}, 4, 5}, {20, Share{}, 9, 9},
		{50, Share{Percent: 95}, 24, 24}, {50, Share{Percent: 100}, 25, 25}, {50, Share{Addresses: 49}, 24, 25},
		{50, Share{Percent: 50}, 22, 23}, {50, Share{Percent: 30}, 15, 15}, {50, Share{Addresses: 4}, 4, 4},
	} {
		t.Run(fmt.Sprintf("%v of %d", c.share, c.size), func(t *testing.T) {
			s, q := newTwoServers(c.size), &Quota{Port: c.share}
			west, east := s.all(0, 1, q), s.all(1, 1, q)
			if west != c.west || east != c.east {
				t.Errorf("apart, west gives %d and east %d; want %d and %d", west, east, c.west, c.east)
			}
			if others := s.all(0, 2, q) + s.all(1, 2, q); c.share.of(uint64(c.size)) > uint64(c.size)/2 && west+east+others != c.size {
				t.Errorf("others get %d of %d", others, c.size-west-east)
			}
			s.meet()
			if n := s.all(0, 1, q) + s.all(1, 1, q); c.share.of(uint64(c.size)) < uint64(c.size) && n > 0 {
				t.Errorf("when they have met it gets %d more", n)
			}
		})
	}
}

// Where clients elsewhere have more than their tenth, two servers that cannot hear each other still leave something to those that come new.
func TestTwoServersApartLeaveSomethingOfTheRest(t *testing.T) {
	s, q := newTwoServers(200), new(Quota)
	for n := range 60 {
		if !s.grant(n%2, 2+n%20, q, false) {
			t.Fatalf("client %d of other ports gets nothing", n)
		}
	}
	if n := s.all(0, 1, q) + s.all(1, 1, q); n != 135 { // 3 % of 170 are left, since each knows of 30 of the 60 only
		t.Errorf("apart, a port gets %d", n)
	}
	for i := range s.pools {
		if n := s.all(i, 50, q); n == 0 {
			t.Errorf("%s has nothing for others", serverNames[i])
		}
	}
}

// Asked alone, a server leaves its part to others, and when the two have met and shared out what is free goes on, until the port has its
// quota.
func TestAPortGetsItsQuotaOfTwoServersThatMeet(t *testing.T) {
	s, q := newTwoServers(50), new(Quota)
	var got []int
	for range 6 {
		got = append(got, s.all(0, 1, q))
		s.meet()
	}
	got = append(got, s.all(1, 1, q))
	if s.held(1) != 45 || got[0] != 22 || got[1] == 0 {
		t.Errorf("it gets %v", got)
	}
	for i := range s.pools {
		if n := s.all(i, 2, q); n < 2 {
			t.Errorf("%s has %d for others", serverNames[i], n)
		}
	}
}

// A pool that is nearly full of many ports' clients is given to the last address, by either server.
func TestWhereOthersHaveTheirPartNothingIsLeft(t *testing.T) {
	s, q := newTwoServers(50), &Quota{Port: Share{Addresses: 4}}
	n := 0
	for circuit := range 20 {
		for range 3 {
			if s.grant(circuit%2, circuit, q, false) {
				n++
			}
		}
	}
	if n != 50 {
		t.Errorf("%d are given", n)
	}
}

// In whatever order they ask, meet, and begin again: no port that may have nine tenths has more.
func TestNoOrderPassesTheQuota(t *testing.T) {
	r := newRandom(t)
	for range 300 {
		size := 2 + r.IntN(80)
		s, q := newTwoServers(size), &Quota{Port: Share{Percent: uint8(90 + r.IntN(10))}}
		others := r.IntN(12)
		for range 4 * size {
			switch r.IntN(20) {
			case 0:
				s.meet()
			case 1:
				s.restart(r.IntN(2))
			default:
				circuit := 0
				if r.IntN(12) < others {
					circuit = 1 + r.IntN(3)
				}
				s.grant(r.IntN(2), circuit, q, r.IntN(2) == 0)
			}
			for circuit := range 4 {
				if n, most := s.held(circuit), int(q.Port.of(uint64(size))); n > most {
					t.Fatalf("of %d a port has %d, and may %d", size, n, most)
				}
			}
		}
	}
}

// An offer gives way to a newer client's where its server leaves the rest to others.
func TestAnOldOfferGivesWayToANewOneOfWhatIsLeft(t *testing.T) {
	s, q := newTwoServers(50), new(Quota)
	p, from := s.pools[0], seat{1, 1}.from(q)
	give := func(n int, until time.Time) bool {
		c := client(n)
		a, ok := p.Pick(0)
		if _, is := p.Full(0, &from, q, until, "west"); !ok || is || p.Crowded(a, &c, until, from) {
			return false
		}
		p.OfferFrom(a, &c, until, from)
		return true
	}
	for n := range 21 { // of the four that are free, half may be on offer at a port, and three are left to others
		become(p, s.tables[0], nth(n), binding.Active, seat{1, 1}, byte(n))
	}
	soon, later := epoch.Add(time.Minute), epoch.Add(time.Minute+untaken*time.Second)
	n := 100
	for give(n, soon) {
		n++
	}
	for range 3 {
		offered := p.Counts(0).Offered
		n, later = n+1, later.Add(untaken*time.Second)
		if !give(n, later) || p.Counts(0).Offered != offered {
			t.Fatalf("%d were on offer, and now %d are", offered, p.Counts(0).Offered)
		}
	}
	if c := p.Counts(0); c.Free < 3 {
		t.Errorf("%+v", c)
	}
}

func BenchmarkFullInAPair(b *testing.B) {
	s, q := newTwoServers(250), new(Quota)
	from := s.pools[0].Hashed(seat{1, 1}.from(q))
	b.ReportAllocs()
	for b.Loop() {
		s.pools[0].Full(0, &from, q, epoch, "west")
	}
}
