package binding

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// Warm is for the processor alone: the table is as it was, whatever is warmed, and nothing is allocated.
func TestWarmChangesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	table := NewTable()
	var all []Binding
	for i := range 700 {
		a := netip.AddrFrom4([4]byte{10, 0, byte(r.IntN(2)), byte(r.IntN(256))})
		b := Binding{Prefix: netip.PrefixFrom(a, 32), State: Active, Expires: time.Unix(1_800_000_000, 0)}
		b.Client.Hardware = HardwareOf(1, []byte{2, 0, 0, 0, 0, byte(r.IntN(64))})
		if i%3 == 0 {
			b.Client.ID = []byte{1, 2, byte(r.IntN(64))}
		}
		if i%50 == 0 {
			b.Prefix = netip.MustParsePrefix("2001:db8::/56")
		}
		all = append(all, b)
	}
	for i := range all[:400] {
		table.Put(all[i], all[i].Expires)
	}
	before := everything(table)
	at := func(i int) *Binding {
		if i%7 == 0 {
			return nil
		}
		return &all[i]
	}
	if n := testing.AllocsPerRun(10, func() { table.Warm(len(all), at) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
	NewTable().Warm(len(all), at)
	if after := everything(table); after != before {
		t.Errorf("the table was\n%s\nand is\n%s", before, after)
	}
}

func everything(t *Table) string {
	var s strings.Builder
	for from, done := uint64(0), false; !done; {
		from, done = t.Scan(from, 100, func(b *Binding) bool {
			fmt.Fprintln(&s, b.Prefix, b.State, b.Client, b.Expires)
			return true
		})
	}
	return s.String()
}
