package matrix

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/lessor-dhcp/lessor/test/world"
)

// aside is something that one peer has and the others spell in another way, or that remains different. Both servers
// have the subnet 10.0.1.0/24, and hear the same DISCOVER from 02:00:5e:00:01:01 of vendor class "v001".
type aside struct {
	name string
	peer string // what is added to the peer's configuration; of Kea inside Dhcp4
	// subnet is added inside the peer's subnet.
	subnet string
	// lessor is added to Lessor's document, and inside to its subnet.
	lessor, inside string
	asks           []uint8
	// tells is what both say, by the name of the field; differs is what the peer and Lessor say.
	tells   map[string]string
	differs map[string][2]string
}

const (
	rootPath  = "option 17 (root-path)"
	meritDump = "option 14 (merit-dump)"
)

var iscAsides = []aside{
	{
		name: "a subclass stands over its class",
		peer: `class "kits" { match hardware; option root-path "class"; option merit-dump "class"; }
subclass "kits" 1:02:00:5e:00:01:01 { option root-path "subclass"; }`,
		lessor: `classes:
  kits-1: {kind: hardware, match: {hardware: "02:00:5e:00:01:01"}, options: {root-path: subclass}}
  kits: {kind: hardware, match: {hardware: "02:00:5e:00:01:01"}, options: {root-path: class, merit-dump: class}}`,
		asks:  []uint8{14, 17},
		tells: map[string]string{rootPath: "subclass", meritDump: "class"},
	},
	{
		name: "a host has what the group around it says, over classes",
		peer: `class "v" { match if option vendor-class-identifier = "v001"; option root-path "class"; option merit-dump "class"; }
group { option root-path "group"; host h { hardware ethernet 02:00:5e:00:01:01; } }`,
		lessor: `classes: {v: {kind: vendor, match: {vendor-class: v001}, options: {root-path: class, merit-dump: class}}}
hosts: {h: {hardware: 02:00:5e:00:01:01, options: {root-path: group}}}`,
		asks:  []uint8{14, 17},
		tells: map[string]string{rootPath: "group", meritDump: "class"},
	},
	{
		name:   "a host inside its subnet has no more of the subnet than others",
		peer:   `class "v" { match if option vendor-class-identifier = "v001"; option root-path "class"; option merit-dump "class"; }`,
		subnet: `option root-path "subnet"; host h { hardware ethernet 02:00:5e:00:01:01; } `,
		lessor: `classes: {v: {kind: vendor, match: {vendor-class: v001}, options: {root-path: class, merit-dump: class}}}
hosts: {h: {hardware: 02:00:5e:00:01:01}}`,
		inside: `options: {root-path: subnet}`,
		asks:   []uint8{14, 17},
		tells:  map[string]string{rootPath: "class", meritDump: "class"},
	},
	{
		name:   "the name of a host declaration is an option of the host",
		peer:   `use-host-decl-names on; host h { hardware ethernet 02:00:5e:00:01:01; }`,
		lessor: `hosts: {h: {hardware: 02:00:5e:00:01:01, options: {host-name: h}}}`,
		asks:   []uint8{12},
		tells:  map[string]string{"option 12": "h"},
	},
	{
		name: "a sixth class is not looked at",
		peer: `class "c1" { match if exists vendor-class-identifier; } class "c2" { match if exists vendor-class-identifier; }
class "c3" { match if exists vendor-class-identifier; } class "c4" { match if exists vendor-class-identifier; }
class "c5" { match if exists vendor-class-identifier; option merit-dump "five"; }
class "c6" { match if exists vendor-class-identifier; option root-path "six"; }`,
		lessor: `classes:
  c1: {kind: vendor, match: {vendor-class: "v*"}}
  c2: {kind: vendor, match: {vendor-class: "v*"}}
  c3: {kind: vendor, match: {vendor-class: "v*"}}
  c4: {kind: vendor, match: {vendor-class: "v*"}}
  c5: {kind: vendor, match: {vendor-class: "v*"}, options: {merit-dump: five}}
  c6: {kind: vendor, match: {vendor-class: "v*"}, options: {root-path: six}}`,
		asks:    []uint8{14, 17},
		tells:   map[string]string{meritDump: "five"},
		differs: map[string][2]string{rootPath: {"", "six"}},
	},
	{
		name:    "the lifetime where nobody says one",
		differs: map[string][2]string{"lease time": {"\x00\x00\xa8\xc0", "\x00\x00\x38\x40"}},
	},
	{
		name:    "the broadcast address follows from the subnet",
		asks:    []uint8{28},
		differs: map[string][2]string{"option 28": {"", "\x0a\x00\x01\xff"}, "lease time": {"\x00\x00\xa8\xc0", "\x00\x00\x38\x40"}},
	},
}

var keaAsides = []aside{
	{
		name: "the class of the vendor's name goes before those with a test",
		peer: `"client-classes": [
  {"name": "early", "test": "pkt4.mac == 0x02005e000101", "option-data": [{"code": 17, "data": "early"}, {"code": 14, "data": "early"}]},
  {"name": "VENDOR_CLASS_v001", "option-data": [{"code": 17, "data": "vendor"}]}]`,
		lessor: `classes:
  vendor-class-v001: {kind: vendor, match: {vendor-class: v001}, options: {root-path: vendor}}
  early: {kind: hardware, match: {hardware: "02:00:5e:00:01:01"}, options: {root-path: early, merit-dump: early}}`,
		asks:  []uint8{14, 17},
		tells: map[string]string{rootPath: "vendor", meritDump: "early"},
	},
	{
		name: "classes that depend on a reservation come behind those that do not",
		peer: `"client-classes": [
  {"name": "known", "test": "member('KNOWN')", "option-data": [{"code": 17, "data": "known"}, {"code": 14, "data": "known"}]},
  {"name": "late", "test": "pkt4.mac == 0x02005e000101", "option-data": [{"code": 17, "data": "late"}]}]`,
		subnet: `"reservations": [{"hw-address": "02:00:5e:00:01:01", "boot-file-name": "b"}]`,
		lessor: `hosts: {h: {hardware: 02:00:5e:00:01:01, boot-file-name: b}}
classes:
  late: {kind: hardware, match: {hardware: "02:00:5e:00:01:01"}, options: {root-path: late}}
  reserved: {kind: hardware, match: known, options: {root-path: known, merit-dump: known}}`,
		asks:  []uint8{14, 17},
		tells: map[string]string{rootPath: "late", meritDump: "known"},
	},
	{
		name: "classes that a reservation gives go before those with a test",
		peer: `"client-classes": [
  {"name": "early", "test": "pkt4.mac == 0x02005e000101", "option-data": [{"code": 17, "data": "early"}, {"code": 14, "data": "early"}]},
  {"name": "given", "option-data": [{"code": 17, "data": "given"}]}]`,
		subnet: `"reservations": [{"hw-address": "02:00:5e:00:01:01", "client-classes": ["given"]}]`,
		lessor: `hosts: {h: {hardware: 02:00:5e:00:01:01}}
classes:
  given: {kind: hardware, match: {hardware: "02:00:5e:00:01:01"}, options: {root-path: given}}
  early: {kind: hardware, match: {hardware: "02:00:5e:00:01:01"}, options: {root-path: early, merit-dump: early}}`,
		asks:  []uint8{14, 17},
		tells: map[string]string{rootPath: "given", meritDump: "early"},
	},
	{
		name: "classes that a subnet requires come last",
		peer: `"client-classes": [
  {"name": "required", "test": "member('ALL')", "only-if-required": true, "option-data": [{"code": 17, "data": "required"}, {"code": 14, "data": "required"}]},
  {"name": "late", "test": "pkt4.mac == 0x02005e000101", "option-data": [{"code": 17, "data": "late"}]}]`,
		subnet: `"require-client-classes": ["required"]`,
		lessor: `classes:
  late: {kind: hardware, match: {hardware: "02:00:5e:00:01:01"}, options: {root-path: late}}
  required: {kind: hardware, match: "giaddr == '10.0.1.1'", options: {root-path: required, merit-dump: required}}`,
		asks:  []uint8{14, 17},
		tells: map[string]string{rootPath: "late", meritDump: "required"},
	},
	{
		name:   "what is always sent is sent to who does not ask",
		peer:   `"option-data": [{"code": 14, "data": "global"}]`,
		subnet: `"option-data": [{"code": 14, "data": "subnet", "always-send": true}]`,
		lessor: `enterprise: {options: {merit-dump: global}}`,
		inside: `options: {merit-dump: {force: subnet}}`,
		tells:  map[string]string{meritDump: "subnet"},
	},
	{
		name:   "what is always sent at a weaker place makes a stronger one be sent",
		peer:   `"option-data": [{"code": 14, "data": "global", "always-send": true}]`,
		subnet: `"option-data": [{"code": 14, "data": "subnet"}]`,
		lessor: `enterprise: {options: {merit-dump: {force: global}}}`,
		inside: `options: {merit-dump: subnet}`,
		tells:  map[string]string{meritDump: "subnet"},
	},
	{
		name:   "a host's name is an option of the host",
		subnet: `"reservations": [{"hw-address": "02:00:5e:00:01:01", "hostname": "h"}]`,
		lessor: `hosts: {h: {hardware: 02:00:5e:00:01:01, options: {host-name: h}}}`,
		asks:   []uint8{12},
		tells:  map[string]string{"option 12": "h"},
	},
	{
		name:    "the lifetime where nobody says one",
		differs: map[string][2]string{"lease time": {"\x00\x00\x1c\x20", "\x00\x00\x38\x40"}},
	},
	{
		name: "a bound of a lifetime in a class says nothing of the lifetime",
		peer: `"valid-lifetime": 3600, "client-classes": [{"name": "short", "test": "pkt4.mac == 0x02005e000101", "min-valid-lifetime": 600}]`,
		lessor: `enterprise: {lease: {default: 1h}}
classes: {short: {kind: hardware, match: {hardware: "02:00:5e:00:01:01"}, lease: {min: 10m}}}`,
		differs: map[string][2]string{"lease time": {"\x00\x00\x02\x58", "\x00\x00\x0e\x10"}},
	},
	{
		name:    "the broadcast address follows from the subnet",
		asks:    []uint8{28},
		differs: map[string][2]string{"option 28": {"", "\x0a\x00\x01\xff"}, "lease time": {"\x00\x00\x1c\x20", "\x00\x00\x38\x40"}},
	},
}

func (a aside) dhcpd(n *world.Namespace) {
	if _, ok := a.differs["lease time"]; !ok {
		a.subnet += "default-lease-time 3600;"
	}
	n.Dhcpd("eth0", fmt.Sprintf("authoritative; ddns-update-style none; ping-check off;\nsubnet 172.16.0.0 netmask 255.255.255.0 { }\n%s\n"+
		"subnet 10.0.1.0 netmask 255.255.255.0 { %s pool { range 10.0.1.100; } }\n", a.peer, a.subnet))
}

func (a aside) kea(n *world.Namespace) {
	comma := func(s string) string {
		if s == "" {
			return ""
		}
		return s + ", "
	}
	lifetime := ""
	if _, ok := a.differs["lease time"]; !ok {
		lifetime = `"valid-lifetime": 3600, `
	}
	n.Kea(fmt.Sprintf(`{"Dhcp4": {%s "interfaces-config": {"interfaces": ["eth0"], "dhcp-socket-type": "udp"},
 "lease-database": {"type": "memfile", "persist": false},
 "loggers": [{"name": "kea-dhcp4", "severity": "INFO", "output_options": [{"output": "stderr"}]}],
 "subnet4": [{%s "id": 1, "subnet": "10.0.1.0/24", "pools": [{"pool": "10.0.1.100 - 10.0.1.100"}]}]}}`, comma(a.peer), comma(a.subnet)+lifetime))
}

func (a aside) document(profile string) string {
	inside := ""
	if a.inside != "" {
		inside = a.inside + ", "
	}
	if _, ok := a.differs["lease time"]; !ok {
		inside += "lease: {default: 1h}, "
	}
	return fmt.Sprintf("precedence: %s\n%s\nnetworks:\n  backbone: {subnets: {172.16.0.0/24: {}}}\n"+
		"  lan: {subnets: {10.0.1.0/24: {%s pools: [{range: 10.0.1.100-10.0.1.100}]}}}\n", profile, a.lessor, inside)
}

func TestWhatOnlyOnePeerHas(t *testing.T) {
	for _, of := range []struct {
		profile string
		asides  []aside
		start   func(aside, *world.Namespace)
	}{{"isc", iscAsides, aside.dhcpd}, {"kea", keaAsides, aside.kea}} {
		for _, a := range of.asides {
			t.Run(of.profile+"/"+a.name, func(t *testing.T) {
				t.Parallel()
				lab := newLab(t)
				of.start(a, lab.host("peer", peerAt))
				lab.lessor(a.document(of.profile))
				s := &site{n: 1, asks: a.asks}
				a.judge(t, lab.offer(t, s, peerAt), lab.offer(t, s, lessorAt))
			})
		}
	}
}

func (l *lab) offer(t *testing.T, s *site, server string) fields {
	t.Helper()
	got := l.gateway.AskAll(netip.MustParseAddr(server), []*dhcpv4.DHCPv4{s.message(discover)}, 3*time.Second)[0]
	if got == nil {
		t.Fatalf("%s gives no answer", server)
	}
	return said(got)
}

// judge holds the two offers against what is expected of each, and against each other in everything else.
func (a aside) judge(t *testing.T, peer, lessor fields) {
	t.Helper()
	names := maps.Clone(peer)
	maps.Copy(names, lessor)
	for n := range a.tells {
		names[n] = nil
	}
	for n := range a.differs {
		names[n] = nil
	}
	for _, n := range slices.Sorted(maps.Keys(names)) {
		p, l := string(peer[n]), string(lessor[n])
		if d, ok := a.differs[n]; ok {
			if p != d[0] || l != d[1] {
				t.Errorf("%s: the peer says %q, Lessor %q, and %q and %q are expected", n, p, l, d[0], d[1])
			}
			continue
		}
		if want, ok := a.tells[n]; ok && p != want {
			t.Errorf("%s: the peer says %q, and %q is expected", n, p, want)
		}
		if p != l {
			t.Errorf("%s: the peer says %q, Lessor %q", n, p, l)
		}
	}
}
