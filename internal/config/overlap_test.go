package config

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// TestOverlapsAreFoundExactly compares the sweeps with looking at every pair, over random pools and subnets.
func TestOverlapsAreFoundExactly(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 3000 {
		src, overlap := randomPools(r)
		if r.IntN(2) == 0 {
			src, overlap = randomSubnets(r)
		}
		d, problems := Parse("random.yaml", []byte(src))
		if (d == nil) != overlap {
			t.Fatalf("overlap %v, and the parser says:\n%v\nof\n%s", overlap, problems, src)
		}
		for _, p := range problems {
			if !strings.Contains(p.Message, "overlaps") {
				t.Fatalf("%v\nof\n%s", p, src)
			}
		}
	}
}

func randomPools(r *rand.Rand) (src string, overlap bool) {
	var pools [][2]int
	var b strings.Builder
	b.WriteString("networks:\n  lan:\n    subnets:\n      10.0.0.0/24:\n        pools:\n")
	for range 1 + r.IntN(6) {
		first := 1 + r.IntN(254)
		last := min(first+r.IntN(40), 254)
		for _, q := range pools {
			overlap = overlap || first <= q[1] && q[0] <= last
		}
		pools = append(pools, [2]int{first, last})
		fmt.Fprintf(&b, "          - {range: 10.0.0.%d-10.0.0.%d}\n", first, last)
	}
	return b.String(), overlap
}

func randomSubnets(r *rand.Rand) (src string, overlap bool) {
	var all []netip.Prefix
	var b strings.Builder
	b.WriteString("networks:\n")
	for i := range 1 + r.IntN(4) {
		fmt.Fprintf(&b, "  n%d:\n    subnets:\n", i)
		seen := map[netip.Prefix]bool{}
		for range 1 + r.IntN(3) {
			q := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(r.IntN(256)), 0}), 18+r.IntN(7)).Masked()
			if seen[q] {
				continue // the same key twice is another error
			}
			seen[q] = true
			for _, o := range all {
				overlap = overlap || o.Overlaps(q)
			}
			all = append(all, q)
			fmt.Fprintf(&b, "      %v:\n", q)
		}
	}
	return b.String(), overlap
}
