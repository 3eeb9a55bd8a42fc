package binding

import (
	"net/netip"
	"slices"
)

// Who is known by a hardware address is in three places: clients without an identifier stand in the index of clients by it, those
// whose identifier is made of it (RFC 2132 §9.14) stand there by that, and the rest, strangers, have an index of their own. Those of one
// hardware address form a list, as a client's records do, so that none of many is long in leaving it.

// markStranger is on the first of a list of strangers; no Marks have that bit.
const markStranger Marks = 0x80

// ByHardware returns what bindings there are of clients with a hardware address, in no particular order; false if there are more
// than most, of which these are some. It looks at no more than it returns, and at those that share an identifier with them.
func (t *Table) ByHardware(h Hardware, most int) (found []netip.Prefix, all bool) {
	if h.IsZero() {
		return nil, true
	}
	looked := 0
	list := func(i uint32, next func(*record) uint32) bool {
		for ; i != 0; looked++ {
			if looked == most {
				return false
			}
			r := t.records.At(i)
			if _, hardware, htype := t.client(r); htype == h.Type && string(hardware) == string(h.Bytes()) {
				found = append(found, t.prefixOf(r))
			}
			i = next(r)
		}
		return true
	}
	down := func(r *record) uint32 { return r.down }
	made := append([]byte{h.Type}, h.Bytes()...)
	all = list(*t.clientAt(nil, &h), down) && list(*t.clientAt(made, &h), down) &&
		list(*t.strangerAt(h.Bytes(), h.Type), func(r *record) uint32 { return r.strangerDown })
	return found, all
}

func (t *Table) prefixOf(r *record) netip.Prefix {
	if !r.has(shapeLong) {
		return shortPrefix(r.addr)
	}
	key := longKey(t.octets.At(r.octets, len(longKey{})))
	return key.prefix()
}

// stranger reports whether a client's hardware address does not follow from what the index of clients knows it by.
func stranger(id, hardware []byte, htype uint8) bool {
	return len(hardware) > 0 && len(id) > 0 && (id[0] != htype || !slices.Equal(id[1:], hardware))
}

func (t *Table) hardwareHash(hardware []byte, htype uint8) uint64 {
	return t.seed.Octets(hardware) + (uint64(htype)+1)*0x9e3779b97f4a7c15
}

func (t *Table) strangerHash(r *record) uint64 {
	_, hardware, htype := t.client(r)
	return t.hardwareHash(hardware, htype)
}

// strangerAt returns where the number of the first stranger with that hardware address stands, or would stand.
func (t *Table) strangerAt(hardware []byte, htype uint8) *uint32 {
	at := t.strangers.Chain(t.hardwareHash(hardware, htype))
	for *at != 0 {
		r := t.records.At(*at)
		if _, h, ht := t.client(r); ht == htype && string(h) == string(hardware) {
			return at
		}
		at = &r.strangerUp
	}
	return at
}

// sameNames reports whether record's client has both that identifier and that hardware address.
func (t *Table) sameNames(r *record, id []byte, h *Hardware) bool {
	rid, rhardware, htype := t.client(r)
	return string(rid) == string(id) && htype == h.Type && string(rhardware) == string(h.Bytes())
}

// linkStranger makes record i the first of the strangers with its hardware address, if it is one.
func (t *Table) linkStranger(i uint32, r *record) {
	r.strangerUp, r.strangerDown = 0, 0
	id, hardware, htype := t.client(r)
	if !stranger(id, hardware, htype) {
		return
	}
	r.marks |= markStranger
	at := t.strangerAt(hardware, htype)
	if *at == 0 {
		t.strangers.Add(t.hardwareHash(hardware, htype), i)
		return
	}
	second := t.records.At(*at)
	r.strangerUp, r.strangerDown = second.strangerUp, *at
	second.marks &^= markStranger
	second.strangerUp = i
	*at = i
}

// unlinkStranger takes record i out of its list, if it is in one; its octets must still be those that it was linked with.
func (t *Table) unlinkStranger(i uint32, r *record) {
	if !stranger(t.client(r)) {
		return
	}
	if r.marks&markStranger == 0 {
		t.records.At(r.strangerUp).strangerDown = r.strangerDown
		if r.strangerDown != 0 {
			t.records.At(r.strangerDown).strangerUp = r.strangerUp
		}
		return
	}
	r.marks &^= markStranger
	hash := t.strangerHash(r)
	if r.strangerDown == 0 {
		t.strangers.Remove(hash, i)
		return
	}
	at := t.strangers.Chain(hash)
	for *at != i {
		at = &t.records.At(*at).strangerUp
	}
	second := t.records.At(r.strangerDown)
	second.strangerUp = r.strangerUp
	second.marks |= markStranger
	*at = r.strangerDown
}
