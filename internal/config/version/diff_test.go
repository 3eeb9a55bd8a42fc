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

func TestDiffNamesKeysAsTheOperatorDoes(t *testing.T) {
	before := parsed(t, campus)
	lab := "  lab: {kind: user, match: {user-class: lab}, options: {boot-size: 3}}\n"
	for _, c := range []struct {
		edit []string
		want string
	}{
		{[]string{"[198.51.100.1]", "[198.51.100.2]"}, "~ networks.floor1.subnets.198.51.100.0/24.options.routers: [198.51.100.1] → [198.51.100.2]"},
		{[]string{"options: {routers: [198.51.100.1]}\n        ", ""}, "- networks.floor1.subnets.198.51.100.0/24.options.routers: [198.51.100.1]"},
		{[]string{"options: {routers", "lease: {max: 1h}\n        options: {routers"}, "+ networks.floor1.subnets.198.51.100.0/24.lease.max: 1h"},
		{[]string{"hosts:\n", "hosts:\n  \"front desk\": {circuit-id: a}\n"}, `+ hosts."front desk": {circuit-id: a}`},
		{[]string{"          - {range: 198.51.100.100-198.51.100.199}\n", ""}, "- networks.floor1.subnets.198.51.100.0/24.pools.198.51.100.100-198.51.100.199: {}"},
		{[]string{lab, "", "classes:\n", "classes:\n" + lab}, "> classes.lab: behind kiosk → first"},
		{[]string{"{user-class: lab}", "'user_class == \"lab\"'"}, "~ classes.lab.match: {user-class: \"lab\"} → 'user_class == \"lab\"'"},
		{[]string{"west}", "west, data: /tmp}", "# ", "# "}[:2], ""},
		{[]string{"boot-size: 3", "boot-size: {unset: true}"}, "~ classes.lab.options.boot-size: 3 → {unset: true}"},
		{[]string{"198.51.100.0/24:\n", "203.0.113.0/24: {options: {boot-size: 1}}\n      198.51.100.0/24:\n"}, "+ networks.floor1.subnets.203.0.113.0/24: {options: {boot-size: 1}}"},
		{[]string{"name: campus\n", "name: campus\n  failover: {primary: west, mclt: 60m}\n"}, ""},
	} {
		var got []string
		for _, x := range Diff(before, replaced(t, campus, c.edit...)) {
			got = append(got, x.String())
		}
		if strings.Join(got, "\n") != c.want {
			t.Errorf("%q: got\n%s\nwant\n%s", c.edit, strings.Join(got, "\n"), c.want)
		}
	}
}

func TestDiffForPeople(t *testing.T) {
	after := replaced(t, campus, "[198.51.100.1]", "[198.51.100.2]", "address: 198.51.100.9", "address: 198.51.100.10",
		"hosts:\n", "domains:\n  a.example: {options: {domain-name: "+strings.Repeat("a", 60)+".example, root-path: "+strings.Repeat("b", 120)+"}}\nhosts:\n")
	const want = `networks.floor1.subnets.198.51.100.0/24.options.routers  (line 10 → 10)
  - [198.51.100.1]
  + [198.51.100.2]
domains.a.example  (line 19)
  + options:
  +   domain-name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example
  +   root-path: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
hosts.printer1.address  (line 19 → 21)  waits until both members have it
  - 198.51.100.9
  + 198.51.100.10
`
	if got := Text(Diff(parsed(t, campus), after)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestDiffsOfRandomEdits(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 40 {
		m := newValid(r)
		a, b := parsed(t, m.text()), parsed(t, edited(r, m, r.IntN(8)).text())
		there, back := Diff(a, b), Diff(b, a)
		if (len(there) == 0) != (a.Digest == b.Digest) {
			t.Fatalf("%d changes from\n%s\nto\n%s", len(there), a.Source, b.Source)
		}
		if got, want := inverse(there), keys(back); got != want {
			t.Fatalf("there\n%s\nback\n%s", got, want)
		}
		// What is said of each key must be what the documents say there.
		for _, c := range there {
			if c.Kind == Moved {
				continue
			}
			if before, _ := show(lookup(a.Outline(), c.at)); before != c.Before {
				t.Fatalf("%v, and there stands %q", c, before)
			}
			if after, _ := show(lookup(b.Outline(), c.at)); after != c.After {
				t.Fatalf("%v, and there stands %q", c, after)
			}
		}
	}
}

// keys shows which keys changed, and how. Of two entries in another order either may have moved, so only where is told.
func keys(all []Change) string {
	var lines []string
	for _, c := range all {
		key := c.Key
		if c.Kind == Moved {
			key = key[:strings.LastIndexByte(key, '.')]
		}
		lines = append(lines, fmt.Sprintf("%v %s %v", c.Kind, key, c.Safety))
	}
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "\n")
}

func inverse(all []Change) string {
	all = slices.Clone(all)
	for i, c := range all {
		switch c.Kind {
		case Added:
			all[i].Kind = Removed
		case Removed:
			all[i].Kind = Added
		}
	}
	return keys(all)
}

func TestAsFewEntriesMoveAsCan(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		list := r.Perm(1 + r.IntN(9))
		best := 0
		for set := range 1 << len(list) { // every choice of elements
			last, n, ok := -1, 0, true
			for i, v := range list {
				if set>>i&1 == 1 {
					ok = ok && v > last
					last, n = v, n+1
				}
			}
			if ok {
				best = max(best, n)
			}
		}
		n, last := 0, -1
		for i, in := range ascending(list) {
			if in {
				if list[i] < last {
					t.Fatalf("%v does not ascend", list)
				}
				n, last = n+1, list[i]
			}
		}
		if n != best {
			t.Fatalf("%v: %d of %d stay", list, n, best)
		}
	}
}

// large returns a document of so many subnets and hosts.
func large(subnets, hosts int) string {
	var b strings.Builder
	b.WriteString("enterprise: {options: {domain-name: corp.example}}\nnetworks:\n")
	for i := range subnets {
		if i%10 == 0 {
			fmt.Fprintf(&b, "  net%d:\n    subnets:\n", i/10)
		}
		fmt.Fprintf(&b, "      172.%d.%d.%d/26:\n        options: {routers: [172.%[1]d.%[2]d.%[4]d]}\n        pools: [{range: 172.%[1]d.%[2]d.%[5]d-172.%[1]d.%[2]d.%[6]d}]\n",
			16+i>>10, i>>2&255, i&3*64, i&3*64+1, i&3*64+40, i&3*64+62)
	}
	b.WriteString("hosts:\n")
	for i := range hosts {
		fmt.Fprintf(&b, "  host%d: {hardware: 02:00:00:%02x:%02x:%02x, options: {host-name: host%d}}\n", i, i>>16, i>>8&255, i&255, i)
	}
	return b.String()
}

// BenchmarkMerge is of 10,000 subnets and 100,000 hosts, of which the sides change one each; Diff is of one of them.
func BenchmarkMerge(b *testing.B) {
	src := large(10_000, 100_000)
	base, x := parsed(b, src), parsed(b, strings.Replace(src, "host-name: host77}", "host-name: other}", 1))
	y := parsed(b, strings.Replace(src, "corp.example", "lab.example", 1))
	b.Run("diff", func(b *testing.B) {
		for b.Loop() {
			if len(Diff(base, x)) != 1 {
				b.Fatal("not one change")
			}
		}
	})
	b.Run("merge", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if m := Merge([]*config.Document{base}, x, y, TakeNone); m.Document == nil {
				b.Fatal(m.Conflicts)
			}
		}
	})
	b.Run("root", func(b *testing.B) {
		for b.Loop() {
			if _, err := Root(base); err != nil {
				b.Fatal(err)
			}
		}
	})
}
