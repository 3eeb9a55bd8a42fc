package peerwire

import "github.com/lessor-dhcp/lessor/internal/binding"

// MaxRecords is how many records either side of a connection remembers in each direction. Both must remember the same
// ones, so that it is a part of the protocol: of more, the one that was mentioned longest ago is forgotten.
const MaxRecords = 1024

// recordKind is what a record is about; the bit that wants has for it.
type recordKind = Wants

// recordKey names a record.
type recordKey struct {
	kind   recordKind
	digest binding.Digest
}

// records are those that were mentioned last, in one direction of a connection.
type records struct {
	at    map[recordKey]int32
	slots []recordSlot // slot 0 is the ring's: its next was mentioned last, its prev longest ago
}

type recordSlot struct {
	key        recordKey
	blob       *binding.Blob // where they are heard
	prev, next int32
}

func (r *records) init() {
	r.at = make(map[recordKey]int32)
	r.slots = make([]recordSlot, 1)
}

func (r *records) has(k recordKey) bool {
	_, ok := r.at[k]
	return ok
}

// blob returns the record with that name; nil if it is not remembered.
func (r *records) blob(k recordKey) *binding.Blob {
	if i, ok := r.at[k]; ok {
		return r.slots[i].blob
	}
	return nil
}

// mention makes the record the one that was mentioned last.
func (r *records) mention(k recordKey, b *binding.Blob) {
	i, ok := r.at[k]
	switch {
	case ok:
		r.unlink(i)
	case len(r.slots) <= MaxRecords:
		i = int32(len(r.slots))
		r.slots = append(r.slots, recordSlot{})
	default:
		i = r.slots[0].prev
		r.unlink(i)
		delete(r.at, r.slots[i].key)
	}
	if !ok {
		r.at[k] = i
	}
	first := r.slots[0].next
	r.slots[i] = recordSlot{key: k, blob: b, next: first}
	r.slots[first].prev = i
	r.slots[0].next = i
}

func (r *records) unlink(i int32) {
	s := &r.slots[i]
	r.slots[s.prev].next, r.slots[s.next].prev = s.next, s.prev
}
