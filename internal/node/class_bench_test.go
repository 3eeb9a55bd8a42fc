package node

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// twentyClasses are what a site has: most compare the beginning of a text, some look closer, and each gives something.
func twentyClasses(tb testing.TB) *policy.Policy {
	tb.Helper()
	var b strings.Builder
	b.WriteString(benchDocument + "classes:\n")
	kinds := []string{"user", "vendor", "hardware"}
	for i := range 20 {
		match := fmt.Sprintf(`vendor_class.startsWith("Model%d:")`, i)
		switch i % 5 {
		case 1:
			match = fmt.Sprintf(`vendor_class.startsWith("Model%d:") && option[93] in [%d, %d]`, i, i%7, i%11)
		case 2:
			match = fmt.Sprintf(`vendor_class.matches("^Model%d:[0-9]+$")`, i)
		case 3:
			match = fmt.Sprintf(`hardware.startsWith("02:0c:00:0%d") || vendor_class.split(":")[0] == "Model%d"`, i%10, i)
		case 4:
			match = fmt.Sprintf(`size(option[55]) > %d && !vendor_class.contains("Model%d")`, i/2, i)
		}
		fmt.Fprintf(&b, "  c%d: {kind: %s, match: '%s', next-server: 10.9.0.%d, options: {domain-name: c%d.example}}\n", i, kinds[i%3], match, i+1, i)
	}
	doc, problems := config.Parse("bench.yaml", []byte(b.String()))
	if doc == nil {
		tb.Fatal(problems)
	}
	return policy.Compile(doc)
}

// BenchmarkClasses is what twenty classes cost the core, beside the same clients without any class: clients of forty
// models, and clients that each say something of their own.
func BenchmarkClasses(b *testing.B) {
	forty := func(n uint32, dst []byte) []byte {
		return strconv.AppendUint(append(dst, "Model"...), uint64(n%40), 10)
	}
	models := map[string]func(uint32, []byte) []byte{
		"forty-models": func(n uint32, dst []byte) []byte { return append(forty(n, dst), ":17"...) },
		"every-model": func(n uint32, dst []byte) []byte {
			return strconv.AppendUint(append(forty(n, dst), ':'), uint64(n), 10)
		},
	}
	for _, said := range []string{"forty-models", "every-model"} {
		for _, classes := range []int{0, 20} {
			p := benchPolicy()
			if classes > 0 {
				p = twentyClasses(b)
			}
			b.Run(fmt.Sprintf("dora-new/classes=%d/%s", classes, said), func(b *testing.B) {
				x := trafficOf(b, p)
				x.model = models[said]
				n := uint32(0)
				b.ReportAllocs()
				for b.Loop() {
					if n++; n == 1000000 {
						b.StopTimer()
						x, n = trafficOf(b, p), 0
						x.model = models[said]
						b.StartTimer()
					}
					x.lease(n)
				}
			})
		}
	}
}
