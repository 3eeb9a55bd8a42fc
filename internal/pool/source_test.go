package pool

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Who makes up clients at one port has half of a pool on offer at most, and through one relay three quarters: there is always an
// address for somebody elsewhere, and the newest clients of that port have theirs.
func TestOnePortEatsNoPool(t *testing.T) {
	p := New([]Range{{nth(0), nth(199)}}, nil, binding.NewTable())
	relay := []byte{10, 0, 0, 1}
	now := epoch
	offer := func(n int, from From) netip.Addr {
		if now = now.Add(time.Second); n%10 == 0 { // each offer that is withdrawn has stood for a while
			now = now.Add(untaken * time.Second)
		}
		a, ok := p.Pick(0)
		if !ok {
			t.Fatalf("client %d: no address is free", n)
		}
		c := client(n)
		p.OfferFrom(a, &c, now.Add(24*time.Hour), from)
		return a
	}
	offered := func() uint64 { return p.Counts(0).Offered }
	for n := range 5000 {
		offer(n, From{Gate: relay, Port: []byte("one")})
	}
	if offered() != 100 || p.Recalled() != 4900 {
		t.Errorf("one port: %d on offer, %d recalled", offered(), p.Recalled())
	}
	honest := client(7777)
	a := offer(7777, From{Gate: relay, Port: []byte("two")})
	for n := range 5000 {
		offer(10000+n, From{Gate: relay, Port: []byte("one")})
	}
	if mine, _ := p.Offered(a, &honest); !mine {
		t.Error("what another port was offered was recalled for it")
	}
	for n := range 5000 { // ports that somebody makes up
		offer(20000+n, From{Gate: relay, Port: []byte{byte(n), byte(n >> 8)}})
	}
	if offered() != 150 {
		t.Errorf("one relay: %d on offer", offered())
	}
	offer(8888, From{Gate: []byte("eth1")})
	if offered() != 151 {
		t.Errorf("and another: %d on offer", offered())
	}
	for n := range 5000 { // nothing is known of where they are
		c := client(30000 + n)
		if a, ok := p.Pick(0); ok {
			p.Offer(a, &c, now.Add(24*time.Hour))
		}
	}
	if offered() != 200 {
		t.Errorf("without a source: %d on offer", offered())
	}
	for p.ExpireOffers(now.Add(48*time.Hour)) > 0 {
	}
	if offered() != 0 || p.sources.slots.Len() != 0 || p.sources.index.Len() != 0 {
		t.Errorf("when all have ended: %d on offer, %d sources, %d of them indexed", offered(), p.sources.slots.Len(), p.sources.index.Len())
	}
}

// What was offered a moment ago is withdrawn for nobody: where a port has all that it may have, the next client there waits.
func TestAnOfferThatMayBeTakenUpStays(t *testing.T) {
	p := New([]Range{{nth(0), nth(7)}}, nil, binding.NewTable())
	from := From{Gate: []byte("eth0"), Port: []byte("one")}
	crowded := func(n int, after time.Duration, from From) bool {
		a, _ := p.Pick(0)
		c, until := client(n), epoch.Add(after+time.Minute)
		if p.Crowded(a, &c, until, from) {
			return true
		}
		p.OfferFrom(a, &c, until, from)
		return false
	}
	for n := range 6 {
		if got, want := crowded(n, time.Duration(n)*time.Second, from), n >= 4; got != want {
			t.Errorf("client %d: %v", n, got)
		}
	}
	first := client(0)
	cursor := p.OfferTo(&first)
	if a, ok := p.Next(&cursor); !ok || p.Crowded(a, &first, epoch.Add(2*time.Minute), from) {
		t.Errorf("whoever has an offer may not ask again: %v", a)
	}
	if crowded(7, 5*time.Second, From{Gate: []byte("eth0"), Port: []byte("two")}) {
		t.Error("another port waits")
	}
	if !crowded(8, 9*time.Second, from) || p.Recalled() != 0 {
		t.Errorf("the first is 9 seconds old: %d recalled", p.Recalled())
	}
	if crowded(8, 10*time.Second, from) || p.Recalled() != 1 {
		t.Errorf("the first is 10 seconds old: %d recalled", p.Recalled())
	}
}

// Whatever is offered, taken up, given back and forgotten, the lists of the sources are what is on offer at each, the oldest first.
func TestTheListsOfSourcesAreWhatIsOnOffer(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 3))
	p := New([]Range{{nth(0), nth(49)}, {nth(1000), nth(1399)}}, nil, binding.NewTable())
	p.LimitOffers(200)
	now := epoch
	for range 20000 {
		switch r.IntN(10) {
		case 0:
			now = now.Add(time.Second)
			p.ExpireOffers(now)
		case 1:
			p.Withdraw(nth(r.IntN(1400)))
		default:
			c := client(r.IntN(300))
			from := From{Gate: []byte{byte(r.IntN(3))}}
			if r.IntN(3) > 0 {
				from.Port = []byte{byte(r.IntN(20))}
			}
			p.OfferFrom(nth(r.IntN(1500)), &c, now.Add(time.Duration(1+r.IntN(60))*time.Second), from)
		}
		listed := map[uint32]uint32{} // by source
		p.ends.Each(func(i uint32) {
			for _, q := range p.slots.At(i).places {
				if q.source != 0 {
					listed[q.source]++
				}
			}
		})
		if len(listed) != p.sources.slots.Len() {
			t.Fatalf("seed %d: %d sources, and %d are known", seed, len(listed), p.sources.slots.Len())
		}
		for at, want := range listed {
			s, n, before := p.sources.slots.At(at), uint32(0), uint32(0)
			level := gate
			if p.slots.At(s.first).places[gate].source != at {
				level = port
			}
			for i := s.first; i != 0; i = p.slots.At(i).places[level].after {
				if q := p.slots.At(i).places[level]; q.source != at || q.before != before {
					t.Fatalf("seed %d: offer %d stands in a wrong place: %+v", seed, i, q)
				}
				before, n = i, n+1
			}
			if n != want || s.offers != want || s.last != before {
				t.Fatalf("seed %d: %d are listed, %d counted, of %d", seed, n, s.offers, want)
			}
			id, _ := p.idOf(p.slots.At(s.first).key)
			if c := p.Counts(id); level == port && uint64(n) > max((c.Free+c.Offered)/2, 1)+1 {
				t.Fatalf("seed %d: a port has %d on offer of %d", seed, n, c.Free+c.Offered)
			}
		}
	}
}
