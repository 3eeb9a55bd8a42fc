package binding

import (
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/slab"
)

// Table keeps all the bindings of one server, by prefix, by client, and by when something is due. One goroutine owns
// it. It holds no pointers for the garbage collector to walk but those of the blobs, and what is put in the place of
// a like binding allocates nothing.
//
// What a binding that it returns has in slices (the client identifier, its own facts, the past) is the table's memory: it is
// valid until the next Put or Delete. Such a binding may itself be changed and Put.
type Table struct {
	seed    slab.Seed
	records slab.Slab[record, *record]
	octets  slab.Octets
	byAddr  slab.Index
	clients slab.Index
	// strangers are the clients that are not found by their hardware address in clients.
	strangers slab.Index
	order     order
	due       slab.Calendar
	blobs     blobs
	origins   origins

	scratch [slab.MaxOctets]byte
	scanned Binding
	warmed  uint32 // see Warm
}

// maxOwn is the most of a client's own facts that a binding keeps; what is longer than MaxFacts allows is not kept.
const maxOwn = MaxFacts

// NewTable returns an empty table.
func NewTable() *Table {
	t := &Table{seed: slab.NewSeed()}
	t.byAddr = slab.NewIndex(
		func(i uint32) uint64 { return t.hashOf(t.records.At(i)) },
		func(i uint32) *uint32 { return &t.records.At(i).chain })
	t.clients = slab.NewIndex(
		func(i uint32) uint64 { return t.clientHash(t.client(t.records.At(i))) },
		func(i uint32) *uint32 { return &t.records.At(i).up })
	t.strangers = slab.NewIndex(
		func(i uint32) uint64 { return t.strangerHash(t.records.At(i)) },
		func(i uint32) *uint32 { return &t.records.At(i).strangerUp })
	t.due = slab.NewCalendar(func(i uint32) *slab.Links { return &t.records.At(i).due })
	t.blobs.init(&t.seed)
	t.origins.init()
	return t
}

// Expect makes room for about n bindings in an empty table, whose indexes then need not grow one by one.
func (t *Table) Expect(n int) {
	t.byAddr.Expect(n)
	t.clients.Expect(n)
}

// Seed returns that of the table's hashes, for those who keep something beside it for as long as the table lives.
func (t *Table) Seed() slab.Seed { return t.seed }

// Len returns how many bindings there are.
func (t *Table) Len() int { return t.records.Len() }

// Memory returns how many octets the table holds.
func (t *Table) Memory() int64 {
	return t.records.Memory() + t.octets.Memory() + t.byAddr.Memory() + t.clients.Memory() + t.due.Memory() +
		t.strangers.Memory() + t.order.memory() + t.blobs.bytes + t.blobs.index.Memory() + t.origins.memory()
}

// Get returns the binding of p; false if there is none.
func (t *Table) Get(p netip.Prefix) (b Binding, ok bool) {
	i := t.find(p)
	if i == 0 {
		return b, false
	}
	t.read(i, &b)
	return b, true
}

// State returns the state of p's binding and since when it is in it; 0 if there is none.
func (t *Table) State(p netip.Prefix) (State, time.Time) {
	i := t.find(p)
	if i == 0 {
		return 0, time.Time{}
	}
	r := t.records.At(i)
	return r.state, r.changed.time()
}

// Put records b in the place of what was known of b.Prefix. Due returns it from the time due on; the zero time and
// Forever mean never. All octets are copied. A client identifier of more than MaxClientID octets cannot be told from
// others and is not kept, nor are own facts of more than MaxFacts, nor a past of more than MaxPast. It panics if b has no prefix or no state.
func (t *Table) Put(b Binding, due time.Time) {
	if !b.Prefix.IsValid() || b.State == 0 {
		panic("binding: Put of a binding without a prefix or a state")
	}
	i := t.find(b.Prefix)
	fresh := i == 0
	if fresh {
		i = t.records.New()
	}
	r := t.records.At(i)
	t.writeOctets(i, r, &b, fresh)
	t.writeShared(r, &b)
	r.state, r.cause = b.State, b.Cause
	r.starts, r.expires, r.changed = stampOf(b.Starts), stampOf(b.Expires), stampOf(b.Changed)
	r.potential, r.acked = stampOf(b.Sync.Potential), stampOf(b.Sync.Acked)
	r.ours, r.theirs, r.marks = b.Sync.Ours, b.Sync.Theirs, b.Sync.Marks&^markStranger|r.marks&markStranger
	t.plan(i, r, dueStamp(due))
	if fresh {
		t.byAddr.Add(t.hashOf(r), i)
		if !r.has(shapeLong) {
			t.order.add(r.addr)
		}
	}
}

// Delete forgets what is known of p.
func (t *Table) Delete(p netip.Prefix) {
	i := t.find(p)
	if i == 0 {
		return
	}
	r := t.records.At(i)
	t.plan(i, r, stamp{})
	t.unlinkClient(i, r)
	t.unlinkStranger(i, r)
	t.byAddr.Remove(t.hashOf(r), i)
	if !r.has(shapeLong) {
		t.order.remove(r.addr)
	}
	t.octets.Free(r.octets)
	for _, b := range [...]uint32{r.shared, r.result, r.reasons} {
		t.blobs.release(b)
	}
	t.origins.release(r.origin)
	t.records.Free(i)
}

// find returns the number of p's record, 0 if there is none.
func (t *Table) find(p netip.Prefix) uint32 {
	if addr, ok := shortKeyOf(p); ok {
		for i := *t.byAddr.Chain(t.seed.Key(slab.Key{Lo: uint64(addr)})); i != 0; {
			r := t.records.At(i)
			if r.addr == addr && !r.has(shapeLong) {
				return i
			}
			i = r.chain
		}
		return 0
	}
	if !p.IsValid() {
		return 0
	}
	key := longKeyOf(p.Masked())
	for i := *t.byAddr.Chain(t.seed.Octets(key[:])); i != 0; {
		r := t.records.At(i)
		if r.has(shapeLong) && longKey(t.octets.At(r.octets, len(key))) == key {
			return i
		}
		i = r.chain
	}
	return 0
}

func (t *Table) hashOf(r *record) uint64 {
	if !r.has(shapeLong) {
		return t.seed.Key(slab.Key{Lo: uint64(r.addr)})
	}
	return t.seed.Octets(t.octets.At(r.octets, len(longKey{})))
}

// read makes b what record i says.
func (t *Table) read(i uint32, b *Binding) {
	r := t.records.At(i)
	octets := t.octets.At(r.octets, r.nOctets())
	if r.has(shapeLong) {
		key := longKey(octets)
		b.Prefix = key.prefix()
	} else {
		b.Prefix = shortPrefix(r.addr)
	}
	b.State, b.Cause = r.state, r.cause
	octets = octets[r.nKey():]
	b.Client.Hardware = HardwareOf(r.htype, octets[:r.nHardware()])
	octets = octets[r.nHardware():]
	b.Client.ID, b.Facts.Own = cut(octets, int(r.nID)), cut(octets[r.nID:], int(r.nOwn))
	b.Past = cut(octets[int(r.nID)+int(r.nOwn):], int(r.nPast))
	b.Starts, b.Expires, b.CLTT, b.Changed = r.starts.time(), r.expires.time(), r.cltt.time(), r.changed.time()
	b.Sync = Sync{Potential: r.potential.time(), Acked: r.acked.time(), Ours: r.ours, Theirs: r.theirs, Marks: r.marks &^ markStranger}
	o := &t.origins.slots[r.origin]
	b.Owner, b.Home, b.Version = o.owner, o.home, o.version
	b.Facts.Shared, b.Result, b.Reasons = t.blobs.at(r.shared), t.blobs.at(r.result), t.blobs.at(r.reasons)
}

// cut returns the first n octets of b, nil for none; what is appended to them leaves b alone.
func cut(b []byte, n int) []byte {
	if n == 0 {
		return nil
	}
	return b[:n:n]
}

// writeOctets makes the record's key, client and own facts those of b, which may alias them, and keeps the index of
// clients. The client's records stand in the order in which something was last heard of it for each.
func (t *Table) writeOctets(i uint32, r *record, b *Binding, fresh bool) {
	id, own := b.Client.ID, b.Facts.Own
	if len(id) > MaxClientID {
		id = nil
	}
	if len(own) > maxOwn {
		own = nil
	}
	past := b.Past
	if len(past) > MaxPast {
		past = nil
	}
	all := t.scratch[:0]
	shape := b.Client.Hardware.Len&shapeHardware | shapeUsed
	if addr, ok := shortKeyOf(b.Prefix); ok {
		r.addr = addr
	} else {
		key := longKeyOf(b.Prefix.Masked())
		all = append(all, key[:]...)
		shape |= shapeLong
	}
	all = append(append(append(all, b.Client.Hardware.Bytes()...), id...), own...)
	all = append(all, past...)

	cltt := stampOf(b.CLTT)
	moves := fresh || cltt != r.cltt || !t.sameClient(r, id, &b.Client.Hardware)
	r.cltt = cltt
	if moves && !fresh {
		t.unlinkClient(i, r)
	}
	renamed := fresh || !t.sameNames(r, id, &b.Client.Hardware)
	if renamed && !fresh {
		t.unlinkStranger(i, r)
	}
	if !t.octets.Fits(r.octets, len(all)) {
		t.octets.Free(r.octets)
		r.octets = t.octets.New(len(all))
	}
	copy(t.octets.At(r.octets, len(all)), all)
	r.nOwn, r.nID, r.htype, r.nPast = uint16(len(own)), uint8(len(id)), b.Client.Hardware.Type, uint8(len(past))
	r.shape = shape | r.shape&shapeFirst
	if moves {
		t.linkClient(i, r)
	}
	if renamed {
		t.linkStranger(i, r)
	}
}

// writeShared makes what the record has in common with others that of b. New references are counted before old ones
// are given back, so that what stays the same stays.
func (t *Table) writeShared(r *record, b *Binding) {
	t.refer(&r.shared, b.Facts.Shared)
	t.refer(&r.result, b.Result)
	t.refer(&r.reasons, b.Reasons)
	if o := (origin{b.Owner, b.Home, b.Version}); o != t.origins.slots[r.origin].origin {
		old := r.origin
		r.origin = t.origins.take(o)
		t.origins.release(old)
	}
}

func (t *Table) refer(to *uint32, b *Blob) {
	i := t.blobs.number(b)
	if i == *to {
		return
	}
	t.blobs.take(i)
	t.blobs.release(*to)
	*to = i
}
