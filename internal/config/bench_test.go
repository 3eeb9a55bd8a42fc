package config

import (
	"fmt"
	"strings"
	"testing"
)

// manyHosts returns a document with n hosts in four subnets.
func manyHosts(n int) []byte {
	var b strings.Builder
	b.WriteString("networks: {lan: {subnets: {10.0.0.0/8: {pools: [{range: 10.128.0.1-10.255.255.254}]}}}}\nhosts:\n")
	for i := range n {
		fmt.Fprintf(&b, "  host%d: {hardware: 02:00:00:%02x:%02x:%02x, address: 10.%d.%d.%d, options: {host-name: host%d}}\n",
			i, i>>16, i>>8&255, i&255, 1+i>>16, i>>8&255, i&255, i)
	}
	return []byte(b.String())
}

func BenchmarkParse100kHosts(b *testing.B) {
	src := manyHosts(100_000)
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if d, ps := Parse("hosts.yaml", src); d == nil {
			b.Fatal(ps)
		}
	}
}
