package node

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Either server has a share of every range, however many there are: also of those for which the relationship's record has no room.
func TestEachOfManyRangesIsShared(t *testing.T) {
	var b strings.Builder
	b.WriteString("networks: {lan: {subnets: {10.0.0.0/8: {pools: [")
	const ranges = 1200
	for i := range ranges {
		fmt.Fprintf(&b, "{range: 10.1.%d.%d-10.1.%[1]d.%[3]d}, ", i/16, i%16*16, i%16*16+9)
	}
	b.WriteString("]}}}}\n")
	p := newPair(t)
	for _, m := range p.sides {
		m.core, m.file = nil, b.String()
	}
	for _, m := range p.sides {
		p.start(m)
	}
	p.link()
	p.pass(10 * time.Minute)
	for _, m := range p.sides {
		for i := range ranges {
			a := netip.AddrFrom4([4]byte{10, 1, byte(i / 16), byte(i % 16 * 16)})
			mine := 0
			for range 10 {
				var had *binding.Binding
				if b, ok := m.table.Get(host(a)); ok {
					had = &b
				}
				if m.core.relation.endpoint.MayGive(p.now, a, had) {
					mine++
				}
				a = a.Next()
			}
			if mine != 5 {
				t.Fatalf("%s may give %d of the 10 addresses of range %d", m.name, mine, i)
			}
		}
	}
}
