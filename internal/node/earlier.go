package node

import "github.com/lessor-dhcp/lessor/internal/policy"

const (
	// maxEarlier is how many policies are kept beside the one that serves.
	maxEarlier = 3
	// maxEarlierSize is how large (policy.Policy.Size) they may be together; the latest is kept whatever its size.
	maxEarlierSize = 50000
)

// earlierOf returns the policies that are kept once another takes the place of serving, the latest first, of those that
// were kept beside it until now.
func earlierOf(serving *policy.Policy, kept []*policy.Policy) []*policy.Policy {
	if serving == nil {
		return nil
	}
	earlier, size := []*policy.Policy{serving}, serving.Size()
	for _, p := range kept {
		if size += p.Size(); len(earlier) == maxEarlier || size > maxEarlierSize {
			break
		}
		earlier = append(earlier, p)
	}
	return earlier
}
