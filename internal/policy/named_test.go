package policy

import (
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

func TestAPolicyFollowsItsVersionAndThoseBefore(t *testing.T) {
	plain := compiled(t, "networks: {a: {subnets: {198.51.100.0/24: {pools: [{range: 198.51.100.10-198.51.100.20}]}}}}\n")
	older, ours, other := binding.Digest{1}, binding.Digest{2}, binding.Digest{3}
	named := plain.Named(ours, map[binding.Digest]struct{}{older: {}, plain.Version: {}})
	if named.Version != ours || plain.Version == ours {
		t.Fatal("the name is given to the copy alone")
	}
	for _, c := range []struct {
		what string
		p    *Policy
		v    binding.Digest
		want bool
	}{
		{"its own version", named, ours, true},
		{"one before", named, older, true},
		{"the digest of the document", named, plain.Version, true},
		{"another branch", named, other, false},
		{"no version", named, binding.Digest{}, true},
		{"any version, without a history", plain, other, true},
		{"a root follows no other", plain.Named(ours, nil), other, false},
		{"a root follows itself", plain.Named(ours, nil), ours, true},
	} {
		if got := c.p.Follows(c.v); got != c.want {
			t.Errorf("%s: Follows is %v", c.what, got)
		}
	}
	if named.Document != plain.Document || len(named.Pools()) != 1 || named.SubnetOf(named.Pools()[0].First) == nil {
		t.Error("the copy is not the same policy")
	}
}
