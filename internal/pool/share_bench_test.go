package pool

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// stripes returns n runs of 1,024 addresses each in 2001:db8::/64, with as many between them.
func stripes(n int) (runs []Range) {
	for i := range n {
		at := uint64(2*i+1) << 10
		k := keyOf(netip.MustParseAddr("2001:db8::"))
		first, _ := k.Plus(at)
		last, _ := k.Plus(at + 1023)
		runs = append(runs, Range{addrOf(first), addrOf(last)})
	}
	return runs
}

// striped returns n runs of 32 addresses each in 10.0.0.0/8, with as many between them.
func striped(n int) (runs []Range) {
	for i := range n {
		runs = append(runs, Range{nth(64*i + 32), nth(64*i + 63)})
	}
	return runs
}

// half gives every second free address in the table to the partner.
func half(table *binding.Table, owners ...binding.Member) {
	i := 0
	table.Scan(0, 1<<30, func(b *binding.Binding) bool {
		n := *b
		n.Owner = owners[i%len(owners)]
		table.Put(n, time.Time{})
		i++
		return true
	})
}

func BenchmarkPickInAGroup(b *testing.B) {
	for _, state := range []binding.State{binding.Active, binding.Free} {
		b.Run(state.String(), func(b *testing.B) {
			table := used(65536, state)
			half(table, "west", "east")
			p := New([]Range{{nth(0), nth(65535)}}, nil, table)
			p.Share("west", "east", true, striped(1024))
			for b.Loop() {
				p.Pick(0)
			}
		})
	}
}

func BenchmarkChangedInAGroup(b *testing.B) {
	table := used(100_000, binding.Free)
	half(table, "west", "east")
	p := New([]Range{{nth(0), nth(100_000)}}, nil, table)
	p.Share("west", "east", true, striped(1024))
	i := 0
	for b.Loop() {
		hop(p, table, i*7919%100_000)
		i++
	}
}

func BenchmarkShare(b *testing.B) {
	table := used(1_000_000, binding.Free)
	half(table, "west", "east")
	runs := striped(1024)
	for _, c := range []struct {
		name string
		next func(p *Pools, i int)
	}{
		{"the same", func(p *Pools, _ int) { p.Share("west", "east", true, runs) }},
		{"a gift", func(p *Pools, i int) { p.Share("west", "east", true, runs[:1023+i%2]) }},
		{"begin and end", func(p *Pools, i int) {
			if p.Share("west", "east", true, runs); i%2 > 0 {
				p.Share("west", "", true, nil)
			}
		}},
	} {
		b.Run(fmt.Sprintf("%s/1000000", c.name), func(b *testing.B) {
			p := New([]Range{{nth(0), nth(1 << 22)}}, nil, table)
			p.Share("west", "east", true, runs)
			i := 0
			for b.Loop() {
				c.next(p, i)
				i++
			}
		})
	}
}
