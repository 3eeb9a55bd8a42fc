package binding

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"
)

func TestLookingUpAndRenewingAllocateNothing(t *testing.T) {
	const n = 5000
	table := fill(n)
	buf, own := make([]byte, 64), make([]byte, 200)
	i := 0
	next := func() Binding {
		i++
		return lease(spread(i, n), nil, nil, buf)
	}
	for name, run := range map[string]func(){
		"Get":   func() { table.Get(next().Prefix) },
		"State": func() { table.State(next().Prefix) },
		"ByClient": func() {
			b := next()
			cur := table.ByClient(&b.Client)
			table.Next(&cur)
		},
		"renew": func() {
			b, _ := table.Get(next().Prefix)
			b.CLTT = b.CLTT.Add(time.Duration(i%3600) * time.Second)
			b.Expires = b.CLTT.Add(time.Hour)
			table.Put(b, b.Expires)
		},
		"other facts": func() {
			b, _ := table.Get(next().Prefix)
			b.Facts.Own = own[:i%len(own)]
			table.Put(b, b.Expires)
		},
		"delete and make": func() {
			b := lease(spread(i, n), table.Intern(make([]byte, 100)), nil, buf)
			i++
			table.Delete(b.Prefix)
			table.Put(b, b.Expires)
		},
		"Due":    func() { table.Due(epoch.Add(time.Hour)); table.NextDue() },
		"Scan":   func() { table.Scan(uint64(i), 10, func(*Binding) bool { return true }) },
		"Intern": func() { table.Intern(make([]byte, 100)) },
	} {
		for range 3 * n { // until nothing is new
			run()
		}
		if allocs := testing.AllocsPerRun(2000, run); allocs > 0 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
}

func TestALeaseTakesAtMost180Octets(t *testing.T) {
	const n = 50000
	table := fill(n)
	runtime.GC()
	if per := float64(table.Memory()) / n; per > 180 {
		t.Errorf("%.1f octets a lease", per)
	}
}

func TestMemoryIsBoundedUnderClientsThatAreNeverTheSame(t *testing.T) {
	table := NewTable()
	at := func(i int) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 32)
	}
	round := func(from int) int64 {
		for i := from; i < from+40000; i++ {
			table.Intern(fmt.Appendf(nil, "offered %d and never put", i))
			table.Put(Binding{
				Prefix: at(i % 1000), State: Active, CLTT: epoch.Add(time.Duration(i) * time.Second),
				Client: Client{ID: make([]byte, 8+i%240, 256)}, Home: Member(fmt.Sprint(i)), Version: Digest{byte(i), byte(i >> 8)},
				Result: table.Intern(fmt.Appendf(nil, "result %d", i)), Facts: StoredFacts{Own: make([]byte, i%MaxFacts)},
			}, epoch.Add(time.Duration(i%100000)*time.Second))
		}
		return table.Memory()
	}
	first := round(0)
	var last int64
	for i := range 5 {
		last = round((i + 1) * 40000)
	}
	if last > first+first/4 {
		t.Errorf("grew from %d to %d octets with as many bindings", first, last)
	}
	if known, idle := table.Blobs(); idle > MaxIdleBlobs || known > idle+3000 {
		t.Errorf("%d blobs, %d of them idle", known, idle)
	}
	if n := len(table.origins.known); n > 1000 {
		t.Errorf("%d origins for 1000 bindings", n)
	}
	for i := range 1000 {
		table.Delete(at(i))
	}
	table.Sweep(1 << 20)
	if known, idle := table.Blobs(); known != 0 || idle != 0 || len(table.origins.known) != 0 || table.clients.Len() != 0 || table.byAddr.Len() != 0 || table.due.Len() != 0 {
		t.Errorf("an empty table still has %d blobs, %d origins, %d clients", known, len(table.origins.known), table.clients.Len())
	}
}

func TestABlobThatWentIsMadeAnewByPut(t *testing.T) {
	table := NewTable()
	b := table.Intern([]byte("result"))
	digest := b.Digest()
	for i := range MaxIdleBlobs + 1 {
		table.Intern(fmt.Append(nil, i))
	}
	p := netip.MustParsePrefix("10.0.0.1/32")
	table.Put(Binding{Prefix: p, State: Active, Result: b}, time.Time{})
	got, _ := table.Get(p)
	if string(got.Result.Bytes) != "result" || got.Result != table.Intern([]byte("result")) || got.Result.Digest() != digest {
		t.Errorf("got %+v", got.Result)
	}
	if n := table.Sweep(1 << 20); n != MaxIdleBlobs-1 {
		t.Errorf("swept %d, not all that were idle", n)
	}
	if again := table.Intern([]byte("result")); again != got.Result {
		t.Error("a blob in use went")
	}
}

func TestABlobIsNotLostBetweenTwoReferences(t *testing.T) {
	table := NewTable()
	p := netip.MustParsePrefix("10.0.0.1/32")
	table.Put(Binding{Prefix: p, State: Active, Result: table.Intern([]byte("old"))}, time.Time{})
	oldest := table.Intern([]byte("new"))
	for i := range MaxIdleBlobs - 1 {
		table.Intern(fmt.Append(nil, i))
	}
	table.Put(Binding{Prefix: p, State: Active, Result: oldest}, time.Time{}) // the old one makes one idle too many
	for i := range MaxIdleBlobs {
		table.Intern(fmt.Append(nil, "x", i))
	}
	if b, _ := table.Get(p); b.Result != oldest || table.Intern([]byte("new")) != oldest {
		t.Errorf("got %+v", b.Result)
	}
}

func TestDeletedBindingsGiveTheirMemoryBack(t *testing.T) {
	table := NewTable()
	var first int64
	for round := range 20 {
		for i := range 2000 {
			a := netip.AddrFrom4([4]byte{10, byte(round), byte(i >> 8), byte(i)})
			table.Put(Binding{Prefix: netip.PrefixFrom(a, 32), State: Active, Facts: StoredFacts{Own: make([]byte, 1000)}}, epoch)
		}
		if round == 0 {
			first = table.Memory()
		}
		for i := range 2000 {
			table.Delete(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(round), byte(i >> 8), byte(i)}), 32))
		}
	}
	if last := table.Memory(); table.Len() != 0 || last > first {
		t.Errorf("%d bindings, %d octets, %d at the beginning", table.Len(), last, first)
	}
}

func TestAPrefixIsMasked(t *testing.T) {
	table := NewTable()
	for put, want := range map[string]string{"10.0.0.5/24": "10.0.0.0/24", "2001:db8::1/56": "2001:db8::/56"} {
		table.Put(Binding{Prefix: netip.MustParsePrefix(put), State: Active}, time.Time{})
		for _, p := range []string{put, want} {
			if b, ok := table.Get(netip.MustParsePrefix(p)); !ok || b.Prefix != netip.MustParsePrefix(want) {
				t.Errorf("Get(%s) = %v, %v", p, b.Prefix, ok)
			}
		}
	}
	if _, ok := table.Get(netip.Prefix{}); ok {
		t.Error("no prefix has a binding")
	}
}

func TestABindingAboutNothingIsRefused(t *testing.T) {
	for name, b := range map[string]Binding{
		"no prefix": {State: Active},
		"no state":  {Prefix: netip.MustParsePrefix("10.0.0.1/32")},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: accepted", name)
				}
			}()
			NewTable().Put(b, time.Time{})
		}()
	}
}
