package sim

import "testing"

// A history that is played again is the same, to the octet.
func TestAHistoryIsTheSameEachTime(t *testing.T) {
	n := max(*seedsFlag/10, 20)
	eachSeed(*firstSeed, n, func(seed uint64) bool {
		p := Draw(seed, seed%4 == 3)
		a, b := Run(p, nil, nil), Run(p, nil, nil)
		if a.Hash != b.Hash || a.Steps != b.Steps || a.Failed != b.Failed {
			t.Errorf("seed %d: hash %016x after %d steps (%s), and again %016x after %d steps (%s)", seed, a.Hash, a.Steps, a.Failed, b.Hash, b.Steps, b.Failed)
		}
		return true
	})
}
