package option

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// in makes an Input from Go values: string, []any, and m for maps.
func in(v any) Input {
	switch v := v.(type) {
	case string:
		return Input{Kind: Scalar, Scalar: v}
	case l:
		var list []Input
		for _, e := range v {
			list = append(list, in(e))
		}
		return Input{Kind: List, List: list}
	case m:
		var entries []Entry
		for i := 0; i < len(v); i += 2 {
			entries = append(entries, Entry{v[i].(string), in(v[i+1])})
		}
		return Input{Kind: Map, Map: entries}
	}
	panic("no input")
}

type (
	l []any
	m []any // key, value, key, value
)

var encodings = []struct {
	option string
	value  any
	hex    string
}{
	{"subnet-mask", "255.255.255.0", "ffffff00"},
	{"routers", "10.0.0.1", "0a000001"},
	{"routers", l{"10.0.0.1", "10.0.0.2"}, "0a0000010a000002"},
	{"time-offset", "-18000", "ffffb9b0"},
	{"interface-mtu", "1500", "05dc"},
	{"interface-mtu", "0x5dc", "05dc"},
	{"ip-forwarding", "true", "01"},
	{"ip-forwarding", "false", "00"},
	{"host-name", "printer1", "7072696e74657231"},
	{"host-name", "42", "3432"},
	{"domain-name", "corp.example", "636f72702e6578616d706c65"},
	{"static-routes", l{"10.1.0.0", "10.0.0.1"}, "0a0100000a000001"},
	{"static-routes", l{l{"10.1.0.0", "10.0.0.1"}, "10.2.0.0 10.0.0.1"}, "0a0100000a0000010a0200000a000001"},
	{"static-routes", "10.1.0.0, 10.0.0.1", "0a0100000a000001"},
	{"path-mtu-plateau-table", l{"68", "1500"}, "004405dc"},
	{"mobile-ip-home-agent", l{}, ""},
	{"domain-search", "a.example", "016107" + "6578616d706c6500"},
	// RFC 3397 §2's own example.
	{"domain-search", l{"eng.apple.com", "marketing.apple.com"}, "03656e67056170706c6503636f6d00096d61726b6574696e67c004"},
	{"domain-search", l{"a.b", "a.b"}, "0161016200c000"},
	// RFC 3442's table of destination descriptors.
	{"classless-static-route", l{m{"to", "default", "via", "10.0.0.1"}}, "000a000001"},
	{"classless-static-route", m{"to", "10.0.0.0/8", "via", "10.0.0.1"}, "080a0a000001"},
	{"classless-static-route", l{"10.17.0.0/16 10.0.0.1", "10.27.129.0/24 - 10.0.0.2"}, "100a110a000001180a1b810a000002"},
	{"ms-classless-static-routes", "10.229.0.128/25 10.0.0.1", "190ae500800a000001"},
	{"user-class", l{"kiosk", "lab"}, "056b696f736b036c6162"},
	{"user-class", "kiosk", "056b696f736b"},
	{"user-class", m{"text", "iPXE"}, "69505845"},
	{"fqdn", m{"flags", "SE", "name", "a.b."}, "05ffff0161016200"},
	{"fqdn", m{"flags", "E", "name", "a"}, "04ffff0161"},
	{"fqdn", m{"flags", "", "name", "a.b"}, "00ffff612e62"},
	{"vendor-encapsulated-options", m{"1", "10.9.0.3", "2", m{"uint8", "7"}}, "01040a0900030201" + "07"},
	{"vendor-encapsulated-options", m{"6", m{"uint8", "8"}, "end", "true"}, "060108ff"},
	{"vendor-encapsulated-options", m{"1", l{"10.9.0.3", "10.9.0.4"}}, "01080a0900030a090004"},
	{"vendor-encapsulated-options", m{"241", "abc", "2", m{"text", "10.9.0.3"}}, "f103616263020831302e392e302e33"},
	{"vendor-encapsulated-options", m{"text", "raw"}, "726177"},
	{"vendor-encapsulated-options", m{"1", m{"2", m{"hex", "ff"}}}, "01030201ff"},
	{"vivco", m{"4491", "docsis3.0"}, "0000118b0a09646f63736973332e30"},
	{"vivso", m{"4491", m{"2", "10.9.0.3"}}, "0000118b0602040a090003"},
	{"vivso", m{"1", m{"2", m{"uint16", "5"}}, "2", m{"1", m{"fqdn", "a"}}}, "0000000104020200050000000205010301610" + "0"},
	{"slp-directory-agent", l{"true", "10.0.0.1", "10.0.0.2"}, "010a0000010a000002"},
	{"slp-service-scope", "false, some scope", "00736f6d652073636f7065"},
	{"rapid-commit", "true", ""},
	{"sip-servers", l{"10.0.0.60"}, "010a00003c"},
	{"sip-servers", "example.com", "00076578616d706c6503636f6d00"},
	{"option-6rd", l{"14", "32", "2001:db8::", "192.0.2.1"}, "0e2020010db8000000000000000000000000c0000201"},
	{"v4-pcp-server", l{l{"10.0.0.1", "10.0.0.2"}, l{"10.0.1.1"}}, "080a0000010a000002040a000101"},
	{"v4-pcp-server", l{"10.0.0.1", "10.0.0.2"}, "080a0000010a000002"},
	{"v4-sztp-redirect", "https://a", "000968747470733a2f2f61"},
	{"v4-dnr", m{"name", "d.e", "addresses", l{"10.0.0.53"}, "parameters", m{"port", "853", "alpn", "dot"}},
		"001b0001" + "0501640165" + "00" + "040a000035" + "0001" + "000403646f74" + "0003" + "00020355"},
	{"v4-dnr", m{"name", "d.e", "priority", "2"}, "000800020501640165" + "00"},
	{"v6-only-preferred", "1800", "00000708"},
	{"v4-access-domain", "lis.example", "036c6973076578616d706c6500"},
	{"pxelinux-magic", m{"hex", "f1:00:74:7e"}, "f100747e"},
	{"option-224", m{"hex", "0a0b"}, "0a0b"},
	{"option-224", m{"hex", ""}, ""},
	{"option-224", m{"uint16", "5"}, "0005"},
	{"option-224", m{"ipv4-address", l{"10.0.0.1", "10.0.0.2"}}, "0a0000010a000002"},
	{"option-3", "10.0.0.1", "0a000001"},
	{"routers", m{"hex", "0a000001"}, "0a000001"},
}

func TestWhatAPersonWritesIsEncoded(t *testing.T) {
	for _, c := range encodings {
		d, ok := Standard().ByName(DHCPv4, c.option)
		if !ok {
			t.Errorf("%s: no such option", c.option)
			continue
		}
		got, err := d.Encode(in(c.value))
		if err != nil || hex.EncodeToString(got) != c.hex {
			t.Errorf("%s: %v\n  got %x, %v\n want %s", c.option, c.value, got, err, c.hex)
			continue
		}
		if err := d.Check(got); err != nil {
			t.Errorf("%s: %v: own encoding %x refused: %v", c.option, c.value, got, err)
		}
	}
}

var mistakes = []struct {
	option string
	value  any
	path   []int
	want   string
}{
	{"routers", "10.0.0", nil, `"10.0.0" is not an IPv4 address: write four numbers, as in 10.0.0.53`},
	{"routers", l{"10.0.0.1", "x"}, []int{1}, `"x" is not an IPv4 address: write four numbers, as in 10.0.0.53`},
	{"routers", "10.0.0.1, 10.0.0.2", nil, `"10.0.0.1, 10.0.0.2" is not an IPv4 address: write a list: [10.0.0.53, 10.0.1.53]`},
	{"routers", l{}, nil, "the list is empty: leave the option out, or give it a value: [10.0.0.53]"},
	{"routers", m{"hex", "0a0000"}, []int{0}, "these octets are no value of routers: its length is not a whole number of values: write what the type asks for: [10.0.0.53]"},
	{"routers", m{"hex", "0a0"}, []int{0}, `"0a0" has a digit too few or too many: write two digits an octet, as in {hex: "0a0b"}`},
	{"subnet-mask", l{"255.0.0.0", "255.0.0.0"}, nil, "a list stands where one value of type ipv4-address belongs: write 10.0.0.53"},
	{"interface-mtu", "20", nil, `"20" is out of range: write a whole number from 68 to 65535`},
	{"interface-mtu", "010", nil, `"010" is not a whole number: write a whole number from 68 to 65535`},
	{"default-ip-ttl", "256", nil, `"256" is out of range: write a whole number from 1 to 255`},
	{"ip-forwarding", "on", nil, `"on" is neither true nor false: write true or false`},
	{"host-name", "", nil, "the text is empty: leave the option out, or give it a value"},
	{"host-name", "a\x00b", nil, `"a\x00b" has characters that a text cannot have: write the octets themselves: {hex: "..."}`},
	{"domain-search", l{"a.example", "b..example"}, []int{1}, `"b..example" is not a domain name: a label is empty: ` + nameRemedy},
	{"domain-search", strings.Repeat("a", 64), nil, `"` + strings.Repeat("a", 40) + `…" is not a domain name: a label has more than 63 octets: ` + nameRemedy},
	{"domain-search", "bücher.example", nil, `"bücher.example" is not a domain name: it has characters beyond ASCII, which are written as xn--...: ` + nameRemedy},
	{"classless-static-route", l{m{"to", "10.0.0.1/8", "via", "10.0.0.1"}}, []int{0, 0}, `"10.0.0.1/8" has bits beyond its prefix length: write 10.0.0.0/8`},
	{"classless-static-route", l{m{"to", "10.0.0.0/8"}}, []int{0}, "a route needs to and via: " + routeRemedy},
	{"classless-static-route", m{"to", "10.0.0.0/8", "gw", "10.0.0.1"}, []int{1}, `"gw" is not part of a route: ` + routeRemedy},
	{"vivso", m{"acme", m{"1", "x"}}, []int{0}, `"acme" is not an enterprise number: write the number that IANA gave the vendor, as in {4491: {2: 10.9.0.3}}`},
	{"vivso", m{"4491", m{"2", "5"}}, []int{0, 0}, `how many octets the number "5" has is not known here: write {uint8: 5}, {uint16: …} or {uint32: …}`},
	{"vivso", m{"4491", m{"2", m{"uint8", "500"}}}, []int{0, 0, 0}, `"500" is out of range: write a whole number from 0 to 255`},
	{"vivso", m{"4491", m{"0", "x"}}, []int{0, 0}, `"0" is not the number of a vendor's option: write a number from 1 to 254`},
	{"vivso", m{"4491", m{"2", m{"uint9", "1"}}}, []int{0, 0, 0}, `"uint9" is not a type: write hex, text, uint8, uint16, uint32, int32, bool, ipv4-address or fqdn`},
	{"vendor-encapsulated-options", m{"1", m{"1", m{"1", m{"1", m{"1", m{"1", "x"}}}}}}, []int{0, 0, 0, 0, 0}, `options stand inside options more than 4 deep: write {hex: "..."}`},
	{"option-224", "5", nil, `the type of "5" is not known here: write {hex: "0a0b"}, {text: "abc"}, or the type, as in {uint16: 5}`},
	{"static-routes", l{l{"10.1.0.0"}}, []int{0}, "1 values stand where 2 belong: write [10.0.0.53, 10.0.0.53]"},
	{"sip-servers", l{"a.example", "10.0.0.1"}, []int{1}, `"10.0.0.1" is an address among names: write only names or only addresses`},
	{"v4-dnr", m{"priority", "1"}, nil, "the resolver has no name: add name: dns.example.org"},
	{"rapid-commit", "5", nil, "the option has no value: write true, or leave the option out"},
}

func TestAMistakeIsSaidWithItsPlaceAndRemedy(t *testing.T) {
	for _, c := range mistakes {
		d, _ := Standard().ByName(DHCPv4, c.option)
		b, err := d.Encode(in(c.value))
		var ie *InputError
		if !errors.As(err, &ie) {
			t.Errorf("%s: %v: got %x, %v; want an InputError", c.option, c.value, b, err)
			continue
		}
		if ie.Error() != c.want || !equalInts(ie.Path, c.path) {
			t.Errorf("%s: %v\n  got %v %s\n want %v %s", c.option, c.value, ie.Path, ie, c.path, c.want)
		}
	}
}

func equalInts(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// A length of one octet bounds a sub-option, a vendor's value, and all the values in one block of an enterprise.
func TestLengthsAtTheirBounds(t *testing.T) {
	text := func(n int) Input { return in(strings.Repeat("x", n)) }
	one := func(key string, v Input) Input { return Input{Kind: Map, Map: []Entry{{key, v}}} }
	for _, c := range []struct {
		option string
		in     func(n int) Input
		most   int
	}{
		{"vendor-encapsulated-options", func(n int) Input { return one("1", text(n)) }, 255},
		{"vivso", func(n int) Input { return one("7", one("1", text(n))) }, 253},
		{"vivco", func(n int) Input { return one("7", text(n)) }, 254},
		{"user-class", text, 255},
	} {
		d, _ := Standard().ByName(DHCPv4, c.option)
		if b, err := d.Encode(c.in(c.most)); err != nil || d.Check(b) != nil {
			t.Errorf("%s: %d octets: %v", c.option, c.most, err)
		}
		if b, err := d.Encode(c.in(c.most + 1)); err == nil {
			t.Errorf("%s: %d octets: %x", c.option, c.most+1, b)
		}
	}
}

func TestABlockThatIsFullIsFollowedByAnother(t *testing.T) {
	for n := 110; n < 140; n++ {
		for _, option := range []string{"vivso", "vivco"} {
			d, _ := Standard().ByName(DHCPv4, option)
			x := strings.Repeat("!", n)
			value := any(l{x, x, "end"})
			if option == "vivso" {
				value = m{"1", x, "2", x, "3", "end"}
			}
			b, err := d.Encode(in(m{"7", value}))
			if err == nil {
				err = d.Check(b)
			}
			if err != nil || strings.Count(string(b), "!") != 2*n || !strings.HasSuffix(string(b), "end") {
				t.Errorf("%s: two values of %d octets: %v, %x", option, n, err, b)
			}
		}
	}
}
