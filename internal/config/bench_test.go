package config

import (
	"fmt"
	"strings"
	"testing"
)

// manyHosts appends n hosts to a document.
func manyHosts(b *strings.Builder, n int) {
	b.WriteString("hosts:\n")
	for i := range n {
		fmt.Fprintf(b, "  host%d: {hardware: 02:00:00:%02x:%02x:%02x, address: 10.%d.%d.%d, options: {host-name: host%d}}\n",
			i, i>>16, i>>8&255, i&255, 1+i>>16, i>>8&255, i&255, i)
	}
}

// manySubnets appends n subnets, each with a pool, in networks of ten.
func manySubnets(b *strings.Builder, n int) {
	b.WriteString("networks:\n  lan: {subnets: {10.0.0.0/8: {pools: [{range: 10.128.0.1-10.255.255.254}]}}}\n")
	for i := range n {
		if i%10 == 0 {
			fmt.Fprintf(b, "  net%d:\n    subnets:\n", i/10)
		}
		fmt.Fprintf(b, "      172.%d.%d.0/26:\n        options: {routers: [172.%[1]d.%[2]d.1]}\n        pools:\n          - {range: 172.%[1]d.%[2]d.10-172.%[1]d.%[2]d.60, deny: [simple%[3]d]}\n", 16+i>>8, i&255, i%400)
	}
}

// manyClasses appends classes by conditions and classes by expressions.
func manyClasses(b *strings.Builder, simple, cel int) {
	b.WriteString("classes:\n")
	for i := range simple {
		fmt.Fprintf(b, "  simple%d: {kind: vendor, match: {vendor-class: \"Phone %d*\"}, options: {tftp-server-name: boot%d.example}}\n", i, i, i)
	}
	for i := range cel {
		fmt.Fprintf(b, "  cel%d: {kind: user, match: 'vendor_class.startsWith(\"PXE%d\") && option[93] == %d', options: {tftp-server-name: boot%d.example}}\n", i, i, i, i)
	}
}

func benchmarkParse(b *testing.B, parts ...func(*strings.Builder)) {
	var s strings.Builder
	for _, part := range parts {
		part(&s)
	}
	src := []byte(s.String())
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if d, ps := Parse("bench.yaml", src); d == nil {
			b.Fatal(ps)
		}
	}
}

func BenchmarkParse100kHosts(b *testing.B) {
	benchmarkParse(b, func(s *strings.Builder) { manySubnets(s, 0) }, func(s *strings.Builder) { manyHosts(s, 100_000) })
}

// BenchmarkParseCampus is the document that PERFORMANCE's goal of `lessor check` within two seconds is about.
func BenchmarkParseCampus(b *testing.B) {
	benchmarkParse(b, func(s *strings.Builder) { manyClasses(s, 400, 100) }, func(s *strings.Builder) { manySubnets(s, 10_000) },
		func(s *strings.Builder) { manyHosts(s, 100_000) })
}

// BenchmarkPartsCampus is what is done once when a relationship is formed with that document.
func BenchmarkPartsCampus(b *testing.B) {
	var s strings.Builder
	manyClasses(&s, 400, 100)
	manySubnets(&s, 10_000)
	manyHosts(&s, 100_000)
	d, ps := Parse("bench.yaml", []byte(s.String()))
	if d == nil {
		b.Fatal(ps)
	}
	b.ReportAllocs()
	for b.Loop() {
		if len(d.Parts()) < 200_000 {
			b.Fatal("too few parts")
		}
	}
}
