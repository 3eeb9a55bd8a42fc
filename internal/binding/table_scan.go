package binding

// Scan calls each for bindings in an order of its own, until it has looked at n places of the table or each says
// false. A walk begins from 0 and goes on from next, until done. A binding that exists throughout the walk is visited
// exactly once; one that is made or deleted meanwhile may be visited or not. The binding is each's for the call; it
// may Put or Delete any binding.
func (t *Table) Scan(from uint64, n int, each func(*Binding) bool) (next uint64, done bool) {
	from = max(from, 1)
	for ; n > 0 && from < uint64(t.records.Limit()); n-- {
		i := uint32(from)
		from++
		if !t.records.At(i).has(shapeUsed) {
			continue
		}
		t.read(i, &t.scanned)
		if !each(&t.scanned) {
			break
		}
	}
	return from, from >= uint64(t.records.Limit())
}
