package policy

import "github.com/lessor-dhcp/lessor/internal/binding"

// Named returns the policy under the name v that its version has in the group's history. before has the names of all versions
// that it comes from, and the digests of their documents, by which a server without a history names them. It is not copied,
// and must not change.
func (p *Policy) Named(v binding.Digest, before map[binding.Digest]struct{}) *Policy {
	n := *p
	n.Version, n.before, n.named = v, before, true
	return &n
}

// Follows reports whether the policy is version v or comes from it: what was told by v, this policy's answer takes the place of.
// A policy without a history follows every version, and every policy follows the zero version, which nobody knows.
func (p *Policy) Follows(v binding.Digest) bool {
	if !p.named || v == p.Version || v.IsZero() {
		return true
	}
	_, ok := p.before[v]
	return ok
}
