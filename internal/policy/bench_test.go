package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
)

// large writes a document with so many subnets, each a network of its own, hosts and classes. Of the classes a fifth
// are expressions that no closure stands for; all read what clients of one model have in common.
func large(subnets, hosts, classes int) string {
	var b strings.Builder
	b.WriteString("enterprise: {options: {domain-name: corp.example, domain-name-servers: [10.0.0.53], ntp-servers: [10.0.0.123]}}\nnetworks:\n")
	for i := range subnets {
		s := fmt.Sprintf("10.%d.%d", i>>8, i&255)
		fmt.Fprintf(&b, "  n%d: {subnets: {%s.0/24: {options: {routers: [%s.1]}, pools: [{range: %s.10-%s.250}]}}}\n", i, s, s, s, s)
	}
	if classes > 0 {
		b.WriteString("classes:\n")
	}
	for i := range classes {
		kind := []string{"user", "vendor", "hardware"}[i%3]
		match := fmt.Sprintf(`vendor_class.startsWith("Model-%d-")`, i)
		if i%5 == 4 {
			match = fmt.Sprintf(`vendor_class.size() > %d && vendor_class.matches("^Model-%d-[0-9]+$")`, 5+i%3, i)
		}
		fmt.Fprintf(&b, "  c%d: {kind: %s, match: '%s', options: {tftp-server-name: boot%d}}\n", i, kind, match, i)
	}
	if hosts > 0 {
		b.WriteString("hosts:\n")
	}
	for i := range hosts {
		fmt.Fprintf(&b, "  h%d: {hardware: 02:01:00:%02x:%02x:%02x, options: {host-name: h%d}}\n", i, i>>16, i>>8&255, i&255, i)
	}
	return b.String()
}

// BenchmarkResolve is what the configuration costs a message: the link, the host entry, the classes, the pools, and every
// option. Hit: the client's model was seen before. Miss: each client says something that nobody said before.
func BenchmarkResolve(b *testing.B) {
	for _, size := range []struct{ subnets, hosts, classes int }{
		{1, 1, 0}, {100, 1, 0}, {10000, 1, 0}, {100, 100000, 0}, {100, 1, 20}, {100, 1, 500}, {10000, 100000, 500},
	} {
		p := compiled(b, large(size.subnets, size.hosts, size.classes))
		for _, hit := range []bool{true, false} {
			if size.classes == 0 && !hit {
				continue
			}
			name := map[bool]string{true: "hit", false: "miss"}[hit]
			b.Run(fmt.Sprintf("subnets=%d/hosts=%d/classes=%d/%s", size.subnets, size.hosts, size.classes, name), func(b *testing.B) {
				vendor := []byte("Model-14-000000000")
				m := heard(b, dhcpv4.Header{GIAddr: ip("10.0.0.1")}, said{53: "\x01", 60: string(vendor)})
				said, _ := m.Option(60)
				var d Decision
				n := 0
				b.ReportAllocs()
				for b.Loop() {
					if n++; !hit {
						for i, x := len(said)-1, n; i > 8; i, x = i-1, x/10 {
							said[i] = '0' + byte(x%10)
						}
					}
					link, _ := p.Locate(m, &Arrival{})
					p.Resolve("west", &Facts{Link: link, Client: binding.Client{Hardware: mac(1)}, Options: m}, &d)
				}
				if size.classes > 14 && len(d.classes) == 0 {
					b.Fatal("the client is in no class")
				}
			})
		}
	}
}

// BenchmarkCompile is what a reload costs beside reading the document.
func BenchmarkCompile(b *testing.B) {
	doc, problems := config.Parse("x", []byte(large(10000, 100000, 500)))
	if doc == nil {
		b.Fatal(problems)
	}
	for b.Loop() {
		Compile(doc)
	}
}
