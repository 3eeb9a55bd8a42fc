package slab

import "math/bits"

// Key is a number of 128 bits: an address, or a second.
type Key struct{ Hi, Lo uint64 }

// Less reports whether k is below o.
func (k Key) Less(o Key) bool { return k.Hi < o.Hi || k.Hi == o.Hi && k.Lo < o.Lo }

// Plus returns k + n, and whether that is more than 128 bits hold.
func (k Key) Plus(n uint64) (sum Key, over bool) {
	lo, carry := bits.Add64(k.Lo, n, 0)
	hi, carry := bits.Add64(k.Hi, 0, carry)
	return Key{hi, lo}, carry != 0
}

// Minus returns k - o, which must not be above k.
func (k Key) Minus(o Key) Key {
	lo, borrow := bits.Sub64(k.Lo, o.Lo, 0)
	hi, _ := bits.Sub64(k.Hi, o.Hi, borrow)
	return Key{hi, lo}
}
