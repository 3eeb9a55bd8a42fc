package policy

import (
	"slices"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Named returns the policy under the name v that its version has in the group's history. before has the names of all versions
// that it comes from, and the digests of their documents, by which a server without a history names them. It is not copied,
// and must not change.
func (p *Policy) Named(v binding.Digest, before map[binding.Digest]struct{}) *Policy {
	n := *p
	n.Version, n.before, n.named = v, before, true
	return &n
}

// WithLost returns the policy as one that takes the place of these versions, too, which are lost: no member serves by them, or by what
// comes from them, any more. lost is not copied, and must not change.
func (p *Policy) WithLost(lost []binding.Digest) *Policy {
	n := *p
	n.lost = lost
	return &n
}

// Follows reports whether the policy is version v or comes from it: what was told by v, this policy's answer takes the place of.
// So it does of one that is lost. A policy without a history follows every version, and every policy follows the zero version, which nobody knows.
func (p *Policy) Follows(v binding.Digest) bool {
	if !p.named || v == p.Version || v.IsZero() {
		return true
	}
	_, ok := p.before[v]
	return ok || slices.Contains(p.lost, v)
}
