package policy

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// What a client may have while the reservations of a newer version wait, by what the two versions keep.
func TestReservationsThatWait(t *testing.T) {
	document := func(hosts, relays, subnets string) *Policy {
		return compiled(t, "networks:\n  lan:\n    subnets:\n      10.0.0.0/24: {"+relays+"pools: [{range: 10.0.0.10-10.0.0.19, deny: [closed]}]}\n"+subnets+
			"classes: {closed: {kind: hardware, match: 'hardware == \"02:00:00:00:00:09\"'}}\nhosts: {"+hosts+"}\n")
	}
	const pc, other = "hardware: 02:00:00:00:00:01", "hardware: 02:00:00:00:00:02"
	const more = "      10.0.1.0/24: {}\n"
	for _, c := range []struct {
		what                 string
		agreed, now          string
		relays, was, subnets string
		client               byte
		reserved             string
		waits                bool
		may, keep, not       string // addresses: it may have; it may only keep; neither
	}{
		{"nothing differs", "pc: {" + pc + ", address: 10.0.0.5}", "pc: {" + pc + ", address: 10.0.0.5}", "", "", "", 1, "10.0.0.5", false, "10.0.0.5 10.0.0.12", "", "10.0.0.6"},
		{"a new one", "", "pc: {" + pc + ", address: 10.0.0.12}", "", "", "", 1, "10.0.0.12", true, "10.0.0.12 10.0.0.13", "", "10.0.0.6"},
		{"a new one, for others", "", "pc: {" + pc + ", address: 10.0.0.12}", "", "", "", 2, "", false, "10.0.0.13", "10.0.0.12", "10.0.0.5"},
		{"a new one outside of the pools, for others", "", "pc: {" + pc + ", address: 10.0.0.5}", "", "", "", 2, "", false, "10.0.0.13", "", "10.0.0.5"},
		{"a new one, for others that may use no pool", "", "pc: {" + pc + ", address: 10.0.0.12}", "", "", "", 9, "", false, "", "", "10.0.0.12 10.0.0.13"},
		{"one taken out", "pc: {" + pc + ", address: 10.0.0.12}", "", "", "", "", 1, "10.0.0.12", false, "10.0.0.12 10.0.0.13", "", "10.0.0.5"},
		{"one taken out, for others", "pc: {" + pc + ", address: 10.0.0.12}", "", "", "", "", 2, "", false, "10.0.0.13", "", "10.0.0.12"},
		{"one that moves", "pc: {" + pc + ", address: 10.0.0.5}", "pc: {" + pc + ", address: 10.0.0.6}", "", "", "", 1, "10.0.0.5", false, "10.0.0.5 10.0.0.12", "", "10.0.0.6"},
		{"one that changes hands, to who has it", "pc: {" + pc + ", address: 10.0.0.5}", "pc: {" + other + ", address: 10.0.0.5}", "", "", "", 1, "10.0.0.5", false, "10.0.0.5", "", "10.0.0.6"},
		{"one that changes hands, to who gets it", "pc: {" + pc + ", address: 10.0.0.12}", "pc: {" + other + ", address: 10.0.0.12}", "", "", "", 2, "", false, "10.0.0.13", "", "10.0.0.12"},
		{"two that are exchanged", "a: {" + pc + ", address: 10.0.0.5}, b: {" + other + ", address: 10.0.0.6}", "a: {" + pc + ", address: 10.0.0.6}, b: {" + other + ", address: 10.0.0.5}", "", "", "", 1, "10.0.0.5", false, "10.0.0.5", "", "10.0.0.6"},
		{"one that is a relay's now", "pc: {" + pc + ", address: 10.0.0.12}", "", "relays: [10.0.0.12], ", "", "", 1, "", false, "10.0.0.13", "", "10.0.0.12"},
		{"one whose subnet is gone", "pc: {" + pc + ", address: 10.0.1.5}", "", "", more, "", 1, "", false, "10.0.0.13", "", "10.0.1.5"},
		{"one in a subnet that is new", "", "pc: {" + pc + ", address: 10.0.1.5}", "", "", more, 1, "10.0.1.5", true, "10.0.1.5 10.0.0.13", "", "10.0.1.6"},
	} {
		agreed, now := document(c.agreed, "", c.was), document(c.now, c.relays, c.subnets)
		client := binding.Client{Hardware: mac(c.client)}
		var d Decision
		now.Place("west", now.on("10.0.0.0", client, said{}), &d)
		now.Await(agreed, agreed.on("10.0.0.0", client, said{}), &d)
		if got := d.Reserved; c.reserved == "" && got.IsValid() || c.reserved != "" && got != ip(c.reserved) || d.Waits() != c.waits {
			t.Errorf("%s: %v is reserved, waits: %v", c.what, got, d.Waits())
		}
		for i, list := range []string{c.may, c.keep, c.not} {
			for _, a := range fields(list) {
				if may, keep := now.May(&d, a), now.MayKeep(&d, a); may != (i == 0) || keep != (i < 2) {
					t.Errorf("%s: may have %v: %v, may keep it: %v", c.what, a, may, keep)
				}
			}
		}
		if c.reserved != "" && !d.IsMachine(&client) {
			t.Errorf("%s: the reservation is for somebody else", c.what)
		}
		now.Place("west", now.on("10.0.0.0", client, said{}), &d)
		if d.Waits() || d.agreed != nil {
			t.Errorf("%s: the next decision still waits", c.what)
		}
	}
}

// A link that is new is nowhere in the version before: nothing on it was kept for anybody.
func TestNothingWasKeptOnANewLink(t *testing.T) {
	agreed := compiled(t, "hosts: {pc: {hardware: 02:00:00:00:00:01, address: 10.0.0.5}}\nnetworks: {lan: {subnets: {10.0.0.0/24: {}}}}\n")
	now := compiled(t, "hosts: {pc: {hardware: 02:00:00:00:00:01, address: 10.7.0.5}}\nnetworks: {lan: {subnets: {10.0.0.0/24: {}}}, far: {subnets: {10.7.0.0/24: {}}}}\n")
	client := binding.Client{Hardware: mac(1)}
	var d Decision
	now.Place("west", now.on("10.7.0.0", client, said{}), &d)
	now.Await(agreed, &Facts{Client: client, Options: said{}}, &d)
	if d.Reserved != ip("10.7.0.5") || !d.Waits() || now.Kept(&d, ip("10.7.0.6")) || !now.Kept(&d, ip("10.0.0.5")) {
		t.Errorf("%v, waits: %v", d.Reserved, d.Waits())
	}
}

func fields(list string) (all []netip.Addr) {
	for _, a := range strings.Fields(list) {
		all = append(all, ip(a))
	}
	return all
}

func TestWhichAddressesAreKeptOtherwise(t *testing.T) {
	document := func(hosts string) *Policy {
		return compiled(t, "networks: {lan: {subnets: {10.0.0.0/24: {}}}}\nhosts: {"+hosts+"}\n")
	}
	p := document("a: {hardware: 02:00:00:00:00:01, address: 10.0.0.1}, b: {hardware: 02:00:00:00:00:02, address: 10.0.0.2}, c: {client-id: 01:03, address: 10.0.0.3}, d: {circuit-id: x, address: 10.0.0.4}")
	q := document("z: {hardware: 02:00:00:00:00:01, address: 10.0.0.1, options: {host-name: z}}, b: {hardware: 02:00:00:00:00:09, address: 10.0.0.2}, c: {client-id: 01:04, address: 10.0.0.3}, d: {circuit-id: y, address: 10.0.0.4}, e: {hardware: 02:00:00:00:00:05, address: 10.0.0.5}")
	for _, pair := range [][2]*Policy{{p, q}, {q, p}} {
		got := map[netip.Addr]int{}
		pair[0].EachKeptOtherwise(pair[1], func(a netip.Addr) { got[a]++ })
		for n, want := range []int{0, 1, 1, 1, 1} {
			if a := netip.AddrFrom4([4]byte{10, 0, 0, byte(n + 1)}); got[a] != want {
				t.Errorf("%v: %d times", a, got[a])
			}
		}
	}
	p.EachKeptOtherwise(p, func(a netip.Addr) { t.Errorf("%v is kept as it is", a) })
}
