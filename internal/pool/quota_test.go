package pool

import (
	"fmt"
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// seat is where a client sits: behind a relay (0: none) at a circuit (0: none is told).
type seat struct{ relay, circuit int }

func (s seat) addr() (a netip.Addr) {
	if s.relay > 0 {
		a = netip.AddrFrom4([4]byte{192, 0, 2, byte(s.relay)})
	}
	return a
}

func (s seat) info() []byte {
	if s.circuit == 0 {
		return nil
	}
	return []byte{option.RelayCircuitID, 2, byte(s.circuit >> 8), byte(s.circuit), option.RelayRemoteID, 1, 7}
}

// facts returns what is stored of a client there. noise is something else that it said.
func (s seat) facts(noise byte) binding.StoredFacts {
	f := binding.Facts{Link: "lan", GIAddr: s.addr(), Options: []binding.Fact{{Code: 60, Value: []byte{noise % 2}}}}
	if i := s.info(); i != nil {
		f.Options = append(f.Options, binding.Fact{Code: 82, Value: i})
	}
	own := func(code uint16) bool { return code == 82 || code == 12 }
	return binding.StoredFacts{
		Shared: binding.NewBlob(f.AppendShared(nil, own)),
		Own:    f.AppendOwn(binding.AppendTLV(nil, 12, []byte{noise}), own),
	}
}

func (s seat) from(q *Quota) From {
	f := From{Gate: []byte("eth0"), Direct: true, Quota: q}
	if a := s.addr(); a.IsValid() {
		octets := a.As4()
		f.Gate, f.Direct = octets[:], false
	}
	f.Port = AppendPort(nil, s.info(), s.addr())
	return f
}

// become makes the binding of a one in that state of a client at s, as whoever owns the bindings does.
func become(p *Pools, table *binding.Table, a netip.Addr, to binding.State, s seat, noise byte) {
	was, _ := table.Get(single(a))
	is := binding.Binding{Prefix: single(a), State: to, Client: client(int(noise)), Facts: s.facts(noise), Changed: epoch}
	from := was.State
	p.Moved(&was, &is)
	table.Put(is, time.Time{})
	p.Changed(a, from, to)
}

func TestAShareIsRoundedUp(t *testing.T) {
	for _, c := range []struct {
		share Share
		size  uint64
		want  uint64
		text  string
	}{
		{DefaultShare, 254, 229, "90%"}, {DefaultShare, 9, 9, "90%"}, {DefaultShare, 10, 9, "90%"}, {DefaultShare, 1, 1, "90%"}, {DefaultShare, 0, 0, "90%"},
		{Share{Percent: 100}, 7, 7, "100%"}, {Share{Percent: 1}, 3, 1, "1%"}, {Share{Addresses: 20}, 3, 20, "20"}, {Share{}, 3, 0, ""},
		{DefaultShare, math.MaxUint64, 16602069666338596454, "90%"}, {Share{Percent: 100}, math.MaxUint64, math.MaxUint64, "100%"},
	} {
		if got := c.share.of(c.size); got != c.want || c.share.String() != c.text {
			t.Errorf("%v of %d: %d, want %d (%s)", c.share, c.size, got, c.want, c.text)
		}
	}
}

func TestAQuotaTakesFromAWeakerOneWhatItDoesNotSay(t *testing.T) {
	strong, weak := Quota{Port: Share{Addresses: 3}}, Quota{Port: Share{Percent: 5}, Relay: Share{Percent: 6}}
	if got, want := strong.Over(weak), (Quota{Port: Share{Addresses: 3}, Relay: Share{Percent: 6}}); got != want {
		t.Errorf("%+v", got)
	}
}

// A port's name is its circuit and remote id in whatever order they come, and its relay; without either there is no port.
func TestAPortIsNamedByCircuitRemoteAndRelay(t *testing.T) {
	relay := netip.MustParseAddr("192.0.2.1")
	for info, want := range map[string]string{
		"":                                 "",
		"\x05\x01x":                        "",
		"\x01\x00\x02\x00":                 "",
		"\x01\x01a":                        "\x01\x01a\xc0\x00\x02\x01",
		"\x02\x01b\x01\x01a":               "\x01\x01a\x02\x01b\xc0\x00\x02\x01",
		"\x97\x01z\x02\x02bb":              "\x02\x02bb\xc0\x00\x02\x01",
		"\x01\x01a\x01\x01c\x02\x09broken": "\x01\x01a\xc0\x00\x02\x01",
	} {
		if got := string(AppendPort(nil, []byte(info), relay)); got != want {
			t.Errorf("%q: %q, want %q", info, got, want)
		}
	}
	if got := string(AppendPort([]byte("x"), []byte("\x01\x01a"), netip.Addr{})); got != "x\x01\x01a" {
		t.Errorf("without a relay: %q", got)
	}
}

// full says whether somebody new at s gets an address, by which limit not, and what is counted there.
func full(p *Pools, s seat, q *Quota, until time.Time) string {
	from := s.from(q)
	f, is := p.Full(0, &from, q, until, "")
	if !is {
		return "room"
	}
	where := "gate"
	if f.AtPort {
		where = "port"
	}
	return fmt.Sprintf("%s %d+%d of %d of %d", where, f.Held, f.Offered, f.Most, f.Size)
}

func TestOnePortHoldsNineTenthsOfAPool(t *testing.T) {
	table := binding.NewTable()
	reserved := []netip.Addr{nth(0), nth(1), nth(5000)}
	p := New([]Range{{nth(0), nth(101)}}, reserved, table)
	one, two := seat{1, 1}, seat{1, 2}
	q := new(Quota)
	soon := epoch.Add(time.Minute)
	for n := 2; n < 92; n++ {
		if got := full(p, one, q, soon); got != "room" {
			t.Fatalf("with %d addresses: %s", n-2, got)
		}
		become(p, table, nth(n), binding.Active, one, byte(n))
	}
	become(p, table, nth(1), binding.Active, one, 1) // a host's own, which is nobody else's anyhow
	if got := full(p, one, q, soon); got != "port 90+0 of 90 of 100" {
		t.Error(got)
	}
	if got := full(p, two, q, soon); got != "room" {
		t.Errorf("another port: %s", got)
	}
	// The only relay may use all of the pool, and no more when somebody uses it without that relay, or through another one.
	if got := full(p, seat{1, 0}, q, soon); got != "room" {
		t.Errorf("the relay: %s", got)
	}
	become(p, table, nth(95), binding.Active, seat{}, 95)
	if got := full(p, seat{1, 0}, q, soon); got != "gate 90+0 of 90 of 100" {
		t.Errorf("the relay, of two: %s", got)
	}
	for level, q := range map[string]Quota{
		"room":                   {Port: Share{Percent: 100}, Relay: Share{Percent: 100}},
		"port 90+0 of 20 of 100": {Port: Share{Addresses: 20}},
		"gate 90+0 of 50 of 100": {Port: Share{Addresses: 91}, Relay: Share{Percent: 50}},
		"gate 90+0 of 90 of 100": {Port: Share{Addresses: 5000}},
		"port 90+0 of 90 of 100": {Interface: Share{Addresses: 1}},
		"gate 90+0 of 1 of 100":  {Port: Share{Percent: 100}, Relay: Share{Addresses: 1}},
		"port 90+0 of 1 of 100":  {Port: Share{Percent: 1}},
	} {
		if got := full(p, one, &q, soon); got != level {
			t.Errorf("%+v: %s, want %s", q, got, level)
		}
	}
	if got := full(p, seat{}, &Quota{Interface: Share{Addresses: 1}}, soon); got != "gate 1+0 of 1 of 100" {
		t.Errorf("without a relay: %s", got)
	}
	// Grace and quarantine are held, and what is free is not.
	become(p, table, nth(2), binding.Expired, one, 2)
	become(p, table, nth(3), binding.Abandoned, one, 3)
	if got := full(p, one, q, soon); got != "port 90+0 of 90 of 100" {
		t.Error(got)
	}
	become(p, table, nth(2), binding.Free, one, 2)
	if got := full(p, one, q, soon); got != "room" {
		t.Error(got)
	}
	become(p, table, nth(3), binding.Active, two, 3) // its client moved
	from := two.from(q)
	if got := p.held[port].of(p.names(0, from)[port]); got != 1 {
		t.Errorf("the other port holds %d", got)
	}
}

// What is on offer counts with what is held. An offer that nobody took up gives way, but not to somebody who takes an address unasked.
// Where others have much of a pool, one port does not get all of the rest: something of that is left to whoever comes new elsewhere.
func TestOnePortDoesNotTakeAllThatOthersLeave(t *testing.T) {
	table := binding.NewTable()
	p := New([]Range{{nth(0), nth(99)}}, nil, table)
	one, soon, n := seat{1, 1}, epoch.Add(time.Minute), 0
	for ; n < 30; n++ {
		become(p, table, nth(n), binding.Active, seat{1, 2 + n%10}, byte(n))
	}
	for ; n < 98; n++ {
		if got := full(p, one, new(Quota), soon); got != "room" {
			t.Fatalf("with %d addresses: %s", n-30, got)
		}
		become(p, table, nth(n), binding.Active, one, byte(n))
	}
	if got := full(p, one, new(Quota), soon); got != "port 68+0 of 68 of 100" {
		t.Error(got)
	}
	if got := full(p, one, &Quota{Port: Share{Percent: 90}}, soon); got != "room" {
		t.Errorf("where the document says that it may have as many: %s", got)
	}
	for ; n < 100; n++ {
		if got := full(p, seat{1, n}, new(Quota), soon); got != "room" {
			t.Fatalf("elsewhere, with %d free: %s", 100-n, got)
		}
		become(p, table, nth(n), binding.Active, seat{1, n}, byte(n))
	}
}

func TestOffersCountWithWhatIsHeld(t *testing.T) {
	table := binding.NewTable()
	p := New([]Range{{nth(0), nth(99)}}, nil, table)
	one, q := seat{1, 1}, &Quota{Port: Share{Addresses: 10}}
	for n := range 7 {
		become(p, table, nth(n), binding.Active, one, byte(n))
	}
	for n := range 3 {
		c := client(100 + n)
		a, _ := p.Pick(0)
		p.OfferFrom(a, &c, epoch.Add(time.Minute), one.from(q))
	}
	if got := full(p, one, q, epoch.Add(time.Minute)); got != "port 7+3 of 10 of 100" {
		t.Error(got)
	}
	later := epoch.Add(time.Minute + untaken*time.Second)
	if got := full(p, one, q, later); got != "room" {
		t.Errorf("ten seconds later: %s", got)
	}
	if got := full(p, one, q, time.Time{}); got != "port 7+3 of 10 of 100" {
		t.Errorf("ten seconds later, without an offer: %s", got)
	}
	c := client(200)
	a, _ := p.Pick(0)
	p.OfferFrom(a, &c, later, one.from(q))
	if got := p.Counts(0).Offered; got != 3 || p.Recalled() != 1 {
		t.Errorf("%d on offer, %d recalled", got, p.Recalled())
	}
	// A reload forgets nothing of it.
	next := New([]Range{{nth(1000), nth(1001)}, {nth(0), nth(99)}}, nil, table)
	next.Carry(p)
	from := one.from(q)
	if f, is := next.Full(1, &from, q, epoch, ""); !is || f.Held != 7 || f.Offered != 3 {
		t.Errorf("after a reload: %+v, %v", f, is)
	}
	for n := 7; n < 10; n++ {
		become(p, table, nth(n), binding.Active, one, byte(n))
	}
	if got := full(p, one, q, later.Add(time.Hour)); got != "port 10+3 of 10 of 100" {
		t.Errorf("with all that it may hold: %s", got)
	}
}

// Whatever becomes of the bindings, what is counted is what a table that is read anew has.
func TestWhatIsHeldIsWhatTheTableHas(t *testing.T) {
	r := newRandom(t)
	table := binding.NewTable()
	ranges := []Range{{nth(0), nth(39)}, {nth(100), nth(139)}}
	reserved := []netip.Addr{nth(3), nth(110)}
	p := New(ranges, reserved, table)
	for step := range 20000 {
		a := nth(r.IntN(150))
		to := binding.State(1 + r.IntN(int(binding.Abandoned)))
		s := seat{r.IntN(3), r.IntN(4)}
		was, _ := table.Get(single(a))
		switch r.IntN(5) {
		case 0: // nothing is known of where it was heard
			is := binding.Binding{Prefix: single(a), State: to, Client: client(step), Changed: epoch}
			from := was.State
			p.Moved(&was, &is)
			table.Put(is, time.Time{})
			p.Changed(a, from, to)
		case 1: // as when time passes: the facts stay
			if was.State == 0 {
				continue
			}
			is, from := was, was.State
			is.State = to
			p.Moved(&was, &is)
			table.Put(is, time.Time{})
			p.Changed(a, from, to)
		default:
			become(p, table, a, to, s, byte(step))
		}
		if step%500 == 0 {
			p = New(ranges, reserved, table)
		}
		if step%20 != 0 {
			continue
		}
		fresh := New(ranges, reserved, table)
		if got, want := tallies(p), tallies(fresh); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("step %d: counted %v, and there are %v", step, got, want)
		}
		if got, want := tallies(p), recount(p, table); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("step %d: counted %v, and the table has %v", step, got, want)
		}
		for id := range p.pools {
			if p.pools[id].gates != fresh.pools[id].gates {
				t.Fatalf("step %d: %d gates, and there are %d", step, p.pools[id].gates, fresh.pools[id].gates)
			}
		}
	}
	for level := range p.held {
		if h := &p.held[level]; h.index.Len() != h.slots.Len() {
			t.Errorf("%d are indexed of %d", h.index.Len(), h.slots.Len())
		}
	}
}

// tallies returns what is counted under each name.
func tallies(p *Pools) map[uint64]uint32 {
	m := map[uint64]uint32{}
	for level := range p.held {
		h := &p.held[level]
		for i := uint32(1); i < h.slots.Limit(); i++ {
			if x := h.slots.At(i); x.n > 0 && h.find(x.name()) == i {
				m[x.name()] = x.n
			}
		}
	}
	return m
}

// recount counts as anybody would: from the decoded facts, by what an offer there would be known by.
func recount(p *Pools, table *binding.Table) map[uint64]uint32 {
	m := map[uint64]uint32{}
	table.Scan(0, 1<<30, func(b *binding.Binding) bool {
		f, ok := b.Facts.Decode()
		id, in := p.Of(b.Addr())
		if b.State == binding.Free || b.Facts.Shared == nil || !ok || !in || p.isReserved(keyOf(b.Addr())) {
			return true
		}
		info, _ := f.Option(82)
		from := From{Gate: []byte("eth7"), Direct: !f.GIAddr.IsValid(), Port: AppendPort(nil, info, f.GIAddr)}
		if !from.Direct {
			from.Gate = f.GIAddr.AsSlice()
		}
		names := p.names(id, from)
		m[p.heldName(id, gate, &from, names[gate])]++
		if names[port] != 0 {
			m[names[port]]++
		}
		return true
	})
	return m
}

// Whoever poses as a relay names a new port with each message. What is counted of it is bounded by what there is to hold and to offer.
func TestMadeUpPortsTakeNoMemory(t *testing.T) {
	const n, rounds = 500, 40
	table := binding.NewTable()
	p := New([]Range{{nth(0), nth(n - 1)}}, nil, table)
	p.LimitOffers(n)
	var most int64
	made := 0
	for round := range rounds {
		for i := range n {
			made++
			s := seat{1 + made%200, 1 + made/200%60000}
			c := client(made)
			if i%2 == 0 { // some take an address, the others look at one
				become(p, table, nth(i), binding.Active, s, byte(made))
			} else {
				p.OfferFrom(nth(i), &c, epoch.Add(time.Duration(made)*time.Second), s.from(new(Quota)))
			}
		}
		if got := p.held[port].slots.Len() + p.sources.slots.Len(); got > 3*n {
			t.Fatalf("%d places are remembered after %d", got, made)
		}
		switch now := p.Memory(); {
		case round == 1:
			most = now
		case round > 1 && now > most:
			t.Fatalf("%d octets after %d ports, %d before", now, made, most)
		}
	}
	for i := range n {
		become(p, table, nth(i), binding.Free, seat{}, 0)
		p.Withdraw(nth(i))
	}
	if a, b := p.held[port].slots.Len()+p.held[gate].slots.Len(), p.sources.slots.Len(); a > 0 || b > 0 {
		t.Errorf("when all is free %d places are remembered, and %d of offers", a, b)
	}
}
