package failover

import (
	"net/netip"
	"time"

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

// flights are the updates that were sent on this connection and are not answered.
type flights struct {
	sent   map[flightID]flight
	latest map[place]binding.Sequence // the change that was sent last, of those in flight
	dumped int                        // how many the running dump waits for
	lookAt time.Time                  // when the oldest is looked at: it should be answered by then
}

type flightID struct {
	id uint32 // of the message
	at place
}

type flight struct {
	ours binding.Sequence
	at   time.Time     // when it was sent
	as   binding.State // what it was told as
	dump bool          // the running dump waits for it
	gift bool
}

func (f *flights) init() {
	f.sent, f.latest = map[flightID]flight{}, map[place]binding.Sequence{}
}

func (f *flights) clear() {
	clear(f.sent)
	clear(f.latest)
	f.dumped = 0
}

func (f *flights) len() int { return len(f.sent) }

func (f *flights) begin(id flightID, fl flight) {
	if fl.dump {
		f.dumped++
	}
	if len(f.sent) == 0 {
		f.lookAt = fl.at
	}
	f.sent[id] = fl
	f.latest[id.at] = fl.ours
}

// end takes out what an acknowledgement answers; false if it answers nothing.
func (f *flights) end(id flightID) (flight, bool) {
	fl, ok := f.sent[id]
	if !ok {
		return fl, false
	}
	delete(f.sent, id)
	if f.latest[id.at] == fl.ours {
		delete(f.latest, id.at)
	}
	if fl.dump {
		f.dumped--
	}
	return fl, true
}

// flying reports whether this change of p is on its way.
func (f *flights) flying(p netip.Prefix, ours binding.Sequence) bool {
	at, ok := f.latest[placeOf(p)]
	return ok && at == ours
}

// await makes the dump wait for all that is on its way.
func (f *flights) await() {
	f.dumped = 0
	for id, fl := range f.sent {
		fl.dump = true
		f.sent[id] = fl
		f.dumped++
	}
}
