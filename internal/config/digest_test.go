package config

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"
)

func parsed(t *testing.T, src string) *Document {
	t.Helper()
	d, problems := Parse("lessor.yaml", []byte(src))
	if d == nil {
		t.Fatalf("%s\n%v", src, problems)
	}
	return d
}

// shuffled returns the same document with the keys of every map in another order.
func shuffled(t *testing.T, r *rand.Rand, src []byte) string {
	t.Helper()
	var root yaml.Node
	if err := yaml.Load(src, &root); err != nil {
		t.Fatal(err)
	}
	var walk func(*yaml.Node)
	walk = func(n *yaml.Node) {
		for _, c := range n.Content {
			walk(c)
		}
		if isNull(n) {
			n.Value = "null" // the dumper would write an empty text
		}
		if n.Kind == yaml.MappingNode {
			r.Shuffle(len(n.Content)/2, func(i, j int) {
				c := n.Content
				c[2*i], c[2*i+1], c[2*j], c[2*j+1] = c[2*j], c[2*j+1], c[2*i], c[2*i+1]
			})
		}
	}
	walk(&root)
	b, err := yaml.Dump(&root)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTheOrderOfKeysDoesNotChangeTheDigest(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for _, file := range documents(t, "good") {
		src := read(t, file)
		want := parsed(t, string(src)).Digest
		for range 20 {
			other := shuffled(t, r, src)
			if got := parsed(t, other).Digest; got != want {
				t.Fatalf("%s: got %v, want %v for\n%s", file, got, want, other)
			}
		}
	}
}

const named = `server: {name: west, data: /tmp/a}
enterprise: {lease: {default: 4h}, options: {routers: [10.0.0.1], domain-name: a.example}}
networks:
  lan:
    interfaces: [eth0, eth1]
    subnets:
      10.0.0.0/24:
        relays: [10.9.0.1, 10.9.0.2]
        pools: [{range: 10.0.0.10-10.0.0.19}, {range: 10.0.0.20-10.0.0.29, allow: [known]}]
hosts: {a: {hardware: 02:00:00:00:00:01, circuit-id: ab, address: 10.0.0.9}}
accept: {host-name: false}
option-definitions: {acme: {code: 224, type: uint8}}
`

func TestWhatMeansTheSameHasTheSameDigest(t *testing.T) {
	want := parsed(t, named).Digest
	for _, c := range [][2]string{
		{"name: west, data: /tmp/a", "name: east, listen: [10.0.0.1]"}, // the machine's own
		{"lease: {default: 4h}", "lease: {default: 240m}"},
		{"routers: [10.0.0.1]", "routers: 10.0.0.1"},
		{"routers: [10.0.0.1]", `option-3: {hex: "0a000001"}`},
		{"domain-name: a.example", `domain-name: "a.example" # with a comment`},
		{"02:00:00:00:00:01", "1/02-00-00-00-00-01"},
		{"circuit-id: ab", `circuit-id: {hex: "6162"}`},
		{"10.0.0.10-10.0.0.19", "10.0.0.10 - 10.0.0.19"},
		{"accept: {host-name: false}", "accept: {}"},
		{"accept: {host-name: false}\n", ""},
		{"type: uint8", "type: uint8, space: dhcp4"},
		{"allow: [known]", "allow: known, deny: []"},
	} {
		other := strings.Replace(named, c[0], c[1], 1)
		if strings.Contains(c[1], "#") {
			other = strings.Replace(named, "domain-name: a.example}}", "domain-name: \"a.example\"}} # a comment", 1)
		}
		if other == named {
			t.Fatalf("%q is not in the document", c[0])
		}
		if got := parsed(t, other).Digest; got != want {
			t.Errorf("%q for %q: another digest", c[1], c[0])
		}
	}
}

func TestWhatMeansSomethingElseHasAnotherDigest(t *testing.T) {
	seen := map[string]string{parsed(t, named).Digest.String(): "the document itself"}
	for _, c := range [][2]string{
		{"default: 4h", "default: 5h"},
		{"default: 4h", "min: 4h"},
		{"default: 4h", "max: 4h"},
		{"lease: {default: 4h}, ", ""},
		{"lease:", "next-server: 10.0.0.1, lease:"},
		{"lease:", "boot-file-name: a, lease:"},
		{"lease:", "server-hostname: a, lease:"},
		{"lease:", "authoritative: true, lease:"},
		{"lease:", "authoritative: false, lease:"},
		{"lease:", "conflict-probe: 0s, lease:"},
		{"lease:", "conflict-probe: 1s, lease:"},
		{"lease:", "rapid-commit: false, lease:"},
		{"routers: [10.0.0.1]", "routers: [10.0.0.2]"},
		{"routers: [10.0.0.1]", "ntp-servers: [10.0.0.1]"},
		{"[eth0, eth1]", "[eth1, eth0]"},
		{"[eth0, eth1]", "{west: [eth0, eth1]}"},
		{"[eth0, eth1]", "{east: [eth0, eth1]}"},
		{"lan:", "wan:"},
		{"10.0.0.0/24", "10.0.0.0/23"},
		{"[10.9.0.1, 10.9.0.2]", "[10.9.0.2, 10.9.0.1]"},
		{"[{range: 10.0.0.10-10.0.0.19}, {range: 10.0.0.20-10.0.0.29, allow: [known]}]", "[{range: 10.0.0.20-10.0.0.29, allow: [known]}, {range: 10.0.0.10-10.0.0.19}]"},
		{"allow: [known]", "deny: [known]"},
		{"allow: [known]", "allow: [unknown]"},
		{"allow: [known]", "allow: [known], lease: {default: 1h}"},
		{"a: {hardware", "b: {hardware"},
		{"hardware: 02", "hardware: 6/02"},
		{"circuit-id: ab", "remote-id: ab"},
		{"circuit-id: ab", "circuit-id: abc"},
		{"circuit-id: ab", "circuit-id: ab, client-id: 01:02"},
		{", address: 10.0.0.9", ""},
		{"host-name: false", "host-name: true"},
		{"host-name: false", "lease-time: {max: 1h}"},
		{"host-name: false", "lease-time: {min: 1h}"},
		{"code: 224", "code: 225"},
		{"type: uint8", "type: uint16"},
		{"acme:", "acme-mode:"},
	} {
		other := strings.Replace(named, c[0], c[1], 1)
		got := parsed(t, other).Digest.String()
		if before, ok := seen[got]; ok {
			t.Errorf("%q for %q has the digest of %s", c[1], c[0], before)
		}
		seen[got] = c[1]
	}
}

// TestDigestsDoNotChangeBetweenReleases holds the canonical form still: members of different releases that are given
// one file must name it alike.
func TestDigestsDoNotChangeBetweenReleases(t *testing.T) {
	expect(t, "testdata/digest.txt", parsed(t, named).Digest.String()+"\n")
}
