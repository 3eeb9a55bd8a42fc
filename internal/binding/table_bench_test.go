package binding

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// lease returns the n-th of many leases as they come: Ethernet, an identifier of seven octets, own facts of forty.
func lease(n int, shared, result *Blob, buf []byte) Binding {
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], 10<<24+uint32(n))
	id := append(buf[:0], 1, 2, 0, a[0], a[1], a[2], a[3])
	own := append(id[7:7], "twelve octets of host name, 12 and more.."[:40]...)
	now := epoch.Add(time.Duration(n/1000) * time.Second)
	return Binding{
		Prefix: netip.PrefixFrom(netip.AddrFrom4(a), 32), State: Active, Cause: Granted,
		Client: Client{ID: id, Hardware: HardwareOf(1, id[1:])},
		Starts: now, CLTT: now, Changed: now, Expires: now.Add(12 * time.Hour),
		Home: "west", Version: Digest{1}, Result: result, Reasons: shared, Facts: StoredFacts{Shared: shared, Own: own},
	}
}

func fill(n int) *Table {
	table := NewTable()
	shared, result := table.Intern(make([]byte, 100)), table.Intern(make([]byte, 200))
	buf := make([]byte, 64)
	for i := range n {
		b := lease(i, shared, result, buf)
		table.Put(b, b.Expires)
	}
	return table
}

// spread returns numbers below n in an order that no cache foresees.
func spread(i, n int) int { return int(uint64(i) * 0x9e3779b97f4a7c15 >> 20 % uint64(n)) }

func benchmarkSizes(b *testing.B, run func(b *testing.B, n int, t *Table)) {
	sizes := []int{100, 10_000, 1_000_000}
	if n, err := strconv.Atoi(os.Getenv("LESSOR_BENCH_LEASES")); err == nil {
		sizes = []int{n}
	}
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			t := fill(n)
			b.ReportAllocs()
			b.ResetTimer()
			run(b, n, t)
		})
	}
}

func BenchmarkGet(b *testing.B) {
	benchmarkSizes(b, func(b *testing.B, n int, t *Table) {
		for i := range b.N {
			x := lease(spread(i, n), nil, nil, make([]byte, 64))
			if _, ok := t.Get(x.Prefix); !ok {
				b.Fatal("lost")
			}
		}
	})
}

func BenchmarkByClient(b *testing.B) {
	benchmarkSizes(b, func(b *testing.B, n int, t *Table) {
		for i := range b.N {
			x := lease(spread(i, n), nil, nil, make([]byte, 64))
			cur := t.ByClient(&x.Client)
			if _, ok := t.Next(&cur); !ok {
				b.Fatal("lost")
			}
		}
	})
}

func BenchmarkRenew(b *testing.B) {
	benchmarkSizes(b, func(b *testing.B, n int, t *Table) {
		buf := make([]byte, 64)
		for i := range b.N {
			x, _ := t.Get(lease(spread(i, n), nil, nil, buf).Prefix)
			x.CLTT = epoch.Add(time.Duration(i/1000) * time.Second)
			x.Expires = x.CLTT.Add(12 * time.Hour)
			t.Put(x, x.Expires)
		}
	})
}

func BenchmarkPutNew(b *testing.B) {
	table := NewTable()
	shared, result := table.Intern(make([]byte, 100)), table.Intern(make([]byte, 200))
	buf := make([]byte, 64)
	var longest time.Duration
	b.ReportAllocs()
	for i := range b.N {
		begin := time.Now()
		x := lease(i, shared, result, buf)
		table.Put(x, x.Expires)
		longest = max(longest, time.Since(begin))
	}
	b.ReportMetric(float64(longest.Microseconds()), "µs-longest")
}

func BenchmarkMemory(b *testing.B) {
	benchmarkSizes(b, func(b *testing.B, n int, t *Table) {
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		begin := time.Now()
		for range b.N {
			runtime.GC()
		}
		pause := time.Since(begin)
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(t.Memory())/float64(n), "B/lease")
		b.ReportMetric(float64(after.HeapAlloc)/float64(n), "heap-B/lease")
		b.ReportMetric(float64(pause.Microseconds())/float64(b.N)/1000, "ms/GC")
		runtime.KeepAlive(t)
	})
}
