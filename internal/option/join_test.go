package option

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"testing"
)

func mustEncode(t *testing.T, name string, v any) (Def, []byte) {
	t.Helper()
	d, ok := Standard().ByName(DHCPv4, name)
	if !ok {
		t.Fatalf("no option %s", name)
	}
	if v == nil {
		return d, nil
	}
	b, err := d.Encode(in(v))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return d, b
}

func TestWhatJoinsAndMerges(t *testing.T) {
	for _, c := range []struct {
		option        string
		joins, merges bool
	}{
		{"routers", true, false}, {"static-routes", true, false}, {"path-mtu-plateau-table", true, false},
		{"bcms-controller-names", true, false}, {"mobile-ip-home-agent", true, false}, {"domain-search", true, false},
		{"user-class", true, false}, {"sip-servers", true, false}, {"v4-pcp-server", true, false},
		{"v4-sztp-redirect", true, false}, {"v4-dnr", true, false},
		{"classless-static-route", true, true}, {"ms-classless-static-routes", true, true},
		{"vendor-encapsulated-options", true, true}, {"vivso", true, true}, {"vivco", true, true},
		{"cablelabs-client-configuration", true, true},
		{"subnet-mask", false, false}, {"host-name", false, false}, {"domain-name", false, false}, {"v4-lost", false, false},
		{"dhcp-client-identifier", false, false}, {"interface-mtu", false, false}, {"rapid-commit", false, false},
		{"fqdn", false, false}, {"client-ndi", false, false}, {"slp-directory-agent", false, false}, {"option-224", false, false},
	} {
		d, _ := Standard().ByName(DHCPv4, c.option)
		if d.Joins() != c.joins || d.Merges() != c.merges {
			t.Errorf("%s: joins %v, merges %v", c.option, d.Joins(), d.Merges())
		}
	}
	for _, d := range defs() {
		if d.Merges() && !d.Joins() {
			t.Errorf("%s merges, and does not join", d.Name)
		}
	}
}

func TestJoined(t *testing.T) {
	for _, c := range []struct {
		option        string
		first, second any
		hex           string
	}{
		{"routers", "10.0.0.1", l{"10.0.0.2", "10.0.0.1"}, "0a000001" + "0a000002" + "0a000001"},
		{"routers", nil, "10.0.0.2", "0a000002"},
		{"routers", "10.0.0.1", nil, "0a000001"},
		{"mobile-ip-home-agent", l{}, l{}, ""},
		{"mobile-ip-home-agent", l{}, "10.0.0.2", "0a000002"},
		{"static-routes", "10.1.0.0 10.0.0.1", "10.2.0.0 10.0.0.1", "0a0100000a000001" + "0a0200000a000001"},
		// Pointers of both lists are resolved; those of the second would point into the first.
		{"domain-search", l{"eng.apple.com", "marketing.apple.com"}, l{"a.b", "c.b"},
			"03656e67056170706c6503636f6d00" + "096d61726b6574696e67056170706c6503636f6d00" + "0161016200" + "0163016200"},
		{"sip-ua-cs-domains", "a", "a", "016100016100"},
		{"user-class", l{"kiosk"}, l{"lab"}, "056b696f736b036c6162"},
		{"user-class", m{"text", "iPXE"}, "lab", "0469505845" + "036c6162"},
		{"user-class", "lab", m{"text", "iPXE"}, "036c6162" + "0469505845"},
		{"sip-servers", "10.0.0.60", "10.0.0.61", "01" + "0a00003c" + "0a00003d"},
		{"sip-servers", "a.b", "c.d", "00" + "0161016200" + "0163016400"},
		{"sip-servers", "a.b", "10.0.0.61", "01" + "0a00003d"},
		{"sip-servers", "10.0.0.61", "a.b", "01" + "0a00003d"},
		{"v4-pcp-server", l{"10.0.0.1", "10.0.0.2"}, l{"10.0.1.1"}, "080a0000010a000002" + "040a000101"},
		{"v4-sztp-redirect", "https://a", "b", "000968747470733a2f2f61" + "000162"},
		{"v4-dnr", m{"name", "d"}, m{"name", "e"}, "00060001" + "03016400" + "00060001" + "03016500"},
		{"classless-static-route", "10.0.0.0/8 10.0.0.1", "10.0.0.0/8 10.0.0.2", "080a0a000001" + "080a0a000002"},
		{"vivso", m{"1", m{"2", "ab"}}, m{"1", m{"2", "cd"}}, "00000001" + "04" + "02026162" + "00000001" + "04" + "02026364"},
		{"vivco", m{"1", "ab"}, m{"2", "cd"}, "00000001" + "03" + "026162" + "00000002" + "03" + "026364"},
		{"vendor-encapsulated-options", m{"1", "ab"}, m{"1", "cd"}, "01026162" + "01026364"},
		// PXE's end comes last, wherever it stood.
		{"vendor-encapsulated-options", m{"6", m{"uint8", "8"}, "end", "true"}, m{"9", "ab"}, "060108" + "09026162" + "ff"},
		{"vendor-encapsulated-options", m{"6", m{"uint8", "8"}}, m{"9", "ab", "end", "true"}, "060108" + "09026162" + "ff"},
		{"vendor-encapsulated-options", m{"text", "raw"}, m{"9", "ab"}, "726177" + "09026162"},
	} {
		d, first := mustEncode(t, c.option, c.first)
		_, second := mustEncode(t, c.option, c.second)
		if got := hex.EncodeToString(d.AppendJoined(nil, first, second)); got != c.hex {
			t.Errorf("%s: %v and %v\n  got %s\n want %s", c.option, c.first, c.second, got, c.hex)
		}
	}
}

func TestMerged(t *testing.T) {
	for _, c := range []struct {
		option       string
		weak, strong any
		hex          string
	}{
		{"classless-static-route", l{"10.0.0.0/8 10.0.0.1", "0.0.0.0/0 10.0.0.1"}, l{"172.16.0.0/12 10.0.0.9", "10.0.0.0/8 10.0.0.9"},
			"080a0a000009" + "000a000001" + "0cac100a000009"},
		{"classless-static-route", "10.0.0.0/8 10.0.0.1", nil, "080a0a000001"},
		{"classless-static-route", nil, "10.0.0.0/8 10.0.0.1", "080a0a000001"},
		{"classless-static-route", "10.0.0.0/8 10.0.0.1", "10.0.0.0/9 10.0.0.2", "080a0a000001" + "090a000a000002"},
		// Several routers for one destination go together.
		{"classless-static-route", l{"10.0.0.0/8 10.0.0.1", "0.0.0.0/0 10.0.0.1", "10.0.0.0/8 10.0.0.2"}, l{"10.0.0.0/8 10.0.0.3", "10.0.0.0/8 10.0.0.4"},
			"080a0a000003" + "080a0a000004" + "000a000001"},
		{"classless-static-route", m{"hex", "080a0a000001"}, m{"hex", "080a0a000001"}, "080a0a000001"},
		{"ms-classless-static-routes", "10.0.0.0/8 10.0.0.1", "10.0.0.0/8 10.0.0.2", "080a0a000002"},
		{"vendor-encapsulated-options", m{"1", "ab", "2", "cd"}, m{"3", "ef", "1", "xyz"}, "010378797a" + "02026364" + "03026566"},
		{"vendor-encapsulated-options", m{"1", "ab", "end", "true"}, m{"2", "cd"}, "01026162" + "02026364" + "ff"},
		{"vendor-encapsulated-options", m{"1", "ab"}, m{"1", "cd", "end", "true"}, "01026364" + "ff"},
		{"vendor-encapsulated-options", m{"text", "raw"}, m{"1", "ab"}, "01026162"},
		{"vendor-encapsulated-options", m{"1", "ab"}, m{"text", "raw"}, "726177"},
		{"vivco", m{"1", "ab", "2", "cd"}, m{"3", "ef", "1", "gh"}, "00000001" + "03" + "026768" + "00000002" + "03" + "026364" + "00000003" + "03" + "026566"},
		{"vivso", m{"1", m{"1", "ab", "2", "cd"}, "2", m{"1", "ij"}}, m{"3", m{}, "1", m{"2", "ef", "3", "gh"}},
			"00000001" + "0c" + "01026162" + "02026566" + "03026768" + "00000002" + "04" + "0102696a" + "00000003" + "00"},
		{"vivso", m{"1", m{}}, m{"1", m{}}, "00000001" + "00"},
		{"vivso", m{"hex", "00000001" + "04" + "01026162" + "00000002" + "00" + "00000001" + "04" + "02026364"}, m{"1", m{"1", "xy"}},
			"00000001" + "08" + "01027879" + "02026364" + "00000002" + "00"},
	} {
		d, weak := mustEncode(t, c.option, c.weak)
		_, strong := mustEncode(t, c.option, c.strong)
		if got := hex.EncodeToString(d.AppendMerged(nil, weak, strong)); got != c.hex {
			t.Errorf("%s: %v and %v\n  got %s\n want %s", c.option, c.weak, c.strong, got, c.hex)
		}
	}
}

func joining() (all []Def) {
	for _, d := range Standard().Defs(DHCPv4) {
		if d.Joins() {
			all = append(all, d)
		}
	}
	return append(all, Def{Code: 224, Name: "own", Space: DHCPv4, Type: Type{Kind: Record, List: true, Fields: [MaxFields]Kind{Uint8, Name}}})
}

func randomOctets(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.IntN(3)) // few values, so that keys meet
	}
	return b
}

func randomName(r *rand.Rand) []byte {
	var b []byte
	for range r.IntN(4) {
		b = append(b, 1, byte('a'+r.IntN(3)))
	}
	return append(b, 0)
}

// randomValue returns octets that Check accepts, of a few items.
func randomValue(r *rand.Rand, d Def) (b []byte) {
	counted := func(v []byte) []byte { return append([]byte{byte(len(v))}, v...) }
	var c compressor
	c.seen = map[string]int{}
	for range 1 + r.IntN(4) {
		switch k := d.Type.Kind; {
		case k == Record:
			for _, f := range d.Type.fields() {
				if b = append(b, randomOctets(r, f.size())...); f == Name {
					b = append(b, randomName(r)...)
				}
			}
		case d.Type.List && k == Name:
			b = append(b, randomName(r)...)
		case d.Type.List:
			b = append(b, randomOctets(r, k.size())...)
		case k == SearchList:
			b = c.append(b, randomName(r))
		case k == SIPServers:
			if len(b) == 0 {
				b = append(b, byte(r.IntN(2)))
			}
			if b[0] == sipNames {
				b = append(b, randomName(r)...)
			} else {
				b = append(b, randomOctets(r, 4)...)
			}
		case k == Routes:
			a := netip.AddrFrom4([4]byte(randomOctets(r, 4)))
			b = AppendRoute(b, netip.PrefixFrom(a, r.IntN(33)).Masked(), netip.AddrFrom4([4]byte(randomOctets(r, 4))))
		case k == UserClass:
			b = append(b, counted(append(randomOctets(r, r.IntN(3)), 'x'))...)
		case k == VendorClasses:
			b = binary.BigEndian.AppendUint32(b, uint32(r.IntN(3)))
			b = append(b, counted(append(counted(randomOctets(r, 2)), counted(randomOctets(r, r.IntN(3)))...))...)
		case k == VendorOptions:
			b = binary.BigEndian.AppendUint32(b, uint32(r.IntN(3)))
			b = append(b, counted(randomSubs(r, 1))...)
		case k == SubOptions:
			b = append(b, randomSubs(r, 1+r.IntN(2))...)
		case k == AddressLists:
			b = append(b, counted(randomOctets(r, 4*(1+r.IntN(2))))...)
		case k == LongTexts:
			b = append(append(b, 0), counted(append(randomOctets(r, 3), 'x'))...)
		case k == Resolvers:
			v := append([]byte{0, byte(r.IntN(2))}, counted(randomName(r))...)
			b = append(append(b, 0), counted(v)...)
		}
	}
	if d.Type.Kind == SubOptions && d.Type.Sub == 0 && r.IntN(3) == 0 {
		b = append(b, 255)
	}
	return b
}

// randomSubs returns at least least options with codes from 1 to 5.
func randomSubs(r *rand.Rand, least int) (b []byte) {
	for range least + r.IntN(4) {
		v := randomOctets(r, r.IntN(5)*r.IntN(8))
		b = append(append(b, byte(1+r.IntN(5)), byte(len(v))), v...)
	}
	return b
}

func TestJoiningIsAssociativeAndSoundForRandomValues(t *testing.T) {
	seed := uint64(20261123)
	r := rand.New(rand.NewPCG(seed, 1))
	for _, d := range joining() {
		for range 300 {
			a, b, c := randomValue(r, d), randomValue(r, d), randomValue(r, d)
			if err := d.Check(a); err != nil {
				t.Fatalf("seed %d: %s: the test makes %x: %v", seed, d.Name, a, err)
			}
			ab := d.AppendJoined(nil, a, b)
			if err := d.Check(ab); err != nil {
				t.Fatalf("seed %d: %s: %x and %x give %x: %v", seed, d.Name, a, b, ab, err)
			}
			left, right := d.AppendJoined(nil, ab, c), d.AppendJoined(nil, a, d.AppendJoined(nil, b, c))
			if !bytes.Equal(left, right) {
				t.Fatalf("seed %d: %s: %x, %x, %x: (ab)c is %x, a(bc) is %x", seed, d.Name, a, b, c, left, right)
			}
			joinsAsDecoded(t, d, a, b, ab)
		}
	}
}

// joinsAsDecoded holds a joined list against its parts as people see them.
func joinsAsDecoded(t *testing.T, d Def, a, b, ab []byte) {
	t.Helper()
	va, vb, v := d.Type.decode(a), d.Type.decode(b), d.Type.decode(ab)
	first, isList := va.([]any)
	second, _ := vb.([]any)
	if !isList || d.Type.Kind == SIPServers && a[0] != b[0] {
		return
	}
	if want := slices.Concat(first, second); !reflect.DeepEqual(v, any(want)) {
		t.Fatalf("%s: %v and %v give %v", d.Name, first, second, v)
	}
}

func TestMergingIsSoundForRandomValues(t *testing.T) {
	seed := uint64(20261124)
	r := rand.New(rand.NewPCG(seed, 1))
	for _, d := range joining() {
		if !d.Merges() {
			continue
		}
		for range 1000 {
			weak, strong := randomValue(r, d), randomValue(r, d)
			got := d.AppendMerged(nil, weak, strong)
			if err := d.Check(got); err != nil {
				t.Fatalf("seed %d: %s: %x and %x give %x: %v", seed, d.Name, weak, strong, got, err)
			}
			if again := d.AppendMerged(nil, got, strong); !bytes.Equal(again, got) {
				t.Fatalf("seed %d: %s: merging %x once more into %x gives %x", seed, d.Name, strong, got, again)
			}
			mergesAsDecoded(t, d, weak, strong, got)
		}
	}
}

// mergesAsDecoded holds a merge against the same on what people see.
func mergesAsDecoded(t *testing.T, d Def, weak, strong, got []byte) {
	t.Helper()
	vw, vs, vg := d.Type.decode(weak), d.Type.decode(strong), d.Type.decode(got)
	var want any
	switch w := vw.(type) {
	case []any:
		want = mergedRoutes(w, vs.([]any))
	case map[string]any:
		want = mergedMaps(w, vs.(map[string]any), d.Type.Kind == VendorOptions)
	}
	if !reflect.DeepEqual(vg, want) {
		t.Fatalf("%s: %v and %v give\n     %v\nnot  %v", d.Name, vw, vs, vg, want)
	}
}

func mergedMaps(weak, strong map[string]any, deep bool) any {
	out := map[string]any{}
	for k, v := range weak {
		out[k] = v
	}
	for k, v := range strong {
		old, both := out[k].(map[string]any)
		if both && deep {
			v = mergedMaps(old, v.(map[string]any), false)
		}
		out[k] = v
	}
	return out
}

func mergedRoutes(weak, strong []any) any {
	out := []any{}
	to := func(route any) string { return route.(map[string]any)["to"].(string) }
	of := func(key string, in []any) (found []any) {
		for _, x := range in {
			if to(x) == key {
				found = append(found, x)
			}
		}
		return found
	}
	for _, x := range weak {
		switch mine := of(to(x), strong); {
		case len(mine) == 0:
			out = append(out, x)
		case len(of(to(x), out)) == 0:
			out = append(out, mine...)
		}
	}
	for _, x := range strong {
		if len(of(to(x), out)) == 0 {
			out = append(out, of(to(x), strong)...)
		}
	}
	return out
}

func TestJoiningAndMergingAllocateNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	dst := make([]byte, 0, 1<<16)
	for _, d := range joining() {
		a, b := randomValue(r, d), randomValue(r, d)
		if n := testing.AllocsPerRun(20, func() { d.AppendJoined(dst, a, b) }); n != 0 {
			t.Errorf("%s: joining: %v allocations", d.Name, n)
		}
		if !d.Merges() {
			continue
		}
		if n := testing.AllocsPerRun(20, func() { d.AppendMerged(dst, a, b) }); n != 0 {
			t.Errorf("%s: merging: %v allocations", d.Name, n)
		}
	}
}

func TestValuesThatAreTooLongTogetherLoseTheirLastItems(t *testing.T) {
	for _, c := range []struct {
		option string
		item   string
		check  int // how many octets the longest value has
	}{
		{"routers", "0a000001", 65532}, {"domain-search", "0161016200", 8190}, {"classless-static-route", "080a0a000001", 65532},
		{"vendor-encapsulated-options", "01026162", 65532}, {"vivco", "000000010100", 65532}, {"user-class", "0161", 65534},
	} {
		d, _ := Standard().ByName(DHCPv4, c.option)
		item, _ := hex.DecodeString(c.item)
		half := bytes.Repeat(item, min(c.check, 65532)*2/3/len(item))
		got := d.AppendJoined([]byte("before"), half, half)[len("before"):]
		if err := d.Check(got); err != nil || len(got) != c.check {
			t.Errorf("%s: %d octets: %v", c.option, len(got), err)
		}
	}
	d, _ := Standard().ByName(DHCPv4, "vivso")
	big := func(code byte) (b []byte) {
		for i := range 220 {
			b = append(binary.BigEndian.AppendUint32(b, uint32(i)), 255, code, 253)
			b = append(b, make([]byte, 253)...)
		}
		return b
	}
	if got := d.AppendMerged(nil, big(1), big(2)); d.Check(got) != nil || len(got) < 65000 {
		t.Errorf("vivso: %d octets: %v", len(got), d.Check(got))
	}
}

func FuzzJoiningAnyOctets(f *testing.F) {
	all := defs()
	r := rand.New(rand.NewPCG(1, 2))
	for i, d := range all {
		if d.Joins() {
			f.Add(uint8(i), randomValue(r, d), randomValue(r, d))
		}
	}
	f.Add(uint8(indexOf(all, Standard().ByCode(DHCPv4, CodeDomainSearch))), []byte{1, 'a', 0xc0, 0}, []byte{0xc0})
	f.Fuzz(func(t *testing.T, which uint8, first, second []byte) {
		if len(first)+len(second) > 4096 {
			return
		}
		d := all[int(which)%len(all)]
		valid := d.Check(first) == nil && d.Check(second) == nil
		joined, merged := d.AppendJoined([]byte("x"), first, second), d.AppendMerged([]byte("x"), first, second)
		for _, got := range [][]byte{joined, merged} {
			if got[0] != 'x' || len(got)-1 > max(2*(len(first)+len(second)), maxNames) {
				t.Fatalf("%s: %x and %x give %d octets", d.Name, first, second, len(got))
			}
		}
		if err := d.Check(joined[1:]); valid && d.Joins() && err != nil {
			t.Fatalf("%s: %x and %x joined give %x: %v", d.Name, first, second, joined[1:], err)
		}
		if err := d.Check(merged[1:]); valid && d.Merges() && err != nil {
			t.Fatalf("%s: %x and %x merged give %x: %v", d.Name, first, second, merged[1:], err)
		}
		// What stands alone stays as it is; the first merge with itself brings items of one key together.
		again := d.AppendMerged(nil, merged[1:], second)
		if third := d.AppendMerged(nil, again, second); valid && d.Merges() && !bytes.Equal(again, third) {
			t.Fatalf("%s: %x and %x merged give %x, and then %x", d.Name, first, second, again, third)
		}
	})
}
