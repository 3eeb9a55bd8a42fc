package pool

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

func nth(n int) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], 10<<24+uint32(n))
	return netip.AddrFrom4(b)
}

// used returns a table with n bindings in that state, in a random order.
func used(n int, state binding.State) *binding.Table {
	table := binding.NewTable()
	r := rand.New(rand.NewPCG(1, 2))
	for _, i := range r.Perm(n) {
		c := client(i)
		table.Put(binding.Binding{
			Prefix: single(nth(i)), State: state, Client: c, Changed: epoch.Add(time.Duration(r.IntN(1e6)) * time.Second),
		}, time.Time{})
	}
	return table
}

// A client's whole stay: picked, offered, leased, and free again.
func stay(p *Pools, table *binding.Table, i int) bool {
	now := epoch.Add(time.Duration(1e6+i/1000) * time.Second)
	c := client(i)
	a, ok := p.Pick(0)
	if !ok {
		return false
	}
	p.Offer(a, &c, now.Add(time.Minute))
	if _, other := p.Offered(a, &c); other {
		return false
	}
	b, _ := table.Get(single(a))
	from := b.State
	b.Prefix, b.Client, b.State, b.Changed = single(a), c, binding.Active, now
	table.Put(b, time.Time{})
	p.Changed(a, from, binding.Active)
	p.Withdraw(a)
	b.State = binding.Free
	table.Put(b, time.Time{})
	p.Changed(a, binding.Active, binding.Free)
	return true
}

func BenchmarkStay(b *testing.B) {
	for _, size := range []int{100, 10_000, 1_000_000, 16_000_000} {
		b.Run(fmt.Sprintf("unused/%d", size), func(b *testing.B) {
			table := binding.NewTable()
			p := New([]Range{{nth(0), nth(size - 1)}}, nil, table)
			b.ReportAllocs()
			for i := range b.N {
				if !stay(p, table, i) {
					b.Fatal("refused")
				}
			}
		})
		if size > 1_000_000 {
			continue // 16 million records take a machine of their own
		}
		b.Run(fmt.Sprintf("free/%d", size), func(b *testing.B) {
			table := used(size, binding.Free)
			p := New([]Range{{nth(0), nth(size - 1)}}, nil, table)
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				if !stay(p, table, i) {
					b.Fatal("refused")
				}
			}
		})
	}
}

func BenchmarkNew(b *testing.B) {
	for _, state := range []binding.State{binding.Active, binding.Free} {
		b.Run(state.String()+"/1000000", func(b *testing.B) {
			table := used(1_000_000, state)
			b.ResetTimer()
			for range b.N {
				p := New([]Range{{nth(0), nth(1 << 22)}}, nil, table)
				b.ReportMetric(float64(p.Memory())/1e6, "B/record")
			}
		})
	}
}

// What it costs at the start to count where clients are: without facts nothing is counted, with a port each everything is.
func BenchmarkNewWithFacts(b *testing.B) {
	const n = 1_000_000
	for name, facts := range map[string]func(table *binding.Table, i int) binding.StoredFacts{
		"none": func(*binding.Table, int) binding.StoredFacts { return binding.StoredFacts{} },
		"own name": func(t *binding.Table, i int) binding.StoredFacts {
			f := seat{1 + i%50, 0}.facts(byte(i))
			return binding.StoredFacts{Shared: t.Intern(f.Shared.Bytes), Own: f.Own}
		},
		"own port": func(t *binding.Table, i int) binding.StoredFacts {
			f := seat{1 + i%50, 1 + i/50}.facts(byte(i))
			return binding.StoredFacts{Shared: t.Intern(f.Shared.Bytes), Own: f.Own}
		},
	} {
		b.Run(name, func(b *testing.B) {
			table := binding.NewTable()
			for i := range n {
				table.Put(binding.Binding{Prefix: single(nth(i)), State: binding.Active, Client: client(i), Changed: epoch, Facts: facts(table, i)}, time.Time{})
			}
			b.ResetTimer()
			for range b.N {
				p := New([]Range{{nth(0), nth(1 << 22)}}, nil, table)
				b.ReportMetric(float64(p.held[gate].memory()+p.held[port].memory())/1e6, "B/record")
			}
		})
	}
}

// hop makes an address active and free again.
func hop(p *Pools, table *binding.Table, i int) {
	a := nth(i)
	b, _ := table.Get(single(a))
	b.State = binding.Active
	table.Put(b, time.Time{})
	p.Changed(a, binding.Free, binding.Active)
	b, _ = table.Get(single(a))
	b.State = binding.Free
	table.Put(b, time.Time{})
	p.Changed(a, binding.Active, binding.Free)
}

func BenchmarkPick(b *testing.B) {
	for _, state := range []binding.State{binding.Active, binding.Free} {
		b.Run(state.String(), func(b *testing.B) {
			p := New([]Range{{nth(0), nth(100_000)}}, nil, used(100_000, state))
			for b.Loop() {
				p.Pick(0)
			}
		})
	}
}

func BenchmarkChanged(b *testing.B) {
	table := used(100_000, binding.Free)
	p := New([]Range{{nth(0), nth(100_000)}}, nil, table)
	i := 0
	for b.Loop() {
		hop(p, table, i*7919%100_000)
		i++
	}
}
