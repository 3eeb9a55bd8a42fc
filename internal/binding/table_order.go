package binding

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// order is the set of the single IPv4 addresses that have a binding, in the order of addresses: a bit an address, in rows of the
// 256 that share 24 bits, of which there are those with a bit set. An address that comes or goes costs the same however many there are.
type order struct {
	parts map[uint16]*orderPart // by the first 16 bits
	used  [1 << 10]uint64       // which parts have something in them
	rows  [][4]uint64
	free  []uint32 // rows that are empty
}

// orderPart says which rows there are of the addresses that share 16 bits.
type orderPart struct {
	rows [256]uint32 // number of the row and 1; 0: none
	used [4]uint64
	n    int
}

func (o *order) add(a uint32) {
	top, mid := uint16(a>>16), uint8(a>>8)
	part := o.parts[top]
	if part == nil {
		if o.parts == nil {
			o.parts = map[uint16]*orderPart{}
		}
		part = new(orderPart)
		o.parts[top] = part
		o.used[top>>6] |= 1 << (top & 63)
	}
	if part.rows[mid] == 0 {
		part.rows[mid] = o.row() + 1
		part.used[mid>>6] |= 1 << (mid & 63)
		part.n++
	}
	o.rows[part.rows[mid]-1][uint8(a)>>6] |= 1 << (a & 63)
}

func (o *order) row() uint32 {
	if n := len(o.free); n > 0 {
		i := o.free[n-1]
		o.free = o.free[:n-1]
		return i
	}
	o.rows = append(o.rows, [4]uint64{})
	return uint32(len(o.rows) - 1)
}

// remove takes out an address that is in the set.
func (o *order) remove(a uint32) {
	top, mid := uint16(a>>16), uint8(a>>8)
	part := o.parts[top]
	i := part.rows[mid] - 1
	if o.rows[i][uint8(a)>>6] &^= 1 << (a & 63); o.rows[i] != [4]uint64{} {
		return
	}
	o.free = append(o.free, i)
	part.rows[mid] = 0
	part.used[mid>>6] &^= 1 << (mid & 63)
	if part.n--; part.n == 0 {
		delete(o.parts, top)
		o.used[top>>6] &^= 1 << (top & 63)
	}
}

// next returns the first address of the set that is not below a; false if there is none.
func (o *order) next(a uint32) (uint32, bool) {
	top, mid, low := a>>16, a>>8&0xff, a&0xff
	if part := o.parts[uint16(top)]; part != nil {
		if i := part.rows[mid]; i != 0 {
			if l, ok := nextBit(o.rows[i-1][:], low); ok {
				return a&^0xff | l, true
			}
		}
		if m, ok := nextBit(part.used[:], mid+1); ok {
			l, _ := nextBit(o.rows[part.rows[m]-1][:], 0)
			return top<<16 | m<<8 | l, true
		}
	}
	t, ok := nextBit(o.used[:], top+1)
	if !ok {
		return 0, false
	}
	part := o.parts[uint16(t)]
	m, _ := nextBit(part.used[:], 0)
	l, _ := nextBit(o.rows[part.rows[m]-1][:], 0)
	return t<<16 | m<<8 | l, true
}

// nextBit returns the first bit that is set and not below from.
func nextBit(words []uint64, from uint32) (uint32, bool) {
	i := int(from >> 6)
	if i >= len(words) {
		return 0, false
	}
	for w := words[i] &^ (1<<(from&63) - 1); ; w = words[i] {
		if w != 0 {
			return uint32(i<<6 + bits.TrailingZeros64(w)), true
		}
		if i++; i == len(words) {
			return 0, false
		}
	}
}

func (o *order) memory() int64 {
	const part = 256*4 + 4*8 + 8
	return int64(len(o.used))*8 + int64(cap(o.rows))*32 + int64(cap(o.free))*4 + int64(len(o.parts))*(part+16)
}

// Ascend calls each for the bindings of single IPv4 addresses from the address from on, ascending, n of them at most, until
// each says false. It returns the address to go on from; false if there is none left. The binding is each's for the call; it may Put
// or Delete any binding.
func (t *Table) Ascend(from netip.Addr, n int, each func(*Binding) bool) (next netip.Addr, more bool) {
	if !from.Is4() {
		return from, false
	}
	b := from.As4()
	a, more := t.order.next(binary.BigEndian.Uint32(b[:]))
	for ; more; n-- {
		p := shortPrefix(a)
		if n <= 0 {
			return p.Addr(), true
		}
		t.read(t.find(p), &t.scanned)
		if !each(&t.scanned) {
			n = 1 // the last
		}
		if a == 1<<32-1 {
			return from, false
		}
		a, more = t.order.next(a + 1)
	}
	return from, false
}
