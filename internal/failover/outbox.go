package failover

import (
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/slab"
)

// outbox is an index of the bindings whose last change is not acknowledged, in the order of these changes. The bindings
// themselves say so, too (binding.Pending), so that it is made anew at a start.
type outbox struct {
	entries  slab.Ordered[place]
	cursor   binding.Sequence // what is not above it was offered on this connection
	rejected int              // of these, how many the partner refused
}

// place is a prefix without a pointer.
type place struct {
	addr slab.Key
	bits uint8
	four bool
}

func placeOf(p netip.Prefix) place {
	return place{number(p.Addr()), uint8(p.Bits()), p.Addr().Is4()}
}

func (p place) prefix() netip.Prefix {
	like := netip.IPv6Unspecified()
	if p.four {
		like = netip.IPv4Unspecified()
	}
	return netip.PrefixFrom(address(p.addr, like), int(p.bits))
}

func keyOf(s binding.Sequence) slab.Key { return slab.Key{Lo: uint64(s)} }

func (o *outbox) len() int { return o.entries.Len() }

func (o *outbox) add(b *binding.Binding) { o.entries.Set(keyOf(b.Sync.Ours), placeOf(b.Prefix)) }

// again adds what a binding says that it should have, and offers it.
func (o *outbox) again(b *binding.Binding) {
	if o.entries.Get(keyOf(b.Sync.Ours)) == nil {
		o.add(b)
		o.cursor = min(o.cursor, b.Sync.Ours-1)
	}
}

func (o *outbox) remove(s binding.Sequence) { o.entries.Delete(keyOf(s)) }

// next returns the first entry that was not offered yet.
func (o *outbox) next() (binding.Sequence, netip.Prefix, bool) {
	k, p := o.entries.Above(keyOf(o.cursor))
	if p == nil {
		return 0, netip.Prefix{}, false
	}
	return binding.Sequence(k.Lo), p.prefix(), true
}

// restart lets everything be offered anew.
func (o *outbox) restart() { o.cursor, o.rejected = 0, 0 }

// file brings the outbox from what a binding was to what it is.
func (e *Endpoint) file(old *binding.Sync, b *binding.Binding) {
	was, is := old.Marks.Has(binding.Pending), b.Sync.Marks.Has(binding.Pending)
	if was && (!is || old.Ours != b.Sync.Ours) {
		e.outbox.remove(old.Ours)
	}
	if is && (!was || old.Ours != b.Sync.Ours) {
		e.outbox.add(b)
	}
}
