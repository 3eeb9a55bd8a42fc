package option

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestEveryOptionOfRFC2132HasAName(t *testing.T) {
	for c := Code(1); c <= 76; c++ {
		d := Standard().ByCode(DHCPv4, c)
		if strings.HasPrefix(d.Name, "option-") || d.RFC == 0 || d.Vague {
			t.Errorf("option %d is %+v", c, d)
		}
	}
}

func TestTheStandardTableIsSound(t *testing.T) {
	codes, names := map[key]bool{}, map[nameKey]bool{}
	for _, d := range slices.Concat(standardDefs, relayAgentDefs) {
		if !validName(d.Name) || !validCode(d.Space, d.Code) || d.Type.Kind == 0 {
			t.Errorf("%+v", d)
		}
		if codes[key{d.Space, d.Code}] || names[nameKey{d.Space, d.Name}] {
			t.Errorf("%s (%d) stands twice", d.Name, d.Code)
		}
		codes[key{d.Space, d.Code}], names[nameKey{d.Space, d.Name}] = true, true
	}
	for name, a := range aliases {
		if names[nameKey{a.space, name}] || !codes[key{a.space, a.code}] {
			t.Errorf("alias %s is a name already, or for nothing", name)
		}
	}
}

func TestNamesOfOtherServersAreUnderstood(t *testing.T) {
	for name, code := range map[string]Code{
		"routers": 3, "domain-name-servers": 6, "host-name": 12, "ntp-servers": 42, "tftp-server-name": 66,
		"boot-file-name": 67, "bootfile-name": 67, "domain-search": 119, "classless-static-route": 121,
		"rfc3442-classless-static-routes": 121, "ms-classless-static-routes": 249, "wpad": 252, "wpad-url": 252,
		"v6-only-preferred": 108, "captive-portal": 114, "v4-captive-portal": 114, "rapid-commit": 80, "vivco": 124,
		"vivso": 125, "vivso-suboptions": 125, "vendor-encapsulated-options": 43, "user-class": 77, "client-system": 93,
		"client-ndi": 94, "uuid-guid": 97, "tftp-server-address": 150, "v4-dnr": 162, "option-224": 224, "option-3": 3,
	} {
		if d, ok := Standard().ByName(DHCPv4, name); !ok || d.Code != code {
			t.Errorf("%s is %d, %v; want %d", name, d.Code, ok, code)
		}
	}
	for _, name := range []string{"router", "", "option-", "option-0", "option-255", "option-256", "option-03", "option-+3", "option-3a", "Routers"} {
		if d, ok := Standard().ByName(DHCPv4, name); ok {
			t.Errorf("%q is %+v", name, d)
		}
	}
}

func TestAnUnknownCodeIsOctets(t *testing.T) {
	d := Standard().ByCode(DHCPv4, 230)
	if d.Name != "option-230" || d.Type.Kind != Binary || d.Check(nil) != nil || d.Text([]byte{1, 0xab}) != "01ab" {
		t.Errorf("%+v", d)
	}
}

func TestADocumentAddsOptions(t *testing.T) {
	mode := Def{Code: 224, Name: "acme-mode", Space: DHCPv4, Type: Type{Kind: Uint8}}
	mine := Def{Code: 175, Name: "my-boot", Space: DHCPv4, Type: Type{Kind: Text}}
	r, err := Standard().With(mode, mine)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []Def{mode, mine} {
		for _, name := range []string{d.Name, "option-" + map[Code]string{224: "224", 175: "175"}[d.Code]} {
			if got, ok := r.ByName(DHCPv4, name); !ok || got != d {
				t.Errorf("%s: %+v, %v", name, got, ok)
			}
		}
	}
	if _, ok := r.ByName(DHCPv4, "etherboot"); ok {
		t.Error("the vague name of a code that was defined anew is still there")
	}
	if _, ok := Standard().ByName(DHCPv4, "acme-mode"); ok {
		t.Error("the standard registry has changed")
	}
	if !slices.Contains(r.Names(DHCPv4), "acme-mode") || !slices.IsSorted(r.Names(DHCPv4)) {
		t.Error("Names")
	}
}

func TestAClashIsRefused(t *testing.T) {
	u8 := Type{Kind: Uint8}
	for _, c := range []struct {
		def  Def
		want string
	}{
		{Def{Code: 3, Name: "gateway", Space: DHCPv4, Type: u8}, `code 3 is "routers" already`},
		{Def{Code: 224, Name: "routers", Space: DHCPv4, Type: u8}, "the name is taken by option 3"},
		{Def{Code: 224, Name: "wpad", Space: DHCPv4, Type: u8}, "the name is taken by option 252"},
		{Def{Code: 224, Name: "option-225", Space: DHCPv4, Type: u8}, "names of this form stand for codes"},
		{Def{Code: 0, Name: "x", Space: DHCPv4, Type: u8}, "0 is not the code"},
		{Def{Code: 255, Name: "x", Space: DHCPv4, Type: u8}, "255 is not the code"},
		{Def{Code: 300, Name: "x", Space: DHCPv4, Type: u8}, "300 is not the code"},
		{Def{Code: 224, Name: "X y", Space: DHCPv4, Type: u8}, "a name is made of"},
		{Def{Code: 224, Name: "x", Space: DHCPv4}, "it has no type"},
	} {
		if _, err := Standard().With(c.def); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v; want %q", c.def, err, c.want)
		}
	}
	a := Def{Code: 224, Name: "a", Space: DHCPv4, Type: u8}
	b := Def{Code: 224, Name: "b", Space: DHCPv4, Type: u8}
	if _, err := Standard().With(a, b); err == nil {
		t.Error("one code was defined twice")
	}
}

func TestTypesOfDefinitions(t *testing.T) {
	for text, want := range map[string]string{
		"uint8": "uint8", "[ipv4-address]": "[ipv4-address]", "[fqdn]": "[fqdn]", "string": "string",
		"{record: [uint8, string]}": "{record: [uint8, string]}", "[{record: [uint8, ipv4-address]}]": "[{record: [uint8, ipv4-address]}]",
	} {
		if ty, err := ParseType(flow(text)); err != nil || ty.String() != want {
			t.Errorf("%s: %v, %v", text, ty, err)
		}
	}
	for text, want := range map[string]string{
		"uint9":                       `"uint9" is not the type of an option`,
		"[string]":                    "a list of string has no ends between its values",
		"[[uint8]]":                   "a list of [uint8] has no ends",
		"[uint8, uint8]":              "the type of a list names one type",
		"[]":                          "the type of a list names one type",
		"{record: []}":                "a record has a list of 1 to 8 fields",
		"{record: [string, uint8]}":   "a field of type string has no end",
		"{record: [record]}":          `"record" is not the type`,
		"[{record: [uint8, string]}]": "has no ends between its values",
		"{list: uint8}":               "this is not the type of an option",
		"empty":                       `"empty" is not the type`,
	} {
		if ty, err := ParseType(flow(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v; want %q", text, ty, err, want)
		}
	}
}

// The examples stand in error messages as what would be right.
func TestEveryExampleIsAcceptedAndFitsItsSchema(t *testing.T) {
	for _, d := range Standard().Defs(DHCPv4) {
		example := flow(d.Type.example())
		b, err := d.Encode(example)
		if err != nil && d.Type.Least == d.Type.Most && d.Type.Least > 0 || d.Type.Kind == Binary && d.Type.Least > 2 {
			continue // octets of a certain length
		}
		if err != nil && (d.Type.Kind == Uint8 || d.Type.Kind == Uint16) && d.Type.Most > 0 {
			continue // the range is in the remedy too
		}
		if err != nil {
			t.Errorf("%s: %s: %v", d.Name, d.Type.example(), err)
			continue
		}
		if err := fits(d.Schema(), example); err != nil {
			t.Errorf("%s: %s: %v", d.Name, d.Type.example(), err)
		}
		if d.Check(b) != nil || bytes.ContainsAny([]byte(d.Text(b)), "\n\x1b") {
			t.Errorf("%s: %x: %q", d.Name, b, d.Text(b))
		}
	}
}

func TestWhatIsEncodedFitsTheSchema(t *testing.T) {
	for _, c := range encodings {
		d, _ := Standard().ByName(DHCPv4, c.option)
		if err := fits(d.Schema(), in(c.value)); err != nil {
			t.Errorf("%s: %v: %v", c.option, c.value, err)
		}
	}
	for _, c := range mistakes {
		if strings.Contains(c.want, "stands where") || strings.Contains(c.want, "is not a type") {
			d, _ := Standard().ByName(DHCPv4, c.option)
			if err := fits(d.Schema(), in(c.value)); err == nil {
				t.Errorf("%s: %v fits the schema", c.option, c.value)
			}
		}
	}
}
