package class

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/option"
)

func TestSimpleMatches(t *testing.T) {
	silent := &Client{}
	token := phone()
	token.Identity.Hardware.Type = 6
	text := func(s string) []byte { return []byte(s) }
	for _, x := range []struct {
		what   string
		match  *Match
		client *Client
		want   verdict
	}{
		{"hardware prefix", Hardware(0, []byte{2, 0, 0x5e}, 24), phone(), yes},
		{"hardware prefix of another", Hardware(0, []byte{2, 0, 0x5f}, 24), phone(), no},
		{"hardware mask", Hardware(0, []byte{2, 0, 0x5e, 0x7f}, 25), phone(), yes},
		{"hardware mask of another", Hardware(0, []byte{2, 0, 0x5e, 0x80}, 25), phone(), no},
		{"no bits", Hardware(0, nil, 0), phone(), yes},
		{"more bits than octets", Hardware(0, []byte{2}, 48), phone(), yes},
		{"hardware type before", Hardware(6, []byte{2}, 8), phone(), no},
		{"hardware type before, right", Hardware(6, []byte{2}, 8), token, yes},
		{"hardware of nobody", Hardware(0, nil, 0), silent, no},
		{"longer than the address", Hardware(0, make([]byte, 8), 64), phone(), no},
		{"type", HardwareType(6), token, yes},
		{"other type", HardwareType(6), phone(), no},
		{"option", Option(60, text("Phone-7"), true), phone(), yes},
		{"option prefix", Option(60, text("Phone"), false), phone(), yes},
		{"option, not whole", Option(60, text("Phone"), true), phone(), no},
		{"option that ends in a zero", Option(60, text("x"), true), &Client{Options: sent{60: text("x\x00")}}, yes},
		{"octets that end in a zero", Option(61, text("x"), true), &Client{Identity: binding.Client{ID: text("x\x00")}}, no},
		{"absent option", Option(60, nil, false), silent, no},
		{"a user class with its length", Option(77, text("\x04iPXE"), true), &Client{Options: sent{77: text("iPXE")}}, yes},
		{"a user class as it is", Option(77, text("iPXE"), true), &Client{Options: sent{77: text("\x04iPXE")}}, yes},
		{"two user classes", Option(77, text("\x04iPXE"), true), &Client{Options: sent{77: text("\x04iPXE\x01x")}}, no},
		{"the same two user classes", Option(77, text("\x01a\x01x"), true), &Client{Options: sent{77: text("\x01a\x01x")}}, yes},
		{"option of one packet", Option(57, []byte{5, 220}, true), phone(), no},
		{"client identifier", Option(61, []byte{1, 2}, false), phone(), yes},
		{"user class", UserClass(text("lab"), true), phone(), yes},
		{"user class prefix", UserClass(text("ki"), false), phone(), yes},
		{"user class, not whole", UserClass(text("ki"), true), phone(), no},
		{"bare user class", UserClass(text("kiosk"), true), &Client{Options: sent{77: text("kiosk")}}, yes},
		{"no user class", UserClass(nil, false), silent, no},
		{"user class among many", UserClass(text("x"), true), &Client{Options: sent{77: text(strings.Repeat("\x01a", 400) + "\x01x")}}, yes},
		{"enterprise", Enterprise(4491), phone(), yes},
		{"other enterprise", Enterprise(9), phone(), no},
		{"circuit", Relay(1, text("eth"), false), phone(), yes},
		{"circuit, whole", Relay(1, text("eth1"), true), phone(), yes},
		{"no circuit", Relay(9, nil, false), phone(), no},
		{"domain", DomainSuffix("corp.example"), phone(), yes},
		{"whole domain", DomainSuffix("Lab.Corp.Example."), phone(), yes},
		{"half a label", DomainSuffix("orp.example"), phone(), no},
		{"no domain", DomainSuffix("corp.example"), silent, no},
		{"gateway", Gateway(netip.MustParsePrefix("10.1.0.0/16")), phone(), yes},
		{"other gateway", Gateway(netip.MustParsePrefix("10.2.0.0/16")), phone(), no},
		{"heard directly", Gateway(netip.MustParsePrefix("0.0.0.0/0")), silent, no},
		{"all", All(HardwareType(1), Enterprise(4491)), phone(), yes},
		{"not all", All(HardwareType(1), Enterprise(9)), phone(), no},
		{"any", Any(HardwareType(9), Enterprise(4491)), phone(), yes},
		{"none", Any(HardwareType(9), Enterprise(9)), phone(), no},
		{"all of nothing", All(), silent, yes},
		{"any of nothing", Any(), silent, no},
		{"with an expression", All(compile(t, `user_classes.exists(c, c == "lab")`), HardwareType(1)), phone(), yes},
		{"with an expression that fails", All(compile(t, `option[93][5] == 1`), HardwareType(1)), phone(), failed},
		{"with one that need not be told", All(compile(t, `option[93][5] == 1`), HardwareType(9)), phone(), no},
	} {
		if got, why := answer(x.match, x.client); got != x.want || (got == failed) != (why != "") {
			t.Errorf("%s: %v %s", x.what, got, why)
		}
	}
}

func TestExpressions(t *testing.T) {
	for text, want := range map[string]verdict{
		`hardware == "02:00:5e:00:00:07" && hardware_type == 1`:                    yes,
		`client_id == "01:02:00:5e:00:00:07"`:                                      yes,
		`vendor_class == "Phone-7" && user_class == "kiosk"`:                       yes,
		`user_classes == ["kiosk", "lab"] && "lab" in user_classes`:                yes,
		`host_name == "ph7.Lab.corp.example" && domain == "lab.corp.example"`:      yes,
		`circuit_id == "eth1" && remote_id == "rem" && subscriber_id == "sub"`:     yes,
		`relay[1] == "eth1" && relay["remote-id"] == "rem" && relay[9] == null`:    yes,
		`giaddr == "10.1.0.1" && relayed && network == "floor1" && !known`:         yes,
		`option[93] == 7 && 7 in option[93] && option[93][0] == 7`:                 yes,
		`option["client-system"] == 7 && option["client-arch"] == 7`:               yes,
		`7 == option[93] && option[93] in [6, 7] && option[93] == [7]`:             yes,
		`option[93] != 7 || option[93] == 9`:                                       no,
		`option[55] == 1`:                                                          no,
		`3 in option[55] && option[55].exists(x, x == 6) && size(option[55]) == 3`: yes,
		`option[3] == "10.0.0.1" && option["routers"][0] == "10.0.0.1"`:            yes,
		`option[19] == true && option[80] == true`:                                 yes,
		`option[97] == b"\x00\x01\x02" && option[97] in [b"\x00\x01\x02"]`:         yes,
		`option[82]["circuit-id"] != null`:                                         yes,
		`option[61] == b"\x01\x02\x00\x5e\x00\x00\x07" && 61 in option`:            yes,
		`option[66] == null && !(66 in option) && !has(option.bootsize)`:           no, // no such name: see below
		`option[66] == null && !(66 in option) && !has(option.routers)`:            no,
		`has(option.routers) && !("tftp-server-name" in option)`:                   yes,
		`7 in option[94]`: no,
		`5 in option[93] || "x" in option[60 + 60]`:                                no,
		`option[60].startsWith("Phone") && option["vendor-class"].size() == 7`:     yes,
		`option[66].startsWith("x")`:                                               failed,
		`option[66].startsWith("x") || known == false`:                             yes,
		`option[93][3] == 1`:                                                       failed,
		`option[124]["4491"] == ["docsis30"] && option[124]["4491"] == "docsis30"`: yes,
		`fqdn == "" && domain.endsWith("corp.example")`:                            yes,
		`option[26] == 1500`:                                                       no,
		`option[50 + 3] == 1`:                                                      failed,
		`option["routers" + ""] == "10.0.0.1"`:                                     yes,
		`option["x" + ""] == 1`:                                                    failed,
		`option.all(k, k != 53) && option.exists(k, k == 82)`:                      yes,
		`relay.exists(k, relay[k] == "rem")`:                                       yes,
	} {
		if strings.Contains(text, "bootsize") {
			if m, _ := NewCompiler(option.Standard()).Expression(text); m != nil {
				t.Errorf("%s is compiled", text)
			}
			continue
		}
		if got, why := answer(compile(t, text), phone()); got != want {
			t.Errorf("%s: %v %s", text, got, why)
		}
	}
}

// Zeros at the end of a text are no part of it, and a client that says nothing has empty texts.
func TestTextsAsClientsSendThem(t *testing.T) {
	c := &Client{Options: sent{60: []byte("x\x00\x00"), 12: []byte("h\x00"), 81: []byte("\x00\x00\x00pc.corp.example.")}}
	for _, text := range []string{`vendor_class == "x"`, `option[60] == "x"`, `host_name == "h"`, `fqdn == "pc.corp.example"`, `domain == "corp.example"`} {
		if got, why := answer(compile(t, text), c); got != yes {
			t.Errorf("%s: %v %s", text, got, why)
		}
	}
	for name, kind := range variables {
		if kind.TypeName() != "string" {
			continue
		}
		if got, why := answer(compile(t, name+` == ""`), &Client{}); got != yes {
			t.Errorf("%s of a client that says nothing: %v %s", name, got, why)
		}
	}
}

func TestWhyAnExpressionFails(t *testing.T) {
	c := phone()
	c.Options.(sent)[93] = []byte{0, 7, 0}
	c.Options.(sent)[26] = []byte{1}
	c.Options.(sent)[81] = []byte{0}
	c.Options.(sent)[55] = make([]byte, 256)
	c.Options.(sent)[77] = []byte(strings.Repeat("\x01a", 256))
	c.Options.(sent)[124] = []byte("\x00\x00\x11\x8b\xff" + strings.Repeat("\x00", 255) + "\x00\x00\x11\x8b\x01\x00")
	c.Options.(sent)[60] = []byte("bad\x01\xff")
	for text, want := range map[string]string{
		`option[93] == 7`:                     "option client-system (93) of this client: its length is not a whole number of values",
		`option[93].exists(a, a == 7)`:        "option client-system (93) of this client: its length",
		`option["interface-mtu"] > 5`:         "option interface-mtu (26) of this client: its length is not that of its type",
		`fqdn == "x"`:                         "option fqdn (81) of this client: it ends within a value",
		`option[66].startsWith("x")`:          "this client sent no option tftp-server-name (66)",
		`relay[9].startsWith("x")`:            "this client sent no sub-option vendor-specific (9) of option 82",
		`3 in option[55]`:                     "option dhcp-parameter-request-list (55) of this client: it has more than 255 elements",
		`option[55] == 3`:                     "it has more than 255 elements",
		`option[55].exists(o, o == 3)`:        "it has more than 255 elements",
		`"x" in user_classes`:                 "option user-class (77) of this client: it has more than 255 elements",
		`user_classes.exists(c, c == "x")`:    "it has more than 255 elements",
		`option[124]["4491"] == ["x"]`:        "it has more than 255 elements",
		`int(vendor_class) > 3`:               "type conversion error from 'string' to 'int'",
		`{"a": 1}[vendor_class] == 1`:         "no such key: bad??",
		`option[6 + 47] == 1`:                 "option 53 belongs to one packet",
		`option[3][7] == "10.0.0.1"`:          "index out of bounds: 7",
		`{1: 2}[hardware_type + 8] == 1`:      "no such key: 9",
		`option[int(giaddr.size()) - 8] == 1`: "there is no option 0",
	} {
		if got, why := answer(compile(t, text), c); got != failed || !strings.Contains(why, want) {
			t.Errorf("%s: %v %q", text, got, why)
		}
	}
}

func TestTheDomainOfAClient(t *testing.T) {
	for _, x := range []struct{ fqdn, host, want string }{
		{"", "", ""},
		{"", "pc.corp.example", "corp.example"},
		{"", "PC.Corp.EXAMPLE..", "corp.example"},
		{"", "pc", ""},
		{"", "pc.", ""},
		{"", "pc.corp.example\x00", "corp.example"},
		{"", "pc.a b.x", `a\032b.x`},
		{"\x00\x00\x00a.B.c", "pc.corp.example", "b.c"},
		{"\x04\x00\x00\x01a\x01B\x01c\x00", "pc.corp.example", "b.c"},
		{"\x04\x00\x00\x01a", "pc.corp.example", "corp.example"},
		{"\x00\x00\x00", "pc.corp.example", "corp.example"},
		{"\x00", "pc.corp.example", "corp.example"},
		{"\x04\x00\x00\x3fa", "pc.corp.example", "corp.example"},
		{"\x04\x00\x00\x02a.\x01c\x00", "", "c"},
		{"", strings.Repeat("a.", 200), ""},
	} {
		c := &Client{Options: sent{}}
		if x.fqdn != "" {
			c.Options.(sent)[81] = []byte(x.fqdn)
		}
		if x.host != "" {
			c.Options.(sent)[12] = []byte(x.host)
		}
		if got := string(c.AppendDomain([]byte("."))); got != "."+x.want {
			t.Errorf("%q %q: %q", x.fqdn, x.host, got)
		}
	}
	c, buf := phone(), make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() { buf = c.AppendDomain(buf[:0]) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestNeverAndAlways(t *testing.T) {
	for text, want := range map[string]string{
		`vendor_class == "a" && vendor_class == "b"`:                                "never",
		`vendor_class == "a" && vendor_class != "a"`:                                "never",
		`vendor_class in ["a", "b"] && known && vendor_class in ["c"]`:              "never",
		`vendor_class.startsWith("a") && vendor_class.startsWith("b")`:              "never",
		`vendor_class.startsWith("ab") && (known && !vendor_class.startsWith("a"))`: "never",
		`vendor_class.endsWith("a") && vendor_class.endsWith("b")`:                  "never",
		`vendor_class == "ab" && vendor_class.startsWith("b")`:                      "never",
		`vendor_class == "ab" && !vendor_class.contains("b")`:                       "never",
		`option[93] == 7 && option[93] == 9`:                                        "never",
		`option[93] in [1, 2] && option[93] != 1 && option[93] != 2`:                "never",
		`known && !known`:                               "never",
		`93 in option && !(93 in option)`:               "never",
		`known && false`:                                "never",
		`1 == 2`:                                        "never",
		`hardware == "02:00:5E:00:00:01"`:               "never",
		`hardware.startsWith("02-00")`:                  "never",
		`domain == "Corp.example"`:                      "never",
		`vendor_class.lowerAscii() == "PXE"`:            "never",
		`hardware_type == 300`:                          "never",
		`option[93] == 70000`:                           "never",
		`!(known || !known)`:                            "never",
		`vendor_class in []`:                            "never",
		`known || !known`:                               "always",
		`true`:                                          "always",
		`known || 1 < 2`:                                "always",
		`vendor_class == "a" || vendor_class != "a"`:    "always",
		`!(vendor_class == "a" && vendor_class == "b")`: "always",
		`option[93] == 7 || option[93] != 7`:            "",
		`!(option[93] == 70000)`:                        "",
		`option[93] == 7 && 9 in option[93]`:            "",
		`vendor_class.startsWith("a") && vendor_class.startsWith("ab")`: "",
		`vendor_class == "a" && user_class == "b"`:                      "",
		`vendor_class == "a" || vendor_class == "b"`:                    "",
		`"a" in user_classes && "b" in user_classes`:                    "",
		`vendor_class.startsWith("a") && vendor_class.endsWith("b")`:    "",
		`vendor_class != "a" && vendor_class != "b"`:                    "",
		`vendor_class.lowerAscii() == "a" && vendor_class == "A"`:       "",
		`option[93] != 7 && !(7 in option[93])`:                         "",
	} {
		m := compile(t, text)
		got := map[bool]string{true: "never"}[m.Never()] + map[bool]string{true: "always"}[m.Always()]
		if got != want {
			t.Errorf("%s: %q", text, got)
		}
	}
	p := netip.MustParsePrefix
	for i, m := range []*Match{
		All(Hardware(0, []byte{2, 0}, 16), Hardware(0, []byte{2, 1, 1}, 24)), All(Hardware(1, nil, 0), Hardware(6, nil, 0)),
		All(Gateway(p("10.0.0.0/8")), Gateway(p("192.0.2.0/24"))), All(DomainSuffix("a.b"), DomainSuffix("c.b")), Any(),
		All(Option(60, []byte("a"), false), Any(Option(60, []byte("b"), true))), All(HardwareType(1), HardwareType(2)),
	} {
		if !m.Never() && i != 5 {
			t.Errorf("%d: somebody may belong", i)
		}
	}
	for i, m := range []*Match{
		All(Hardware(0, []byte{2, 0}, 16), Hardware(0, []byte{2, 0, 1}, 24)), All(Gateway(p("10.0.0.0/8")), Gateway(p("10.1.0.0/16"))),
		All(DomainSuffix("a.b"), DomainSuffix("b")), All(UserClass([]byte("a"), true), UserClass([]byte("b"), true)), All(Enterprise(1), Enterprise(2)),
	} {
		if m.Never() || m.Always() {
			t.Errorf("%d: never %v, always %v", i, m.Never(), m.Always())
		}
	}
}

// What is said to be never, or always, is so of clients at random.
func TestNeverIsNever(t *testing.T) {
	r := seeded(t)
	var some func(depth int) *Match
	some = func(depth int) *Match {
		if depth > 0 {
			a, b, c := some(depth-1), some(depth-1), some(depth-1)
			if r.IntN(2) == 0 {
				return All(a, b, c)
			}
			return Any(a, b, c)
		}
		pick := func(s ...string) string { return s[r.IntN(len(s))] }
		switch r.IntN(7) {
		case 0:
			return Hardware(uint8(r.IntN(3)), []byte(pick("\x02\x00\x5e", "\x02\x00\x5f", "\x02")), 1+r.IntN(24))
		case 1:
			return HardwareType(uint8(r.IntN(3)))
		case 2:
			return Option(60, []byte(pick("Phone", "Phone-7", "P", "PHONE", "")), r.IntN(2) == 0)
		case 3:
			return UserClass([]byte(pick("kiosk", "lab", "k")), r.IntN(2) == 0)
		case 4:
			return Relay(1, []byte(pick("eth", "eth1", "")), r.IntN(2) == 0)
		case 5:
			return DomainSuffix(pick("example", "corp.example", "b", "de"))
		}
		return Gateway(netip.MustParsePrefix(pick("10.1.0.0/16", "10.0.0.0/8", "10.2.0.0/16")))
	}
	clients := make([]*Client, 300)
	for i := range clients {
		clients[i] = someClient(r)
	}
	never := 0
	for range 3000 {
		m := some(1 + r.IntN(2))
		if m.Never() {
			never++
		}
		if !m.Never() && !m.Always() {
			continue
		}
		for _, c := range clients {
			if got, _ := answer(m, c); got == yes && m.Never() || got != yes && m.Always() {
				t.Fatalf("never %v, always %v, and %v of %v", m.Never(), m.Always(), got, c)
			}
		}
	}
	if never < 100 {
		t.Errorf("only %d matches were said to be never", never)
	}
}

// A match stays what it is when its maker's values change.
func TestMatchesAreImmutable(t *testing.T) {
	value := []byte("Phone")
	ms := []*Match{Option(60, value, false), Hardware(0, value[:3], 24)}
	set := NewSet(ms)
	copy(value, "XXXXX")
	ms[0] = nil
	c := &Client{Identity: binding.Client{Hardware: binding.HardwareOf(1, []byte("Phone!"))}, Options: sent{60: []byte("Phone-7")}}
	if got, _ := set.Members(c, &Memory{}, nil); len(got) != 2 {
		t.Errorf("%v", got)
	}
}
