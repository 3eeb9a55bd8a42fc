package node

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

func TestFewAndSmallPoliciesAreKept(t *testing.T) {
	sized := func(hosts int) *policy.Policy {
		var b strings.Builder
		b.WriteString("networks: {lan: {subnets: {10.0.0.0/8: }}}\nhosts:\n")
		for i := range hosts {
			fmt.Fprintf(&b, "  h%d: {client-id: 01:%02x:%02x}\n", i, i>>8, i&255)
		}
		doc, problems := config.Parse("sized.yaml", []byte(b.String()))
		if doc == nil {
			t.Fatal(problems)
		}
		return policy.Compile(doc)
	}
	a, b, c, d := sized(1), sized(2), sized(3), sized(4)
	large := sized(maxEarlierSize/2 + 1)
	for _, x := range []struct {
		name string
		got  []*policy.Policy
		want []*policy.Policy
	}{
		{"the first", earlierOf(nil, nil), nil},
		{"the second", earlierOf(a, nil), []*policy.Policy{a}},
		{"the fourth", earlierOf(c, []*policy.Policy{b, a}), []*policy.Policy{c, b, a}},
		{"the fifth", earlierOf(d, []*policy.Policy{c, b, a}), []*policy.Policy{d, c, b}},
		{"a large one", earlierOf(large, []*policy.Policy{b, a}), []*policy.Policy{large, b, a}},
		{"two large ones", earlierOf(large, []*policy.Policy{large, a}), []*policy.Policy{large}},
	} {
		if !slices.Equal(x.got, x.want) {
			t.Errorf("%s: %d are kept, want %d", x.name, len(x.got), len(x.want))
		}
	}
}
