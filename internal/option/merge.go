package option

import (
	"encoding/binary"
)

// Merges reports whether the items of a value have keys, so that one item can take another's place: routes by their
// destination, vendor classes by enterprise, vendor-identifying options by enterprise and code, sub-options by code.
func (d Def) Merges() bool {
	switch d.Type.Kind {
	case Routes, VendorClasses, VendorOptions, SubOptions:
		return !d.Type.List
	}
	return false
}

// AppendMerged appends one value of d; where d does not merge it is strong alone. Else it has weak's items, those whose key strong has too replaced by
// strong's in the place of the first of them, and behind these strong's others. Items of one key stay in their order.
// Either may be empty. It allocates nothing but room in dst, which neither may overlap; its time grows with the
// product of how many items they have.
//
// Values that Check accepts give one that it accepts. Octets that are no item end their list. dst grows by at most
// twice the length of both; items beyond MaxLength are left out.
func (d Def) AppendMerged(dst, weak, strong []byte) []byte {
	if len(weak) == 0 || !d.Merges() {
		return append(dst, strong...)
	}
	if len(strong) == 0 {
		return append(dst, weak...)
	}
	j := joint{blocks: blocks{dst: dst}, start: len(dst), most: MaxLength}
	w, s := keyed{items: items{t: d.Type, rest: weak}}, keyed{items: items{t: d.Type, rest: strong}}
	switch d.Type.Kind {
	case SubOptions:
		if d.Type.Sub == 0 && (!plainSubs(weak) || !plainSubs(strong)) {
			return append(dst, strong...) // a vendor's own octets have no keys
		}
		j.most--
		j.merge(w, s)
		j.end(d.Type, weak, strong)
	case VendorOptions:
		j.enterprises(w, s)
	default:
		j.merge(w, s)
	}
	return j.dst
}

// merge adds weak's items and strong's as AppendMerged says.
func (j *joint) merge(weak, strong keyed) {
	w := weak
	for item, ok := w.next(); ok; item, ok = w.next() {
		switch key := w.key(item); {
		case !strong.has(key):
			j.add(item)
		case !weak.hasBefore(key, w):
			j.addAll(strong, key)
		}
	}
	s := strong
	for item, ok := s.next(); ok; item, ok = s.next() {
		if key := s.key(item); !weak.has(key) && !strong.hasBefore(key, s) {
			j.addAll(strong, key)
		}
	}
}

// addAll adds all items of one key.
func (j *joint) addAll(from keyed, key uint64) {
	for item, ok := from.next(); ok; item, ok = from.next() {
		if from.key(item) == key {
			j.add(item)
		}
	}
}

// enterprises merges vendor-identifying options: for each enterprise its sub-options, in blocks of their own.
func (j *joint) enterprises(weak, strong keyed) {
	w, s := weak, strong
	for item, ok := w.next(); ok; item, ok = w.next() {
		if number := w.key(item); !weak.hasBefore(number, w) {
			j.enterprise(uint32(number), weak, strong)
		}
	}
	for item, ok := s.next(); ok; item, ok = s.next() {
		if number := s.key(item); !weak.has(number) && !strong.hasBefore(number, s) {
			j.enterprise(uint32(number), weak, strong)
		}
	}
}

func (j *joint) enterprise(number uint32, weak, strong keyed) {
	j.blocked, j.number, j.length = true, number, 0
	j.merge(weak.within(number), strong.within(number))
	if j.length == 0 && j.fits(blockHead) {
		j.begin()
	}
}

// keyed walks items that have keys. With nested, its items are the sub-options in all blocks of one enterprise.
type keyed struct {
	items
	nested bool
	number uint32 // the enterprise
	data   []byte // what is left of the open block
	walked int    // how many items next has returned
}

func (k keyed) within(number uint32) keyed {
	return keyed{items: k.items, nested: true, number: number}
}

func (k *keyed) next() (item []byte, ok bool) {
	if !k.nested {
		item, ok = k.items.next()
	} else {
		item, ok = k.nextSub()
	}
	k.walked++
	return item, ok
}

func (k *keyed) nextSub() (item []byte, ok bool) {
	for {
		if n, err := cutSub(k.data); err == nil {
			item, k.data = k.data[:n], k.data[n:]
			return item, true
		}
		block, ok := k.items.next()
		if !ok {
			return nil, false
		}
		k.data = nil
		if binary.BigEndian.Uint32(block) == k.number {
			k.data = block[5:]
		}
	}
}

// key is what tells items apart that may stand side by side.
func (k *keyed) key(item []byte) uint64 {
	switch {
	case k.nested || k.t.Kind == SubOptions:
		return uint64(item[0])
	case k.t.Kind == Routes:
		to, _, _, _ := CutRoute(item)
		a := to.Addr().As4()
		return uint64(to.Bits())<<32 | uint64(binary.BigEndian.Uint32(a[:]))
	}
	return uint64(binary.BigEndian.Uint32(item))
}

// has reports whether an item from here on has the key.
func (k keyed) has(key uint64) bool {
	for item, ok := k.next(); ok; item, ok = k.next() {
		if k.key(item) == key {
			return true
		}
	}
	return false
}

// hasBefore reports whether an item has the key before the last one that here has returned.
func (k keyed) hasBefore(key uint64, here keyed) bool {
	for k.walked+1 < here.walked {
		if item, ok := k.next(); ok && k.key(item) == key {
			return true
		}
	}
	return false
}
