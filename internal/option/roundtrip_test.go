package option

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sort"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// input makes what a person would write of what Decode returned.
func input(v any) Input {
	switch v := v.(type) {
	case string:
		return Input{Kind: Scalar, Scalar: v}
	case bool:
		return Input{Kind: Scalar, Scalar: strconv.FormatBool(v)}
	case int64:
		return Input{Kind: Scalar, Scalar: strconv.FormatInt(v, 10)}
	case []any:
		in := Input{Kind: List}
		for _, e := range v {
			in.List = append(in.List, input(e))
		}
		return in
	case map[string]any:
		in := Input{Kind: Map}
		for k, e := range v {
			in.Map = append(in.Map, Entry{k, input(e)})
		}
		// "end" sorts behind the numbers, where it belongs.
		sort.Slice(in.Map, func(i, j int) bool { return in.Map[i].Key < in.Map[j].Key })
		return in
	}
	panic(fmt.Sprintf("Decode returned %T", v))
}

// holds checks all that must be true of any octets under any definition.
func holds(d Def, b []byte) error {
	text := d.Text(b)
	if len(text) > MaxText || !utf8.ValidString(text) {
		return fmt.Errorf("text of %d octets: %q", len(text), text)
	}
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("text with a control character: %q", text)
		}
	}
	v, err := d.Decode(b)
	if cerr := d.Check(b); (cerr == nil) != (err == nil) {
		return fmt.Errorf("Check says %v, Decode says %v", cerr, err)
	}
	if err != nil {
		return nil
	}
	if _, err := json.Marshal(v); err != nil {
		return err
	}
	again, err := d.Encode(input(v))
	if err != nil {
		return unwritable(d, v, err)
	}
	w, err := d.Decode(again)
	if err != nil {
		return fmt.Errorf("%v was encoded as %x: %w", v, again, err)
	}
	if !reflect.DeepEqual(v, w) {
		return fmt.Errorf("%x is %v, which was encoded as %x, which is %v", b, v, again, w)
	}
	if err := fits(d.Schema(), input(v)); err != nil {
		return fmt.Errorf("%v does not fit the schema: %w", v, err)
	}
	return nil
}

// unwritable accepts what may arrive but not be written: a number out of its bounds, and a name that is no name.
func unwritable(d Def, v any, err error) error {
	for _, allowed := range []string{"out of range", "the name cannot be sent"} {
		if strings.Contains(err.Error(), allowed) {
			return nil
		}
	}
	return fmt.Errorf("%v cannot be written: %w", v, err)
}

func defs() []Def {
	return append(Standard().Defs(DHCPv4), append(Standard().Defs(RelayAgent), Standard().ByCode(DHCPv4, 224))...)
}

func FuzzAnyOctetsUnderAnyDefinition(f *testing.F) {
	all := defs()
	for _, c := range encodings {
		d, _ := Standard().ByName(DHCPv4, c.option)
		b, err := d.Encode(in(c.value))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(indexOf(all, d)), b)
	}
	for _, s := range hostile {
		for _, name := range s.options {
			d, _ := Standard().ByName(DHCPv4, name)
			f.Add(uint8(indexOf(all, d)), s.octets)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, b []byte) {
		if len(b) > 2048 {
			return // no message is longer
		}
		d := all[int(which)%len(all)]
		if err := holds(d, b); err != nil {
			t.Fatalf("%s: %v", d.Name, err)
		}
	})
}

func indexOf(all []Def, d Def) int {
	for i := range all {
		if all[i] == d {
			return i
		}
	}
	return len(all) - 1
}

func TestRandomOctetsUnderEveryDefinition(t *testing.T) {
	seed := uint64(20261122)
	r := rand.New(rand.NewPCG(seed, 1))
	for range 300 {
		b := make([]byte, r.IntN(40))
		for i := range b {
			b[i] = byte(r.Uint32()) & [...]byte{0xff, 0x0f, 0x03, 0x7f}[r.IntN(4)]
		}
		for _, d := range defs() {
			if err := holds(d, b); err != nil {
				t.Fatalf("seed %d: %s: %v", seed, d.Name, err)
			}
		}
	}
}

func TestCheckDoesNotAllocate(t *testing.T) {
	for _, d := range defs() {
		for _, b := range [][]byte{nil, {1}, {10, 0, 0, 1}, []byte("\x03abc\x00\xc0\x00"), make([]byte, 300)} {
			if n := testing.AllocsPerRun(10, func() { _ = d.Check(b) }); n != 0 {
				t.Errorf("%s: %x: %v allocations", d.Name, b, n)
			}
		}
	}
}

// hostile are octets that broke others, and those that are made mechanically to break a parser.
var hostile = []struct {
	name    string
	options []string
	octets  []byte
	refused bool
}{
	{"CVE-2022-2929: a label of 64 octets in the FQDN", []string{"fqdn"}, []byte("\x04\x00\x00\x40" + strings.Repeat("a", 64) + "\x00"), true},
	{"a label of 64 octets in ASCII", []string{"fqdn"}, []byte("\x00\x00\x00" + strings.Repeat("a", 64)), true},
	{"a label of 63 octets in ASCII", []string{"fqdn"}, []byte("\x00\x00\x00" + strings.Repeat("a", 63) + ".b"), false},
	{"an FQDN without flags", []string{"fqdn"}, []byte{4, 0}, true},
	{"an FQDN of flags alone asks for a name", []string{"fqdn"}, []byte{5, 0, 0}, false},
	{"an FQDN with a second name", []string{"fqdn"}, []byte("\x04\x00\x00\x01a\x00\x01b\x00"), true},
	{"an FQDN with embedded NUL", []string{"fqdn"}, []byte("\x04\x00\x00\x03a\x00b\x00"), false},
	{"CVE-2020-7461: a pointer to itself", []string{"domain-search", "sip-ua-cs-domains"}, []byte{0xc0, 0}, true},
	{"two pointers in a loop", []string{"domain-search"}, []byte{1, 'a', 0xc0, 4, 1, 'b', 0xc0, 0}, true},
	{"a pointer into its own labels", []string{"domain-search"}, []byte{1, 'a', 1, 'b', 0xc0, 2}, true},
	{"a pointer forwards", []string{"domain-search"}, []byte{0xc0, 2, 1, 'a', 0}, true},
	{"a pointer past the end", []string{"domain-search"}, []byte{1, 'a', 0, 0xc0, 200}, true},
	{"half a pointer", []string{"domain-search"}, []byte{1, 'a', 0, 0xc0}, true},
	{"a pointer to a pointer", []string{"domain-search"}, []byte{1, 'a', 0, 0xc0, 0, 0xc0, 3}, false},
	{"CVE-2016-2147: a label past the end", []string{"domain-search", "v4-lost", "sip-servers"}, []byte{0, 63, 'a'}, true},
	{"label types 01 and 10", []string{"domain-search", "v4-lost"}, []byte{0x41, 0x81, 0}, true},
	{"the root alone", []string{"domain-search", "v4-lost"}, []byte{0}, false},
	{"a name of 255 octets", []string{"v4-lost", "domain-search"}, nameOf(255), false},
	{"a name of 256 octets", []string{"v4-lost", "domain-search"}, nameOf(256), true},
	{"pointers that stand for more than they say", []string{"domain-search"}, append(nameOf(255), []byte(strings.Repeat("\xc0\x00", 40))...), true},
	{"CVE-2018-20679: an address of 3 octets", []string{"subnet-mask", "routers", "dhcp-server-identifier"}, []byte{255, 255, 255}, true},
	{"CVE-2009-0692: a mask of 5 octets", []string{"subnet-mask"}, []byte{255, 255, 255, 0, 0}, true},
	{"CVE-2026-44815: a time of 3 octets", []string{"dhcp-lease-time", "dhcp-renewal-time"}, []byte{0, 0, 1}, true},
	{"a list of odd length", []string{"routers", "client-system", "static-routes", "path-mtu-plateau-table"}, []byte{1, 2, 3, 4, 5}, true},
	{"zero octets", []string{"subnet-mask", "routers", "host-name", "dhcp-client-identifier", "domain-search", "classless-static-route", "vivso", "vivco", "user-class", "vendor-encapsulated-options", "client-ndi", "v4-dnr", "v4-pcp-server", "v4-sztp-redirect", "sip-servers", "fqdn", "uuid-guid"}, nil, true},
	{"rapid commit with a value", []string{"rapid-commit"}, []byte{0}, true},
	{"a route of 33 bits", []string{"classless-static-route"}, []byte{33, 1, 2, 3, 4, 5, 10, 0, 0, 1}, true},
	{"a route without its router", []string{"classless-static-route", "ms-classless-static-routes"}, []byte{8, 10, 10, 0, 0}, true},
	{"a route with bits beyond its prefix", []string{"classless-static-route"}, []byte{1, 0xff, 10, 0, 0, 1}, false},
	{"an enterprise whose data ends early", []string{"vivso", "vivco"}, []byte{0, 0, 1, 2, 9, 1, 1, 1}, true},
	{"an enterprise without data", []string{"vivso", "vivco"}, []byte{0, 0, 1, 2, 0}, false},
	{"a vendor's option past its block", []string{"vivso"}, []byte{0, 0, 1, 2, 3, 1, 9, 1}, true},
	{"a vendor's option without length", []string{"vivso"}, []byte{0, 0, 1, 2, 1, 1}, true},
	{"a vendor class past its block", []string{"vivco"}, []byte{0, 0, 1, 2, 2, 9, 1}, true},
	{"a user class as it is", []string{"user-class"}, []byte("iPXE"), false},
	{"a user class that ends early", []string{"user-class"}, []byte{9, 'a'}, false},
	{"a sub-option of option 82 past its end", []string{"dhcp-agent-options"}, []byte{1, 9, 1}, true},
	{"a sub-option of option 82 without length", []string{"dhcp-agent-options"}, []byte{1, 1, 1, 2}, true},
	{"sub-options of option 82 empty and twice", []string{"dhcp-agent-options"}, []byte{1, 0, 1, 1, 'a', 1, 1, 'b'}, false},
	{"CVE-2011-0997: shell in a name", []string{"host-name"}, []byte("a`reboot`$(x);'\"\n\x1b[2J"), false},
	{"a text that is no text", []string{"host-name"}, []byte{0xff, 0xfe, 0}, false},
	{"a text of zeros", []string{"host-name"}, []byte{0, 0}, false},
	{"CVE-2018-5732: octets that grow when shown", []string{"option-224"}, []byte(strings.Repeat("\x80", 4000)), false},
	{"a text that grows when shown", []string{"host-name"}, []byte(strings.Repeat("\x01", 2000)), false},
	{"RFC 7291: addresses of 3 octets", []string{"v4-pcp-server"}, []byte{3, 1, 2, 3}, true},
	{"SIP servers of a third kind", []string{"sip-servers"}, []byte{2, 1, 2, 3, 4}, true},
	{"a resolver past its end", []string{"v4-dnr"}, []byte{0, 9, 0, 1, 1, 0}, true},
	{"a resolver with keys out of order", []string{"v4-dnr"}, []byte{0, 18, 0, 1, 1, 0, 4, 1, 2, 3, 4, 0, 7, 0, 1, 'a', 0, 3, 0, 2}, true},
	{"a resolver with a key twice", []string{"v4-dnr"}, []byte{0, 21, 0, 1, 1, 0, 4, 1, 2, 3, 4, 0, 3, 0, 2, 0, 1, 0, 3, 0, 2, 0, 1}, true},
	{"a redirect of no octets", []string{"v4-sztp-redirect"}, []byte{0, 0}, true},
}

// nameOf returns a domain name of n octets.
func nameOf(n int) []byte {
	var b []byte
	for len(b)+1 < n {
		l := min(63, n-len(b)-2)
		b = append(append(b, byte(l)), strings.Repeat("x", l)...)
	}
	return append(b, 0)
}

func TestHostileOctets(t *testing.T) {
	for _, c := range hostile {
		for _, name := range c.options {
			d, ok := Standard().ByName(DHCPv4, name)
			if !ok {
				t.Fatalf("%s: no option %s", c.name, name)
			}
			if err := d.Check(c.octets); (err != nil) != c.refused {
				t.Errorf("%s: %s: refused: %v, %v", c.name, name, err != nil, err)
			}
			if err := holds(d, c.octets); err != nil {
				t.Errorf("%s: %s: %v", c.name, name, err)
			}
		}
	}
}

func TestTextsForPeople(t *testing.T) {
	for _, c := range []struct {
		option string
		octets string
		want   string
	}{
		{"routers", "0a0000010a000002", "10.0.0.1, 10.0.0.2"},
		{"routers", "0a0000", "0a0000"},
		{"host-name", "6b696f736b", "kiosk"},
		{"host-name", "610a62", `a\nb`},
		{"host-name", "611b5b324a", `a\x1b[2J`},
		{"host-name", "ff", "ff"},
		{"classless-static-route", "000a000001080a0a000002", "{to: 0.0.0.0/0, via: 10.0.0.1}, {to: 10.0.0.0/8, via: 10.0.0.2}"},
		{"vivso", "0000118b0602040a090003", "{4491: {2: 0a090003}}"},
		{"vivco", "0000118b0a09646f63736973332e30", "{4491: [docsis3.0]}"},
		{"fqdn", "05ffff0161016200", "{flags: SE, name: a.b.}"},
		{"dhcp-agent-options", "0108 67652d302f302f31 0504 0a000001", "{circuit-id: ge-0/0/1, link-selection: 10.0.0.1}"},
		{"dhcp-parameter-request-list", "0103060f", "1, 3, 6, 15"},
		{"static-routes", "0a0100000a000001", "[10.1.0.0, 10.0.0.1]"},
		{"user-class", "056b696f736b03612062", `kiosk, "a b"`},
		{"rapid-commit", "", "true"},
		{"time-offset", "ffffb9b0", "-18000"},
	} {
		d, _ := Standard().ByName(DHCPv4, c.option)
		b, err := parseHex(in(c.octets))
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Text(b); got != c.want {
			t.Errorf("%s: %s\n  got %s\n want %s", c.option, c.octets, got, c.want)
		}
	}
}
