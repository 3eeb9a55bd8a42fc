package dhcpv4

import (
	"bytes"
	"strings"
	"testing"
)

func TestSubOptionsOfRelayInformation(t *testing.T) {
	info := unhex("0103616263 0200 0504 0a000001 0101ff")
	for code, want := range map[uint8]string{1: "abc", 2: "", 5: "\x0a\x00\x00\x01"} {
		if v, ok := SubOption(info, code); !ok || string(v) != want {
			t.Errorf("%d: %q, %v", code, v, ok)
		}
	}
	for _, info := range []string{"", "01", "0105616263", "0200 01"} {
		if v, ok := SubOption(unhex(info), 1); ok {
			t.Errorf("%s: %x", info, v)
		}
	}
}

func TestUserClassesInBothEncodings(t *testing.T) {
	for value, want := range map[string]string{
		"056b696f736b036c6162": "kiosk|lab",
		"69505845":             "iPXE", // 0x69 is no length that fits
		"":                     "",
		"0161 00":              "\x01a\x00", // a class of no octets is not RFC 3004's
	} {
		var got []string
		w := UserClassesOf(unhex(value))
		for v, ok := w.Next(); ok; v, ok = w.Next() {
			got = append(got, string(v))
		}
		if strings.Join(got, "|") != want {
			t.Errorf("%s: %q; want %q", value, got, want)
		}
	}
}

func TestVendorClassesAndOptionsOfOneEnterprise(t *testing.T) {
	classes := unhex("0000118b 04 03616263 00000001 02 017a 0000118b 02 0164")
	w, got := VendorClassesOf(classes, 4491), ""
	for v, ok := w.Next(); ok; v, ok = w.Next() {
		got += string(v) + "|"
	}
	if got != "abc|d|" {
		t.Errorf("classes %q", got)
	}
	options := unhex("00000001 03 020163 0000118b 06 02040a090003 0000118b 03 030107")
	o := VendorOptionsOf(options, 4491)
	if c, v, ok := o.Next(); !ok || c != 2 || !bytes.Equal(v, []byte{10, 9, 0, 3}) {
		t.Errorf("%d %x %v", c, v, ok)
	}
	if c, v, ok := o.Next(); !ok || c != 3 || !bytes.Equal(v, []byte{7}) {
		t.Errorf("%d %x %v", c, v, ok)
	}
	if _, _, ok := o.Next(); ok {
		t.Error("more than there is")
	}
}

func TestFQDNIsAnswered(t *testing.T) {
	for _, c := range []struct {
		name         string
		sent         string
		updates      Updates
		domain, want string
	}{
		{"the client does it all", "04 00 00 01610162 00", NoUpdates, "", "0c ff ff 01610162 00"},
		{"the client asks for A, and no one here does it", "05 00 00 0161016200", NoUpdates, "x", "0e ff ff 0161016200"},
		{"the client asks for A and gets it", "05 00 00 0161016200", UpdatesAsAsked, "x", "05 ff ff 0161016200"},
		{"the client does A, PTR is done here", "04 00 00 0161016200", UpdatesAsAsked, "", "04 ff ff 0161016200"},
		{"the client wants none", "0c 00 00 0161016200", UpdatesAsAsked, "", "0c ff ff 0161016200"},
		{"a partial name is completed", "05 00 00 0161", UpdatesAsAsked, "b.c", "05 ff ff 01610162016300"},
		{"a partial name stays where no domain is known", "05 00 00 0161", UpdatesAsAsked, "", "05 ff ff 0161"},
		{"ASCII is answered in ASCII", "01 00 00 61", UpdatesAsAsked, "b.c", "01 ff ff 612e622e63"},
		{"a whole name in ASCII stays", "01 00 00 612e62", UpdatesAsAsked, "c", "01 ff ff 612e62"},
		{"flags that mean nothing are cleared", "f4 00 00 016100", UpdatesAsAsked, "", "04 ff ff 016100"},
		{"a domain that is no name is left out", "05 00 00 0161", UpdatesAsAsked, "b..c", "05 ff ff 0161"},
		{"no name", "05 00 00", UpdatesAsAsked, "b", "05 ff ff"},
	} {
		f, ok := ParseFQDN(unhex(c.sent))
		if !ok {
			t.Errorf("%s: refused", c.name)
			continue
		}
		if got := f.AppendAnswer(nil, c.updates, []byte(c.domain)); !bytes.Equal(got, unhex(c.want)) {
			t.Errorf("%s: %x; want %s", c.name, got, c.want)
		}
	}
}
