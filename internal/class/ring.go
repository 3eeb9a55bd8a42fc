package class

import "encoding/binary"

// ring keeps entries in a run of octets that is written round and round: the newest stands in the place of the oldest.
// An entry is named by its position, which counts all octets that were ever written. The zero ring is empty.
type ring struct {
	octets []byte
	head   uint64 // where the next entry begins
	slots  []slot // by hash, ways of them side by side
	most   int    // how many octets may be used
}

// slot names an entry. The zero slot names none.
type slot struct {
	position uint64 // + 1
	hash     uint64
}

// Sizes are powers of two, so that there is a power of two of sets.
const (
	ways       = 8
	firstRing  = 16 << 10
	octetsSlot = 64 // of the ring for each slot
)

// An entry is a count of uses, the lengths of key and value, and these.
const entryHead = 5

// entry is what lies in a ring. It is valid until the next put.
type entry struct{ octets []byte }

func (e entry) key() []byte { return e.octets[entryHead : entryHead+e.keyLength()] }

func (e entry) value() []byte { return e.octets[entryHead+e.keyLength():] }

func (e entry) keyLength() int { return int(binary.LittleEndian.Uint16(e.octets[1:])) }

// used counts one use more, and returns how often the entry was used, up to 255 times.
func (e entry) used() int {
	if e.octets[0] < 255 {
		e.octets[0]++
	}
	return int(e.octets[0])
}

// find returns the entry with a key, and whether it is in the half that is overwritten next.
func (r *ring) find(hash uint64, key []byte) (found entry, old, ok bool) {
	for _, s := range r.set(hash) {
		if s.hash != hash || !r.holds(s) {
			continue
		}
		if e := r.at(s.position - 1); string(e.key()) == string(key) {
			return e, r.head-s.position > uint64(len(r.octets)/2), true
		}
	}
	return found, false, false
}

// set returns the slots in which an entry with this hash may be named.
func (r *ring) set(hash uint64) []slot {
	if len(r.slots) == 0 {
		return nil
	}
	i := int(hash>>32) & (len(r.slots)/ways - 1) * ways
	return r.slots[i : i+ways]
}

// holds reports whether the entry that s names has not been overwritten.
func (r *ring) holds(s slot) bool {
	return s.position > 0 && r.head-(s.position-1) <= uint64(len(r.octets))
}

func (r *ring) at(position uint64) entry {
	b := r.octets[position%uint64(len(r.octets)):]
	n := entryHead + int(binary.LittleEndian.Uint16(b[1:])) + int(binary.LittleEndian.Uint16(b[3:]))
	return entry{b[:n:n]}
}

// put keeps a value under a key that find does not find, and returns the entry. It must fit the ring.
func (r *ring) put(hash uint64, key, value []byte) entry {
	n := entryHead + len(key) + len(value)
	r.makeRoom(n)
	position := r.head
	r.head += uint64(n)
	i := position % uint64(len(r.octets))
	b := r.octets[i : i+uint64(n) : i+uint64(n)]
	b[0] = 0
	binary.LittleEndian.PutUint16(b[1:], uint16(len(key)))
	binary.LittleEndian.PutUint16(b[3:], uint16(len(value)))
	copy(b[copy(b[entryHead:], key)+entryHead:], value)
	r.name(slot{position + 1, hash})
	return entry{b}
}

// name has a slot name an entry, in the place of the one that names the oldest.
func (r *ring) name(s slot) {
	set := r.set(s.hash)
	oldest := 0
	for i := range set {
		if set[i].position < set[oldest].position {
			oldest = i
		}
	}
	set[oldest] = s
}

// makeRoom moves the head to where n octets fit in one piece: into more memory as long as there may be more, else to
// the beginning.
func (r *ring) makeRoom(n int) {
	if r.head+uint64(n) <= uint64(len(r.octets)) {
		return
	}
	if len(r.octets) < r.most {
		if r.grow(n); r.head+uint64(n) <= uint64(len(r.octets)) {
			return
		}
	}
	if i := r.head % uint64(len(r.octets)); i+uint64(n) > uint64(len(r.octets)) {
		r.head += uint64(len(r.octets)) - i
	}
}

// grow takes more memory. Nothing was overwritten before, so positions are places in the octets still.
func (r *ring) grow(n int) {
	size := max(firstRing, 2*len(r.octets))
	for size < int(r.head)+n && size < r.most {
		size *= 2
	}
	octets := make([]byte, min(size, r.most))
	copy(octets, r.octets)
	r.octets = octets
	named := r.slots
	r.slots = make([]slot, len(octets)/octetsSlot)
	for _, s := range named {
		if s.position > 0 {
			r.name(s)
		}
	}
}
