package failover

import (
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// first returns the oldest change that is not acknowledged.
func (o *outbox) first() (binding.Sequence, netip.Prefix, bool) {
	k, p := o.entries.First()
	if p == nil {
		return 0, netip.Prefix{}, false
	}
	return binding.Sequence(k.Lo), p.prefix(), true
}
