package config

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/option"
)

func TestADocumentIsReadAsItIsWritten(t *testing.T) {
	d := parsed(t, string(read(t, "testdata/good/whole.yaml")))
	if d.Server.Name != "west" || !slices.Equal(d.Server.Interfaces, []string{"eth0", "eth1"}) || d.Server.Data != DefaultData {
		t.Errorf("server: %+v", d.Server)
	}
	if want := (Lease{Default: 4 * time.Hour, Min: 5 * time.Minute, Max: 24 * time.Hour, Position: Position{7, 3}}); d.Enterprise.Lease != want {
		t.Errorf("lease: got %+v, want %+v", d.Enterprise.Lease, want)
	}
	o := d.Enterprise.Options
	if len(o) != 2 || o[0].Def.Code != option.CodeDomainNameServers || o[1].Def.Code != option.CodeDomainName ||
		!slices.Equal(o[0].Value, []byte{10, 9, 0, 53, 10, 9, 1, 53}) || o[0].Position != (Position{8, 40}) {
		t.Errorf("options: %+v", o)
	}
	if len(d.Networks) != 2 || d.Networks[0].Name != "floor1" || len(d.Networks[0].Subnets) != 2 {
		t.Fatalf("networks: %+v", d.Networks)
	}
	floor1, floor2 := d.Networks[0], d.Networks[1]
	if !slices.Equal(floor1.Interfaces, []string{"eth0"}) {
		t.Errorf("interfaces: %v", floor1.Interfaces)
	}
	p := floor1.Subnets[0].Pools
	if len(p) != 2 || p[0].First != netip.MustParseAddr("198.51.100.50") || p[0].Last != netip.MustParseAddr("198.51.100.240") ||
		!slices.Equal(p[0].Deny, []string{ClassUnknown}) || !slices.Equal(p[1].Allow, []string{ClassUnknown}) {
		t.Errorf("pools: %+v", p)
	}
	if !*floor2.Authoritative || *floor2.ConflictProbe != 0 || *floor2.RapidCommit {
		t.Errorf("floor2: %+v", floor2.Scope)
	}
	if floor2.LinePositions["authoritative"] != (Position{21, 12}) {
		t.Errorf("positions: %v", floor2.LinePositions)
	}
	if !slices.Equal(floor2.Subnets[0].Relays, []netip.Addr{netip.MustParseAddr("10.20.0.1")}) {
		t.Errorf("relays: %v", floor2.Subnets[0].Relays)
	}
	lobby := d.Hosts[0]
	if lobby.Name != "lobby" || string(lobby.CircuitID) != "ge-0/0/1" || binding.FormatClientID(lobby.ClientID) != "01:02:00:00:00:00:08" || lobby.AddressPosition != (Position{24, 78}) {
		t.Errorf("lobby: %+v", lobby)
	}
	if !d.Accept.HostName || d.Accept.LeaseMax != 12*time.Hour || d.Accept.LeaseMin != 0 {
		t.Errorf("accept: %+v", d.Accept)
	}
	if def, ok := d.Registry.ByName(option.DHCPv4, "acme-list"); !ok || def.Code != 225 {
		t.Errorf("acme-list: %+v, %v", def, ok)
	}
}

func TestIdentifiersAreReadInEverySpelling(t *testing.T) {
	for _, c := range []struct{ written, hardware, clientID, circuitID, remoteID string }{
		{"hardware: 02:00:00:00:00:07", "02:00:00:00:00:07", "", "", ""},
		{"hardware: 02-00-00-00-00-07", "02:00:00:00:00:07", "", "", ""},
		{"hardware: 2:0:0:0:0:7", "02:00:00:00:00:07", "", "", ""},
		{"hardware: 02000000000a", "02:00:00:00:00:0a", "", "", ""},
		{"hardware: 6/02:00:00:00:00:07", "6/02:00:00:00:00:07", "", "", ""},
		{"hardware: 32/01:02", "32/01:02", "", "", ""},
		{"client-id: 01:02:03", "", "\x01\x02\x03", "", ""},
		{"client-id: 0102ff", "", "\x01\x02\xff", "", ""},
		{"client-id: {text: 01:02}", "", "01:02", "", ""},
		{`client-id: {hex: "00:61"}`, "", "\x00a", "", ""},
		{"circuit-id: ge-0/0/1", "", "", "ge-0/0/1", ""},
		{"circuit-id: 17", "", "", "17", ""},
		{`circuit-id: {hex: "0011"}`, "", "", "\x00\x11", ""},
		{`remote-id: "ge-0/0/1 "`, "", "", "", "ge-0/0/1 "},
		{"remote-id: {text: x}", "", "", "", "x"},
	} {
		d := parsed(t, "networks: {lan: {subnets: {10.0.0.0/24: }}}\nhosts: {a: {"+c.written+"}}\n")
		h := d.Hosts[0]
		if h.Hardware.String() != c.hardware || string(h.ClientID) != c.clientID || string(h.CircuitID) != c.circuitID || string(h.RemoteID) != c.remoteID {
			t.Errorf("%s: %+v", c.written, h)
		}
	}
}

func TestDurationsAreGosAndInfinite(t *testing.T) {
	for written, want := range map[string]time.Duration{
		"20s": 20 * time.Second, "1h30m": 90 * time.Minute, "5s": 5 * time.Second, "infinite": binding.Infinite,
		"1193046h": 1193046 * time.Hour, "2m": 2 * time.Minute,
	} {
		d := parsed(t, "networks: {lan: {lease: {default: "+written+"}, subnets: {10.0.0.0/24: }}}\n")
		if got := d.Networks[0].Lease.Default; got != want {
			t.Errorf("%s: %v", written, got)
		}
	}
}

func TestAShortDefaultNeedsNoMin(t *testing.T) {
	d := parsed(t, "enterprise: {lease: {default: 20s}}\nnetworks: {lan: {subnets: {10.0.0.0/24: }}}\n")
	if l := d.Enterprise.Lease; l.Default != 20*time.Second || l.Min != 0 || l.Max != 0 {
		t.Errorf("got %+v: what is not written is not set, since the policy's own bounds give way", l)
	}
}

func TestEmptySectionsAreNothing(t *testing.T) {
	d := parsed(t, "server:\nenterprise:\nhosts:\naccept:\noption-definitions:\nnetworks:\n  lan:\n    interfaces:\n    options:\n    lease:\n    subnets:\n      10.0.0.0/24:\n        pools:\n        relays:\n")
	if len(d.Networks) != 1 || len(d.Networks[0].Subnets) != 1 || len(d.Hosts) != 0 {
		t.Errorf("got %+v", d)
	}
}

func TestNetworksSubnetsAndHostsAreSorted(t *testing.T) {
	d := parsed(t, "networks:\n  b: {subnets: {10.1.0.0/24: , 10.0.0.0/24: , 9.0.0.0/8: }}\n  a: {subnets: {10.2.0.0/24: }}\nhosts: {b: {circuit-id: b}, a: {circuit-id: a}}\n")
	var names []string
	for _, n := range d.Networks {
		names = append(names, n.Name)
		for _, s := range n.Subnets {
			names = append(names, s.Prefix.String())
		}
	}
	for _, h := range d.Hosts {
		names = append(names, h.Name)
	}
	if want := []string{"a", "10.2.0.0/24", "b", "9.0.0.0/8", "10.0.0.0/24", "10.1.0.0/24", "a", "b"}; !slices.Equal(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
}

func TestAMemberHasItsOwnInterfaces(t *testing.T) {
	src := "networks: {lan: {interfaces: {west: [eth0], east: [eth1, eth2]}, subnets: {10.0.0.0/24: }}, wan: {interfaces: [eth7], subnets: {10.1.0.0/24: }}}\n"
	d := parsed(t, src)
	if d.Networks[0].Interfaces != nil {
		t.Errorf("a server without a name has %v", d.Networks[0].Interfaces)
	}
	east := d.As("east")
	if east.Server.Name != "east" || !slices.Equal(east.Networks[0].Interfaces, []string{"eth1", "eth2"}) || !slices.Equal(east.Networks[1].Interfaces, []string{"eth7"}) {
		t.Errorf("east has %+v", east.Networks)
	}
	if d.Server.Name != "" || d.Networks[0].Interfaces != nil {
		t.Error("As changed the document itself")
	}
	named := parsed(t, "server: {name: west}\n"+src)
	if !reflect.DeepEqual(named.Networks[0].Interfaces, []string{"eth0"}) || named.Digest != d.Digest {
		t.Errorf("west has %v", named.Networks[0].Interfaces)
	}
}

func TestHostsOnSeveralNetworksMayBeTheSameClient(t *testing.T) {
	parsed(t, `networks: {lan: {subnets: {10.0.0.0/24: }}, wan: {subnets: {10.1.0.0/24: }}}
hosts:
  everywhere: {hardware: 02:00:00:00:00:01, options: {host-name: laptop}}
  in-lan: {hardware: 02:00:00:00:00:01, address: 10.0.0.9}
  in-wan: {hardware: 02:00:00:00:00:01, address: 10.1.0.9}
  at-port: {hardware: 02:00:00:00:00:01, circuit-id: p1, address: 10.0.0.10}
`)
}

func TestAByteOrderMarkBeforeTheDocumentIsNothing(t *testing.T) {
	parsed(t, "\xef\xbb\xbfnetworks: {lan: {subnets: {10.0.0.0/24: }}}\n")
}

func TestSmallSubnetsHaveNoBroadcastAddress(t *testing.T) {
	parsed(t, "networks: {lan: {subnets: {10.0.0.0/31: {pools: [{range: 10.0.0.0-10.0.0.1}]}, 10.0.0.9/32: {pools: [{range: 10.0.0.9}]}}}}\n")
}

// TestParsingTakesTimeInProportion reads documents of 256 KiB that are each all of one kind. Reading that is not linear in
// them would take far longer.
func TestParsingTakesTimeInProportion(t *testing.T) {
	const size = 1 << 18
	fill := func(before, unit string) string { return before + strings.Repeat(unit, size/len(unit)) }
	many := func(before string, each func(i int) string) string {
		var b strings.Builder
		b.WriteString(before)
		for i := 0; b.Len() < size; i++ {
			b.WriteString(each(i))
		}
		return b.String()
	}
	number := func(i int) string { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).String() }
	for name, src := range map[string]string{
		"brackets":    fill("", "["),
		"nested maps": fill("", "{a: "),
		"nested keys": fill("", "? "),
		"dashes":      fill("", "- "),
		"deep and wide": strings.Repeat("{a: ", MaxDepth-1) + fill("[", "a,") + "]" +
			strings.Repeat("}", MaxDepth-1),
		"commas":      fill("a: [", ","),
		"comments":    fill("", "# c\n"),
		"comments in": fill("a:\n", "  # c\n  b: c\n"),
		"one word":    fill("", "a"),
		"quotes":      fill("a: [", "'',"),
		"anchors":     many("a: [", func(i int) string { return "&a" + number(i) + " b," }) + "]",
		"aliases":     fill("a: &a b\nc: [", "*a ,") + "]",
		"equal keys":  fill("", "a: b\n"),
		"option list": fill("enterprise: {options: {routers: [", "10.0.0.1,") + "]}}",
		"listen":      many("server: {listen: [", func(i int) string { return number(i+1) + "," }) + "]}",
		"interfaces":  many("server: {interfaces: [", func(i int) string { return "i" + number(i)[2:] + "," }) + "]}",
		"relays":      many("networks: {a: {subnets: {10.0.0.0/8: {relays: [", func(i int) string { return number(i+1) + "," }) + "]}}}}",
		"pools":       many("networks: {a: {subnets: {10.0.0.0/8: {pools: [", func(i int) string { return "{range: " + number(i+1) + "}," }) + "]}}}}",
		"subnets":     many("networks: {a: {subnets: {", func(i int) string { return number(i<<2) + "/30: ," }) + "}}}",
		"networks":    many("networks: {", func(i int) string { return number(i) + ": {subnets: {" + number(i<<2) + "/30: }}," }) + "}",
		"equal hosts": many("hosts: {", func(i int) string { return number(i) + ": {circuit-id: a}," }) + "}",
		"definitions": many("option-definitions: {", func(i int) string {
			return "a" + strings.ReplaceAll(number(i), ".", "-") + ": {code: 224, type: uint8},"
		}) + "}",
		"unknown":   many("", func(i int) string { return "networkz" + number(i) + ": {}\n" }),
		"long line": fill("networks: {", "lan: {subnets: {x: {}}},") + "}",
	} {
		begin := time.Now()
		d, problems := Parse(name, []byte(src))
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("%s: %v", name, took)
		}
		if (d == nil) != problems.Errors() || len(problems) > 2*MaxProblems+1 {
			t.Errorf("%s: document %v, %d problems", name, d != nil, len(problems))
		}
	}
}

func TestTooLargeIsSaidSo(t *testing.T) {
	for name, src := range map[string][]byte{
		"MiB":    make([]byte, MaxSize+1),
		"values": []byte(strings.Repeat(",", MaxValues+1)),
	} {
		_, problems := Parse(name, src)
		if len(problems) != 1 || !strings.Contains(problems[0].Message, name) {
			t.Errorf("%s: %v", name, problems)
		}
	}
}
