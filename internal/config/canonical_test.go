package config

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// canonical returns the canonical text of a document, after it has seen that this reads back as the same document.
func canonicalText(t *testing.T, name string, d *Document) string {
	t.Helper()
	text := d.Canonical()
	again, problems := Parse(name+" in canonical form", text)
	if again == nil {
		t.Fatalf("%s:\n%s\n%v", name, text, problems)
	}
	if again.Digest != d.Digest {
		t.Fatalf("%s: another digest:\n%s\n\nfrom\n\n%s", name, text, d.Source)
	}
	if twice := again.Canonical(); !bytes.Equal(twice, text) {
		t.Fatalf("%s: the canonical form has another:\n%s\n\nfrom\n\n%s", name, twice, text)
	}
	if bytes.Contains(text, []byte("\nserver:")) || bytes.HasPrefix(text, []byte("server:")) {
		t.Fatalf("%s: the machine's own part is in\n%s", name, text)
	}
	expanded, lines := d.Outline().Expanded()
	if other, _ := Parse("expanded", expanded); len(lines) > 0 && (other == nil || other.Digest != d.Digest || len(lines) != bytes.Count(expanded, []byte("\n"))) {
		t.Fatalf("%s: expanded:\n%s", name, expanded)
	}
	return string(text)
}

func TestTheCanonicalFormReadsBack(t *testing.T) {
	for _, dir := range []string{"good", "doubtful"} {
		for _, file := range documents(t, dir) {
			if d, _ := Parse(file, read(t, file)); d != nil {
				canonicalText(t, file, d)
			}
		}
	}
	for _, src := range []string{named, layered} {
		canonicalText(t, "document", parsed(t, src))
	}
}

func TestTheCanonicalFormDoesNotDependOnHowThingsAreWritten(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for _, file := range documents(t, "good") {
		src := read(t, file)
		want := canonicalText(t, file, parsed(t, string(src)))
		for range 5 {
			if got := canonicalText(t, file, parsed(t, shuffled(t, r, src))); got != want {
				t.Fatalf("%s: got\n%s\nwant\n%s", file, got, want)
			}
		}
	}
}

func TestTheCanonicalFormSpellsEveryKind(t *testing.T) {
	const frame = "networks: {n: {subnets: {10.0.0.0/24: {pools: [{range: 10.0.0.10-10.0.0.19}]}}}}\n"
	for _, s := range []string{
		`classes: {a: {kind: user, match: {vendor-class: "Ph\x01one*"}, lease: {default: 1h}}}`,
		`classes: {a: {kind: user, match: {vendor-class: {hex: "00ff"}}, lease: {default: 1h}}}`,
		`classes: {a: {kind: user, match: {vendor-class: "{hex: \"00\"}, {begins: {hex: \"00\"}}"}, lease: {default: 1h}}}`,
		`classes: {a: {kind: user, match: {options: {boot-size: [2, 3]}}, lease: {default: 1h}}}`,
		`classes: {a: {kind: user, match: {options: {client-system: [[7], [9, 10]]}}, lease: {default: 1h}}}`,
		`classes: {a: {kind: user, match: {options: {client-system: [7, 9]}}, lease: {default: 1h}}}`,
		`classes: {a: {kind: user, match: {hardware: 6/02:00/9, relay: [10.0.0.0/31, 10.1.0.1]}, lease: {default: 1h}}}`,
		`classes: {a: {kind: user, match: "vendor_class == \"it's\\n\"", lease: {default: 1h}}}`,
		"classes:\n  a:\n    kind: user\n    lease: {default: 1h}\n    match: |\n      vendor_class == \"x\" ||\n      user_class == 'y'\n",
		`classes: {"two words": {kind: user, match: "true", lease: {default: infinite}}, 'null': {kind: vendor, match: "true", options: {boot-size: 1}}}`,
		`hosts: {"a: b": {client-id: "01", options: {host-name: x}}, "c#": {circuit-id: {hex: "00ff"}, remote-id: "null", subscriber-id: "q\"uo'te"}}`,
		`hosts: {a: {hardware: 32/00:11:22:33:44:55:66:77, match-options: {user-class: [x], client-system: [1]}}}`,
		`enterprise: {options: {host-name: {unset: true, on-takeover: home}, routers: {append: [10.0.0.1], on-takeover: local}}}`,
		`enterprise: {options: {option-224: {hex: "0a"}, vivso: {4491: {2: 10.9.0.3}}}, conflict-probe: 0s, authoritative: false, on-takeover: local}`,
		`enterprise: {options: {classless-static-route: [{to: 10.3.0.0/16, via: 10.0.0.1}], domain-search: [a.example, b.example]}}`,
		`enterprise: {quota: {interface: 100%, relay: 1, port: 50%}, rapid-commit: true}`,
		`enterprise: {boot-file-name: "a b: c", server-hostname: "null", next-server: 10.0.0.9, rapid-commit: true, lease: {min: 90s, max: 25h}}`,
		"option-definitions: {acme: {code: 224, type: {record: [uint8, string]}}, acme-list: {code: 225, type: [{record: [uint8, ipv4-address]}]}}\n" +
			`enterprise: {options: {acme: [1, "x, y"], acme-list: [[1, 10.0.0.1], [2, 10.0.0.2]]}}`,
		"option-definitions: {acme: {code: 224, type: {record: [uint8, uint8]}}}\n" +
			`classes: {a: {kind: user, match: {options: {acme: [[1, 2], [3, 4]]}}, lease: {default: 1h}}}`,
		`precedence: {options: kea, parameters: isc}`,
		`precedence: {options: kea}`,
		`precedence: {parameters: windows}`,
		`precedence: [host, [user-class, vendor-class], enterprise]`,
		`precedence: cisco`,
		`accept: {lease-time: {min: 1h, max: 12h}, host-name: true}`,
		`group: {name: lessor}`,
		`group: {on-takeover: local, failover: {guard: 1m30s, startup: 0s, receive-timer: 0h50m10s}}`,
		`group: {members: {west: {}}}`,
		`group: {members: {b: {peer: "10.0.0.2"}, a: {peer: 10.0.0.3, protocol: isc-dhcpd}}}`,
	} {
		src := frame + s + "\n"
		canonicalText(t, s, parsed(t, src))
	}
	canonicalText(t, "interfaces", parsed(t, "networks: {n: {interfaces: {west: [eth0], east: []}, subnets: {10.0.0.0/24: }}}"))
	canonicalText(t, "no interfaces", parsed(t, "networks: {n: {interfaces: {west: []}, subnets: {10.0.0.0/24: }}}"))
}

func TestThePrimaryIsAlwaysNamed(t *testing.T) {
	const group = "group: {members: {west: {peer: 10.9.0.1}, east: {peer: 10.9.0.2}}%s}\nnetworks: {n: {subnets: {10.0.0.0/24: }}}\n"
	said := canonicalText(t, "said", parsed(t, fmt.Sprintf(group, ", failover: {primary: west}")))
	unsaid := canonicalText(t, "unsaid", parsed(t, fmt.Sprintf(group, "")))
	if said != unsaid || !strings.Contains(unsaid, "primary: west") {
		t.Errorf("said\n%s\nunsaid\n%s", said, unsaid)
	}
}

// TestTheCanonicalFormDoesNotChangeBetweenReleases holds the text still, from which the names of versions are made.
func TestTheCanonicalFormDoesNotChangeBetweenReleases(t *testing.T) {
	expect(t, "testdata/canonical.txt", string(parsed(t, named).Canonical()))
	expect(t, "testdata/canonical-layers.txt", string(parsed(t, layered).Canonical()))
	expect(t, "testdata/canonical-campus.txt", string(parsed(t, string(read(t, "../../examples/campus.yaml"))).Canonical()))
}

func BenchmarkCanonicalCampus(b *testing.B) {
	var s strings.Builder
	manyClasses(&s, 400, 100)
	manySubnets(&s, 10_000)
	manyHosts(&s, 100_000)
	d, problems := Parse("bench.yaml", []byte(s.String()))
	if d == nil {
		b.Fatal(problems)
	}
	b.ReportAllocs()
	for b.Loop() {
		b.SetBytes(int64(len(d.Canonical())))
	}
}

func FuzzCanonical(f *testing.F) {
	for _, dir := range []string{"good", "doubtful"} {
		files, _ := filepath.Glob(filepath.Join("testdata", dir, "*.yaml"))
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
	f.Add([]byte(named))
	f.Add([]byte(layered))
	f.Fuzz(func(t *testing.T, src []byte) {
		if d, _ := Parse("fuzz.yaml", src); d != nil {
			canonicalText(t, "fuzz", d)
		}
	})
}

// The example of docs/versions.md is in canonical form.
func TestTheManualShowsTheCanonicalForm(t *testing.T) {
	_, rest, _ := strings.Cut(string(read(t, "../../docs/versions.md")), "```yaml\n")
	example, _, _ := strings.Cut(rest, "```")
	if got := canonicalText(t, "docs/versions.md", parsed(t, example)); got != example {
		t.Errorf("got\n%s\nwant\n%s", got, example)
	}
}
