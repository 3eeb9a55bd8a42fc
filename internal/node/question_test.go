package node

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/option"
)

func ask(options ...string) ExplainRequest {
	return ExplainRequest{Hardware: binding.HardwareOf(1, []byte{2, 0, 0, 0, 0, 7}), Options: options}
}

func TestWhatAClientSaysIsReadAsADocumentHasIt(t *testing.T) {
	for said, want := range map[string]string{
		"93=7":                                  "93: 0007",
		"client-system=[7, 9]":                  "93: 00070009",
		"client-system=7,9":                     "93: 00070009",
		"60=PXEClient:Arch:00007":               "60: " + hex.EncodeToString([]byte("PXEClient:Arch:00007")),
		"60=a, b":                               "60: 612c2062",
		`60="a \"b\""`:                          "60: 61202262" + "22",
		"60='it''s'":                            "60: 69742773",
		" 60 = spaces ":                         "60: 737061636573",
		"host-name=phone-1":                     "12: 70686f6e652d31",
		"user-class=kiosk":                      "77: 056b696f736b",
		"user-class=[kiosk, lab]":               "77: 056b696f736b036c6162",
		"user-class={text: kiosk}":              "77: 6b696f736b",
		"dhcp-parameter-request-list=1,3,6":     "55: 010306",
		"dhcp-parameter-request-list=[1]":       "55: 01",
		`option-224={hex: "0a0b"}`:              "224: 0a0b",
		"224={hex: 0a:0b}":                      "224: 0a0b",
		"dhcp-lease-time=3600":                  "51: 00000e10",
		"domain-name-servers=10.0.0.1,10.0.0.2": "6: 0a0000010a000002",
		`93={hex: "000007"}`:                    "93: 000007",
		"60==":                                  "60: 3d",
	} {
		r := ask(said)
		q, err := r.Question(option.Standard())
		if err != nil {
			t.Errorf("%s: %v", said, err)
			continue
		}
		got := ""
		for _, o := range q.Options {
			got += fmt.Sprintf("%d: %x", o.Code, o.Value)
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", said, got, want)
		}
	}
}

func TestOptionsStandInTheOrderOfTheirCodes(t *testing.T) {
	r := ask("93=7", "12=a", "60=b")
	r.CircuitID, r.RemoteID, r.SubscriberID = "ge-0/0/1", `{hex: "00ff"}`, "joe"
	q, err := r.Question(option.Standard())
	want := []binding.Fact{{Code: 12, Value: []byte("a")}, {Code: 60, Value: []byte("b")},
		{Code: 82, Value: []byte("\x01\x08ge-0/0/1\x02\x02\x00\xff\x06\x03joe")}, {Code: 93, Value: []byte{0, 7}}}
	if err != nil || !reflect.DeepEqual(q.Options, want) {
		t.Errorf("got %v, %v\nwant %v", q.Options, err, want)
	}
}

func TestWhatNobodyCanSayIsRefused(t *testing.T) {
	long := strings.Repeat("x", 255)
	for name, c := range map[string]struct {
		r    ExplainRequest
		says string
	}{
		"nobody":         {ExplainRequest{}, "who is meant"},
		"no value":       {ask("93"), "NAME=VALUE"},
		"no name":        {ask("=7"), "NAME=VALUE"},
		"unknown":        {ask("achitecture=7"), "there is no option"},
		"pad":            {ask("0=7"), "there is no option"},
		"end":            {ask("255=7"), "there is no option"},
		"too high":       {ask("256=7"), "there is no option"},
		"of one packet":  {ask("dhcp-message-type=1"), "one packet"},
		"identifier":     {ask("61=1"), "--client-id"},
		"wrong type":     {ask("93=pc"), "93"},
		"empty":          {ask("60="), "60"},
		"unclosed":       {ask("55=[1, 3"), "not closed"},
		"behind the end": {ask("55=[1] 3"), "behind the end"},
		"twice":          {ask("60=a", "vendor-class-identifier=b"), "given twice"},
		"82 twice":       {ExplainRequest{ClientID: []byte{1}, CircuitID: "a", Options: []string{`82={hex: "0101"}`}}, ""},
		"too many":       {ask(strings.Split(strings.Repeat("60=a,", MaxSaid+1), ",")...), "too many"},
		"too long":       {ask("60=" + strings.Repeat("x", MaxSaidText)), "too long"},
		"too much":       {ask("60="+long, "12="+long, "14="+long, "17="+long, "18="+long), "more than 1200 octets"},
		"nested":         {ask("60=" + strings.Repeat("[", 20)), "nested"},
		"long circuit":   {ExplainRequest{ClientID: []byte{1}, CircuitID: strings.Repeat("x", 256)}, "1 to 255"},
		"empty circuit":  {ExplainRequest{ClientID: []byte{1}, CircuitID: `{hex: ""}`}, "1 to 255"},
		"odd circuit":    {ExplainRequest{ClientID: []byte{1}, CircuitID: `{hex: "0"}`}, "not hexadecimal"},
		"v6 relay":       {ExplainRequest{ClientID: []byte{1}, Relay: netip.MustParseAddr("2001:db8::1")}, "IPv4 address of a relay"},
		"any address":    {ExplainRequest{ClientID: []byte{1}, Address: netip.MustParseAddr("0.0.0.0")}, "IPv4 address of a client"},
	} {
		_, err := c.r.Question(option.Standard())
		if _, ok := errors.AsType[*RequestError](err); !ok || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want %q", name, err, c.says)
		}
	}
}

func TestHardwareAndIdentifiersAreReadInAllSpellings(t *testing.T) {
	want := binding.HardwareOf(1, []byte{2, 0, 0, 0, 0, 0xab})
	for _, s := range []string{"02:00:00:00:00:ab", "02-00-00-00-00-AB", "0200.0000.00ab", "1/02:00:00:00:00:ab"} {
		if h, err := ParseHardware(s); err != nil || h != want {
			t.Errorf("%s: got %v, %v", s, h, err)
		}
	}
	if h, err := ParseHardware("32/02:00:00:01"); err != nil || h != binding.HardwareOf(32, []byte{2, 0, 0, 1}) {
		t.Errorf("got %v, %v", h, err)
	}
	for _, s := range []string{"", "02", "02:00:00:00:00", "1/02:00", "0/02:00:00:00:00:01", "256/02:00", "00:00:00:00:00:00", "32/" + strings.Repeat("00:", 16) + "00", "zz:00:00:00:00:00"} {
		if h, err := ParseHardware(s); err == nil {
			t.Errorf("%q became %v", s, h)
		}
	}
	for _, s := range []string{"01:02:ff", "01-02-FF", "0102ff"} {
		if b, err := ParseClientID(s); err != nil || !bytes.Equal(b, []byte{1, 2, 255}) {
			t.Errorf("%s: got %x, %v", s, b, err)
		}
	}
	for _, s := range []string{"", "1", "xyz", strings.Repeat("00", 256)} {
		if b, err := ParseClientID(s); err == nil {
			t.Errorf("%q became %x", s, b)
		}
	}
}

// FuzzParseSaid: whatever stands on a command line is refused in words, or becomes octets that fit their option.
func FuzzParseSaid(f *testing.F) {
	for _, s := range []string{"93=7", "55=[1, 3]", `60="a\x00"`, "82={hex: 0101}", "121={10.0.0.0/8: 10.0.0.1}", "125={4491: {2: {hex: 01}}}", "60='", "60=[{"} {
		f.Add(s)
	}
	reg := option.Standard()
	f.Fuzz(func(t *testing.T, s string) {
		got, err := parseSaid(reg, s)
		if err != nil {
			if _, ok := errors.AsType[*RequestError](err); !ok {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		if _, value, _ := strings.Cut(s, "="); strings.HasPrefix(strings.TrimSpace(value), "{") && strings.Contains(value, "hex") {
			return // clients send what they like
		}
		if err := reg.ByCode(option.DHCPv4, option.Code(got.Code)).Check(got.Value); err != nil {
			t.Fatalf("%q: %x: %v", s, got.Value, err)
		}
		if len(got.Value) > 64*MaxSaidText {
			t.Fatalf("%q became %d octets", s, len(got.Value))
		}
	})
}
