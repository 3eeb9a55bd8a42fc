package pool

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// group is who shares the pools of a world; without an other it is a server alone.
type group struct {
	self, other binding.Member
	primary     bool
	secondary   map[netip.Addr]bool // what nobody ever used is the secondary's
}

func (w *world) someOwner() binding.Member {
	return []binding.Member{"west", "east", "west", "east", "north", ""}[w.r.IntN(6)]
}

// partner returns the other server's name, and on a server alone that of one it has never heard of.
func (w *world) partner() binding.Member {
	if w.other == "" {
		return "south"
	}
	return w.other
}

// isMine reports whether a, if it is free, is this server's own.
func (w *world) isMine(a netip.Addr) bool {
	if w.other == "" {
		return true
	}
	if b, ok := w.table.Get(single(a)); ok {
		return b.Owner == w.self
	}
	return w.secondary[a] != w.primary
}

// share lets a relationship begin, end or change, or addresses go from one owner to the other.
func (w *world) share() {
	switch n := w.r.IntN(10); {
	case n == 0:
		w.self, w.other = "", ""
	case n == 1 || w.other == "":
		names := [][2]binding.Member{{"west", "east"}, {"east", "west"}, {"north", "west"}}[w.r.IntN(3)]
		w.self, w.other, w.primary = names[0], names[1], w.r.IntN(2) == 0
	case n == 2:
		w.primary = !w.primary
	case n == 3:
		clear(w.secondary)
	default:
		all := w.all(w.ranges[w.r.IntN(len(w.ranges))])
		i := w.r.IntN(len(all))
		is := w.r.IntN(2) == 0
		for _, a := range all[i : i+1+w.r.IntN(len(all)-i)] {
			w.secondary[a] = is
		}
	}
	w.pools.Share(w.self, w.other, w.primary, w.runs())
}

// runs returns the secondary's runs, and some that are in no pool.
func (w *world) runs() (runs []Range) {
	for _, r := range w.ranges {
		for _, a := range w.all(r) {
			switch n := len(runs); {
			case !w.secondary[a]:
			case n > 0 && runs[n-1].Last.Next() == a:
				runs[n-1].Last = a
			default:
				runs = append(runs, Range{a, a})
			}
		}
	}
	if w.r.IntN(2) == 0 {
		runs = append(runs, between("172.16.0.0", "172.16.255.255"))
	}
	return runs
}

// checkShares compares what failover looks at, in some pool, with a count of the whole.
func (w *world) checkShares() {
	id := w.r.IntN(len(w.ranges))
	w.checkFree(id, []binding.Member{w.self, w.other, "south"}[w.r.IntN(3)])
	w.checkUnused(id)
	if a := w.someAddr(); w.pools.Covers(a) != (w.of(a) >= 0) {
		w.t.Errorf("Covers(%v) = %v", a, w.of(a) < 0)
	}
}

func (w *world) checkUnused(id int) {
	var got, want []netip.Addr
	last := netip.Addr{}
	w.pools.EachUnused(id, func(from, to netip.Addr) bool {
		if last.IsValid() && !last.Next().Less(from) {
			w.t.Errorf("pool %d: a run from %v on behind one that ends at %v", id, from, last)
		}
		last = to
		got = append(got, w.all(Range{from, to})...)
		return true
	})
	for _, a := range w.all(w.ranges[id]) {
		if state, _ := w.table.State(single(a)); state == 0 && w.available(a) {
			want = append(want, a)
		}
	}
	if !slices.Equal(got, want) {
		w.t.Errorf("pool %d: unused are %v, want %v", id, got, want)
	}
}

func (w *world) checkFree(id int, owner binding.Member) {
	want := map[netip.Addr]bool{}
	for _, a := range w.all(w.ranges[id]) {
		known := owner == w.self || owner == w.other && owner != ""
		if state, _ := w.table.State(single(a)); known && state == binding.Free && w.available(a) && w.isMine(a) == (owner == w.self) {
			want[a] = true
		}
	}
	if got := w.pools.FreeOf(id, owner); got != uint64(len(want)) {
		w.t.Errorf("pool %d: %d free of %q, want %d", id, got, owner, len(want))
	}
	var since time.Time
	n, stop := 0, w.r.IntN(len(want)+1)
	w.pools.EachFree(id, owner, func(b *binding.Binding) bool {
		if known, ok := w.table.Get(b.Prefix); !want[b.Addr()] || !ok || known.State != binding.Free || b.Changed.Before(since) {
			w.t.Errorf("pool %d: %v, free since %v, is named behind one free since %v, or again, or it is not %q's", id, b.Prefix, b.Changed, since, owner)
		}
		delete(want, b.Addr())
		since = b.Changed
		n++
		return stop == 0 || n < stop
	})
	if stop == 0 && len(want) > 0 || stop > 0 && n != stop {
		w.t.Errorf("pool %d: of %q %d were named, to stop at %d; not %v", id, owner, n, stop, want)
	}
}

func TestWhatASideOwnsIsPickedByItAlone(t *testing.T) {
	table := binding.NewTable()
	p := New([]Range{between("10.0.0.0", "10.0.0.9")}, nil, table)
	put := func(a string, s binding.State, owner binding.Member, age time.Duration) {
		from, _ := table.State(single(addr(a)))
		table.Put(binding.Binding{Prefix: single(addr(a)), State: s, Owner: owner, Changed: epoch.Add(-age)}, time.Time{})
		p.Changed(addr(a), from, s)
	}
	picks := func(when, own, others string) {
		t.Helper()
		a, _ := p.Pick(0)
		b, _ := p.PickOf(0, "east")
		if a.String() != own || b.String() != others {
			t.Errorf("%s: picked %v and %v of the partner's; want %s and %s", when, a, b, own, others)
		}
	}
	none := netip.Addr{}.String()
	picks("alone", "10.0.0.0", none)
	p.Share("west", "east", true, []Range{between("10.0.0.5", "10.0.0.9")})
	picks("shared", "10.0.0.0", "10.0.0.5")
	p.Share("west", "east", true, []Range{between("10.0.0.0", "10.0.0.1"), between("10.0.0.6", "10.0.0.9")})
	picks("given", "10.0.0.2", "10.0.0.0")
	p.Share("west", "east", false, []Range{between("10.0.0.0", "10.0.0.1"), between("10.0.0.6", "10.0.0.9")})
	picks("as the secondary", "10.0.0.0", "10.0.0.2")
	for i, a := range []string{"10.0.0.0", "10.0.0.1", "10.0.0.6", "10.0.0.7", "10.0.0.8", "10.0.0.9"} {
		put(a, binding.Active, "", 0)
		put(a, binding.Free, "west", time.Duration(i)*time.Hour)
	}
	picks("all of its own used", "10.0.0.9", "10.0.0.2")
	put("10.0.0.9", binding.Free, "east", 5*time.Hour)
	picks("the longest free one given", "10.0.0.8", "10.0.0.2")
	if c := p.Counts(0); c.Free != 5 || c.PartnerFree != 5 || p.FreeOf(0, "east") != 1 || p.FreeOf(0, "west") != 5 {
		t.Errorf("counts %+v", c)
	}
	p.Share("west", "", false, nil)
	picks("alone again", "10.0.0.2", none)
	if c := p.Counts(0); c.Free != 10 || c.PartnerFree != 0 {
		t.Errorf("counts %+v", c)
	}
}

func TestAnOfferOfThePartnersAddressIsTheirsAgainWhenItEnds(t *testing.T) {
	p := New([]Range{between("10.0.0.0", "10.0.0.9")}, nil, binding.NewTable())
	p.Share("west", "east", true, []Range{between("10.0.0.4", "10.0.0.9")})
	a, _ := p.PickOf(0, "east")
	c := client(1)
	p.Offer(a, &c, epoch)
	if got := p.Counts(0); got.Free != 4 || got.Offered != 1 || got.PartnerFree != 5 {
		t.Errorf("on offer: %+v", got)
	}
	p.Share("west", "east", true, []Range{between("10.0.0.5", "10.0.0.9")}) // taken back meanwhile
	p.ExpireOffers(epoch)
	if got := p.Counts(0); got.Free != 5 || got.PartnerFree != 5 || !p.Available(a) {
		t.Errorf("ended: %+v", got)
	}
}

func TestAPoolOfASubnetIsSharedInAsManyRunsAsThereMayBe(t *testing.T) {
	table := binding.NewTable()
	p := New([]Range{between("2001:db8::", "2001:db8::ffff:ffff:ffff:ffff")}, nil, table)
	runs := stripes(1024)
	p.Share("west", "east", false, runs)
	for i := range 1024 { // the first of each run is used
		table.Put(binding.Binding{Prefix: single(runs[i].First), State: binding.Active}, time.Time{})
		p.Changed(runs[i].First, 0, binding.Active)
	}
	a, _ := p.Pick(0)
	b, _ := p.PickOf(0, "east")
	if a != runs[0].First.Next() || b != addr("2001:db8::") {
		t.Errorf("picked %v and %v", a, b)
	}
	const own = 1024 * 1023
	if c := p.Counts(0); c.Size != 1<<64-1 || c.Free != own || c.PartnerFree != 1<<64-1-1024-own {
		t.Errorf("counts %+v", c)
	}
	if used := p.Memory(); used > 1<<18+1<<14 {
		t.Errorf("%d octets", used)
	}
	n := 0
	p.EachUnused(0, func(netip.Addr, netip.Addr) bool { n++; return n < 5000 })
	if n != 1025 {
		t.Errorf("%d runs of unused addresses", n)
	}
}

func TestCountsOfMoreThan64BitsAddUp(t *testing.T) {
	half := between("8000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
	for _, c := range []struct {
		name, first, last string
		runs              []Range
		free, partner     uint64
	}{
		{"all is the primary's", "2001:db8::", "2001:db8:0:ffff:ffff:ffff:ffff:ffff", nil, 1<<64 - 1, 0},
		{"all is the secondary's", "8000::", "8000:0:0:ffff:ffff:ffff:ffff:ffff", []Range{half}, 0, 1<<64 - 1},
		{"both have too many to say", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", []Range{half}, 1<<63 - 1, 1 << 63},
		{"one of a subnet", "8000::", "8000::ffff:ffff:ffff:ffff", []Range{between("8000::1", "8000::1")}, 1<<64 - 2, 1},
		{"all but one", "8000::", "8000::ffff:ffff:ffff:ffff", []Range{between("8000::1", "8000::ffff:ffff:ffff:ffff")}, 1, 1<<64 - 2},
	} {
		p := New([]Range{between(c.first, c.last)}, nil, binding.NewTable())
		p.Share("west", "east", true, c.runs)
		if got := p.Counts(0); got.Free != c.free || got.PartnerFree != c.partner || got.Size != 1<<64-1 {
			t.Errorf("%s: %+v", c.name, got)
		}
		p.Share("west", "east", false, c.runs)
		got := p.Counts(0)
		if got.Free+got.PartnerFree != got.Size || (got.Free == 0) != (c.partner == 0) {
			t.Errorf("%s, the other way round: %+v", c.name, got)
		}
	}
}

func TestRunsThatAreNoneAreNotShared(t *testing.T) {
	p := New([]Range{between("10.0.0.0", "10.0.0.9")}, nil, binding.NewTable())
	p.Share("west", "east", true, []Range{
		between("10.0.0.9", "10.0.0.1"), {}, between("10.0.0.2", "2001:db8::1"),
		between("10.0.0.4", "10.0.0.5"), between("10.0.0.3", "10.0.0.4"), // out of order, and they overlap
	})
	if c := p.Counts(0); c.PartnerFree != 3 || c.Free != 7 {
		t.Errorf("counts %+v", c)
	}
}

func TestOwnersOutliveAReload(t *testing.T) {
	table := binding.NewTable()
	ranges := []Range{between("10.0.0.0", "10.0.0.9")}
	old := New(ranges, nil, table)
	old.Share("west", "east", true, []Range{between("10.0.0.5", "10.0.1.20")})
	p := New(append(ranges, between("10.0.1.0", "10.0.1.9")), nil, table)
	p.Carry(old)
	if p.Counts(0).PartnerFree != 5 || p.Counts(1).PartnerFree != 10 {
		t.Errorf("counts %+v, %+v", p.Counts(0), p.Counts(1))
	}
}
