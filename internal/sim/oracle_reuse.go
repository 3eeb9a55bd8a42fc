package sim

import (
	"github.com/lessor-dhcp/lessor/internal/binding"
)

// reused sees to I5 and I13: an address goes to another client only when it was free, and nothing goes back.
func (o *oracle) reused(m *Member, i int, b *binding.Binding) {
	was := &o.disk[m.i][i] // of the latest commit; one that is under way is looked at when it is durable
	if b.Sync.Ours < was.ours || b.Sync.Theirs < was.theirs {
		o.w.fail("I13: %s: %v goes back in its numbers", m.name, b.Prefix)
	}
}
