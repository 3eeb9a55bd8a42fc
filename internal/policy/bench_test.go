package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
)

// BenchmarkResolve is what the configuration costs a message: the link, the host entry, the pools, and every option.
func BenchmarkResolve(b *testing.B) {
	for _, subnets := range []int{1, 100, 10000} {
		b.Run(fmt.Sprintf("subnets=%d", subnets), func(b *testing.B) {
			var text strings.Builder
			text.WriteString("enterprise: {options: {domain-name: corp.example, domain-name-servers: [10.0.0.53], ntp-servers: [10.0.0.123]}}\nnetworks:\n")
			for i := range subnets {
				s := fmt.Sprintf("10.%d.%d", i>>8, i&255)
				fmt.Fprintf(&text, "  n%d: {subnets: {%s.0/24: {options: {routers: [%s.1]}, pools: [{range: %s.10-%s.250}]}}}\n", i, s, s, s, s)
			}
			text.WriteString("hosts:\n  h: {hardware: 02:00:00:00:00:01, address: 10.0.0.9, options: {host-name: h}}\n")
			p := compiled(b, text.String())
			m := heard(b, dhcpv4.Header{GIAddr: ip("10.0.0.1")}, said{53: "\x01"})
			var d Decision
			b.ReportAllocs()
			for b.Loop() {
				link, _ := p.Locate(m, &Arrival{})
				p.Resolve("west", &Facts{Link: link, Client: binding.Client{Hardware: mac(1)}, Options: m}, &d)
			}
		})
	}
}
