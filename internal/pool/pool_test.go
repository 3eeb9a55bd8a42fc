package pool

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

var epoch = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func between(first, last string) Range { return Range{addr(first), addr(last)} }

func client(n int) binding.Client {
	c := binding.Client{Hardware: binding.HardwareOf(1, []byte{2, 0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})}
	if n%3 == 0 {
		c.ID = []byte{1, byte(n >> 8), byte(n)}
	}
	return c
}

// newRandom returns a source of random numbers, and says with which seed if the test fails.
func newRandom(t testing.TB) *rand.Rand {
	seed := rand.Uint64()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}

type offerModel struct {
	client string
	until  time.Time
	order  int
}

// world is a table with its pools, and the same as anybody would write it.
type world struct {
	t        *testing.T
	r        *rand.Rand
	table    *binding.Table
	pools    *Pools
	ranges   []Range
	reserved []netip.Addr
	offers   map[netip.Addr]offerModel
	limit    int
	order    int
	now      time.Time
	group
}

func (w *world) all(r Range) (addrs []netip.Addr) {
	for a := r.First; ; a = a.Next() {
		addrs = append(addrs, a)
		if a == r.Last {
			return addrs
		}
	}
}

func (w *world) of(a netip.Addr) int {
	return slices.IndexFunc(w.ranges, func(r Range) bool {
		return a.BitLen() == r.First.BitLen() && !a.Less(r.First) && !r.Last.Less(a)
	})
}

func (w *world) someAddr() netip.Addr {
	if w.r.IntN(10) == 0 {
		return netip.AddrFrom4([4]byte{192, 0, 2, byte(w.r.IntN(4))})
	}
	all := w.all(w.ranges[w.r.IntN(len(w.ranges))])
	return all[w.r.IntN(len(all))]
}

func key(c *binding.Client) string { return string(c.Key(nil)) }

func (w *world) someClient() binding.Client {
	if w.r.IntN(30) == 0 {
		return binding.Client{}
	}
	return client(w.r.IntN(15))
}

func (w *world) change(a netip.Addr) {
	from, _ := w.table.State(single(a))
	to := binding.State(1 + w.r.IntN(5))
	if !binding.MayFollow(from, to) {
		return
	}
	changed := w.now.Add(-time.Duration(w.r.IntN(3)) * time.Second)
	b := binding.Binding{Prefix: single(a), State: to, Client: w.someClient(), Changed: changed}
	if to == binding.Free {
		b.Owner = w.someOwner()
	}
	w.table.Put(b, time.Time{})
	w.settle(a, from, to)
}

// settle tells the pools of the change, and withdraws the offer before, after, or not at all.
func (w *world) settle(a netip.Addr, from, to binding.State) {
	when := w.r.IntN(3)
	if when == 0 {
		w.withdraw(a)
	}
	w.pools.Changed(a, from, to)
	if when == 1 {
		w.withdraw(a)
	}
}

func (w *world) forget(a netip.Addr) {
	from, _ := w.table.State(single(a))
	w.table.Delete(single(a))
	w.settle(a, from, 0)
}

func (w *world) withdraw(a netip.Addr) {
	w.pools.Withdraw(a)
	delete(w.offers, a)
}

func (w *world) offer(a netip.Addr, c binding.Client) {
	until := w.now.Add(time.Duration(w.r.IntN(20)) * time.Second)
	w.pools.Offer(a, &c, until)
	w.order++
	k := key(&c)
	if o, ok := w.offers[a]; !ok || k == "" || o.client != k {
		delete(w.offers, a)
		for b, o := range w.offers {
			if k != "" && o.client == k && w.of(a) >= 0 && w.of(a) == w.of(b) {
				delete(w.offers, b)
			}
		}
		for len(w.offers) >= w.limit {
			delete(w.offers, w.endsFirst())
		}
	}
	w.offers[a] = offerModel{k, until, w.order}
}

func (w *world) endsFirst() (first netip.Addr) {
	for a, o := range w.offers {
		f, ok := w.offers[first]
		if !ok || o.until.Before(f.until) || o.until.Equal(f.until) && o.order < f.order {
			first = a
		}
	}
	return first
}

func (w *world) expire() {
	want := 0
	for a, o := range w.offers {
		if !o.until.After(w.now) {
			delete(w.offers, a)
			want++
		}
	}
	if n := w.pools.ExpireOffers(w.now); n != want {
		w.t.Errorf("%d offers expired, want %d", n, want)
	}
}

func (w *world) reload() {
	old := w.pools
	if !old.Same(w.ranges, w.reserved) {
		w.t.Error("Same denies what New was given")
	}
	if w.r.IntN(2) == 0 {
		w.reserved = append(w.reserved[:0:0], w.someAddr(), w.someAddr(), w.someAddr())
		w.reserved = append(w.reserved, w.reserved[0])
	}
	w.pools = New(w.ranges, w.reserved, w.table)
	w.pools.LimitOffers(w.limit)
	w.pools.Carry(old)
}

func (w *world) isReserved(a netip.Addr) bool { return slices.Contains(w.reserved, a) }

func (w *world) available(a netip.Addr) bool {
	state, _ := w.table.State(single(a))
	_, offered := w.offers[a]
	return w.of(a) >= 0 && (state == 0 || state == binding.Free) && !offered && !w.isReserved(a)
}

// check compares everything that can be asked with a count of the whole (I15).
func (w *world) check() {
	for id := range w.ranges {
		w.checkPool(ID(id))
	}
	var first time.Time
	for _, o := range w.offers {
		if first.IsZero() || o.until.Before(first) {
			first = o.until
		}
	}
	if at, ok := w.pools.NextOfferExpiry(); ok != (len(w.offers) > 0) || ok && !at.Equal(first) {
		w.t.Errorf("NextOfferExpiry %v, %v; want %v", at, ok, first)
	}
	c := w.someClient()
	var got, want []netip.Addr
	for cur := w.pools.OfferTo(&c); ; {
		a, ok := w.pools.Next(&cur)
		if !ok {
			break
		}
		got = append(got, a)
	}
	for a, o := range w.offers {
		if o.client != "" && o.client == key(&c) {
			want = append(want, a)
		}
	}
	slices.SortFunc(got, netip.Addr.Compare)
	slices.SortFunc(want, netip.Addr.Compare)
	if !slices.Equal(got, want) {
		w.t.Errorf("OfferTo(%v) = %v, want %v", &c, got, want)
	}
	w.checkShares()
	a := w.someAddr()
	o, ok := w.offers[a]
	toThis, toOther := w.pools.Offered(a, &c)
	if same := ok && o.client != "" && o.client == key(&c); toThis != same || toOther != (ok && !same) {
		w.t.Errorf("Offered(%v) = %v, %v; offered %v to %q", a, toThis, toOther, ok, o.client)
	}
}

func (w *world) checkPool(id ID) {
	var want Counts
	for _, a := range w.all(w.ranges[id]) {
		if got, ok := w.pools.Of(a); !ok || got != id {
			w.t.Errorf("Of(%v) = %v, %v; want %v", a, got, ok, id)
		}
		state, _ := w.table.State(single(a))
		_, offered := w.offers[a]
		want.Size++
		count := want.of(state, offered, w.isReserved(a))
		if count == &want.Free && !w.isMine(a) {
			count = &want.PartnerFree
		}
		*count++
		available := w.available(a)
		if got := w.pools.Available(a); got != (available && w.isMine(a)) {
			w.t.Errorf("Available(%v) = %v", a, got)
		}
		if w.other != "" && w.pools.AvailableTo(a, w.other) != (available && !w.isMine(a)) {
			w.t.Errorf("AvailableTo(%v) the other is %v", a, !available || w.isMine(a))
		}
	}
	got := w.pools.Counts(id)
	if got != want || got.Free+got.PartnerFree+got.Offered+got.Active+got.Grace+got.Abandoned+got.Reserved != got.Size {
		w.t.Errorf("pool %d: counts %+v, want %+v", id, got, want)
	}
	picked, ok := w.pools.Pick(id)
	w.checkPicked(id, mine, picked, ok)
	picked, ok = w.pools.PickOf(id, w.partner())
	w.checkPicked(id, theirs, picked, ok)
}

// checkPicked compares what is picked of one side with what nobody has used for longest of all that is there.
func (w *world) checkPicked(id ID, s side, picked netip.Addr, ok bool) {
	var unused netip.Addr
	var longest time.Time
	free := map[netip.Addr]time.Time{}
	for _, a := range w.all(w.ranges[id]) {
		switch state, since := w.table.State(single(a)); {
		case !w.available(a) || w.isMine(a) != (s == mine):
		case state == 0:
			if !unused.IsValid() {
				unused = a
			}
		default:
			free[a] = since
			if longest.IsZero() || since.Before(longest) {
				longest = since
			}
		}
	}
	switch {
	case unused.IsValid():
		if picked != unused {
			w.t.Errorf("pool %d: picked %v, want %v, which nobody ever used", id, picked, unused)
		}
	case len(free) > 0:
		if since, in := free[picked]; !in || !since.Equal(longest) {
			w.t.Errorf("pool %d: picked %v, free since %v; want one free since %v", id, picked, since, longest)
		}
	case ok:
		w.t.Errorf("pool %d: picked %v, want none", id, picked)
	}
}

func TestPoolsAgreeWithAScanUnderRandomHistories(t *testing.T) {
	for range 6 {
		history(t, 2500)
	}
}

func history(t *testing.T, steps int) {
	w := &world{t: t, r: newRandom(t), table: binding.NewTable(), offers: map[netip.Addr]offerModel{}, now: epoch}
	w.ranges = []Range{
		between("10.0.0.20", "10.0.0.40"), between("10.0.0.0", "10.0.0.9"), between("10.0.0.10", "10.0.0.10"),
		between("255.255.255.250", "255.255.255.255"), between("2001:db8::fff0", "2001:db8::1:8"),
		between("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffa", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
	}
	w.reserved = []netip.Addr{addr("10.0.0.3"), addr("10.0.0.10"), addr("192.0.2.1"), addr("10.0.0.3")}
	w.limit = 5 + w.r.IntN(20)
	w.pools = New(w.ranges, w.reserved, w.table)
	w.pools.LimitOffers(w.limit)
	w.self, w.secondary = "", map[netip.Addr]bool{}
	for step := range steps {
		switch n := w.r.IntN(100); {
		case n < 40:
			w.change(w.someAddr())
		case n < 45:
			w.forget(w.someAddr())
		case n < 60:
			w.offer(w.someAddr(), w.someClient())
		case n < 80:
			if a, ok := w.pools.Pick(ID(w.r.IntN(len(w.ranges)))); ok {
				w.offer(a, w.someClient())
			}
		case n < 86:
			w.withdraw(w.someAddr())
		case n < 88:
			w.share()
		case n < 97:
			w.now = w.now.Add(time.Duration(w.r.IntN(4)) * time.Second)
			w.expire()
		default:
			w.reload()
		}
		w.check()
		if t.Failed() {
			t.Fatalf("step %d", step)
		}
	}
}

func TestAnIPv6PoolOfASubnetIsNoBurden(t *testing.T) {
	table := binding.NewTable()
	p := New([]Range{between("2001:db8::", "2001:db8::ffff:ffff:ffff:ffff")}, []netip.Addr{addr("2001:db8::1")}, table)
	if c := p.Counts(0); c.Size != 1<<64-1 || c.Free != c.Size-1 {
		t.Errorf("counts %+v", c)
	}
	give := func(a netip.Addr) {
		table.Put(binding.Binding{Prefix: single(a), State: binding.Active}, time.Time{})
		p.Changed(a, 0, binding.Active)
	}
	for _, want := range []string{"2001:db8::", "2001:db8::2", "2001:db8::3"} {
		a, _ := p.Pick(0)
		if a != addr(want) {
			t.Errorf("picked %v, want %v", a, want)
		}
		give(a)
	}
	give(addr("2001:db8::ffff:ffff:ffff:ffff"))
	if c := p.Counts(0); c.Active != 4 || c.Reserved != 1 {
		t.Errorf("counts %+v", c)
	}
	if used := p.Memory(); used > 1<<16 {
		t.Errorf("%d octets for four leases", used)
	}
	whole := New([]Range{between("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")}, nil, table)
	if a, ok := whole.Pick(0); !ok || a != addr("::") || whole.Counts(0).Active != 4 {
		t.Errorf("picked %v, counts %+v", a, whole.Counts(0))
	}
}

func TestSameNoticesEveryDifference(t *testing.T) {
	ranges := []Range{between("10.0.0.1", "10.0.0.9"), between("10.0.1.1", "10.0.1.9")}
	reserved := []netip.Addr{addr("10.0.0.5"), addr("10.0.0.6")}
	p := New(ranges, reserved, binding.NewTable())
	for _, c := range []struct {
		name     string
		ranges   []Range
		reserved []netip.Addr
		want     bool
	}{
		{"equal", slices.Clone(ranges), slices.Clone(reserved), true},
		{"reserved in another order, twice", ranges, []netip.Addr{reserved[1], reserved[0], reserved[1]}, true},
		{"ranges in another order", []Range{ranges[1], ranges[0]}, reserved, false},
		{"a range less", ranges[:1], reserved, false},
		{"a longer range", []Range{between("10.0.0.1", "10.0.0.10"), ranges[1]}, reserved, false},
		{"one reserved less", ranges, reserved[:1], false},
		{"another reserved", ranges, []netip.Addr{reserved[0], addr("10.0.0.7")}, false},
	} {
		if got := p.Same(c.ranges, c.reserved); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestRangesThatOverlapAreRefused(t *testing.T) {
	for name, ranges := range map[string][]Range{
		"overlap":      {between("10.0.0.1", "10.0.0.9"), between("10.0.0.9", "10.0.0.20")},
		"within":       {between("10.0.0.1", "10.0.0.9"), between("10.0.0.4", "10.0.0.5")},
		"backwards":    {between("10.0.0.9", "10.0.0.1")},
		"two families": {between("10.0.0.9", "2001:db8::1")},
		"nothing":      {{}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: accepted", name)
				}
			}()
			New(ranges, nil, binding.NewTable())
		}()
	}
}

func TestExpireOffersIsBounded(t *testing.T) {
	p := New([]Range{between("10.0.0.0", "10.0.255.255")}, nil, binding.NewTable())
	for i := range maxExpired + 10 {
		a, _ := p.Pick(0)
		c := client(i)
		p.Offer(a, &c, epoch)
	}
	if n := p.ExpireOffers(epoch); n != maxExpired {
		t.Errorf("%d in the first call", n)
	}
	if at, ok := p.NextOfferExpiry(); !ok || at.After(epoch) {
		t.Errorf("the rest is due at %v, %v", at, ok)
	}
	if n := p.ExpireOffers(epoch); n != 10 {
		t.Errorf("%d in the second call", n)
	}
	if c := p.Counts(0); c.Offered != 0 || c.Free != c.Size {
		t.Errorf("counts %+v", c)
	}
}

func TestOffersAreBounded(t *testing.T) {
	p := New([]Range{between("10.0.0.0", "10.255.255.255")}, nil, binding.NewTable())
	for i := range MaxOffers + 1000 {
		c := binding.Client{ID: []byte{byte(i >> 16), byte(i >> 8), byte(i)}}
		a, _ := p.Pick(0)
		p.Offer(a, &c, epoch.Add(time.Duration(i)))
	}
	if c := p.Counts(0); c.Offered != MaxOffers {
		t.Errorf("%d on offer", c.Offered)
	}
	first := binding.Client{ID: []byte{0, 0, 0}}
	if _, ok := p.Next(&Cursor{p.offers.first(p.clientKey(&first))}); ok {
		t.Error("the oldest offer is still there")
	}
}

func TestOffersGiveTheirMemoryBack(t *testing.T) {
	p := New([]Range{between("10.0.0.0", "10.0.255.255")}, nil, binding.NewTable())
	var first int64
	for round := range 20 {
		now := epoch.Add(time.Duration(round) * time.Minute)
		for i := range 3000 {
			a, _ := p.Pick(0)
			c := binding.Client{ID: make([]byte, 250)}
			c.ID[0], c.ID[1], c.ID[2] = byte(round), byte(i>>8), byte(i)
			p.Offer(a, &c, now)
		}
		if round == 0 {
			first = p.Memory()
		}
		p.ExpireOffers(now)
	}
	if last := p.Memory(); last > first {
		t.Errorf("%d octets without an offer, %d with 3000", last, first)
	}
}
