package binding

import (
	"net/netip"
	"testing"
	"time"
)

func TestATableThatExpectsManyKnowsEachOfThem(t *testing.T) {
	for _, expected := range []int{0, 1, 5000, 200_000} {
		x := NewTable()
		x.Expect(expected)
		const n = 20_000
		for i := range n {
			b := numbered(i)
			x.Put(b, time.Time{})
		}
		x.Expect(1 << 20) // of a table that is not empty, nothing becomes of it
		for i := range n {
			want := numbered(i)
			got, ok := x.Get(want.Prefix)
			if !ok || !got.Client.Is(&want.Client) {
				t.Fatalf("of %d expected, number %d: %v %+v", expected, i, ok, got)
			}
		}
		if x.Len() != n {
			t.Errorf("%d, not %d", x.Len(), n)
		}
	}
}

func numbered(i int) Binding {
	a := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
	return Binding{Prefix: netip.PrefixFrom(a, 32), State: Active, Client: Client{ID: []byte{1, byte(i >> 16), byte(i >> 8), byte(i)}}}
}
