package binding

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// compareOrder holds Ascend and ByHardware against a look at everything.
func compareOrder(t *testing.T, r *rand.Rand, table *Table, model *tableModel) {
	t.Helper()
	var want, got []netip.Addr
	from := netip.AddrFrom4([4]byte{10, 0, byte(r.IntN(2)), byte(r.IntN(40))})
	if r.IntN(2) == 0 {
		from = netip.IPv4Unspecified()
	}
	for p := range model.bindings {
		if p.Addr().Is4() && p.IsSingleIP() && !p.Addr().Less(from) {
			want = append(want, p.Addr())
		}
	}
	slices.SortFunc(want, netip.Addr.Compare)
	for more := true; more; {
		from, more = table.Ascend(from, 1+r.IntN(9), func(b *Binding) bool {
			kept := model.bindings[b.Prefix]
			if d := diff(b, &kept); d != "" {
				t.Errorf("Ascend: %v differs in %s", b.Prefix, d)
			}
			got = append(got, b.Addr())
			return r.IntN(5) > 0
		})
	}
	if !slices.Equal(got, want) {
		t.Errorf("Ascend visits %v, want %v", got, want)
	}
	compareHardware(t, table, model, randomClient(r).Hardware)
}

func compareHardware(t *testing.T, table *Table, model *tableModel, h Hardware) {
	t.Helper()
	want := map[netip.Prefix]bool{}
	for p, b := range model.bindings {
		if b.Client.Hardware == h && !h.IsZero() {
			want[p] = true
		}
	}
	got, all := table.ByHardware(h, 1<<20)
	for _, p := range got {
		if !want[p] {
			t.Errorf("ByHardware(%v) has %v twice, or of another client", h, p)
		}
		delete(want, p)
	}
	if !all || len(want) > 0 {
		t.Errorf("ByHardware(%v): whole %v, without %v", h, all, want)
	}
	if n := len(got); n > 1 {
		if some, all := table.ByHardware(h, n-1); all || len(some) > n-1 {
			t.Errorf("of %d at most %d: %d, whole %v", n, n-1, len(some), all)
		}
	}
}

func TestAddressesAtTheEdgesAreInOrder(t *testing.T) {
	table := NewTable()
	var want []netip.Addr
	for _, s := range []string{"0.0.0.0", "0.0.0.1", "0.0.0.255", "0.0.1.0", "0.0.255.255", "0.1.0.0", "10.63.64.63", "10.63.64.64",
		"127.255.255.255", "128.0.0.0", "255.255.255.254", "255.255.255.255"} {
		a := netip.MustParseAddr(s)
		want = append(want, a)
		table.Put(Binding{Prefix: netip.PrefixFrom(a, 32), State: Active}, time.Time{})
	}
	for n := 1; n < len(want)+2; n++ {
		var got []netip.Addr
		for from, more := netip.IPv4Unspecified(), true; more; {
			from, more = table.Ascend(from, n, func(b *Binding) bool { got = append(got, b.Addr()); return true })
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d at a time: %v", n, got)
		}
	}
	held := table.order.memory()
	for _, a := range want {
		table.Delete(netip.PrefixFrom(a, 32))
	}
	if _, more := table.Ascend(netip.IPv4Unspecified(), 1, nil); more || len(table.order.parts) != 0 || len(table.order.free) != len(table.order.rows) {
		t.Errorf("of an empty table something is left: %+v", table.order)
	}
	if table.order.memory() > held {
		t.Errorf("it holds %d octets empty, %d full", table.order.memory(), held)
	}
	if _, more := table.Ascend(netip.IPv6Unspecified(), 1, nil); more {
		t.Error("there is an order of IPv6 addresses")
	}
}

// One who takes many addresses under one hardware address and many identifiers makes no list in which it takes long to go on.
func TestManyStrangersOfOneHardwareAddressLeaveAtOnce(t *testing.T) {
	table, h := NewTable(), HardwareOf(1, []byte{2, 0, 0, 0, 0, 1})
	const n = 100_000
	at := func(i int) Binding {
		b := numbered(i)
		b.Client.Hardware, b.Client.ID = h, []byte{0xff, byte(i >> 16), byte(i >> 8), byte(i)}
		return b
	}
	for i := range n {
		table.Put(at(i), time.Time{})
	}
	if got, all := table.ByHardware(h, 100); all || len(got) != 100 {
		t.Errorf("%d, whole %v", len(got), all)
	}
	for i := range n { // in the order in which they came, and stand at the list's end
		table.Delete(at(i).Prefix)
	}
	if got, all := table.ByHardware(h, 100); !all || len(got) != 0 || table.strangers.Len() != 0 {
		t.Errorf("%v, whole %v", got, all)
	}
}
