package node

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/ledger"
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

// processor returns the processor time that the process has had: the machine has other work, too.
func processor() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// report says what rounds over n leases took since begun.
func report(b *testing.B, begun time.Duration, rounds int, n uint32) {
	took := processor() - begun
	b.ReportMetric(took.Seconds()/float64(rounds), "cpu-s/all")
	b.ReportMetric(float64(took.Nanoseconds())/float64(rounds)/float64(n), "cpu-ns/lease")
	b.ReportMetric(b.Elapsed().Seconds()/float64(rounds), "s/all")
}

// BenchmarkSweep is a change that makes every lease stale: what the steps of the sweep take together, and what the
// ledger then holds for each.
func BenchmarkSweep(b *testing.B) {
	n := ledgerSize()
	x := manyLeases(b, n)
	policies := [2]*policy.Policy{changed(b, "routers: [10.0.0.1]", "routers: [10.0.0.7]"), benchPolicy()}
	begun, rounds := processor(), 0
	for b.Loop() {
		x.core.Handle(x.now, Adopt{Policy: policies[rounds%2]}, &x.out)
		for x.core.Sweeping() {
			x.core.Handle(x.now, Sweep{}, &x.out)
		}
		if rounds++; rounds == 1 {
			if got := x.core.ledger.book.Stale(); got != int(n) {
				b.Fatalf("%d of %d are stale", got, n)
			}
			b.ReportMetric(float64(x.core.ledger.book.Memory())/float64(n), "octets/lease")
		}
	}
	report(b, begun, rounds, n)
}

// BenchmarkWhatIf is a proposed configuration run over every lease, by which each would get something else.
func BenchmarkWhatIf(b *testing.B) {
	n := ledgerSize()
	x := manyLeases(b, n)
	then := changed(b, "routers: [10.0.0.1]", "routers: [10.0.0.7]")
	begun, rounds := processor(), 0
	for b.Loop() {
		w := ledger.NewWhatIf("west", x.core.policy, nil, then)
		x.core.table.Scan(0, 1<<30, func(l *binding.Binding) bool { w.Add(l); return true })
		if w.Changed != int(n) || w.ByChange != int(n) || w.Lost() != 0 {
			b.Fatalf("%+v", w)
		}
		rounds++
	}
	report(b, begun, rounds, n)
}

// BenchmarkDrift compares two heads for every lease.
func BenchmarkDrift(b *testing.B) {
	n := ledgerSize()
	x := manyLeases(b, n)
	theirs := changed(b, "routers: [10.0.0.1]", "routers: [10.0.0.7]").Named(versionNamed("theirs"), nil)
	begun, rounds := processor(), 0
	for b.Loop() {
		d := ledger.NewDrift("west", "east", x.core.policy, nil, theirs)
		x.core.table.Scan(0, 1<<30, func(l *binding.Binding) bool { d.Add(l); return true })
		if d.Clients != int(n) {
			b.Fatalf("%+v", d)
		}
		rounds++
	}
	report(b, begun, rounds, n)
}
