package class

import (
	"testing"

	"github.com/lessor-dhcp/lessor/internal/option"
)

func TestPartsAreFoundByNameAndNumber(t *testing.T) {
	client := phone()
	client.Options.(sent)[43] = []byte("\x01\x01a\x06\x01\x08")
	client.Options.(sent)[option.CodeVIVendorOptions] = []byte("\x00\x00\x11\x8b\x03\x02\x01x")
	client.Relay = []byte("\x01\x04eth1\xf0\x01z")
	for text, want := range map[string]bool{
		`option[43][6] == b"\x08"`:                   true,
		`option[43]["6"] == b"\x08"`:                 true,
		`option[43][6u] == b"\x08"`:                  true,
		`6 in option[43]`:                            true,
		`7 in option[43]`:                            false,
		`option[124][4491] == "docsis30"`:            true,
		`option[124]["4491"] == "docsis30"`:          true,
		`option[125][4491][2] == b"x"`:               true,
		`3 in option[125][4491]`:                     false,
		`4295 in option[125]`:                        false,
		`option[82]["circuit-id"] == b"eth1"`:        true,
		`option[82][1] == b"eth1"`:                   true,
		`option[82]["1"] == b"eth1"`:                 true,
		`option[82][1] == "eth1"`:                    true,
		`option[82][1] in [b"eth0", b"eth1"]`:        true,
		`option[43][1] == "a"`:                       true,
		`option[43][1] != "a"`:                       false,
		`option[124][4491] == b"docsis30"`:           true,
		`option[82][240] == b"z"`:                    true,
		`2 in option[82]`:                            false,
		`-1 in option[82]`:                           false,
		`size(option[82]) == 2`:                      true,
		`option[43].exists(k, k == "6")`:             true,
		`option[43] == {"1": b"a", "6": b"\x08"}`:    true,
		`option[43] == option[43]`:                   true,
		`option[43] == option[82]`:                   false,
		`43 in option && option[43]["6"] != b"\x08"`: false,
	} {
		m, problems := NewCompiler(option.Standard()).Expression(text)
		if m == nil {
			t.Errorf("%s: %+v", text, problems)
			continue
		}
		in, failures := NewSet([]*Match{m}).Members(client, new(Memory), nil)
		if len(failures) > 0 || (len(in) == 1) != want {
			t.Errorf("%s: in %v, failed %v, want %v", text, in, failures, want)
		}
	}
}
