package policy

import (
	"fmt"
	"github.com/lessor-dhcp/lessor/internal/config"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
)

const links = `networks:
  campus:
    subnets:
      10.20.0.0/16: {relays: [192.0.2.7, 10.30.0.9]}
      10.21.0.0/16: {}
  far: {subnets: {10.30.0.0/16: {}}}
  named: {interfaces: [eth1, eth2], subnets: {10.40.0.0/24: {}, 10.41.0.0/24: {}}}
`

func TestLocate(t *testing.T) {
	p := compiled(t, links)
	giaddr := func(a string) dhcpv4.Header { return dhcpv4.Header{GIAddr: ip(a)} }
	selects := func(a string) string { b := ip(a).As4(); return "\x05\x04" + string(b[:]) }
	octets := func(a string) string { b := ip(a).As4(); return string(b[:]) }
	here := func(name string, addrs ...string) Arrival {
		a := Arrival{Interface: name, OnLink: true}
		for _, x := range addrs {
			a.Addrs = append(a.Addrs, netip.MustParsePrefix(x))
		}
		return a
	}
	router := here("eth0", "10.20.0.2/16")
	router.OnLink = false
	for _, c := range []struct {
		name    string
		header  dhcpv4.Header
		options said
		arrival Arrival
		want    string // the subnet, or part of the reason
	}{
		{"giaddr", giaddr("10.21.0.1"), nil, here("eth0", "10.20.0.2/16"), "10.21.0.0/16"},
		{"giaddr among a subnet's relays", giaddr("192.0.2.7"), nil, here("eth0"), "10.20.0.0/16"},
		{"a relay that lies in another network's subnet", giaddr("10.30.0.9"), nil, here("eth0"), "10.20.0.0/16"},
		{"a giaddr that nobody knows", giaddr("172.16.0.1"), nil, here("eth0", "10.20.0.2/16"), "relay's address"},
		{"link selection before giaddr", giaddr("10.20.0.1"), said{82: selects("10.30.0.0")}, here("eth0"), "10.30.0.0/16"},
		{"link selection before subnet selection", giaddr("10.20.0.1"), said{82: selects("10.30.0.0"), 118: octets("10.21.0.0")}, here("eth0"), "10.30.0.0/16"},
		{"subnet selection before giaddr", giaddr("10.20.0.1"), said{118: octets("10.30.0.0")}, here("eth0"), "10.30.0.0/16"},
		{"a link that nobody knows is not replaced by another", giaddr("10.20.0.1"), said{82: selects("172.16.0.0")}, here("eth0"), "relay selected"},
		{"a subnet that nobody knows neither", giaddr("10.20.0.1"), said{118: octets("172.16.0.0")}, here("eth0"), "subnet selection"},
		{"link selection of another length", giaddr("10.20.0.1"), said{82: "\x05\x03\x0a\x1e\x00"}, here("eth0"), "10.20.0.0/16"},
		{"subnet selection of no length", giaddr("10.20.0.1"), said{118: ""}, here("eth0"), "10.20.0.0/16"},
		{"link selection by a client", dhcpv4.Header{}, said{82: selects("10.30.0.0")}, here("eth0", "10.20.0.2/16"), "10.20.0.0/16"},
		{"over a router, from its address", dhcpv4.Header{CIAddr: ip("10.30.0.5")}, nil, router, "10.30.0.0/16"},
		{"over a router, from one that nobody knows", dhcpv4.Header{CIAddr: ip("172.16.0.5")}, nil, router, "client's address"},
		{"on the link, ciaddr counts for nothing", dhcpv4.Header{CIAddr: ip("10.30.0.5")}, nil, here("eth0", "10.20.0.2/16"), "10.20.0.0/16"},
		{"the interface's address", dhcpv4.Header{}, nil, here("eth0", "172.16.0.1/24", "10.21.0.2/16"), "10.21.0.0/16"},
		{"the interface's name", dhcpv4.Header{}, nil, here("eth2"), "10.40.0.0/24"},
		{"the name goes before an address elsewhere", dhcpv4.Header{}, nil, here("eth2", "10.20.0.2/16"), "10.40.0.0/24"},
		{"the address chooses among the subnets of the name", dhcpv4.Header{}, nil, here("eth2", "10.20.0.2/16", "10.41.0.1/24"), "10.41.0.0/24"},
		{"an interface that belongs nowhere", dhcpv4.Header{}, nil, here("eth9", "172.16.0.1/24"), "interface"},
	} {
		s, why := p.Locate(heard(t, c.header, c.options), &c.arrival)
		got := why
		if s != nil {
			got = s.Prefix.String()
		}
		if got != c.want && (s != nil || !strings.Contains(why, c.want)) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestHostChoice(t *testing.T) {
	p := compiled(t, links+`hosts:
  b-hardware: {hardware: 02:00:00:00:00:01}
  a-elsewhere: {hardware: 02:00:00:00:00:01, client-id: 01:02, address: 10.30.0.5}
  both: {hardware: 02:00:00:00:00:02, client-id: 01:02}
  a-hardware: {hardware: 02:00:00:00:00:02}
  here: {hardware: 02:00:00:00:00:03, address: 10.21.0.5}
  there: {hardware: 02:00:00:00:00:03, address: 10.30.0.6}
  more: {hardware: 02:00:00:00:00:03, client-id: 01:02}
  by-id: {client-id: 01:04}
  by-hw: {hardware: 02:00:00:00:00:04}
  port: {circuit-id: port7}
  port-of: {circuit-id: port7, remote-id: switch1}
  ib: {hardware: 32/02:00:00:00:00:05}
`)
	id := func(s string) []byte { return []byte(s) }
	for _, c := range []struct {
		name    string
		client  binding.Client
		options said
		on      string
		want    string
		address string
	}{
		{"nobody", binding.Client{Hardware: mac(9)}, nil, "10.20.0.0", "", ""},
		{"by hardware", binding.Client{Hardware: mac(1)}, nil, "10.20.0.0", "b-hardware", ""},
		{"all identifiers must match", binding.Client{Hardware: mac(1), ID: id("\x01\x03")}, nil, "10.20.0.0", "b-hardware", ""},
		{"an address elsewhere comes last", binding.Client{Hardware: mac(1), ID: id("\x01\x02")}, nil, "10.20.0.0", "b-hardware", ""},
		{"and first where it is", binding.Client{Hardware: mac(1), ID: id("\x01\x02")}, nil, "10.30.0.0", "a-elsewhere", "10.30.0.5"},
		{"more identifiers before fewer", binding.Client{Hardware: mac(2), ID: id("\x01\x02")}, nil, "10.20.0.0", "both", ""},
		{"more identifiers before an address on the link", binding.Client{Hardware: mac(3), ID: id("\x01\x02")}, nil, "10.20.0.0", "more", ""},
		{"an address on the link before one elsewhere", binding.Client{Hardware: mac(3)}, nil, "10.20.0.0", "here", "10.21.0.5"},
		{"the one of this link", binding.Client{Hardware: mac(3)}, nil, "10.30.0.0", "there", "10.30.0.6"},
		{"on a third link the one without an address", binding.Client{Hardware: mac(3), ID: id("\x01\x02")}, nil, "10.40.0.0", "more", ""},
		{"only elsewhere: no address, but its options", binding.Client{Hardware: mac(3)}, nil, "10.40.0.0", "here", ""},
		{"as many identifiers: by name", binding.Client{Hardware: mac(4), ID: id("\x01\x04")}, nil, "10.20.0.0", "by-hw", ""},
		{"by circuit", binding.Client{Hardware: mac(9)}, said{82: circuit("port7", "")}, "10.20.0.0", "port", ""},
		{"by circuit and remote", binding.Client{Hardware: mac(9)}, said{82: circuit("port7", "switch1")}, "10.20.0.0", "port-of", ""},
		{"another circuit", binding.Client{Hardware: mac(9)}, said{82: circuit("port8", "switch1")}, "10.20.0.0", "", ""},
		{"a circuit of no length", binding.Client{Hardware: mac(9)}, said{82: "\x01\x00"}, "10.20.0.0", "", ""},
		{"the type of hardware counts", binding.Client{Hardware: mac(5)}, nil, "10.20.0.0", "", ""},
		{"no hardware at all", binding.Client{ID: id("x")}, nil, "10.20.0.0", "", ""},
	} {
		var d Decision
		p.Place("west", p.on(c.on, c.client, c.options), &d)
		name, address := "", ""
		if d.Host != nil {
			name = d.Host.Name
		}
		if d.Reserved.IsValid() {
			address = d.Reserved.String()
		}
		if name != c.want || address != c.address {
			t.Errorf("%s: host %q with %q, want %q with %q", c.name, name, address, c.want, c.address)
		}
	}
}

func TestPoolsByAllowAndDeny(t *testing.T) {
	p := compiled(t, `networks:
  lan:
    subnets:
      10.0.0.0/24:
        pools: [{range: 10.0.0.1-10.0.0.9, allow: [known]}, {range: 10.0.0.10-10.0.0.19}, {range: 10.0.0.20-10.0.0.29, deny: [known]}]
      10.0.1.0/24:
        pools: [{range: 10.0.1.1-10.0.1.9, deny: [unknown]}, {range: 10.0.1.10-10.0.1.19, allow: [known, unknown]}, {range: 10.0.1.20-10.0.1.29, allow: [unknown]}]
hosts:
  friend: {hardware: 02:00:00:00:00:01, address: 10.0.0.25}
  roamer: {hardware: 02:00:00:00:00:02, address: 172.16.0.1}
`)
	for _, c := range []struct {
		name   string
		client byte
		on     string
		want   string
		may    string // addresses that the client may have
		mayNot string
	}{
		{"unknown", 9, "10.0.0.0", "10.0.0.10 10.0.0.20 10.0.1.10 10.0.1.20", "10.0.0.10 10.0.1.29", "10.0.0.1 10.0.1.1 10.0.0.25 10.0.0.99 10.9.9.9"},
		{"unknown, on the other subnet: its own first", 9, "10.0.1.0", "10.0.1.10 10.0.1.20 10.0.0.10 10.0.0.20", "", ""},
		{"known: its reservation lies in a pool that denies it", 1, "10.0.0.0", "10.0.0.1 10.0.0.10 10.0.1.1 10.0.1.10", "10.0.0.25 10.0.0.1 10.0.1.9", "10.0.0.24 10.0.1.20"},
		{"known, though its address is elsewhere", 2, "10.0.0.0", "10.0.0.1 10.0.0.10 10.0.1.1 10.0.1.10", "10.0.0.1", "10.0.0.25 172.16.0.1"},
	} {
		var d Decision
		p.Place("west", p.on(c.on, binding.Client{Hardware: mac(c.client)}, nil), &d)
		var got []string
		for _, q := range d.Pools {
			got = append(got, q.First.String())
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: pools %s, want %s", c.name, s, c.want)
		}
		for _, a := range strings.Fields(c.may) {
			if !p.May(&d, ip(a)) {
				t.Errorf("%s: may not have %s", c.name, a)
			}
		}
		for _, a := range strings.Fields(c.mayNot) {
			if p.May(&d, ip(a)) {
				t.Errorf("%s: may have %s", c.name, a)
			}
		}
	}
}

const layered = `enterprise:
  lease: {default: 1h}
  next-server: 10.9.0.1
  options:
    domain-name: enterprise
    root-path: enterprise
    tftp-server-name: enterprise
    merit-dump: enterprise
    extensions-path: enterprise
    host-name: enterprise
    default-ip-ttl: 99
networks:
  lan:
    lease: {default: 2h}
    boot-file-name: network
    options: {root-path: network, tftp-server-name: network, merit-dump: network, extensions-path: network}
    subnets:
      10.0.0.0/24:
        lease: {default: 3h}
        server-hostname: subnet
        options: {tftp-server-name: subnet, merit-dump: subnet, extensions-path: subnet, broadcast-address: 10.0.0.0}
        pools:
          - range: 10.0.0.10-10.0.0.19
            lease: {default: 4h}
            next-server: 10.9.0.9
            options: {merit-dump: pool, extensions-path: pool}
          - {range: 10.0.0.20-10.0.0.29}
hosts:
  pc: {hardware: 02:00:00:00:00:01, address: 10.0.0.15, lease: {default: 5h}, options: {extensions-path: host, host-name: host}}
accept: {host-name: true}
`

func TestTheStrongestLayerSetsAValueAndIsNamed(t *testing.T) {
	p := compiled(t, layered)
	line := func(part string) int { // lines are counted in what compiled makes of it
		for i, l := range strings.Split(layered, "\n") {
			if strings.Contains(l, part) {
				return i + 2
			}
		}
		t.Fatal(part)
		return 0
	}
	pool, subnet := "10.0.0.10-10.0.0.19", "10.0.0.0/24"
	var d Decision
	f := p.on("10.0.0.0", binding.Client{Hardware: mac(1)}, said{12: "laptop"})
	p.Resolve("west", f, &d)
	if d.Pool == nil || d.Pool.Name() != pool || d.Subnet.Prefix.String() != subnet || d.Reserved != ip("10.0.0.15") {
		t.Fatalf("pool %v, subnet %v, reserved %v", d.Pool, d.Subnet, d.Reserved)
	}
	for _, c := range []struct {
		code   uint8
		value  string
		layer  config.Layer
		object string
		line   int
		rule   string
	}{
		{12, "laptop", config.ClientLayer, "", 0, "suggested"},
		{18, "host", config.HostLayer, "pc", line("  pc:"), "set"},
		{14, "pool", config.PoolLayer, pool, line("merit-dump: pool"), "set"},
		{66, "subnet", config.SubnetLayer, subnet, line("tftp-server-name: subnet"), "set"},
		{17, "network", config.SharedNetwork, "lan", line("root-path: network"), "set"},
		{15, "enterprise", config.EnterpriseLayer, "", line("domain-name: enterprise"), "set"},
		{23, "99", config.EnterpriseLayer, "", line("default-ip-ttl"), "set"},
		{19, "false", config.HostRequirements, "", 0, "default"},
		{1, "255.255.255.0", config.SubnetLayer, subnet, line("10.0.0.0/24:"), "derived"},
		{28, "10.0.0.0", config.SubnetLayer, subnet, line("broadcast-address"), "set"},
	} {
		value, v := d.text(p, c.code)
		if value != c.value || v.Layer != c.layer || v.Object != c.object || v.Line != c.line || v.Rule != c.rule {
			t.Errorf("option %d: %q from %v %q line %d, %s; want %q from %v %q line %d, %s", c.code, value, v.Layer, v.Object, v.Line, v.Rule, c.value, c.layer, c.object, c.line, c.rule)
		}
		rs, ok := binding.DecodeReasons(v.AppendReason(nil))
		if want := (binding.Reason{Code: uint16(c.code), Layer: c.layer.String(), Object: c.object, Line: uint32(c.line), Rule: c.rule}); !ok || len(rs) != 1 || rs[0] != want {
			t.Errorf("option %d: stored reason %v, want %v", c.code, rs, want)
		}
	}
	next, name, file := d.Boot()
	if next != ip("10.9.0.9") || string(name) != "subnet" || string(file) != "network" || d.Lifetime != 5*time.Hour {
		t.Errorf("boot %v %s %s, lifetime %v", next, name, file, d.Lifetime)
	}
	rs, ok := binding.DecodeReasons(d.AppendParameterReasons(nil, d.Reserved))
	want := []binding.Reason{
		{Code: binding.ReasonLifetime, Layer: "host", Object: "pc", Line: uint32(line("  pc:")), Rule: "set"},
		{Code: binding.ReasonNextServer, Layer: "pool", Object: pool, Line: uint32(line("next-server: 10.9.0.9")), Rule: "set"},
		{Code: binding.ReasonServerHostname, Layer: "subnet", Object: subnet, Line: uint32(line("server-hostname")), Rule: "set"},
		{Code: binding.ReasonBootFile, Layer: "shared network", Object: "lan", Line: uint32(line("boot-file-name")), Rule: "set"},
		{Code: binding.ReasonAddress, Layer: "host", Object: "pc", Line: uint32(line("  pc:")), Rule: "reserved"},
	}
	if !ok || fmt.Sprint(rs) != fmt.Sprint(want) {
		t.Errorf("reasons\n%v, want\n%v", rs, want)
	}
	// The same without a reservation and without a name, in a pool that says nothing.
	f = p.on("10.0.0.0", binding.Client{Hardware: mac(2)}, nil)
	p.Place("west", f, &d)
	p.Settle("west", f, ip("10.0.0.25"), &d)
	for code, want := range map[uint8]string{12: "enterprise", 18: "subnet", 14: "subnet", 66: "subnet", 17: "network"} {
		if got, _ := d.text(p, code); got != want {
			t.Errorf("option %d: %q, want %q", code, got, want)
		}
	}
	if next, _, _ = d.Boot(); next != ip("10.9.0.1") || d.Lifetime != 3*time.Hour {
		t.Errorf("next-server %v, lifetime %v", next, d.Lifetime)
	}
}

func TestOldWindowsRoutesHaveTheReasonOfTheOthers(t *testing.T) {
	p := compiled(t, `enterprise: {options: {classless-static-route: [{to: 10.0.0.0/8, via: 10.0.0.1}]}}
networks: {lan: {subnets: {10.0.0.0/24: {pools: [{range: 10.0.0.10-10.0.0.20}]}}}}
`)
	var d Decision
	p.Resolve("west", p.on("10.0.0.0", binding.Client{Hardware: mac(1)}, nil), &d)
	v := d.Option(249)
	if v == nil || !v.OnlyAsked || string(v.Bytes) != string(d.Option(121).Bytes) {
		t.Fatalf("249: %+v", v)
	}
	rs, ok := binding.DecodeReasons(v.AppendReason(nil))
	if !ok || len(rs) != 1 || rs[0].Code != 249 || rs[0].Line != 2 || rs[0].Layer != "enterprise" {
		t.Errorf("reason %v", rs)
	}
}

func TestDerivedOptions(t *testing.T) {
	p := compiled(t, `networks: {lan: {subnets: {10.0.0.0/23: {}, 10.1.0.0/31: {}, 10.1.0.4/30: {}, 10.1.0.9/32: {}}}}`)
	for prefix, want := range map[string][2]string{
		"10.0.0.0": {"255.255.254.0", "10.0.1.255"}, "10.1.0.4": {"255.255.255.252", "10.1.0.7"},
		"10.1.0.0": {"255.255.255.254", ""}, "10.1.0.9": {"255.255.255.255", ""}, // RFC 3021
	} {
		var d Decision
		p.Resolve("west", p.on(prefix, binding.Client{Hardware: mac(1)}, nil), &d)
		mask, _ := d.text(p, 1)
		last, _ := d.text(p, 28)
		if mask != want[0] || last != want[1] {
			t.Errorf("%s: %s %s, want %v", prefix, mask, last, want)
		}
	}
}

func TestSuggestedNames(t *testing.T) {
	for _, c := range []struct {
		accept bool
		said   said
		want   string
	}{
		{true, said{12: "laptop"}, "laptop"},
		{true, said{12: ""}, "host"},
		{true, nil, "host"},
		{true, said{12: strings.Repeat("x", 256)}, "host"},
		{true, said{12: "laptop", 81: "\x00\xff\xffother"}, "host"}, // RFC 4702 §4
		{false, said{12: "laptop"}, "host"},
	} {
		p := compiled(t, strings.Replace(layered, "host-name: true", fmt.Sprintf("host-name: %v", c.accept), 1))
		var d Decision
		p.Resolve("west", p.on("10.0.0.0", binding.Client{Hardware: mac(1)}, c.said), &d)
		if got, _ := d.text(p, 12); got != c.want {
			t.Errorf("%v, accept %v: %q, want %q", c.said, c.accept, got, c.want)
		}
	}
}
