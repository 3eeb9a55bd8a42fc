package binding

import "github.com/lessor-dhcp/lessor/internal/slab"

// Warm reads what a Put of each of those bindings will read, n of them, of all at once, so that the processor waits for memory once
// for many and not for each; where at says nil there is none, where a binding has no client a Get of its prefix is meant, and where it
// has no prefix a ByClient of its client. It changes nothing that can be seen.
func (t *Table) Warm(n int, at func(i int) *Binding) {
	const most = 128
	var heads [4 * most]uint32
	for first := 0; first < n; first += most {
		k := t.warmHeads(heads[:0], first, min(n, first+most), at)
		sum := uint32(0)
		for _, i := range k {
			sum += t.records.At(i).octets
		}
		for _, i := range k {
			if b := t.octets.At(t.records.At(i).octets, 1); len(b) > 0 {
				sum += uint32(b[0])
			}
		}
		t.warmed = sum // or the compiler leaves it all out
	}
}

// warmHeads appends the first of each chain that a Put would walk, or would split since it is of a new binding.
func (t *Table) warmHeads(heads []uint32, from, to int, at func(i int) *Binding) []uint32 {
	puts := 0
	for i := from; i < to; i++ {
		b := at(i)
		if b == nil {
			continue
		}
		if addr, ok := shortKeyOf(b.Prefix); ok {
			puts++
			if head := *t.byAddr.Chain(t.seed.Key(slab.Key{Lo: uint64(addr)})); head != 0 {
				heads = append(heads, head)
			}
		}
		c := &b.Client
		if len(c.ID) == 0 && c.Hardware.Len == 0 { // there is no client to look for
			continue
		}
		if head := *t.clients.Chain(t.clientHash(c.ID, c.Hardware.Bytes(), c.Hardware.Type)); head != 0 {
			heads = append(heads, head)
		}
	}
	return t.clients.Ahead(t.byAddr.Ahead(heads, puts), puts)
}
