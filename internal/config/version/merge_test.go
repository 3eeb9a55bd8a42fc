package version

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/config"
)

// edited returns m after n random changes, each of which leaves a document without errors.
func edited(r *rand.Rand, m model, n int) model {
	for n > 0 {
		next := m.clone()
		next.edit(r)
		if d, _ := config.Parse("", []byte(next.text())); d != nil {
			m, n = next, n-1
		}
	}
	return m
}

// mirrored returns the conflicts with A and B exchanged.
func mirrored(all []Conflict) []Conflict {
	all = slices.Clone(all)
	for i := range all {
		c := &all[i]
		c.A, c.B, c.ALine, c.BLine = c.B, c.A, c.BLine, c.ALine
	}
	return all
}

func shown(all []Conflict) string {
	var b strings.Builder
	for _, c := range all {
		fmt.Fprintf(&b, "%s: %v: base %q, a %q:%d, b %q:%d", c.Key, c.Reason, c.Base, c.A, c.ALine, c.B, c.BLine)
		if c.Problem != nil {
			fmt.Fprintf(&b, ": %v", *c.Problem)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// keyOf returns the operator's key of a model's key.
func keyOf(k string) string {
	object, field := k, ""
	if slash := strings.LastIndexByte(k, '/'); slash >= 0 && !isObject(k) {
		object, field = k[:slash], k[slash+1:]
	}
	key := map[string]string{"net": "networks", "host": "hosts", "class": "classes"}[strings.Split(object, "/")[0]] + "." + strings.TrimPrefix(object[strings.IndexByte(object+"/", '/'):], "/")
	if pool, ok := strings.CutPrefix(object, "pool/n"); ok {
		i, j := int(pool[0]-'0'), int(pool[2]-'0')
		key = fmt.Sprintf("networks.n%d.subnets.10.%d.0.0/24.pools.10.%d.0.%d-10.%d.0.%d", i, i, i, 10+20*j, i, 19+20*j)
	}
	switch {
	case field == "":
		return key
	case object == "" && (field == "split" || field == "mclt"):
		return "group.failover." + field
	case object == "" && field == "accept":
		return "accept.host-name"
	case object == "":
		return "enterprise.options." + field
	}
	return key + ".options." + field
}

func isObject(k string) bool {
	n := strings.Count(k, "/")
	return strings.HasPrefix(k, "pool/") && n == 2 || !strings.HasPrefix(k, "pool/") && n == 1 && k[0] != '/'
}

func TestMergesOfRandomEdits(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	clean, conflicting, invalid := 0, 0, 0
	for range 100 {
		base := edited(r, newValid(r), 0)
		n := 1 + r.IntN(12)
		a, b := edited(r, base, n), edited(r, base, n)
		dBase, dA, dB := parsed(t, base.text()), parsed(t, a.text()), parsed(t, b.text())
		got, mirror := Merge([]*config.Document{dBase}, dA, dB, TakeNone), Merge([]*config.Document{dBase}, dB, dA, TakeNone)
		fail := func(format string, args ...any) {
			t.Helper()
			t.Fatalf("%s\nbase\n%s\na\n%s\nb\n%s\nconflicts\n%s", fmt.Sprintf(format, args...), base.text(), a.text(), b.text(), shown(got.Conflicts))
		}
		if shown(got.Conflicts) != shown(mirrored(mirror.Conflicts)) {
			fail("not commutative:\n%s", shown(mirrored(mirror.Conflicts)))
		}
		if got.Document != nil && string(got.Document.Canonical()) != string(mirror.Document.Canonical()) {
			fail("not commutative")
		}
		if m := Merge([]*config.Document{dBase}, dA, dBase, TakeNone); m.Document == nil || m.Document.Digest != dA.Digest {
			fail("merged with its base, a is not a: %s", shown(m.Conflicts))
		}
		want, conflicts := merged(base, a, b)
		var keys, reasons []string
		for _, c := range got.Conflicts {
			if c.Reason == Invalid {
				invalid++
			}
			if c.Reason != Order && c.Reason != Invalid {
				keys = append(keys, c.Key)
			}
			reasons = append(reasons, c.Reason.String())
		}
		for i := range conflicts {
			conflicts[i] = keyOf(conflicts[i])
		}
		slices.Sort(conflicts)
		if !slices.Equal(keys, conflicts) {
			fail("conflicts %q, want %q", keys, conflicts)
		}
		if got.Document == nil {
			if conflicting++; len(reasons) == 0 {
				fail("neither a document nor a conflict")
			}
			for _, take := range []Take{TakeA, TakeB} {
				one, other := Merge([]*config.Document{dBase}, dA, dB, take), Merge([]*config.Document{dBase}, dB, dA, TakeA+TakeB-take)
				if one.Document != nil && (other.Document == nil || one.Document.Digest != other.Document.Digest) {
					fail("taking one side depends on which is A")
				}
			}
			continue
		}
		clean++
		for _, c := range got.Document.Classes {
			want.order = append(want.order, "class/"+c.Name)
		}
		checkOrder(t, fail, want.order, base.order, a.order, b.order)
		if d := parsed(t, want.text()); d.Digest != got.Document.Digest {
			fail("got\n%s\nwant\n%s", got.Document.Canonical(), d.Canonical())
		}
	}
	t.Logf("%d merged, %d conflicting, %d errors", clean, conflicting, invalid)
	if clean < 20 || conflicting < 10 {
		t.Errorf("%d of 100 merged and %d did not: one kind is hardly tried", clean, conflicting)
	}
}

func newValid(r *rand.Rand) model {
	return edited(r, model{map[string]bool{"net/n0": true}, map[string]string{}, nil}, 10+r.IntN(25))
}

// checkOrder says so where of two classes that both sides have in one order the merge has another, or where it undoes
// what one side moved.
func checkOrder(t *testing.T, fail func(string, ...any), got, base, a, b []string) {
	t.Helper()
	before := func(list []string, x, y string) (is, known bool) {
		i, j := slices.Index(list, x), slices.Index(list, y)
		return i < j, i >= 0 && j >= 0
	}
	for i, x := range got {
		for _, y := range got[i+1:] {
			inA, knownA := before(a, x, y)
			inB, knownB := before(b, x, y)
			inBase, known := before(base, x, y)
			switch {
			case !knownA || !knownB:
			case inA && inB:
			case !inA && !inB, known && inA == inBase && !inB, known && inB == inBase && !inA:
				fail("%s stands before %s in %q", x, y, got)
			}
		}
	}
}

const campus = `server: {name: west}
group:
  name: campus
  members: {west: {peer: 10.9.0.1, class: core}, east: {peer: 10.9.0.2}}
enterprise: {options: {domain-name: corp.example}}
networks:
  floor1:
    subnets:
      198.51.100.0/24:
        options: {routers: [198.51.100.1]}
        pools:
          - {range: 198.51.100.50-198.51.100.99}
          - {range: 198.51.100.100-198.51.100.199}
classes:
  phones: {kind: vendor, match: {vendor-class: "Phone*"}, options: {boot-size: 1}}
  kiosk: {kind: user, match: {user-class: kiosk}, options: {boot-size: 2}}
  lab: {kind: user, match: {user-class: lab}, options: {boot-size: 3}}
hosts:
  printer1: {hardware: 02:00:00:00:00:07, address: 198.51.100.9}
  lobby: {hardware: 02:00:00:00:00:08, options: {host-name: lobby}}
`

func replaced(t *testing.T, src string, pairs ...string) *config.Document {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(src, pairs[i]) {
			t.Fatalf("%q is not in the document", pairs[i])
		}
		src = strings.Replace(src, pairs[i], pairs[i+1], 1)
	}
	return parsed(t, src)
}

func TestMergeTable(t *testing.T) {
	phones := "  phones: {kind: vendor, match: {vendor-class: \"Phone*\"}, options: {boot-size: 1}}\n"
	kiosk := "  kiosk: {kind: user, match: {user-class: kiosk}, options: {boot-size: 2}}\n"
	lab := "  lab: {kind: user, match: {user-class: lab}, options: {boot-size: 3}}\n"
	added := "  new: {kind: user, match: {user-class: new}, options: {boot-size: 4}}\n"
	all := phones + kiosk + lab
	for _, c := range []struct {
		name string
		a, b []string
		want string // what the merge has in it, or its conflicts
	}{
		{"each changes another option", []string{"[198.51.100.1]", "[198.51.100.2]"}, []string{"corp.example", "lab.example"}, "routers: [198.51.100.2]"},
		{"both change one option", []string{"[198.51.100.1]", "[198.51.100.2]"}, []string{"[198.51.100.1]", "[198.51.100.3]"},
			`networks.floor1.subnets.198.51.100.0/24.options.routers: both changed it: base "[198.51.100.1]", a "[198.51.100.2]":10, b "[198.51.100.3]":10`},
		{"both change one option to the same", []string{"[198.51.100.1]", "[198.51.100.2]"}, []string{"[198.51.100.1]", "198.51.100.2"}, "routers: [198.51.100.2]"},
		{"one removes what the other changes", []string{"  lobby: {hardware: 02:00:00:00:00:08, options: {host-name: lobby}}\n", ""}, []string{"host-name: lobby", "host-name: desk"},
			`hosts.lobby: one took it out, the other changed it: base "{hardware: 02:00:00:00:00:08, options: {host-name: lobby}}", a "":0, b "{hardware: 02:00:00:00:00:08, options: {host-name: desk}}":20`},
		{"one identity is one value", []string{"address: 198.51.100.9", "address: 198.51.100.10"}, []string{"00:07", "00:09"},
			`hosts.printer1: both changed it: base "{hardware: 02:00:00:00:00:07, address: 198.51.100.9}", a "{hardware: 02:00:00:00:00:07, address: 198.51.100.10}":19, b "{hardware: 02:00:00:00:00:09, address: 198.51.100.9}":19`},
		{"each adds another host of one address", []string{"hosts:\n", "hosts:\n  a: {hardware: 02:00:00:00:00:0a, address: 198.51.100.20}\n"},
			[]string{"hosts:\n", "hosts:\n  b: {hardware: 02:00:00:00:00:0b, address: 198.51.100.20}\n"}, `hosts.b.address: the two do not fit together`},
		{"overlapping pools", []string{"198.51.100.50-198.51.100.99", "198.51.100.50-198.51.100.90"}, []string{"198.51.100.50-198.51.100.99", "198.51.100.50-198.51.100.80"},
			`pools.198.51.100.50-198.51.100.90: the two do not fit together`},
		{"one moves a class, the other changes one", []string{all, lab + phones + kiosk}, []string{"boot-size: 2", "boot-size: 9"}, "classes:\n  lab:"},
		{"both move a class", []string{all, kiosk + phones + lab}, []string{all, phones + lab + kiosk}, "classes: no order is what both want"},
		{"each moves another class", []string{all, kiosk + phones + lab}, []string{all, lab + phones + kiosk}, "classes:\n  lab:"},
		{"both add a class elsewhere", []string{all, added + all}, []string{all, all + added}, "classes: no order is what both want"},
		{"each adds a class at one place", []string{all, phones + added + kiosk + lab}, []string{all, phones + strings.ReplaceAll(added, "new", "later") + kiosk + lab}, "  new: {"},
		{"one adds a class where the other turns its neighbours around", []string{all, phones + added + kiosk + lab}, []string{all, kiosk + phones + lab}, "classes: no order is what both want"},
		{"a member and a class of it", []string{"10.9.0.2}", "10.9.0.3}"}, []string{"class: core", "class: edge"}, "class: edge"},
		{"both change the MCLT", []string{"class: core}", "class: core}", "name: campus\n", "name: campus\n  failover: {mclt: 2h}\n"}, []string{"name: campus\n", "name: campus\n  failover: {mclt: 3h}\n"},
			`group.failover.mclt: both changed it: base "", a "2h":4, b "3h":4`},
	} {
		a, b := replaced(t, campus, c.a...), replaced(t, campus, c.b...)
		m := Merge([]*config.Document{parsed(t, campus)}, a, b, TakeNone)
		got := shown(m.Conflicts)
		if m.Document != nil {
			got = string(m.Document.Canonical())
		}
		mirror := Merge([]*config.Document{parsed(t, campus)}, b, a, TakeNone)
		if shown(m.Conflicts) != shown(mirrored(mirror.Conflicts)) {
			t.Errorf("%s: got\n%s\nand with the sides exchanged\n%s", c.name, got, shown(mirrored(mirror.Conflicts)))
		}
		if !strings.Contains(got, c.want) || strings.Contains(got, "on line") {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

func TestWhatSafetyStandsOnIsPending(t *testing.T) {
	base := parsed(t, campus)
	for _, c := range []struct {
		name string
		edit []string
		keys string
	}{
		{"an option", []string{"[198.51.100.1]", "[198.51.100.2]"}, ""},
		{"a pool", []string{"198.51.100.100-198.51.100.199", "198.51.100.120-198.51.100.199"}, ""},
		{"a member's address", []string{"10.9.0.2", "10.9.0.3"}, "group.members.east.peer"},
		{"a member's class", []string{"class: core", "class: edge"}, ""},
		{"a protocol", []string{"{peer: 10.9.0.2}", "{peer: 10.9.0.2, protocol: isc-dhcpd}"}, "group.members.east.protocol"},
		{"the primary", []string{"name: campus\n", "name: campus\n  failover: {primary: east}\n"}, "group.failover.primary"},
		{"the order of members", []string{"{west: {peer: 10.9.0.1, class: core}, east: {peer: 10.9.0.2}}", "{east: {peer: 10.9.0.2}, west: {peer: 10.9.0.1, class: core}}\n  failover: {primary: west}"}, ""},
		{"the MCLT", []string{"name: campus\n", "name: campus\n  failover: {mclt: 2h, split: 3}\n"}, "group.failover.mclt"},
		{"the name", []string{"name: campus", "name: other"}, "group.name"},
		{"a reservation's address", []string{"address: 198.51.100.9", "address: 198.51.100.10"}, "hosts.printer1.address"},
		{"a reservation's client", []string{"00:07", "00:09"}, "hosts.printer1.hardware"},
		{"a reservation", []string{"hosts:\n", "hosts:\n  a: {hardware: 02:00:00:00:00:0a, address: 198.51.100.20}\n"}, "hosts.a"},
		{"no reservation any more", []string{"  printer1: {hardware: 02:00:00:00:00:07, address: 198.51.100.9}\n", ""}, "hosts.printer1"},
		{"a host without an address", []string{"00:08", "00:0a"}, ""},
		{"an option of a reservation", []string{"198.51.100.9}", "198.51.100.9, options: {boot-size: 1}}"}, ""},
		{"another name of a reservation", []string{"printer1", "printer2"}, ""},
	} {
		var keys []string
		for _, p := range Pending(base, replaced(t, campus, c.edit...)) {
			keys = append(keys, p.Key)
		}
		if got := strings.Join(keys, " "); got != c.keys {
			t.Errorf("%s: pending %q, want %q", c.name, got, c.keys)
		}
	}
	a, b := replaced(t, campus, "address: 198.51.100.9", "address: 198.51.100.10"), replaced(t, campus, "name: campus\n", "name: campus\n  failover: {mclt: 2h}\n")
	m := Merge([]*config.Document{base}, a, b, TakeNone)
	if len(m.PendingA) != 1 || len(m.PendingB) != 1 || m.PendingA[0].Key != "group.failover.mclt" || m.PendingB[0].Key != "hosts.printer1.address" {
		t.Errorf("pending for a %v, for b %v", m.PendingA, m.PendingB)
	}
}
