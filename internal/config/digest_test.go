package config

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

func parsed(t *testing.T, src string) *Document {
	t.Helper()
	d, problems := Parse("lessor.yaml", []byte(src))
	if d == nil {
		t.Fatalf("%s\n%v", src, problems)
	}
	return d
}

// shuffled returns the same document with the keys of every map but classes in another order.
func shuffled(t *testing.T, r *rand.Rand, src []byte) string {
	t.Helper()
	var root yaml.Node
	if err := yaml.Load(src, &root); err != nil {
		t.Fatal(err)
	}
	var walk func(n *yaml.Node, ordered bool)
	walk = func(n *yaml.Node, ordered bool) {
		for i, c := range n.Content {
			walk(c, n == root.Content[0] && i%2 == 1 && n.Content[i-1].Value == "classes")
		}
		if isNull(n) {
			n.Value = "null" // the dumper would write an empty text
		}
		if n.Kind == yaml.MappingNode && !ordered {
			r.Shuffle(len(n.Content)/2, func(i, j int) {
				c := n.Content
				c[2*i], c[2*i+1], c[2*j], c[2*j+1] = c[2*j], c[2*j+1], c[2*i], c[2*i+1]
			})
		}
	}
	walk(&root, false)
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
		want := meaning(t, string(src))
		for range 20 {
			other := shuffled(t, r, src)
			if got := meaning(t, other); got != want {
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
	want := meaning(t, named)
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
		if got := meaning(t, other); got != want {
			t.Errorf("%q for %q: another digest", c[1], c[0])
		}
	}
}

func TestWhatMeansSomethingElseHasAnotherDigest(t *testing.T) {
	seen := map[binding.Digest]string{}
	differ(t, seen, named, "the document itself")
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
		{"lease:", "quota: {port: 20}, lease:"},
		{"lease:", "quota: {port: 20%}, lease:"},
		{"lease:", "quota: {relay: 20}, lease:"},
		{"lease:", "quota: {interface: 20}, lease:"},
		{"allow: [known]", "allow: [known], quota: {port: 20}"},
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
		differ(t, seen, other, fmt.Sprintf("%q for %q", c[1], c[0]))
	}
}

const layered = `server: {name: west}
group:
  name: campus
  members: {west: {peer: 10.9.0.1:647, class: core}, east: {peer: 10.9.0.2:647}}
  failover: {split: 100}
intranets: {lab: {networks: [floor1, floor2], options: {boot-size: 1}}}
server-classes: {core: {options: {boot-size: 2}}}
servers: {west: {options: {boot-size: 3}}}
networks:
  floor1: {subnets: {10.1.0.0/24: {pools: [{range: 10.1.0.10-10.1.0.19, deny: [phones]}]}}}
  floor2: {subnets: {10.2.0.0/24: }}
classes:
  phones: {kind: vendor, match: {vendor-class: [Phone*, Handset], options: {option-93: {hex: "0007"}}}, options: {boot-size: 4}}
  kiosk: {kind: user, match: 'user_class == "kiosk"', priority: 10, options: {boot-size: 5}}
domains: {guests.corp.example: {options: {boot-size: 6}}}
hosts: {a: {subscriber-id: desk, match-options: {vendor-class-identifier: Phone}, options: {routers: {append: [10.1.0.1]}}}}
enterprise: {options: {ntp-servers: {unset: true}}}
precedence: [client, host, pool, enterprise]
`

func TestLayersThatMeanTheSameHaveTheSameDigest(t *testing.T) {
	want := meaning(t, layered)
	for _, c := range [][2]string{
		{"{name: west}", "{name: west, api: {listen: 10.0.0.1}, tls: {certificate: a, key: b, authority: c}}"},
		{"10.9.0.1:647", "10.9.0.1"},
		{"class: core}", "class: core, protocol: lessor}"},
		{"{west: {peer: 10.9.0.1:647, class: core}, east: {peer: 10.9.0.2:647}}\n  failover: {", "{east: {peer: 10.9.0.2:647}, west: {peer: 10.9.0.1:647, class: core}}\n  failover: {primary: west, "},
		{"{split: 100}", "{split: 100, mclt: 60m, guard: auto, auto-partner-down: 0s, load-balance-secs: 3}"},
		{"{split: 100}", "{split: 100}\n  on-takeover: home"},
		{"[floor1, floor2]", "[floor2, floor1]"},
		{"[Phone*, Handset]", "[{hex: \"48616e64736574\"}, Phone*]"},
		{"option-93: {hex: \"0007\"}", "client-system: [7]"},
		{"'user_class == \"kiosk\"'", "\" user_class == \\\"kiosk\\\"\\n\""},
		{"guests.corp.example:", "Guests.CORP.example.:"},
		{"boot-size: 6", "boot-size: {set: 6}"},
		{"vendor-class-identifier: Phone", "option-60: Phone"},
		{"[client, host, pool, enterprise]", "{options: [client, host, pool, enterprise], parameters: [client, host, pool, enterprise]}"},
		{"[client, host, pool, enterprise]", "[client, host, pool, enterprise, domain, hardware class, vendor-class]"},
	} {
		other := strings.Replace(layered, c[0], c[1], 1)
		if other == layered {
			t.Fatalf("%q is not in the document", c[0])
		}
		if got := meaning(t, other); got != want {
			t.Errorf("%q for %q: another digest", c[1], c[0])
		}
	}
}

func TestTheNativeOrderIsThatOfADocumentWithoutPrecedence(t *testing.T) {
	without := strings.Replace(layered, "precedence: [client, host, pool, enterprise]\n", "", 1)
	want := meaning(t, without)
	for _, p := range []string{
		"native", "{options: native}", "{}",
		"[client, host, domain, hardware-class, vendor-class, user-class, pool, subnet, shared-network, server, server-class, intranet, enterprise, host-requirements]",
	} {
		if got := meaning(t, without+"precedence: "+p+"\n"); got != want {
			t.Errorf("%s: another digest", p)
		}
	}
}

func TestLayersThatMeanSomethingElseHaveAnotherDigest(t *testing.T) {
	seen := map[binding.Digest]string{}
	differ(t, seen, layered, "the document itself")
	for _, c := range [][2]string{
		{"name: campus", "name: other"},
		{"10.9.0.2:647", "10.9.0.2:648"},
		{"10.9.0.2:647}", "10.9.0.2:647, protocol: isc-dhcpd}"},
		{", class: core}", "}"},
		{"{split: 100}", "{split: 100, primary: east}"},
		{"split: 100", "split: 101"},
		{"split: 100", "split: 100, mclt: 2h"},
		{"split: 100", "split: 100, guard: 1m"},
		{"split: 100", "split: 100, load-balance-secs: 0"},
		{"split: 100", "split: 100, max-skew: 0s"},
		{"split: 100", "split: 100, startup: 0s"},
		{"split: 100", "split: 100, reconnect: 1s"},
		{"split: 100", "split: 100, receive-timer: 4s"},
		{"split: 100", "split: 100, max-unacked: 1"},
		{"split: 100", "split: 100, auto-partner-down: 1h"},
		{"split: 100", "split: 100, relationship: old"},
		{"{split: 100}", "{split: 100}\n  on-takeover: local"},
		{"[floor1, floor2]", "[floor1]"},
		{"lab:", "test:"},
		{"boot-size: 1", "boot-size: 9"},
		{"boot-size: 2", "boot-size: 9"},
		{"boot-size: 3", "boot-size: 9"},
		{"boot-size: 4", "boot-size: 9"},
		{"boot-size: 5", "boot-size: 9"},
		{"boot-size: 6", "boot-size: 9"},
		{"boot-size: 6}", "boot-size: 6}, on-takeover: local"},
		{"boot-size: 6}", "boot-size: 6}, on-takeover: home"},
		{"boot-size: 6", "boot-size: {force: 6}"},
		{"boot-size: 6", "boot-size: {unset: true}"},
		{"boot-size: 6", "boot-size: {set: 6, on-takeover: local}"},
		{"boot-size: 6", "boot-size: {set: 6, on-takeover: home}"},
		{"{west: {options: {boot-size: 3}}}", "{east: {options: {boot-size: 3}}}"},
		{"guests.corp", "guest.corp"},
		{"kind: user", "kind: hardware"},
		{"priority: 10", "priority: -10"},
		{"'user_class == \"kiosk\"'", "'user_class == \"kiosk \"'"},
		{"'user_class == \"kiosk\"'", "{user-class: kiosk}"},
		{"'user_class == \"kiosk\"'", "{user-class: kiosk*}"},
		{"'user_class == \"kiosk\"'", "{user-class: {text: kiosk*}}"},
		{"'user_class == \"kiosk\"'", "{vendor-class: kiosk}"},
		{"'user_class == \"kiosk\"'", "{circuit-id: kiosk}"},
		{"'user_class == \"kiosk\"'", "{hardware: 02}"},
		{"'user_class == \"kiosk\"'", "{hardware: 6/02}"},
		{"'user_class == \"kiosk\"'", "{hardware: 02:00/7}"},
		{"'user_class == \"kiosk\"'", "{hardware-type: 2}"},
		{"'user_class == \"kiosk\"'", "{enterprise: 2}"},
		{"'user_class == \"kiosk\"'", "{domain: kiosk}"},
		{"'user_class == \"kiosk\"'", "{relay: 10.0.0.1}"},
		{"'user_class == \"kiosk\"'", "{relay: 10.0.0.0/31}"},
		{"'user_class == \"kiosk\"'", "{options: {boot-size: 2}}"},
		{"'user_class == \"kiosk\"'", "{options: {boot-size: [2, 3]}}"},
		{"[Phone*, Handset]", "[Phone*]"},
		{"subscriber-id", "circuit-id"},
		{"vendor-class-identifier: Phone", "vendor-class-identifier: Phones"},
		{"vendor-class-identifier: Phone", "host-name: Phone"},
		{"append:", "prepend:"},
		{"append:", "set:"},
		{"[client, host, pool, enterprise]", "[client, host, enterprise, pool]"},
		{"[client, host, pool, enterprise]", "[client, host, pool, enterprise, [user-class, vendor-class]]"},
		{"[client, host, pool, enterprise]", "isc"},
		{"[client, host, pool, enterprise]", "kea"},
		{"[client, host, pool, enterprise]", "cisco"},
		{"[client, host, pool, enterprise]", "windows"},
		{"[client, host, pool, enterprise]", "native"},
		{"[client, host, pool, enterprise]", "{options: kea}"},
		{"[client, host, pool, enterprise]", "{parameters: kea}"},
	} {
		other := strings.Replace(layered, c[0], c[1], 1)
		differ(t, seen, other, fmt.Sprintf("%q for %q", c[1], c[0]))
	}
}

func TestTheOrderOfClassesIsInTheDigest(t *testing.T) {
	d := parsed(t, layered)
	lines := strings.SplitAfter(layered, "\n")
	for i := range lines {
		if strings.HasPrefix(lines[i], "  phones:") {
			lines[i], lines[i+1] = lines[i+1], lines[i]
			break
		}
	}
	if other := parsed(t, strings.Join(lines, "")); other.Digest == d.Digest || other.Classes[0].Name != "kiosk" {
		t.Errorf("the first is %s, and the digest is the same: %v", other.Classes[0].Name, other.Digest == d.Digest)
	}
}

// TestDigestsDoNotChangeBetweenReleases holds the canonical form still: members of different releases that are given
// one file must name it alike.
func TestDigestsDoNotChangeBetweenReleases(t *testing.T) {
	expect(t, "testdata/digest.txt", parsed(t, named).Digest.String()+"\n")
	expect(t, "testdata/digest-layers.txt", parsed(t, layered).Digest.String()+"\n")
	expect(t, "testdata/parts.txt", showParts(parsed(t, named)))
	expect(t, "testdata/parts-layers.txt", showParts(parsed(t, layered)))
}
