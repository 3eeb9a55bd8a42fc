package store_test

import (
	"net/netip"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// mapTable is a table as simple as can be. Its Scan goes through the prefixes in the order in which they first came.
type mapTable struct {
	order []netip.Prefix
	byKey map[netip.Prefix]binding.Binding
	blobs map[string]*binding.Blob
}

func newMapTable() *mapTable {
	return &mapTable{byKey: make(map[netip.Prefix]binding.Binding), blobs: make(map[string]*binding.Blob)}
}

func (t *mapTable) Put(b binding.Binding, _ time.Time) {
	if _, ok := t.byKey[b.Prefix]; !ok {
		t.order = append(t.order, b.Prefix)
	}
	b.Client.ID = slices.Clone(b.Client.ID)
	b.Facts.Own, b.Past = slices.Clone(b.Facts.Own), slices.Clone(b.Past)
	t.byKey[b.Prefix] = b
}

func (t *mapTable) Intern(b []byte) *binding.Blob {
	if v, ok := t.blobs[string(b)]; ok {
		return v
	}
	v := binding.NewBlob(slices.Clone(b))
	t.blobs[string(b)] = v
	return v
}

func (t *mapTable) Len() int { return len(t.byKey) }

func (t *mapTable) Scan(from uint64, n int, each func(*binding.Binding) bool) (uint64, bool) {
	for ; n > 0 && from < uint64(len(t.order)); n-- {
		b := t.byKey[t.order[from]]
		from++
		if !each(&b) {
			break
		}
	}
	return from, from == uint64(len(t.order))
}

func never(*binding.Binding) time.Time { return time.Time{} }

// same reports whether two bindings say the same, blobs by their content.
func same(a, b *binding.Binding) bool {
	blob := func(x, y *binding.Blob) bool {
		if x == nil || y == nil {
			return x == y
		}
		return string(x.Bytes) == string(y.Bytes)
	}
	return a.Prefix == b.Prefix && a.State == b.State && a.Cause == b.Cause && string(a.Client.ID) == string(b.Client.ID) &&
		a.Client.Hardware == b.Client.Hardware && a.Starts.Equal(b.Starts) && a.Expires.Equal(b.Expires) && a.CLTT.Equal(b.CLTT) &&
		a.Changed.Equal(b.Changed) && a.Owner == b.Owner && a.Home == b.Home && a.Version == b.Version &&
		blob(a.Facts.Shared, b.Facts.Shared) && string(a.Facts.Own) == string(b.Facts.Own) && blob(a.Result, b.Result) &&
		blob(a.Reasons, b.Reasons) && a.Sync == b.Sync && string(a.Past) == string(b.Past)
}
