package policy

import (
	"math/rand/v2"
	"testing"
)

// The codes of a set are found in their order, each once.
func TestTheCodesOfASet(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		var set Codes
		for range r.IntN(300) {
			set.Add(uint8(r.IntN(256)))
		}
		if seed%3 == 0 {
			set.Add(0)
			set.Add(255)
		}
		at := set.Next(0)
		for c := range 256 {
			switch {
			case !set.Has(uint8(c)):
			case at != c:
				t.Fatalf("seed %d: %d is next, and not %d", seed, at, c)
			default:
				at = set.Next(c + 1)
			}
		}
		if at != 256 {
			t.Fatalf("seed %d: behind the last is %d", seed, at)
		}
	}
}
