package main

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/config"
)

// good fails the test unless Lessor takes the document without a word.
func good(t *testing.T, name, text string) *config.Document {
	t.Helper()
	doc, problems := config.Parse(name, []byte(text))
	for _, p := range problems {
		if !strings.Contains(fmt.Sprint(p), "warning") {
			t.Fatalf("%s: %v", name, p)
		}
	}
	if doc == nil {
		t.Fatalf("%s: %v", name, problems)
	}
	return doc
}

func TestEverySizeHasADocument(t *testing.T) {
	all := sizes(10000000)
	if len(all) != 5+2+2+3 {
		t.Errorf("%d sizes", len(all))
	}
	for _, x := range all {
		g := growth{size: x}
		text, relays := g.document()
		good(t, x.String(), fmt.Sprintf(text, "/tmp/x"))
		if len(relays) != x.subnets {
			t.Errorf("%v has %d relays", x, len(relays))
		}
		if x.leases > x.pool || x.subnets*each(x.subnets) > widest && x.subnets > 1 || x.pool > widest {
			t.Errorf("%v does not fit", x)
		}
	}
	if n := len(sizes(20000)); n != 2+2+2+3 {
		t.Errorf("%d sizes of at most 20,000 leases", n)
	}
}

func TestRelaysAreInTheirSubnets(t *testing.T) {
	g := growth{size: size{subnets: 10000}}
	text, relays := g.document()
	seen := map[netip.Addr]bool{}
	for i, line := range strings.Split(text, "\n")[3 : 3+10000] {
		_, line, _ = strings.Cut(line, "subnets: {")
		prefix, _, _ := strings.Cut(line, ": ")
		if p := netip.MustParsePrefix(prefix); p.Bits() != 22 || !p.Contains(relays[i]) || p != p.Masked() || seen[p.Addr()] {
			t.Fatalf("relay %v, subnet %v", relays[i], p)
		} else {
			seen[p.Addr()] = true
		}
	}
}

func TestAPairsDocumentsAreGoodWhateverChangesInThem(t *testing.T) {
	at := place{dir: "/tmp/x", side: 1, first: netip.MustParseAddr(poolFirst), last: netip.MustParseAddr(poolLast)}
	good(t, "pair", lessorPairDocument(&at))
	s := soak{}
	before := ""
	for s.document = range 3 {
		at.enterprise = s.options()
		text := lessorPairDocument(&at)
		good(t, "soak", text)
		if text == before {
			t.Error("a change changes nothing")
		}
		before = text
	}
}

func TestAProcessThatGrowsIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		grow func(i int) sample
		bad  int
	}{
		"flat": {func(i int) sample {
			return sample{usage: usage{memory: 300<<20 + i<<10, descriptors: 19 + i%3}, goroutines: 27}
		}, 0},
		"memory": {func(i int) sample {
			return sample{usage: usage{memory: 300<<20 + i<<20, descriptors: 19}, goroutines: 27}
		}, 1},
		"descriptors": {func(i int) sample { return sample{usage: usage{memory: 300 << 20, descriptors: i}, goroutines: i} }, 2},
	} {
		s := &soak{}
		for i := range 200 {
			s.samples = append(s.samples, c.grow(i))
		}
		if s.flat(); len(s.trouble) != c.bad {
			t.Errorf("%s: %q", name, s.trouble)
		}
	}
}
