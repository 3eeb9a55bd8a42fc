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

func TestALeaseTakesAtMost160Octets(t *testing.T) {
	const n = 50000
	table := fill(n)
	runtime.GC()
	if per := float64(table.Memory()) / n; per > 160 {
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
