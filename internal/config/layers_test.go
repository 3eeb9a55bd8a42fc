package config

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/option"
)

func TestAllLayersAreReadAsTheyAreWritten(t *testing.T) {
	d := parsed(t, string(read(t, "testdata/good/layers.yaml")))
	g := d.Group
	if g.Name != "campus" || g.Primary != "west" || len(g.Members) != 1 || g.Members[0].Peer != netip.MustParseAddrPort("10.9.0.1:647") ||
		g.Members[0].Class != "core" || g.Members[0].Protocol != ProtocolLessor || g.OnTakeover != TakeoverHome || g.Failover.MCLT != time.Hour {
		t.Errorf("group: %+v", g)
	}
	if d.Server.TLS.Key != "west.key" || d.Server.TLS.Authority != "ca.pem" || d.Server.TLS.Certificate != "west.pem" {
		t.Errorf("tls: %+v", d.Server.TLS)
	}
	if d.Enterprise.OnTakeover != TakeoverLocal || len(d.Intranets) != 1 || !slices.Equal(d.Intranets[0].Networks, []string{"floor1"}) ||
		len(d.ServerClasses) != 1 || d.ServerClasses[0].Name != "core" || len(d.Servers) != 1 || !d.Servers[0].NextServer.IsValid() {
		t.Errorf("sections: %+v %+v %+v", d.Intranets, d.ServerClasses, d.Servers)
	}
	var names []string
	for _, c := range d.Classes {
		names = append(names, c.Name+" "+c.Kind.String())
		if c.Match == nil || c.Match.Never() {
			t.Errorf("%s matches nobody", c.Name)
		}
	}
	if want := []string{"phones vendor class", "lab-kit hardware class", "kiosk user class", "simple vendor class"}; !slices.Equal(names, want) {
		t.Errorf("classes: %q", names)
	}
	if d.Classes[2].Priority != 10 || d.Classes[3].Priority != -5 || d.Classes[2].Text != `user_class == "kiosk"` {
		t.Errorf("classes: %+v", d.Classes)
	}
	if want := `{circuit-id: "ge-*", domain: "corp.example", enterprise: 4491, hardware: ["02:00:5e", "02:00:5e:00/25", "6/02"], ` +
		`hardware-type: 6, options: {option-12: {hex: "78"}, option-60: [{hex: "50686f6e652031"}, {hex: "50686f6e652032"}], option-93: [{hex: "0007"}, {hex: "0009"}]}, ` +
		`relay: ["10.0.0.1", "10.1.0.0/16"], remote-id: {hex: "0102"}, subscriber-id: "*", user-class: "kiosk", vendor-class: ["Phone*", {hex: "0a0b"}, {hex: "612a"}]}`; d.Classes[3].Text != want {
		t.Errorf("got  %s\nwant %s", d.Classes[3].Text, want)
	}
	if len(d.Domains) != 1 || d.Domains[0].Name != "guests.corp.example" {
		t.Errorf("domains: %+v", d.Domains)
	}
	h := d.Hosts[1]
	if h.Name != "scanner" || string(h.SubscriberID) != "desk-7" || len(h.Options) != 2 || h.Options[0].Code != 60 || string(h.Options[0].Value) != "ScanMaster" ||
		string(h.Options[1].Value) != "\x00\x07\x00\x09" {
		t.Errorf("host: %+v", h)
	}
	if pools := d.Networks[0].Subnets[0].Pools; !slices.Equal(pools[0].Deny, []string{"phones"}) || !slices.Equal(pools[1].Allow, []string{"phones", "kiosk"}) {
		t.Errorf("pools: %+v", pools)
	}
}

func TestFormsAreReadAsTheyAreWritten(t *testing.T) {
	d := parsed(t, string(read(t, "testdata/good/layers.yaml")))
	type form struct {
		Form
		Takeover
		value string
	}
	for code, want := range map[option.Code]form{
		option.CodeRouters:      {Set, 0, "\xc6\x33\x64\x01"},
		option.CodeNTPServers:   {Unset, 0, ""},
		option.CodeLogServers:   {Force, TakeoverLocal, "\x0a\x09\x00\x06"},
		option.CodeDomainSearch: {Prepend, 0, "\x01a\x07example\x00"},
	} {
		o := d.Networks[0].Subnets[0].setting(code)
		if o == nil || o.Form != want.Form || o.OnTakeover != want.Takeover || string(o.Value) != want.value {
			t.Errorf("option %d: %+v", code, o)
		}
	}
	if o := d.Networks[0].setting(option.CodeDomainNameServers); o.Form != Append || o.OnTakeover != TakeoverHome || o.Position.Line != 20 {
		t.Errorf("%+v", o)
	}
	if o := d.Networks[0].setting(121); o.Form != Merge {
		t.Errorf("%+v", o)
	}
}

// TestAMapThatIsAValueIsNoForm holds that values which are maps are told from forms.
func TestAMapThatIsAValueIsNoForm(t *testing.T) {
	for written, value := range map[string]string{
		`routers: {hex: "0a000001"}`:                          "\x0a\x00\x00\x01",
		`routers: {set: {hex: "0a000001"}}`:                   "\x0a\x00\x00\x01",
		`vendor-encapsulated-options: {1: {uint8: 7}}`:        "\x01\x01\x07",
		`vendor-encapsulated-options: {set: {1: {uint8: 7}}}`: "\x01\x01\x07",
		`vivso: {merge: {4491: {2: {hex: "01"}}}}`:            "\x00\x00\x11\x8b\x03\x02\x01\x01",
	} {
		d := parsed(t, "networks: {lan: {subnets: {10.0.0.0/24: }, options: {"+written+"}}}\n")
		if o := d.Networks[0].Options[0]; string(o.Value) != value {
			t.Errorf("%s: %q", written, o.Value)
		}
	}
}

func TestFailoverHasItsDefaults(t *testing.T) {
	want := Failover{
		MCLT: time.Hour, Split: 128, LoadBalanceSecs: 3, ReceiveTimer: 10 * time.Second, Startup: 5 * time.Second, Reconnect: 5 * time.Second,
		MaxUnacked: 100, MaxSkew: 30 * time.Second,
	}
	const lan = "networks: {lan: {subnets: {10.0.0.0/24: }}}\n"
	for _, src := range []string{"", "group:\n", "group: {members: {west: }}\n"} {
		if f := parsed(t, src+lan).Group.Failover; f != want {
			t.Errorf("%q: %+v", src, f)
		}
	}
	d := parsed(t, string(read(t, "testdata/doubtful/group-of-two.yaml")))
	f := d.Group.Failover
	f.Position = Position{}
	if f != (Failover{
		MCLT: 10 * time.Minute, Split: 256, ReceiveTimer: 30 * time.Second, Reconnect: 100 * time.Millisecond, MaxUnacked: 1, Guard: 30 * time.Second,
		AutoPartnerDown: time.Hour, Relationship: "old",
	}) {
		t.Errorf("%+v", f)
	}
	if d.Group.Primary != "east" || d.Group.Members[0].Peer.Port() != DefaultPeerPort || d.Server.API.Listen.Port() != DefaultAPIPort {
		t.Errorf("%+v", d.Group)
	}
}

func TestAGroupHasAPrimaryAndAName(t *testing.T) {
	d := parsed(t, "group: {members: {west: {peer: 10.0.0.1}, east: {peer: 10.0.0.2}}}\nnetworks: {lan: {subnets: {10.0.0.0/24: }}}\n")
	if d.Group.Primary != "west" || d.Group.Name != DefaultGroup || d.Server.Name != "" {
		t.Errorf("%+v, server %q", d.Group, d.Server.Name)
	}
	if d = parsed(t, "networks: {lan: {subnets: {10.0.0.0/24: }}}\n"); d.Group.Primary != "" || d.Group.Name != "" {
		t.Errorf("%+v", d.Group)
	}
}

func TestTheOnlyMemberIsThisServer(t *testing.T) {
	d := parsed(t, "group: {members: {west: }}\nnetworks: {lan: {interfaces: {west: [eth0], east: [eth1]}, subnets: {10.0.0.0/24: }}}\n")
	if d.Server.Name != "west" || !slices.Equal(d.Networks[0].Interfaces, []string{"eth0"}) {
		t.Errorf("server %q on %v", d.Server.Name, d.Networks[0].Interfaces)
	}
}

func TestWhoServes(t *testing.T) {
	const lan = "networks: {lan: {subnets: {10.0.0.0/24: }}}\n"
	for _, c := range []struct{ src, as, want string }{
		{lan, "anything", ""},
		{"group: {name: campus}\n" + lan, "anything", ""},
		{"group: {members: {west: }}\n" + lan, "west", ""},
		{"group: {members: {west: }}\n" + lan, "east", "this server, east, is not a member of the group, which has west"},
		{"group: {members: {west: {peer: 10.0.0.1}, east: {peer: 10.0.0.2}}}\n" + lan, "east", ""},
		{"group: {members: {west: {peer: 10.0.0.1}, east: {peer: 10.0.0.2}}}\n" + lan, "north", "this server, north, is not a member of the group, which has west and east"},
		{"group: {members: {west: {peer: 10.0.0.1}, east: {peer: 10.0.0.2}, north: {peer: 10.0.0.3}}}\n" + lan, "east", "two at most"},
	} {
		err := parsed(t, c.src).As(binding.Member(c.as)).Serves()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q as %q: %v", c.src, c.as, err)
		}
	}
}

func TestTooManyClassesAreSaidSoOnce(t *testing.T) {
	var b strings.Builder
	manyClasses(&b, MaxClasses+1, 0)
	_, problems := Parse("many.yaml", []byte(b.String()))
	if len(problems) != 1 || !strings.Contains(problems[0].Message, "10001 classes") {
		t.Errorf("%v", problems)
	}
}
