package config

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// randomGroup is a document of two members, in the words of the parts that it has.
type randomGroup struct {
	name         string
	members      map[string]string // the name, and all that it says
	classes      map[string]string // of members
	primary      string
	failover     map[string]string
	enterprise   map[string]string // options
	networks     map[string][]string
	subnets      map[string]*randomSubnet // by prefix
	hosts        map[string]*randomHost
	order        []string // of the classes
	onTakeover   string
	acceptsNames bool
}

type randomSubnet struct {
	pools []string // as they are written
	rest  string
}

type randomHost struct{ identity, address, rest string }

func anyGroup(r *rand.Rand) *randomGroup {
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	g := &randomGroup{
		name: one("campus", "lab"), primary: one("west", "east"), order: []string{"phones", "kiosks"}, onTakeover: one("home", "local"), acceptsNames: r.IntN(2) == 0,
		members:    map[string]string{"west": "peer: 10.9.0.1:" + one("647", "648"), "east": "peer: 10.9.0.2"},
		classes:    map[string]string{},
		failover:   map[string]string{"mclt": one("1h", "30m")},
		enterprise: map[string]string{"domain-name": one("a.example", "b.example")},
		networks:   map[string][]string{}, subnets: map[string]*randomSubnet{}, hosts: map[string]*randomHost{},
	}
	r.Shuffle(2, func(i, j int) { g.order[i], g.order[j] = g.order[j], g.order[i] })
	if r.IntN(3) == 0 {
		g.failover["relationship"] = "r" + one("1", "2")
	}
	for _, k := range []string{"split: 100", "receive-timer: 20s", "guard: 2m", "max-unacked: 7", "startup: 6s", "reconnect: 6s", "max-skew: 10s", "load-balance-secs: 4"} {
		if r.IntN(4) == 0 {
			key, value, _ := strings.Cut(k, ": ")
			g.failover[key] = value
		}
	}
	if r.IntN(2) == 0 {
		g.classes["west"] = "core"
	}
	for n := range 1 + r.IntN(3) {
		network := fmt.Sprintf("net%d", n)
		for s := range 1 + r.IntN(2) {
			prefix := fmt.Sprintf("10.%d.%d.0/24", 20+n, s)
			x := &randomSubnet{rest: one("", "options: {routers: [10.9.9.9]}", "lease: {max: 10h}")}
			for p := range 1 + r.IntN(3) {
				x.pools = append(x.pools, fmt.Sprintf("{range: 10.%d.%d.%d-10.%d.%[2]d.%[5]d%s}", 20+n, s, 50*p+10, 20+n, 50*p+40, one("", ", allow: [known]", ", deny: [phones], lease: {default: 2h}")))
			}
			r.Shuffle(len(x.pools), func(i, j int) { x.pools[i], x.pools[j] = x.pools[j], x.pools[i] })
			g.subnets[prefix] = x
			g.networks[network] = append(g.networks[network], prefix)
		}
	}
	for h := range 1 + r.IntN(4) {
		x := &randomHost{identity: fmt.Sprintf("hardware: 02:00:00:00:00:%02x", h), rest: one("", ", options: {boot-size: 1}", ", options: {boot-size: 2}")}
		if h == 0 || r.IntN(3) > 0 {
			x.address = fmt.Sprintf("10.20.0.%d", 2+h)
		}
		g.hosts[fmt.Sprintf("host%d", h)] = x
	}
	return g
}

// clone returns a group that may be changed.
func (g *randomGroup) clone() *randomGroup {
	c := *g
	c.members, c.classes, c.failover, c.enterprise = maps.Clone(g.members), maps.Clone(g.classes), maps.Clone(g.failover), maps.Clone(g.enterprise)
	c.networks, c.subnets, c.hosts, c.order = map[string][]string{}, map[string]*randomSubnet{}, map[string]*randomHost{}, slices.Clone(g.order)
	for k, v := range g.networks {
		c.networks[k] = slices.Clone(v)
	}
	for k, v := range g.subnets {
		c.subnets[k] = &randomSubnet{slices.Clone(v.pools), v.rest}
	}
	for k, v := range g.hosts {
		h := *v
		c.hosts[k] = &h
	}
	return &c
}

// document writes the group with the keys of its maps in any order; the server is nothing that it says.
func (g *randomGroup) document(r *rand.Rand) string {
	keys := func(m any) (names []string) {
		switch m := m.(type) {
		case map[string]string:
			names = slices.Sorted(maps.Keys(m))
		case map[string][]string:
			names = slices.Sorted(maps.Keys(m))
		case map[string]*randomHost:
			names = slices.Sorted(maps.Keys(m))
		}
		r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		return names
	}
	var b strings.Builder
	fmt.Fprintf(&b, "server: {name: %s}\ngroup:\n  name: %s\n  on-takeover: %s\n  members:\n", []string{"west", "east"}[r.IntN(2)], g.name, g.onTakeover)
	for _, m := range keys(g.members) {
		class := ""
		if c := g.classes[m]; c != "" {
			class = ", class: " + c
		}
		fmt.Fprintf(&b, "    %s: {%s%s}\n", m, g.members[m], class)
	}
	fmt.Fprintf(&b, "  failover: {primary: %s", g.primary)
	for _, k := range keys(g.failover) {
		fmt.Fprintf(&b, ", %s: %s", k, g.failover[k])
	}
	b.WriteString("}\nserver-classes: {core: {}, edge: {}}\nenterprise:\n  options:\n")
	for _, k := range keys(g.enterprise) {
		fmt.Fprintf(&b, "    %s: %s\n", k, g.enterprise[k])
	}
	b.WriteString("networks:\n")
	for _, n := range keys(g.networks) {
		fmt.Fprintf(&b, "  %s:\n    subnets:\n", n)
		for _, s := range slices.Sorted(slices.Values(g.networks[n])) {
			x := g.subnets[s]
			fmt.Fprintf(&b, "      %s:\n        pools: [%s]\n", s, strings.Join(x.pools, ", "))
			if x.rest != "" {
				fmt.Fprintf(&b, "        %s\n", x.rest)
			}
		}
	}
	b.WriteString("hosts:\n")
	for _, h := range keys(g.hosts) {
		x := g.hosts[h]
		address := ""
		if x.address != "" {
			address = ", address: " + x.address
		}
		fmt.Fprintf(&b, "  %s: {%s%s%s}\n", h, x.identity, address, x.rest)
	}
	b.WriteString("classes:\n")
	for _, c := range g.order {
		fmt.Fprintf(&b, "  %s: {kind: vendor, match: {vendor-class: %[1]s}, options: {boot-size: 3}}\n", c)
	}
	fmt.Fprintf(&b, "accept: {host-name: %v}\n", g.acceptsNames)
	return b.String()
}

// someSubnet returns one of the subnets, and the network that it is in.
func (g *randomGroup) someSubnet(r *rand.Rand) (network, prefix string) {
	names := slices.Sorted(maps.Keys(g.networks))
	network = names[r.IntN(len(names))]
	return network, g.networks[network][r.IntN(len(g.networks[network]))]
}

// changes are single changes: each returns the vital parts that differ by it; none where it is a warning.
var changes = map[string]func(r *rand.Rand, g *randomGroup) []string{
	"mclt": func(_ *rand.Rand, g *randomGroup) []string {
		g.failover["mclt"] = "45m"
		return []string{"group.failover.mclt"}
	},
	"a peer": func(_ *rand.Rand, g *randomGroup) []string {
		g.members["east"] = "peer: 10.9.0.3"
		return []string{"group.members.east"}
	},
	"a peer's port": func(_ *rand.Rand, g *randomGroup) []string {
		g.members["west"] = "peer: 10.9.0.1:7000, protocol: lessor"
		return []string{"group.members.west"}
	},
	"another member": func(_ *rand.Rand, g *randomGroup) []string {
		g.members["north"] = "peer: 10.9.0.9"
		return []string{"group.members.north"}
	},
	"the primary": func(_ *rand.Rand, g *randomGroup) []string {
		g.primary = map[string]string{"west": "east", "east": "west"}[g.primary]
		return []string{"group.failover.primary"}
	},
	"the relationship": func(_ *rand.Rand, g *randomGroup) []string {
		g.failover["relationship"] = "another"
		return []string{"group.failover.relationship"}
	},
	"the group's name": func(_ *rand.Rand, g *randomGroup) []string {
		g.name = "elsewhere"
		if g.failover["relationship"] == "" {
			return []string{"group.failover.relationship", "group.name"}
		}
		return []string{"group.name"}
	},
	"a pool more": func(r *rand.Rand, g *randomGroup) []string {
		n, s := g.someSubnet(r)
		p := netip.MustParsePrefix(s).Addr().As4()
		p[3] = 200
		g.subnets[s].pools = append(g.subnets[s].pools, fmt.Sprintf("{range: %v}", netip.AddrFrom4(p)))
		return []string{"networks." + n + ".subnets." + s + ".pools"}
	},
	"a longer range": func(r *rand.Rand, g *randomGroup) []string {
		n, s := g.someSubnet(r)
		x := g.subnets[s]
		for i, p := range x.pools {
			if strings.Contains(p, ".40") {
				x.pools[i] = strings.Replace(p, ".40", ".41", 1)
			}
		}
		return []string{"networks." + n + ".subnets." + s + ".pools"}
	},
	"a subnet less": func(_ *rand.Rand, g *randomGroup) []string {
		s := g.networks["net0"][len(g.networks["net0"])-1]
		g.networks["net0"] = g.networks["net0"][:len(g.networks["net0"])-1]
		if len(g.networks["net0"]) == 0 {
			delete(g.networks, "net0")
		}
		return []string{"networks.net0.subnets." + s + ".pools"}
	},
	"an address": func(_ *rand.Rand, g *randomGroup) []string {
		g.hosts["host0"].address = "10.20.0.49"
		return []string{"hosts.host0.address"}
	},
	"who an address is kept for": func(_ *rand.Rand, g *randomGroup) []string {
		g.hosts["host0"].identity = "client-id: 01:99, circuit-id: ge-0"
		return []string{"hosts.host0.address"}
	},
	"a reservation less": func(_ *rand.Rand, g *randomGroup) []string {
		g.hosts["host0"].address = ""
		return []string{"hosts.host0.address"}
	},
	"a network's name": func(_ *rand.Rand, g *randomGroup) []string {
		g.networks["renamed"] = g.networks["net0"]
		delete(g.networks, "net0")
		return nil
	},
	"a host's name": func(_ *rand.Rand, g *randomGroup) []string {
		g.hosts["renamed"] = g.hosts["host0"]
		delete(g.hosts, "host0")
		return nil
	},
	"the order of pools": func(r *rand.Rand, g *randomGroup) []string {
		_, s := g.someSubnet(r)
		x := g.subnets[s]
		if len(x.pools) == 1 {
			x.rest = []string{"rapid-commit: false", "quota: {port: 7}", "quota: {relay: 7%, interface: 8}"}[r.IntN(3)]
		}
		slices.Reverse(x.pools)
		return nil
	},
	"who may use a pool": func(r *rand.Rand, g *randomGroup) []string {
		_, s := g.someSubnet(r)
		p := &g.subnets[s].pools[0]
		*p, _, _ = strings.Cut(strings.TrimSuffix(*p, "}"), ", ")
		*p += ", deny: [kiosks]}"
		return nil
	},
	"a subnet's option": func(r *rand.Rand, g *randomGroup) []string {
		_, s := g.someSubnet(r)
		g.subnets[s].rest = "options: {routers: [10.8.8.8]}"
		return nil
	},
	"an option of all": func(_ *rand.Rand, g *randomGroup) []string { g.enterprise["ntp-servers"] = "[10.0.0.1]"; return nil },
	"split":            func(_ *rand.Rand, g *randomGroup) []string { g.failover["split"] = "99"; return nil },
	"a member's class": func(_ *rand.Rand, g *randomGroup) []string { g.classes["east"] = "edge"; return nil },
	"the order of classes": func(_ *rand.Rand, g *randomGroup) []string {
		slices.Reverse(g.order)
		return nil
	},
	"what is accepted": func(_ *rand.Rand, g *randomGroup) []string { g.acceptsNames = !g.acceptsNames; return nil },
	"a host's option": func(_ *rand.Rand, g *randomGroup) []string {
		g.hosts["host0"].rest = ", options: {boot-size: 7}"
		return nil
	},
}

// TestEveryVitalChangeIsNamed makes one change of random documents: both documents and their parts differ, the vital parts
// exactly where the change is one of what safety stands on, and they have the keys that it changed. Without a change, and in
// whatever order a document is written, nothing differs.
func TestEveryVitalChangeIsNamed(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 25 {
		g := anyGroup(r)
		here := parsed(t, g.document(r))
		again := parsed(t, g.document(r))
		if vital, others := apart(here, again); here.Digest != again.Digest || len(vital)+len(others) > 0 {
			t.Fatalf("another order is another document: %v, %v\n%s\n%s", vital, others, here.Source, again.Source)
		}
		for _, what := range slices.Sorted(maps.Keys(changes)) {
			changed := g.clone()
			want := changes[what](r, changed)
			there := parsed(t, changed.document(r))
			vital, others := apart(here, there)
			if here.Digest == there.Digest || !slices.Equal(vital, want) || want == nil && len(others) == 0 {
				t.Fatalf("%s: equal %v, vital %v, not %v; others %v\n%s\n%s", what, here.Digest == there.Digest, vital, want, others, here.Source, there.Source)
			}
			if (partsDigest(t, here) == partsDigest(t, there)) != (here.Digest == there.Digest) {
				t.Fatalf("%s: the parts do not say what the documents do\n%s\n%s", what, here.Source, there.Source)
			}
		}
	}
}

// apart returns the names of the parts that only one of two documents has.
func apart(here, there *Document) (vital, others []string) {
	has := map[binding.Digest]bool{}
	for _, p := range there.Parts() {
		has[p.Digest] = true
	}
	both := map[binding.Digest]bool{}
	add := func(p Part) {
		if p.Vital {
			vital = append(vital, p.Name)
		} else {
			others = append(others, p.Name)
		}
	}
	for _, p := range here.Parts() {
		if both[p.Digest] = has[p.Digest]; !has[p.Digest] {
			add(p)
		}
	}
	for _, p := range there.Parts() {
		if !both[p.Digest] {
			add(p)
		}
	}
	slices.Sort(vital)
	slices.Sort(others)
	return slices.Compact(vital), slices.Compact(others)
}

// FuzzParts takes any document: its parts can be told, and no two of them are one.
func FuzzParts(f *testing.F) {
	f.Add([]byte(named))
	f.Add([]byte(layered))
	f.Fuzz(func(t *testing.T, src []byte) {
		d, _ := Parse("lessor.yaml", src)
		if d == nil {
			return
		}
		if parts := partsDigest(t, d); parts != partsDigest(t, d) {
			t.Error("the parts are others each time")
		}
		for _, p := range d.Parts() {
			if p.Name != strings.ToValidUTF8(p.Name, "") || len(p.Name)+len(p.Says) > 2*255 {
				t.Errorf("the part %q cannot be told", p.Name)
			}
		}
	})
}
