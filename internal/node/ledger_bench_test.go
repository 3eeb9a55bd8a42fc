package node

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// ledgerSize is how many leases the figures of the ledger are taken with; LESSOR_LEASES says it.
func ledgerSize() uint32 {
	if n, err := strconv.Atoi(os.Getenv("LESSOR_LEASES")); err == nil && n > 0 {
		return uint32(n)
	}
	return 100000
}

// manyLeases returns a core with that many leases.
func manyLeases(tb testing.TB, n uint32) *traffic {
	x := newTraffic(tb)
	for i := range n {
		x.lease(i)
	}
	return x
}

// changed is the document of the benchmarks with something replaced.
func changed(tb testing.TB, old, new string) *policy.Policy {
	tb.Helper()
	doc, problems := config.Parse("bench.yaml", []byte(strings.Replace(benchDocument, old, new, 1)))
	if doc == nil {
		tb.Fatal(problems)
	}
	return policy.Compile(doc)
}

// BenchmarkLook is what judging one binding costs: one that has what it would get, and one that does not.
func BenchmarkLook(b *testing.B) {
	x := manyLeases(b, 20000)
	other := changed(b, "routers: [10.0.0.1]", "routers: [10.0.0.7]")
	for _, p := range []*policy.Policy{x.core.policy, other} {
		name := map[bool]string{true: "current", false: "stale"}[p == x.core.policy]
		b.Run(name, func(b *testing.B) {
			j := &x.core.ledger.judge
			j.Use("west", p, nil)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				if n == 0 {
					for next, done := uint64(0), false; !done; {
						next, done = x.core.table.Scan(next, 1<<20, func(l *binding.Binding) bool { j.Look(l); n++; return true })
					}
				}
				n--
			}
		})
	}
}
