package node

import "encoding/json"

// MarshalJSON writes empty lists where there is nothing, never null.
func (a Applied) MarshalJSON() ([]byte, error) {
	type plain Applied
	notNilSlice(&a.Pending)
	notNilSlice(&a.Changes)
	notNilSlice(&a.Notes)
	return json.Marshal(plain(a))
}

// MarshalJSON writes an empty list where there is nothing, never null.
func (v VersionShown) MarshalJSON() ([]byte, error) {
	type plain VersionShown
	notNilSlice(&v.Parents)
	return json.Marshal(plain(v))
}

// MarshalJSON writes empty lists where there is nothing, never null.
func (s GroupConfigStatus) MarshalJSON() ([]byte, error) {
	type plain GroupConfigStatus
	notNilSlice(&s.Pending)
	return json.Marshal(plain(s))
}

// MarshalJSON writes empty lists where there is nothing, never null.
func (c ConfigConflict) MarshalJSON() ([]byte, error) {
	type plain ConfigConflict
	notNilSlice(&c.Ours.Parents)
	notNilSlice(&c.Theirs.Parents)
	notNilSlice(&c.Conflicts)
	notNilSlice(&c.Concerned)
	return json.Marshal(plain(c))
}

// MarshalJSON writes empty lists where there is nothing, never null.
func (e ConflictError) MarshalJSON() ([]byte, error) {
	type plain ConflictError
	notNilSlice(&e.Conflicts)
	notNilSlice(&e.Changes)
	return json.Marshal(plain(e))
}

// MarshalJSON writes an empty list where there is nothing, never null.
func (e ConfirmError) MarshalJSON() ([]byte, error) {
	type plain ConfirmError
	notNilSlice(&e.Why)
	return json.Marshal(plain(e))
}
