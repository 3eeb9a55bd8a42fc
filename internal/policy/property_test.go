package policy

import (
	"fmt"
	"github.com/lessor-dhcp/lessor/internal/config"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// layersOf are what a random document may say something in, weakest first; the last is the client's host.
var layersOf = []string{"enterprise", "network", "subnet", "pool", "host"}

// names of options whose value is any text, and their codes.
var textOptions = map[string]uint8{"merit-dump": 14, "domain-name": 15, "root-path": 17, "extensions-path": 18, "tftp-server-name": 66, "bootfile-name": 67}

// settings is what a document says: by layer, the options that it sets, each to the layer's own value.
type settings map[string]map[string]string

func randomSettings(r *rand.Rand) settings {
	all := settings{}
	for _, l := range append([]string{"other network", "other subnet", "other pool", "other host"}, layersOf...) {
		all[l] = map[string]string{}
		for _, o := range slices.Sorted(maps.Keys(textOptions)) {
			if r.IntN(3) == 0 {
				all[l][o] = strings.ReplaceAll(l, " ", "-") + "-" + o
			}
		}
	}
	return all
}

// expected returns the strongest layer that sets the option, by a model that knows nothing of how policy works.
func (s settings) expected(option string) (value, layer string) {
	for _, l := range layersOf {
		if v, ok := s[l][option]; ok {
			value, layer = v, l
		}
	}
	return value, layer
}

// flow writes the entries of a map in a random order.
func flow(r *rand.Rand, entries ...string) string {
	entries = slices.DeleteFunc(slices.Clone(entries), func(e string) bool { return e == "" })
	r.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
	return "{" + strings.Join(entries, ", ") + "}"
}

func (s settings) options(r *rand.Rand, layer string) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(s[layer])) {
		all = append(all, name+": "+s[layer][name])
	}
	if len(all) == 0 {
		return ""
	}
	return "options: " + flow(r, all...)
}

// document writes the settings with the entries of every map in an order that r chooses. Lists keep theirs.
func (s settings) document(r *rand.Rand) string {
	pool := flow(r, "range: 10.0.0.10-10.0.0.19", s.options(r, "pool"))
	otherPool := flow(r, "range: 10.0.0.20-10.0.0.29", s.options(r, "other pool"))
	subnet := "10.0.0.0/24: " + flow(r, "pools: ["+pool+", "+otherPool+"]", s.options(r, "subnet"))
	otherSubnet := "10.0.1.0/24: " + flow(r, "pools: [{range: 10.0.1.10-10.0.1.19}]", s.options(r, "other subnet"))
	lan := "lan: " + flow(r, "subnets: "+flow(r, subnet, otherSubnet), s.options(r, "network"))
	other := "away: " + flow(r, "subnets: {10.1.0.0/24: {}}", s.options(r, "other network"))
	host := "pc: " + flow(r, "hardware: 02:00:00:00:00:01", "client-id: 01:02", "address: 10.0.0.15", s.options(r, "host"))
	otherHost := "a-pc: " + flow(r, "hardware: 02:00:00:00:00:01", s.options(r, "other host"))
	sections := []string{"networks: " + flow(r, lan, other), "hosts: " + flow(r, host, otherHost), "enterprise: " + flow(r, s.options(r, "enterprise"))}
	r.Shuffle(len(sections), func(i, j int) { sections[i], sections[j] = sections[j], sections[i] })
	return strings.Join(sections, "\n") + "\n"
}

// outcome is everything that a policy says to the one client, but for lines.
func outcome(p *Policy) string {
	var d Decision
	p.Resolve("west", p.on("10.0.0.0", binding.Client{Hardware: mac(1), ID: []byte{1, 2}}, nil), &d)
	var b strings.Builder
	fmt.Fprintf(&b, "%v %v %v %v\n", d.Host.Name, d.Reserved, d.Pool.Name(), d.Lifetime)
	for _, q := range d.Pools {
		fmt.Fprintf(&b, "pool %d %s\n", q.ID, q.Name())
	}
	for _, v := range d.Values() {
		fmt.Fprintf(&b, "%d %q %v %s %s\n", v.Code, v.Bytes, v.Layer, v.Object, v.Rule)
	}
	return b.String()
}

func TestRandomDocuments(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d", seed)
	names := map[string]config.Layer{"enterprise": config.EnterpriseLayer, "network": config.SharedNetwork, "subnet": config.SubnetLayer, "pool": config.PoolLayer, "host": config.HostLayer}
	for range 300 {
		s := randomSettings(r)
		p := compiled(t, s.document(r))
		var d Decision
		p.Resolve("west", p.on("10.0.0.0", binding.Client{Hardware: mac(1), ID: []byte{1, 2}}, nil), &d)
		for name, code := range textOptions {
			value, layer := s.expected(name)
			got, v := d.text(p, code)
			if got != value || v.Layer != names[layer] {
				t.Fatalf("seed %d: %s is %q of %v, want %q of %s\n%s", seed, name, got, v.Layer, value, layer, s.document(r))
			}
		}
		// The order in which maps are written means nothing.
		if a, b := outcome(p), outcome(compiled(t, s.document(r))); a != b {
			t.Fatalf("seed %d: two orders of one document:\n%s\n%s", seed, a, b)
		}
		// What a weaker layer says changes nothing that a stronger one set.
		strong := 1 + r.IntN(len(layersOf)-1)
		before := map[uint8]string{}
		for name, code := range textOptions {
			if _, l := s.expected(name); slices.Index(layersOf, l) >= strong {
				before[code], _ = d.text(p, code)
			}
		}
		weak := s[layersOf[r.IntN(strong)]]
		for name := range textOptions {
			if weak[name] = "changed"; r.IntN(2) == 0 {
				delete(weak, name)
			}
		}
		p = compiled(t, s.document(r))
		p.Resolve("west", p.on("10.0.0.0", binding.Client{Hardware: mac(1), ID: []byte{1, 2}}, nil), &d)
		for code, want := range before {
			if got, _ := d.text(p, code); got != want {
				t.Fatalf("seed %d: option %d became %q, was %q, by a weaker layer", seed, code, got, want)
			}
		}
	}
}
