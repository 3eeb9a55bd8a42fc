package binding

// Cursor is a place among the bindings of one client.
type Cursor struct{ next uint32 }

// ByClient returns a cursor over the bindings whose client is c, the one that was last heard of (CLTT changed, or
// given to c) first. It is valid until a Put or Delete of any other binding than the one that Next returned last.
func (t *Table) ByClient(c *Client) Cursor {
	if len(c.ID) > MaxClientID || len(c.ID) == 0 && c.Hardware.IsZero() {
		return Cursor{}
	}
	return Cursor{*t.clientAt(c.ID, &c.Hardware)}
}

// Next returns the next binding; false after the last.
func (t *Table) Next(cur *Cursor) (b Binding, ok bool) {
	if cur.next == 0 {
		return b, false
	}
	t.read(cur.next, &b)
	cur.next = t.records.At(cur.next).down
	return b, true
}

// client returns what the record's client is known by.
func (t *Table) client(r *record) (id, hardware []byte, htype uint8) {
	b := t.octets.At(r.octets, r.nOctets())[r.nKey():]
	return b[r.nHardware() : r.nHardware()+int(r.nID)], b[:r.nHardware()], r.htype
}

// clientHash agrees with Client.Is: equal for the same client.
func (t *Table) clientHash(id, hardware []byte, htype uint8) uint64 {
	if len(id) > 0 {
		return t.seed.Octets(id)
	}
	return t.seed.Octets(hardware) + (uint64(htype)+1)*0x9e3779b97f4a7c15
}

// sameClient reports whether the record's client is the one with that identifier, or without one, that hardware.
func (t *Table) sameClient(r *record, id []byte, hardware *Hardware) bool {
	if int(r.nID) != len(id) {
		return false
	}
	rid, rhardware, htype := t.client(r)
	if len(id) > 0 {
		return string(rid) == string(id)
	}
	return htype == hardware.Type && string(rhardware) == string(hardware.Bytes())
}

// clientAt returns where the number of the client's first record stands, or would stand.
func (t *Table) clientAt(id []byte, hardware *Hardware) *uint32 {
	at := t.clients.Chain(t.clientHash(id, hardware.Bytes(), hardware.Type))
	for *at != 0 {
		r := t.records.At(*at)
		if t.sameClient(r, id, hardware) {
			return at
		}
		at = &r.up
	}
	return at
}

// linkClient makes record i the first of its client's.
func (t *Table) linkClient(i uint32, r *record) {
	r.up, r.down = 0, 0
	if !r.named() {
		return
	}
	id, addr, htype := t.client(r)
	hardware := HardwareOf(htype, addr)
	r.shape |= shapeFirst
	at := t.clientAt(id, &hardware)
	if *at == 0 {
		t.clients.Add(t.clientHash(id, addr, htype), i)
		return
	}
	second := t.records.At(*at)
	r.up, r.down = second.up, *at
	second.shape &^= shapeFirst
	second.up = i
	*at = i
}

// unlinkClient takes record i out of its client's; its octets must still be those that it was linked with.
func (t *Table) unlinkClient(i uint32, r *record) {
	if !r.named() {
		return
	}
	if !r.has(shapeFirst) {
		t.records.At(r.up).down = r.down
		if r.down != 0 {
			t.records.At(r.down).up = r.up
		}
		return
	}
	r.shape &^= shapeFirst
	hash := t.clientHash(t.client(r))
	if r.down == 0 {
		t.clients.Remove(hash, i)
		return
	}
	at := t.clients.Chain(hash)
	for *at != i {
		at = &t.records.At(*at).up
	}
	second := t.records.At(r.down)
	second.up = r.up
	second.shape |= shapeFirst
	*at = r.down
}
