package failover

import (
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// ClientExpiry returns want, but no more than mclt past the later of now and acked, the potential expiry that both servers
// know (RFC 8156 §4.4). It holds in every state in which clients are answered.
func ClientExpiry(now, want, acked time.Time, mclt time.Duration) time.Time {
	return earlier(want, add(later(now, acked), mclt))
}

// PotentialExpiry returns what the partner is told of a lease of granted, of which desired was wanted: so late that the
// renewal at half of the lease may be for all of desired (draft §5.2.1: the desired lifetime and the estimated T1).
func PotentialExpiry(now time.Time, desired, granted time.Duration) time.Time {
	if desired == binding.Infinite {
		return binding.Forever
	}
	return add(add(now, desired), granted/2)
}

// FreeAt returns from when on a server in PARTNER-DOWN may give b's address to another client: when the latest end that
// either may have told its client is over, be it that the partner granted all that it might until it stopped serving.
// since is when the partner was known not to serve. The draft (RFC 8156 §8.4.1) takes the latest of the same four; ISC
// forgets all but since and the client's expiry.
func FreeAt(b *binding.Binding, since time.Time, mclt, guard time.Duration) time.Time {
	last := later(later(b.Expires, b.Sync.Potential), later(b.Sync.Acked, since))
	return add(last, mclt+guard)
}

// add returns t + d, at most Forever.
func add(t time.Time, d time.Duration) time.Time {
	if d == binding.Infinite || !t.Before(binding.Forever) {
		return binding.Forever
	}
	return earlier(t.Add(d), binding.Forever)
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
