package slab

import (
	"slices"
	"unsafe"
)

const (
	pageLen  = 128
	sparsity = pageLen / 4 // a page with fewer entries looks for a neighbour to join
	spares   = 4           // empty pages kept for the next that are needed
)

// Ordered maps keys to values in the order of the keys: sorted pages, and a directory of their first keys. Any
// operation costs a binary search and moves at most a page; one in about a hundred also moves the directory, of
// eight octets and a key for each page. The zero Ordered is empty and ready.
type Ordered[V any] struct {
	firsts []Key
	pages  []*page[V]
	spare  []*page[V]
	n      int
}

type page[V any] struct {
	keys []Key // ascending
	vals []V
}

// Len returns how many keys there are.
func (o *Ordered[V]) Len() int { return o.n }

// Get returns where the value of k stands, nil if k is not there. The pointer is valid until the next Set or Delete.
func (o *Ordered[V]) Get(k Key) *V {
	if key, v := o.Floor(k); v != nil && key == k {
		return v
	}
	return nil
}

// First returns the least key and where its value stands, nil if there is none.
func (o *Ordered[V]) First() (Key, *V) {
	if o.n == 0 {
		return Key{}, nil
	}
	return o.pages[0].keys[0], &o.pages[0].vals[0]
}

// Floor returns the greatest key that is not above k and where its value stands, nil if there is none.
func (o *Ordered[V]) Floor(k Key) (Key, *V) {
	p, i := o.locate(k)
	if i < 0 {
		return Key{}, nil
	}
	return o.pages[p].keys[i], &o.pages[p].vals[i]
}

// Above returns the least key that is above k and where its value stands, nil if there is none.
func (o *Ordered[V]) Above(k Key) (Key, *V) {
	p, i := o.locate(k)
	if p < len(o.pages) && i+1 < len(o.pages[p].keys) {
		return o.pages[p].keys[i+1], &o.pages[p].vals[i+1]
	}
	if p+1 < len(o.pages) {
		return o.pages[p+1].keys[0], &o.pages[p+1].vals[0]
	}
	return Key{}, nil
}

// Set gives k that value, whether it was there or not.
func (o *Ordered[V]) Set(k Key, v V) {
	p, i := o.locate(k)
	if i >= 0 && o.pages[p].keys[i] == k {
		o.pages[p].vals[i] = v
		return
	}
	if len(o.pages) == 0 {
		o.insertPage(0, o.page())
	}
	o.n++
	i++
	if len(o.pages[p].keys) == pageLen {
		p, i = o.split(p, i)
	}
	at := o.pages[p]
	at.keys = slices.Insert(at.keys, i, k)
	at.vals = slices.Insert(at.vals, i, v)
	if i == 0 {
		o.firsts[p] = k
	}
}

// Delete takes k out and reports whether it was there.
func (o *Ordered[V]) Delete(k Key) bool {
	p, i := o.locate(k)
	if i < 0 || o.pages[p].keys[i] != k {
		return false
	}
	o.n--
	at := o.pages[p]
	at.keys = slices.Delete(at.keys, i, i+1)
	at.vals = slices.Delete(at.vals, i, i+1)
	switch {
	case len(at.keys) == 0:
		o.removePage(p)
		return true
	case i == 0:
		o.firsts[p] = at.keys[0]
	}
	if len(at.keys) < sparsity {
		o.join(p)
	}
	return true
}

// Memory returns the octets held.
func (o *Ordered[V]) Memory() int64 {
	var v V
	entry := int64(unsafe.Sizeof(Key{})) + int64(unsafe.Sizeof(v))
	bytes := int64(cap(o.firsts))*16 + int64(cap(o.pages))*8
	for _, list := range [][]*page[V]{o.pages, o.spare} {
		for _, p := range list {
			bytes += 48 + int64(cap(p.keys))*entry
		}
	}
	return bytes
}

// locate returns the page that k belongs to, and the index in it of the greatest key that is not above k, or -1.
func (o *Ordered[V]) locate(k Key) (p, i int) {
	p = upTo(o.firsts, k)
	if p < 0 {
		return 0, -1
	}
	return p, upTo(o.pages[p].keys, k)
}

// upTo returns the index of the greatest of the ascending keys that is not above k, or -1.
func upTo(keys []Key, k Key) int {
	lo, hi := 0, len(keys)
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if k.Less(keys[mid]) {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo - 1
}

// split makes room at index i of the full page p and returns where that index is now. An append at the very end
// begins a new page, so that what comes in ascending order fills its pages.
func (o *Ordered[V]) split(p, i int) (int, int) {
	full, added := o.pages[p], o.page()
	half := pageLen / 2
	if p == len(o.pages)-1 && i == pageLen {
		half = pageLen
	}
	added.keys = append(added.keys, full.keys[half:]...)
	added.vals = append(added.vals, full.vals[half:]...)
	full.keys, full.vals = full.keys[:half], full.vals[:half]
	o.insertPage(p+1, added)
	if i > half || half == pageLen {
		return p + 1, i - half
	}
	return p, i
}

// join puts page p and a neighbour together where both fit in three quarters of a page.
func (o *Ordered[V]) join(p int) {
	if p == len(o.pages)-1 {
		p--
	}
	if p < 0 || p+1 >= len(o.pages) {
		return
	}
	a, b := o.pages[p], o.pages[p+1]
	if len(a.keys)+len(b.keys) > 3*sparsity {
		return
	}
	a.keys = append(a.keys, b.keys...)
	a.vals = append(a.vals, b.vals...)
	o.removePage(p + 1)
}

func (o *Ordered[V]) insertPage(p int, added *page[V]) {
	var first Key
	if len(added.keys) > 0 {
		first = added.keys[0]
	}
	o.firsts = slices.Insert(o.firsts, p, first)
	o.pages = slices.Insert(o.pages, p, added)
}

func (o *Ordered[V]) removePage(p int) {
	gone := o.pages[p]
	o.firsts = slices.Delete(o.firsts, p, p+1)
	o.pages = slices.Delete(o.pages, p, p+1)
	if len(o.spare) < spares {
		gone.keys, gone.vals = gone.keys[:0], gone.vals[:0]
		o.spare = append(o.spare, gone)
	}
}

func (o *Ordered[V]) page() *page[V] {
	if n := len(o.spare); n > 0 {
		p := o.spare[n-1]
		o.spare = o.spare[:n-1]
		return p
	}
	return new(page[V])
}
