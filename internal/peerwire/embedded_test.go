package peerwire

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

func TestOptionsAreEmbeddedAsDHCPHasThem(t *testing.T) {
	long := func(n int) string { return strings.Repeat("ab", n) }
	for _, c := range []struct{ name, tlvs, options string }{
		{"none", "", ""},
		{"an empty one", "0050 0000", "50 00"},
		{"two", "0001 0004 ffffff00 000c 0002 6869", "01 04 ffffff00 0c 02 6869"},
		{"255 octets", "0079 00ff" + long(255), "79 ff" + long(255)},
		{"256 octets", "0079 0100" + long(256), "79 ff" + long(255) + "79 01 ab"},
		{"510 octets", "0079 01fe" + long(510), "79 ff" + long(255) + "79 ff" + long(255)},
		{"a long one before another", "0079 0100" + long(256) + "00fe 0000", "79 ff" + long(255) + "79 01 ab fe 00"},
	} {
		got, err := AppendOptions([]byte{9}, unhex(c.tlvs))
		if want := append([]byte{9}, unhex(c.options)...); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v, %x; want %x", c.name, err, got, want)
		}
		got, err = AppendTLVs([]byte{9}, unhex(c.options))
		if want := append([]byte{9}, unhex(c.tlvs)...); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s, back: %v, %x; want %x", c.name, err, got, want)
		}
	}
}

func TestEmbeddedOptionsHaveOneForm(t *testing.T) {
	long := strings.Repeat("ab", 255)
	for name, s := range map[string]string{
		"a pad": "00", "an end": "ff", "an end with a length": "ff 00", "a code alone": "01", "a value cut short": "01 04 ff",
		"descending": "0c 00 01 00", "parts that need not be": "0c 01 aa 0c 01 bb", "an empty last part": "0c ff" + long + "0c 00",
		"a long part behind a short one": "0c 01 aa 0c ff" + long, "a part behind another option": "0c ff" + long + "0d 00 0c 01 aa",
		"a part without a length": "0c ff" + long + "0c", "a part cut short": "0c ff" + long + "0c 02 aa", "an empty part twice": "0c 00 0c 00",
		"more than a length can say": strings.Repeat("0c ff"+long, 257) + "0c 01 aa",
	} {
		if got, err := AppendTLVs([]byte{9}, unhex(s)); err != ErrEmbedded || len(got) != 1 {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
	for name, s := range map[string]string{
		"code 0": "0000 0000", "code 255": "00ff 0000", "code 256": "0100 0000", "twice": "0001 0000 0001 0000",
		"descending": "0002 0000 0001 0000", "cut short": "0001 0004 00", "half a code": "00",
	} {
		if got, err := AppendOptions([]byte{9}, unhex(s)); err != ErrEmbedded || len(got) != 1 {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
	if b, err := AppendTLVs(nil, unhex(strings.Repeat("0c ff"+long, 257))); err != nil || len(b) != 4+65535 {
		t.Errorf("65535 octets: %d, %v", len(b), err)
	}
}

// A result goes over the wire in two pieces, and is named by the digest of the whole.
func TestRecordsOfRequestAndReplyArriveAsTheyWere(t *testing.T) {
	r := binding.AppendResultHeader(nil, time.Hour, netip.MustParseAddr("10.0.0.1"), []byte("boot"), nil)
	r = binding.AppendTLV(binding.AppendTLV(r, 1, []byte{255, 255, 255, 0}), 121, bytes.Repeat([]byte{7}, 600))
	f := binding.Facts{Link: "floor1", GIAddr: netip.MustParseAddr("10.9.0.1"), Options: []binding.Fact{
		{Code: 12, Value: []byte("hi")}, {Code: 60, Value: nil}, {Code: 77, Value: bytes.Repeat([]byte{3}, 300)},
	}}
	none := func(uint16) bool { return false }
	for name, c := range map[string]struct {
		record []byte
		cut    func([]byte) ([]byte, []byte, bool)
	}{
		"result": {r, CutResult}, "request": {f.AppendShared(nil, none), CutRequest},
		"request of a client on the link": {(&binding.Facts{Link: "x"}).AppendShared(nil, none), CutRequest},
	} {
		head, tlvs, ok := c.cut(c.record)
		if !ok {
			t.Fatalf("%s: not cut", name)
		}
		options, err := AppendOptions(nil, tlvs)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := AppendTLVs(bytes.Clone(head), options)
		if err != nil || binding.DigestOf(got) != binding.DigestOf(c.record) || !bytes.Equal(got, c.record) {
			t.Errorf("%s: %v, %x; want %x", name, err, got, c.record)
		}
		for n := range head {
			if _, _, ok := c.cut(c.record[:n]); ok {
				t.Errorf("%s: cut of %d octets", name, n)
			}
		}
	}
}
