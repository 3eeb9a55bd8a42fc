package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckSaysWhichKeysAreMissing(t *testing.T) {
	const none, isc = "two Lessors talk with keys only", "isc-dhcpd, without TLS"
	for _, c := range []struct {
		name, server, east string
		files              []string
		says               []string
		quiet              string
	}{
		{"no keys", "", "{peer: 10.9.0.2}", nil, []string{none, "data/keys", ":2:1: warning", "lessor group init"}, "tls:"},
		{"keys in the data directory", "", "{peer: 10.9.0.2}", []string{"data/keys/member.pem"}, nil, "warning"},
		{"files that are named", "tls: {certificate: a.pem, key: k/a.key, authority: %[1]s/ca.pem}", "{peer: 10.9.0.2}", []string{"a.pem", "k/a.key", "ca.pem"}, nil, "warning"},
		{"one of them is missing", "tls: {certificate: a.pem, key: k/a.key, authority: %[1]s/ca.pem}", "{peer: 10.9.0.2}", []string{"a.pem", "ca.pem"},
			[]string{"tls: key: there is no file", "k/a.key", "1 warning"}, none},
		{"an ISC dhcpd needs none", "", "{peer: 10.9.0.2, protocol: isc-dhcpd}", nil, []string{isc}, none},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, f := range c.files {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, f)), 0o700); err != nil {
					t.Fatal(err)
				}
				write(t, dir, f, "")
			}
			server := strings.ReplaceAll(c.server, "%[1]s", dir)
			if server != "" {
				server = ", " + server
			}
			file := write(t, dir, "pair.yaml", fmt.Sprintf(`server: {name: west, data: %s/data%s}
group: {name: campus, members: {west: {peer: 10.9.0.1}, east: %s}}
networks: {lan: {subnets: {10.9.0.0/24: {pools: [{range: 10.9.0.50-10.9.0.99}]}}}}
`, dir, server, c.east))
			got := lessor(t, "check", file)
			if got.code != exitDone {
				t.Fatalf("got %d\n%s", got.code, got.err)
			}
			for _, want := range c.says {
				if !strings.Contains(got.err, want) {
					t.Errorf("no %q in\n%s", want, got.err)
				}
			}
			if strings.Contains(got.err, c.quiet) {
				t.Errorf("%q is said:\n%s", c.quiet, got.err)
			}
			if json := lessor(t, "check", "--json", file); strings.Count(json.out, "\n") != strings.Count(got.err, "warning: ") || json.code != exitDone {
				t.Errorf("--json: %d %s", json.code, json.out)
			}
		})
	}
}
