package binding

import "time"

// Due returns the binding that has been due for longest at now, in whole seconds, and of those of one second the one
// that was Put first; false if none is due. It changes nothing: the same is returned until it is Put anew.
func (t *Table) Due(now time.Time) (b Binding, ok bool) {
	second, i := t.due.First()
	if i == 0 || second > stampOf(now).seconds() {
		return b, false
	}
	t.read(i, &b)
	return b, true
}

// NextDue returns when the next binding is due; false if none ever is.
func (t *Table) NextDue() (time.Time, bool) {
	_, i := t.due.First()
	if i == 0 {
		return time.Time{}, false
	}
	return t.records.At(i).dueAt.time(), true
}

// plan makes record i due at that time.
func (t *Table) plan(i uint32, r *record, at stamp) {
	if r.dueAt == at {
		return
	}
	if r.dueAt != (stamp{}) {
		t.due.Remove(r.dueAt.seconds(), i)
	}
	r.dueAt = at
	if at != (stamp{}) {
		t.due.Add(at.seconds(), i)
	}
}
