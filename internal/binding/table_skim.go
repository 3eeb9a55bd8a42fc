package binding

// Sketch is what Skim shows of a binding before it is read whole. Octets and Shared are as valid as those of a Binding.
type Sketch struct {
	// Addr is the single IPv4 address that the binding is about, as a number.
	Addr  uint32
	State State
	// Octets has the hardware address, the client identifier and the client's own facts, one behind the other.
	Octets []byte
	// Shared has the facts that many have in common, nil for none; SharedNumber is a small number that is another one for any other
	// Blob there is now.
	Shared       *Blob
	SharedNumber uint32
}

// Skim is Scan for the bindings of single IPv4 addresses, of which each is called only for those that worth is true of: what is
// passed over costs a fraction of what reading it would, since a walk in the table's own order runs through its memory once.
func (t *Table) Skim(from uint64, n int, worth func(*Sketch) bool, each func(*Binding)) (next uint64, done bool) {
	var s Sketch
	from = max(from, 1)
	for ; n > 0 && from < uint64(t.records.Limit()); n-- {
		i := uint32(from)
		from++
		r := t.records.At(i)
		if !r.has(shapeUsed) || r.has(shapeLong) {
			continue
		}
		s.Addr, s.State, s.SharedNumber = r.addr, r.state, r.shared
		s.Octets = t.octets.At(r.octets, r.nHardware()+int(r.nID)+int(r.nOwn))
		s.Shared = t.blobs.at(r.shared)
		if worth(&s) {
			t.read(i, &t.scanned)
			each(&t.scanned)
		}
	}
	return from, from >= uint64(t.records.Limit())
}
