package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// everything says one option in all layers, each its own value.
var everything = map[string]string{
	"enterprise":     "enterprise: {options: {root-path: enterprise}}",
	"intranet":       "intranets: {lab: {networks: [lan], options: {root-path: intranet}}}",
	"server class":   "server-classes: {core: {options: {root-path: server class}}}",
	"server":         "servers: {west: {options: {root-path: server}}}",
	"user class":     "u: {kind: user, match: 'user_class == \"u\"', options: {root-path: user class}}",
	"vendor class":   "v: {kind: vendor, match: 'vendor_class == \"v\"', options: {root-path: vendor class}}",
	"hardware class": "h: {kind: hardware, match: 'hardware.startsWith(\"02:\")', options: {root-path: hardware class}}",
	"domain":         "domains: {corp.example: {options: {root-path: domain}}}",
	"host":           "hosts: {pc: {hardware: 02:00:00:00:00:01, address: 10.0.0.15, options: {root-path: host}}}",
}

// said as everything's client says it. Its own suggestion is a host name, which is tested elsewhere.
func withLayers(precedence string, layers map[string]bool) string {
	var b strings.Builder
	b.WriteString("group: {name: g, members: {west: {class: core}}}\nprecedence: " + precedence + "\n")
	in := func(name string) string {
		if layers[name] {
			return "options: {root-path: " + name + "}, "
		}
		return ""
	}
	fmt.Fprintf(&b, "networks: {lan: {%ssubnets: {10.0.0.0/24: {%spools: [{%srange: 10.0.0.10-10.0.0.19}]}}}}\n", in("shared network"), in("subnet"), in("pool"))
	var classes []string
	for _, name := range []string{"user class", "vendor class", "hardware class"} {
		if layers[name] {
			classes = append(classes, everything[name])
		}
	}
	if len(classes) > 0 {
		b.WriteString("classes: {" + strings.Join(classes, ", ") + "}\n")
	}
	for _, name := range []string{"enterprise", "intranet", "server class", "server", "domain", "host"} {
		if layers[name] {
			b.WriteString(everything[name] + "\n")
		}
	}
	if !layers["server class"] {
		b.WriteString("server-classes: {core: {}}\n")
	}
	return b.String()
}

// In each order, the layers are taken away from the strongest to the weakest: the next one's value is given each time.
func TestOrders(t *testing.T) {
	for _, c := range []struct{ precedence, order string }{
		{"native", "host, domain, hardware class, vendor class, user class, pool, subnet, shared network, server, server class, intranet, enterprise"},
		{"isc", "host, domain, user class, vendor class, hardware class, pool, subnet, shared network, server, server class, intranet, enterprise"},
		{"cisco", "host, domain, user class, vendor class, hardware class, pool, subnet, shared network, server, server class, intranet, enterprise"},
		{"kea", "host, domain, pool, subnet, shared network, user class, vendor class, hardware class, server, server class, intranet, enterprise"},
		{"windows", "host, pool, domain, user class, vendor class, hardware class, subnet, shared network, server, server class, intranet, enterprise"},
		{"[enterprise, pool, host, user class, subnet]", "enterprise, pool, host, user class, subnet, domain, hardware class, vendor class, shared network, server, server class, intranet"},
		{"{options: [intranet, host], parameters: native}", "intranet, host, domain, hardware class, vendor class, user class, pool, subnet, shared network, server, server class, enterprise"},
	} {
		left := strings.Split(c.order, ", ")
		for len(left) > 0 {
			layers := map[string]bool{}
			for _, l := range left {
				layers[l] = true
			}
			p := compiled(t, withLayers(c.precedence, layers))
			var d Decision
			f := p.on("10.0.0.0", binding.Client{Hardware: mac(1)}, said{12: "pc.corp.example", 60: "v", 77: "u"})
			p.Place("west", f, &d)
			p.Settle("west", f, ip("10.0.0.16"), &d)
			if got, v := d.text(p, 17); got != left[0] || v.Layer.String() != left[0] {
				t.Errorf("%s: of %v, %q won in layer %v", c.precedence, left, got, v.Layer)
			}
			left = left[1:]
		}
	}
}

// Parameters have an order of their own: Kea's classes are above subnets for them, and below for options.
func TestOptionsAndParametersHaveOrdersOfTheirOwn(t *testing.T) {
	p := compiled(t, `precedence: kea
networks: {lan: {subnets: {10.0.0.0/24: {next-server: 10.0.0.2, lease: {default: 1h}, options: {root-path: subnet}, pools: [{range: 10.0.0.10-10.0.0.19}]}}}}
classes: {v: {kind: vendor, match: 'vendor_class == "v"', next-server: 10.0.0.3, lease: {default: 2h}, options: {root-path: class}}}
`)
	var d Decision
	p.Resolve("west", p.on("10.0.0.0", binding.Client{Hardware: mac(1)}, said{60: "v"}), &d)
	next, _, _ := d.Boot()
	if path, _ := d.text(p, 17); path != "subnet" || next != ip("10.0.0.3") || d.Lifetime.Hours() != 2 {
		t.Errorf("%s, %v, %v", path, next, d.Lifetime)
	}
}

// The mask of a subnet stands in the subnet's place, gives way to everybody, or stands whatever anybody says. The
// broadcast address never stands like that.
func TestDerivedMask(t *testing.T) {
	for precedence, want := range map[string][3]string{
		"native": {"255.255.255.0", "255.255.0.0", "10.0.255.255"}, "cisco": {"255.255.255.0", "255.255.0.0", "10.0.255.255"},
		"isc": {"255.255.0.0", "255.255.0.0", "10.0.255.255"}, "kea": {"255.255.255.0", "255.255.255.0", "10.0.255.255"},
		"{options: kea}": {"255.255.255.0", "255.255.255.0", "10.0.255.255"},
	} {
		for i, layer := range []string{"enterprise: {options: {subnet-mask: 255.255.0.0}}", "hosts: {h: {hardware: 02:00:00:00:00:01, options: {subnet-mask: 255.255.0.0, broadcast-address: 10.0.255.255}}}"} {
			p := compiled(t, "precedence: "+precedence+"\n"+layer+"\nnetworks: {lan: {subnets: {10.0.0.0/24: {pools: [{range: 10.0.0.10-10.0.0.19}]}}}}\n")
			var d Decision
			p.Resolve("west", p.on("10.0.0.0", binding.Client{Hardware: mac(1)}, nil), &d)
			if got, _ := d.text(p, 1); got != want[i] {
				t.Errorf("%s: %s: the mask is %s, want %s", precedence, layer, got, want[i])
			}
			if got, _ := d.text(p, 28); i == 1 && got != want[2] {
				t.Errorf("%s: %s: the broadcast address is %s, want %s", precedence, layer, got, want[2])
			}
		}
	}
}

func TestClassesOfOneLayer(t *testing.T) {
	p := compiled(t, `networks: {lan: {subnets: {10.0.0.0/24: {pools: [{range: 10.0.0.10-10.0.0.14, allow: [second]}, {range: 10.0.0.15-10.0.0.19, deny: [urgent]}, {range: 10.0.0.20-10.0.0.29}]}}}}
classes:
  first: {kind: vendor, match: 'vendor_class.startsWith("v")', options: {root-path: first, merit-dump: first}}
  second: {kind: vendor, match: 'vendor_class == "v2"', options: {root-path: second, extensions-path: second}}
  urgent: {kind: vendor, match: 'vendor_class.endsWith("2")', priority: 1, options: {extensions-path: urgent}}
  late: {kind: vendor, match: 'true', priority: -1, options: {tftp-server-name: late, root-path: late}}
`)
	for _, c := range []struct {
		vendor  string
		classes string
		pools   string
		want    map[uint8]string
	}{
		{"v1", "first late", "10.0.0.15 10.0.0.20", map[uint8]string{17: "first", 14: "first", 18: "", 66: "late"}},
		{"v2", "urgent first second late", "10.0.0.10 10.0.0.20", map[uint8]string{17: "first", 14: "first", 18: "urgent", 66: "late"}},
		{"x", "late", "10.0.0.15 10.0.0.20", map[uint8]string{17: "late", 14: "", 18: "", 66: "late"}},
	} {
		var d Decision
		p.Resolve("west", p.on("10.0.0.0", binding.Client{Hardware: mac(1)}, said{60: c.vendor}), &d)
		var names, pools []string
		d.Classes(func(n string) { names = append(names, n) })
		for _, q := range d.Pools {
			pools = append(pools, q.First.String())
		}
		if strings.Join(names, " ") != c.classes || strings.Join(pools, " ") != c.pools {
			t.Errorf("%s: classes %v, pools %v", c.vendor, names, pools)
		}
		for code, want := range c.want {
			if got, _ := d.text(p, code); got != want {
				t.Errorf("%s: option %d is %q, want %q", c.vendor, code, got, want)
			}
		}
	}
}

func TestDomains(t *testing.T) {
	p := compiled(t, `networks: {lan: {subnets: {10.0.0.0/24: {pools: [{range: 10.0.0.10-10.0.0.14}]}}}}
domains:
  example: {options: {root-path: example}}
  Corp.Example: {options: {root-path: corp}}
  guests.corp.example: {options: {root-path: guests}}
`)
	fqdn := func(name string) string { return "\x00\x00\x00" + name }
	for _, c := range []struct {
		name string
		said said
		want string
	}{
		{"none", nil, ""},
		{"a name without a domain", said{12: "pc"}, ""},
		{"of option 12", said{12: "pc.corp.example"}, "corp"},
		{"a longer one", said{12: "pc.lab.corp.example"}, "corp"},
		{"the longest", said{12: "pc.a.guests.corp.example"}, "guests"},
		{"whole labels", said{12: "pc.notcorp.example"}, "example"},
		{"case", said{12: "PC.GUESTS.corp.EXAMPLE"}, "guests"},
		{"a dot at the end", said{12: "pc.corp.example."}, "corp"},
		{"option 81 before 12", said{12: "pc.corp.example", 81: fqdn("pc.guests.corp.example")}, "guests"},
		{"option 81 without a domain", said{12: "pc.corp.example", 81: fqdn("pc")}, "corp"},
		{"another", said{12: "pc.example.org"}, ""},
	} {
		var d Decision
		p.Resolve("west", p.on("10.0.0.0", binding.Client{Hardware: mac(1)}, c.said), &d)
		if got, _ := d.text(p, 17); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestForms(t *testing.T) {
	const with = `networks: {lan: {options: {%s}, subnets: {10.0.0.0/24: {options: {%s}, pools: [{range: 10.0.0.10-10.0.0.14}]}}}}
enterprise: {options: {%s}}
`
	for _, c := range []struct {
		name                        string
		enterprise, network, subnet string
		code                        uint8
		want, rule                  string
		forced                      bool
	}{
		{"set", "root-path: a", "root-path: b", "root-path: {set: c}", 17, "c", "set", false},
		{"append to set", "time-servers: [10.0.0.1]", "", "time-servers: {append: [10.0.0.2]}", 4, "10.0.0.1, 10.0.0.2", "append", false},
		{"prepend to append to set", "time-servers: [10.0.0.1]", "time-servers: {append: [10.0.0.2]}", "time-servers: {prepend: [10.0.0.3]}", 4, "10.0.0.3, 10.0.0.1, 10.0.0.2", "prepend", false},
		{"append twice: weak to strong", "time-servers: {append: [10.0.0.1]}", "time-servers: {append: [10.0.0.2]}", "time-servers: {append: [10.0.0.3]}", 4, "10.0.0.1, 10.0.0.2, 10.0.0.3", "append", false},
		{"append to nothing", "", "", "time-servers: {append: [10.0.0.2]}", 4, "10.0.0.2", "append", false},
		{"a set in between closes", "time-servers: [10.0.0.1]", "time-servers: [10.0.0.2]", "time-servers: {append: [10.0.0.3]}", 4, "10.0.0.2, 10.0.0.3", "append", false},
		{"unset", "root-path: a", "", "root-path: {unset: true}", 17, "", "", false},
		{"append to unset", "time-servers: [10.0.0.1]", "time-servers: {unset: true}", "time-servers: {append: [10.0.0.3]}", 4, "10.0.0.3", "append", false},
		{"set over unset", "root-path: a", "root-path: {unset: true}", "root-path: c", 17, "c", "set", false},
		{"unset of what is derived", "", "", "subnet-mask: {unset: true}", 1, "", "", false},
		{"unset of what is built in", "default-ip-ttl: {unset: true}", "", "", 23, "", "", false},
		{"force", "root-path: {force: a}", "", "", 17, "a", "force", true},
		{"set over force", "root-path: {force: a}", "root-path: b", "", 17, "b", "set", false},
		{"append to force", "time-servers: {force: [10.0.0.1]}", "time-servers: {append: [10.0.0.2]}", "", 4, "10.0.0.1, 10.0.0.2", "append", true},
		{"merge", "classless-static-route: [{to: 10.1.0.0/16, via: 10.0.0.1}, {to: 10.2.0.0/16, via: 10.0.0.1}]", "", "classless-static-route: {merge: [{to: 10.2.0.0/16, via: 10.0.0.2}, {to: 10.3.0.0/16, via: 10.0.0.2}]}", 121,
			"{to: 10.1.0.0/16, via: 10.0.0.1}, {to: 10.2.0.0/16, via: 10.0.0.2}, {to: 10.3.0.0/16, via: 10.0.0.2}", "merge", false},
	} {
		p := compiled(t, fmt.Sprintf(with, c.network, c.subnet, c.enterprise))
		var d Decision
		p.Resolve("west", p.on("10.0.0.0", binding.Client{Hardware: mac(1)}, nil), &d)
		got, v := d.text(p, c.code)
		if got != c.want || v.Rule != c.rule || v.Forced != c.forced {
			t.Errorf("%s: %q by %q, forced %v; want %q by %q", c.name, got, v.Rule, v.Forced, c.want, c.rule)
		}
	}
}

// An option that is made of several has a reason for each, the strongest first.
func TestReasonsOfWhatIsPutTogether(t *testing.T) {
	p := compiled(t, `enterprise: {options: {time-servers: [10.0.0.1], classless-static-route: [{to: 10.0.0.0/8, via: 10.0.0.1}]}}
networks: {lan: {options: {time-servers: {append: [10.0.0.2]}, classless-static-route: {merge: [{to: 10.1.0.0/16, via: 10.0.0.1}]}}, subnets: {10.0.0.0/24: {pools: [{range: 10.0.0.10-10.0.0.14}]}}}}
`)
	var d Decision
	p.Resolve("west", p.on("10.0.0.0", binding.Client{Hardware: mac(1)}, nil), &d)
	for _, code := range []uint8{4, 121, 249} {
		rs, ok := binding.DecodeReasons(d.Option(code).AppendReason(nil))
		if !ok || len(rs) != 2 || rs[0].Layer != "shared network" || rs[1].Layer != "enterprise" || rs[0].Code != uint16(code) || rs[1].Code != uint16(code) {
			t.Errorf("option %d: %v", code, rs)
		}
	}
}

func TestHostsByAnyIdentifier(t *testing.T) {
	p := compiled(t, `networks: {lan: {subnets: {10.0.0.0/24: {pools: [{range: 10.0.0.10-10.0.0.14}]}}}}
hosts:
  line: {subscriber-id: line-7, address: 10.0.0.50}
  uuid: {match-options: {option-97: {hex: "000102030405060708090a0b0c0d0e0f10"}}, address: 10.0.0.51}
  both: {subscriber-id: line-7, match-options: {vendor-class-identifier: Phone}, address: 10.0.0.52}
  boot: {match-options: {user-class: iPXE, client-system: 7}, address: 10.0.0.53}
`)
	subscriber := "\x06\x06line-7"
	for _, c := range []struct {
		said said
		want string
	}{
		{said{82: subscriber}, "line"},
		{said{82: subscriber, 60: "Phone"}, "both"},
		{said{60: "Phone"}, ""},
		{said{82: subscriber, 60: "Phone\x00"}, "both"},
		{said{77: "iPXE", 93: "\x00\x07"}, "boot"},
		{said{77: "\x04iPXE", 93: "\x00\x07"}, "boot"},
		{said{77: "\x04iPXE\x01x", 93: "\x00\x07"}, ""},
		{said{77: "", 93: "\x00\x07"}, ""},
		{said{97: "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"}, "uuid"},
	} {
		var d Decision
		p.Place("west", p.on("10.0.0.0", binding.Client{Hardware: mac(1)}, c.said), &d)
		got := ""
		if d.Host != nil {
			got = d.Host.Name
		}
		if got != c.want {
			t.Errorf("%v: %q, want %q", c.said, got, c.want)
		}
	}
}

// What a profile's server does beside its order (docs/layers.md).
func TestHabits(t *testing.T) {
	const text = `networks: {lan: {subnets: {10.0.0.0/24: {options: {routers: [10.0.0.1], root-path: subnet, merit-dump: subnet}, pools: [{range: 10.0.0.10-10.0.0.19, options: {root-path: pool}}]}}}}
enterprise: {options: {merit-dump: {force: enterprise}}}
hosts: {pc: {hardware: 02:00:00:00:00:01, address: 10.0.0.15}}
`
	for _, c := range []struct{ precedence, rootPath, sent string }{
		{"native", "pool", "[1 17]"}, {"cisco", "pool", "[1 17]"}, {"isc", "subnet", "[1 17]"}, {"kea", "pool", "[1 14 17 3]"},
	} {
		p := compiled(t, "precedence: "+c.precedence+"\n"+text)
		var d Decision
		f := p.on("10.0.0.0", binding.Client{Hardware: mac(1)}, said{55: "\x11"})
		p.Resolve("west", f, &d)
		path, _ := d.text(p, 17)
		if sent := fmt.Sprint(d.AppendSent(nil, f, true)); path != c.rootPath || sent != c.sent {
			t.Errorf("%s: root-path of the %s, sent %s; want %s, %s", c.precedence, path, sent, c.rootPath, c.sent)
		}
	}
}
