package node

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

// anyLease puts a binding with all that can be searched for.
func anyLease(r *rand.Rand, t *binding.Table, a netip.Addr) binding.Binding {
	n := uint32(r.IntN(60))
	b := binding.Binding{Prefix: host(a), State: binding.State(1 + r.IntN(5)), CLTT: epoch, Changed: epoch, Expires: epoch.Add(time.Hour)}
	mac := []byte{2, 0, 0, 0x5e, byte(n >> 3), byte(n)}
	b.Client.Hardware = binding.HardwareOf(1, mac)
	switch r.IntN(4) {
	case 0:
		b.Client.ID = append([]byte{1}, mac...)
	case 1:
		b.Client.ID = append([]byte{0xff, 0, 1}, byte(n))
	case 2:
		b.Client.Hardware = binding.Hardware{}
		b.Client.ID = []byte{1, 2, 3, byte(n)}
	}
	var f binding.Facts
	f.Link = "all"
	if r.IntN(2) == 0 {
		f.Options = append(f.Options, binding.Fact{Code: option.CodeHostName, Value: fmt.Appendf(nil, "Desk-%02d.Lab", n)})
	}
	f.Options = append(f.Options, binding.Fact{Code: option.CodeVendorClass, Value: fmt.Appendf(nil, "Phone %d.0", n%5)})
	if r.IntN(3) == 0 {
		f.Options = append(f.Options, binding.Fact{Code: option.CodeClientFQDN, Value: append([]byte{4, 0, 0, 3}, "pbx\x03lab\x00"...)})
	}
	if r.IntN(2) == 0 {
		f.Options = append(f.Options, binding.Fact{Code: option.CodeRelayInformation, Value: append([]byte{1, 8}, fmt.Sprintf("ge-0/0/%d", n%10)...)})
	} else {
		f.Options = append(f.Options, binding.Fact{Code: option.CodeRelayInformation, Value: []byte{2, 3, 0xaa, 0xbb, byte(n)}})
	}
	own := func(code uint16) bool { return code != option.CodeVendorClass }
	b.Facts = binding.StoredFacts{Shared: t.Intern(f.AppendShared(nil, own)), Own: f.AppendOwn(nil, own)}
	return b
}

// slowly says whether a search means a binding, as anybody would write it.
func slowly(b *binding.Binding, text string) bool {
	if a, err := netip.ParseAddr(text); err == nil {
		return b.Addr() == a
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Contains(b.Addr())
	}
	if p, ok := beginning(text); ok && p.Contains(b.Addr()) {
		return true
	}
	low := strings.ToLower(text)
	digits := strings.NewReplacer(":", "", "-", "", ".", "", " ", "").Replace(low)
	_, notHex := hex.DecodeString(digits + strings.Repeat("0", len(digits)%2))
	spelt := func(v []byte) bool {
		if notHex != nil || len(digits) < 2 {
			return false
		}
		all := hex.EncodeToString(v)
		for i := range all {
			aligned := digits == low || (i+strings.IndexAny(low, ":-. "))%2 == 0
			if strings.HasPrefix(all[i:], digits) && aligned {
				return true
			}
		}
		return false
	}
	if spelt(b.Client.Hardware.Bytes()) || spelt(b.Client.ID) {
		return true
	}
	f, _ := b.Facts.Decode()
	for _, o := range f.Options {
		said := strings.ToLower(string(o.Value))
		switch o.Code {
		case option.CodeHostName, option.CodeVendorClass:
			if strings.Contains(said, low) {
				return true
			}
		case option.CodeClientFQDN:
			if strings.Contains("pbx.lab", low) {
				return true
			}
		case option.CodeRelayInformation:
			if strings.Contains(said[2:], low) || spelt(o.Value[2:]) {
				return true
			}
		}
	}
	return false
}

// deciding returns a node that is nothing but a decider of c.
func deciding(t testing.TB, c *Core) *Node {
	n := &Node{core: c, current: &load{}, control: make(chan func()), ended: make(chan struct{})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case f := <-n.control:
				f()
			case <-n.ended:
				return
			}
		}
	}()
	t.Cleanup(func() { close(n.ended); <-done })
	return n
}

// found returns what q means, by a walk that takes more than atFirst in order for many, and keeps room at once.
func found(t *testing.T, n *Node, q LeaseQuery, atFirst, room int) (all []netip.Addr) {
	t.Helper()
	f, err := newFinding(&q)
	if err != nil {
		t.Fatal(err)
	}
	f.atFirst, f.room = atFirst, room
	err = n.showAll(context.Background(), f, func(l FoundLease) error {
		all = append(all, l.Address)
		if (l.Matched == "") != (q.Search == "") {
			t.Errorf("%q found %v in %q", q.Search, l.Address, l.Matched)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestWhatIsFoundIsWhatALookAtEverythingFinds(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	x := newTraffic(t)
	var all []binding.Binding
	for range 2500 {
		a := netip.AddrFrom4([4]byte{10, 16 + byte(r.IntN(3)), byte(r.IntN(4)), byte(r.IntN(256))})
		if _, ok := x.core.table.Get(host(a)); !ok {
			b := anyLease(r, x.core.table, a)
			x.core.table.Put(b, time.Time{})
			all = append(all, b)
		}
	}
	slices.SortFunc(all, func(a, b binding.Binding) int { return a.Addr().Compare(b.Addr()) })
	n, atFirst, room := deciding(t, x.core), 1+r.IntN(300), 1+r.IntN(500)
	for _, text := range []string{
		"", "10.17.1.7", "10.17.0.0/23", "10.17", "10.17.2.", "5e", "5E", "00:5e", "005e", "0:5e", "02-00-00-5e-01-0a", "0200.005e.010a", "0200005e010a",
		"00.5e01", "desk", "DESK-1", "pbx.l", "phone", "phone 3", "3.0", "ge-0/0/7", "aabb", "aa:bb:0c", "0xaabb", "ff:00:01:09", "01:02:00:00:5e:01:0a", "nothing of the kind", "b", "5.0", "10.16.3.0/24",
		"e0", "e:01", ".", "x.l", "b", "zz", "005e0", "05e01",
	} {
		var want []netip.Addr
		for i := range all {
			if text == "" || slowly(&all[i], strings.TrimPrefix(text, "0x")) {
				want = append(want, all[i].Addr())
			}
		}
		if got := found(t, n, LeaseQuery{Search: text}, atFirst, room); !slices.Equal(got, want) {
			t.Errorf("seed %d: %q finds %d, want %d:\n%v\n%v", seed, text, len(got), len(want), got, want)
		}
		var paged []netip.Addr
		for after := (netip.Addr{}); ; {
			page := found(t, n, LeaseQuery{Search: text, After: after, Limit: 1 + len(want)/3}, atFirst, room)
			if paged = append(paged, page...); len(page) == 0 {
				break
			}
			after = page[len(page)-1]
		}
		if !slices.Equal(paged, want) {
			t.Errorf("seed %d: %q finds %d by the page, want %d", seed, text, len(paged), len(want))
		}
		want = slices.DeleteFunc(want, func(a netip.Addr) bool {
			b, _ := x.core.table.Get(host(a))
			return b.State != binding.Active || !netip.MustParsePrefix("10.16.0.0/15").Contains(a)
		})
		if got := found(t, n, LeaseQuery{Search: text, LeaseFilter: LeaseFilter{State: binding.Active, Network: "all", Prefix: netip.MustParsePrefix("10.16.0.0/15")}}, atFirst, room); !slices.Equal(got, want) {
			t.Errorf("seed %d: filtered, %q finds %d, want %d", seed, text, len(got), len(want))
		}
	}
}

func TestASearchThatIsWrongSaysSo(t *testing.T) {
	for _, q := range []LeaseQuery{{Search: strings.Repeat("a", MaxSearch+1)}, {Limit: -1}} {
		if _, err := newFinding(&q); err == nil {
			t.Errorf("%.40q was taken", fmt.Sprint(q))
		}
	}
	n := deciding(t, newTraffic(t).core)
	for _, text := range []string{"2001:db8::1", "::/0", "255.255.255.255", "\x00", "::ffff:10.16.0.1", "fe80::1%eth0"} {
		if got := found(t, n, LeaseQuery{Search: text}, 1, 1); len(got) > 0 {
			t.Errorf("%q: %v", text, got)
		}
	}
	if got := found(t, n, LeaseQuery{After: netip.MustParseAddr("255.255.255.255")}, 1, 1); len(got) > 0 {
		t.Errorf("behind the last: %v", got)
	}
}

func TestPagesOfLeasesAreInOrderAndWhole(t *testing.T) {
	n := run(t, memfs.New(0))
	t.Cleanup(func() {
		if err := n.stop(); err != nil {
			t.Error(err)
		}
	})
	relay := newRelay(t, n.port)
	var want []netip.Addr
	for i := range uint32(25) {
		a, err := relay.lease(i)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, a)
	}
	slices.SortFunc(want, netip.Addr.Compare)
	var got []netip.Addr
	for q := (LeaseQuery{Limit: 10}); ; {
		p, err := n.node.LeasePage(context.Background(), q)
		if err != nil || p.Total != len(want) {
			t.Fatalf("%v; %d of %d", err, p.Total, len(want))
		}
		for _, l := range p.Leases {
			got = append(got, l.Address)
		}
		if q.After = p.Next; !p.Next.IsValid() {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// BenchmarkSearch is the first page of a search among a million leases, and how long the decider is kept by it at most.
func BenchmarkSearch(b *testing.B) {
	const count = 1_000_000
	r := rand.New(rand.NewPCG(1, 1))
	x := newTraffic(b)
	for i := range uint32(count) {
		x.core.table.Put(usualLease(r, x.core.table, i), time.Time{})
	}
	n := deciding(b, x.core)
	for _, q := range []LeaseQuery{
		{Search: "no such name"}, {Search: "zzz"}, {Search: "desk-0777777"}, {Search: "77777"}, {Search: "ffffffff"}, {Search: "5e:0f"}, {Search: "02:00:00:5e:00:99"}, {Search: "02:00:00:0b:de:31"}, {Search: "xe-0/0/47"},
		{Search: "Phone 3"}, {Search: "10.31.66.63"}, {Search: "10.31"}, {LeaseFilter: LeaseFilter{Client: ParseClient("desk-0777777.lab")}}, {LeaseFilter: LeaseFilter{State: binding.Abandoned}},
	} {
		b.Run(q.Search+q.Client.String(), func(b *testing.B) {
			found := 0
			begun := cpu(b)
			for range b.N {
				p, err := n.LeasePage(context.Background(), q)
				if err != nil {
					b.Fatal(err)
				}
				found = len(p.Leases)
			}
			b.ReportMetric(float64((cpu(b)-begun).Microseconds())/1000/float64(b.N), "ms-cpu/op")
			b.ReportMetric(float64(found), "found")
		})
	}
}

// BenchmarkExport is all of a million leases, one after the other, and what a search for nothing would cost in the order of addresses.
func BenchmarkExport(b *testing.B) {
	const count = 1_000_000
	r := rand.New(rand.NewPCG(1, 1))
	x := newTraffic(b)
	for i := range uint32(count) {
		x.core.table.Put(usualLease(r, x.core.table, i), time.Time{})
	}
	n := deciding(b, x.core)
	for name, walk := range map[string]func(each func(LeaseRow) error) error{
		"any order": func(each func(LeaseRow) error) error { return n.Leases(context.Background(), LeaseFilter{}, each) },
		"in order of addresses": func(each func(LeaseRow) error) error {
			return n.FindLeases(context.Background(), LeaseQuery{}, func(l FoundLease) error { return each(l.LeaseRow) })
		},
		"in pages": func(each func(LeaseRow) error) error {
			for q := (LeaseQuery{Limit: MaxPage}); ; {
				p, err := n.LeasePage(context.Background(), q)
				if err != nil {
					return err
				}
				for _, l := range p.Leases {
					if err := each(l.LeaseRow); err != nil {
						return err
					}
				}
				if q.After = p.Next; !p.Next.IsValid() {
					return nil
				}
			}
		},
		"nothing, in order": func(func(LeaseRow) error) error {
			f, err := newFinding(&LeaseQuery{Search: "no such name"})
			if err != nil {
				return err
			}
			_, err = n.findInOrder(context.Background(), f, -1, nil)
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			begun, rows := cpu(b), 0
			for range b.N {
				if err := walk(func(LeaseRow) error { rows++; return nil }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpu(b)-begun).Microseconds())/1000/float64(b.N), "ms-cpu/op")
			b.ReportMetric(float64(rows/b.N), "rows")
		})
	}
}

// cpu returns the processor time that this process has had.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// usualLease is the lease of a client as there are many.
func usualLease(r *rand.Rand, t *binding.Table, i uint32) binding.Binding {
	b := binding.Binding{Prefix: host(netip.AddrFrom4([4]byte{10, 16 + byte(i>>16), byte(i >> 8), byte(i)})), State: binding.Active, CLTT: epoch, Changed: epoch, Expires: epoch.Add(time.Hour)}
	mac := []byte{2, 0, 0, byte(i >> 16), byte(i >> 8), byte(i)}
	b.Client = binding.Client{Hardware: binding.HardwareOf(1, mac), ID: append([]byte{1}, mac...)}
	f := binding.Facts{Link: "all", Options: []binding.Fact{
		{Code: option.CodeHostName, Value: fmt.Appendf(nil, "desk-%07d.lab", i)},
		{Code: option.CodeVendorClass, Value: fmt.Appendf(nil, "Phone %d.0", r.IntN(40))},
		{Code: option.CodeRelayInformation, Value: append([]byte{1, 9}, fmt.Sprintf("ge-0/0/%02d", r.IntN(48))...)},
	}}
	own := func(code uint16) bool { return code != option.CodeVendorClass }
	b.Facts = binding.StoredFacts{Shared: t.Intern(f.AppendShared(nil, own)), Own: f.AppendOwn(nil, own)}
	return b
}
