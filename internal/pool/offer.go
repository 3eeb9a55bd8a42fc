package pool

import (
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/slab"
)

// MaxOffers is how many addresses may be on offer at once, in all pools and outside of them.
const MaxOffers = 131072

// maxExpired is how many offers end in one call of ExpireOffers.
const maxExpired = 4096

// offers is what is on offer: by address, by client, and in the order in which the offers end.
type offers struct {
	slots    slab.Slab[offer, *offer]
	clients  slab.Octets
	byAddr   slab.Index
	byClient slab.Index
	ends     slab.Calendar
	seedOf   *slab.Seed
	most     int
	sources  sources
	recalled uint64 // to make room at a source
	// version counts the calls of NewVersion.
	version uint32
	scratch [binding.MaxClientID + 1]byte
}

type offer struct {
	key      slab.Key
	until    uint64 // second; 0 only while the slot is free
	end      slab.Links
	nextAddr uint32
	nextSame uint32 // next offer to a client with a like hash
	client   uint32 // its binding.Client.Key, in clients
	pool     int32  // outside for none
	version  uint32 // when it was made, or last made again
	places   [levels]place
	nClient  uint16
	counted  bool // the address is among its pool's Counts.Offered
}

const outside = -1

// Link is room for a number while the slot is free.
func (o *offer) Link() *uint32 { return &o.nextAddr }

func (s *offers) init(seed *slab.Seed) {
	s.seedOf, s.most = seed, MaxOffers
	s.byAddr = slab.NewIndex(
		func(i uint32) uint64 { return seed.Key(s.slots.At(i).key) },
		func(i uint32) *uint32 { return &s.slots.At(i).nextAddr })
	s.byClient = slab.NewIndex(
		func(i uint32) uint64 { return seed.Octets(s.clientOf(s.slots.At(i))) },
		func(i uint32) *uint32 { return &s.slots.At(i).nextSame })
	s.ends = slab.NewCalendar(func(i uint32) *slab.Links { return &s.slots.At(i).end })
	s.sources.init()
}

// LimitOffers changes how many addresses may be on offer at once, from MaxOffers to n, which is positive.
func (p *Pools) LimitOffers(n int) { p.most = max(n, 1) }

// Offer keeps a for c until then. It takes the place of any other offer of a, and of the offer of another address of
// the same pool to the same client. Where more than the limit are on offer, the one that ends first is withdrawn. An
// address outside of all pools may be offered too.
func (p *Pools) Offer(a netip.Addr, c *binding.Client, until time.Time) {
	p.OfferFrom(a, c, until, From{})
}

// OfferFrom is Offer to a client of which it is known where it is. Where that has as many addresses of the pool on offer as it may, the
// one that has been for longest is withdrawn.
func (p *Pools) OfferFrom(a netip.Addr, c *binding.Client, until time.Time, from From) {
	p.offer(keyOf(a), p.clientKey(c), max(second(until), 1), p.version, from)
}

// NewVersion says that offers are made by another version of the configuration from now on.
func (p *Pools) NewVersion() { p.version++ }

// OfferedAgo returns how many versions of the configuration ago a was offered to c: 0 is this one. It is false if a is not
// on offer to c.
func (p *Pools) OfferedAgo(a netip.Addr, c *binding.Client) (versions uint32, ok bool) {
	if mine, _ := p.Offered(a, c); !mine {
		return 0, false
	}
	return p.version - p.offers.at(keyOf(a)).version, true
}

func (p *Pools) offer(k slab.Key, client []byte, until uint64, version uint32, from From) {
	id, within := p.idOf(k)
	if i := p.offers.find(k); i != 0 {
		if o := p.slots.At(i); len(client) > 0 && string(p.clientOf(o)) == string(client) {
			p.ends.Remove(o.until, i)
			o.until, o.version = until, version
			p.ends.Add(until, i)
			return
		}
		p.withdraw(i)
	}
	var names [levels]uint64
	if within {
		p.withdrawFrom(id, client)
		names = p.names(id, from)
		p.makeRoom(id, k, names, &from)
	}
	for p.slots.Len() >= p.most {
		_, i := p.ends.First()
		p.withdraw(i)
	}
	i := p.offers.add(k, client, until)
	p.slots.At(i).version = version
	if !within {
		return
	}
	p.enlist(i, names)
	o, q := p.slots.At(i), &p.pools[id]
	o.pool = int32(id)
	state, _ := p.bindings.State(single(addrOf(k)))
	reserved := p.isReserved(k)
	if now := q.counts.of(state, true, reserved); now == &q.counts.Offered {
		*q.counts.of(state, false, reserved)--
		*now++
		o.counted = true
	}
	p.take(q, k)
	p.dequeue(q, k)
}

// withdrawFrom withdraws what the pool has on offer to the client.
func (p *Pools) withdrawFrom(id ID, client []byte) {
	for i := p.offers.first(client); i != 0; i = p.offers.after(i) {
		if p.slots.At(i).pool == int32(id) {
			p.withdraw(i)
			return
		}
	}
}

// Offered reports whether a is on offer to c, and whether it is to another client.
func (p *Pools) Offered(a netip.Addr, c *binding.Client) (toThis, toOther bool) {
	if !a.IsValid() {
		return false, false
	}
	o := p.offers.at(keyOf(a))
	if o == nil {
		return false, false
	}
	client := p.clientKey(c)
	same := len(client) > 0 && string(p.clientOf(o)) == string(client)
	return same, !same
}

// Cursor is a place among the offers to one client.
type Cursor struct{ next uint32 }

// OfferTo returns a cursor over the addresses that are on offer to c. It is valid until an Offer, or until a Withdraw
// of any other address than the one that Next returned last.
func (p *Pools) OfferTo(c *binding.Client) Cursor { return Cursor{p.offers.first(p.clientKey(c))} }

// Next returns the next address; false after the last.
func (p *Pools) Next(cur *Cursor) (netip.Addr, bool) {
	if cur.next == 0 {
		return netip.Addr{}, false
	}
	a := addrOf(p.slots.At(cur.next).key)
	cur.next = p.offers.after(cur.next)
	return a, true
}

// Withdraw ends the offer of a, if there is one.
func (p *Pools) Withdraw(a netip.Addr) {
	if !a.IsValid() {
		return
	}
	if i := p.offers.find(keyOf(a)); i != 0 {
		p.withdraw(i)
	}
}

func (p *Pools) withdraw(i uint32) {
	o := *p.slots.At(i)
	p.offers.remove(i)
	if o.pool == outside {
		return
	}
	q, reserved := &p.pools[o.pool], p.isReserved(o.key)
	if o.counted {
		q.counts.Offered--
		*q.counts.of(0, false, reserved)++
	}
	if reserved {
		return
	}
	switch state, since := p.bindings.State(single(addrOf(o.key))); state {
	case 0:
		p.untake(q, o.key)
	case binding.Free:
		p.enqueue(q, o.key, second(since))
	case binding.Active, binding.Expired, binding.Released, binding.Abandoned:
	}
}

// ExpireOffers withdraws the offers that have ended at now, and returns how many. After a few thousand it leaves the
// rest to the next call; NextOfferExpiry then is not after now.
func (p *Pools) ExpireOffers(now time.Time) (n int) {
	for limit := uint64(max(now.Unix(), 0)) + 1; n < maxExpired; n++ {
		until, i := p.ends.First()
		if i == 0 || until > limit {
			break
		}
		p.withdraw(i)
	}
	return n
}

// NextOfferExpiry returns when the next offer ends; false if nothing is on offer.
func (p *Pools) NextOfferExpiry() (time.Time, bool) {
	until, i := p.ends.First()
	return timeOf(until), i != 0
}

// Carry takes over the offers of old, which it leaves as they are, and who owns what (Share). Of several offers to one
// client that are now in one pool, the one that ends last stays.
func (p *Pools) Carry(old *Pools) {
	p.Share(old.self, old.other, old.primary, old.given)
	p.version, p.recalled = old.version, old.recalled
	old.ends.Each(func(i uint32) {
		o := old.slots.At(i)
		var from From
		if p.seed == old.seed { // names tell the same sources
			from = old.fromOf(o)
		}
		p.offer(o.key, old.clientOf(o), o.until, o.version, from)
	})
}

// clientKey returns what tells c from others, empty if nothing does; it is valid until the next call.
func (s *offers) clientKey(c *binding.Client) []byte {
	if len(c.ID) > binding.MaxClientID {
		return nil
	}
	return c.Key(s.scratch[:0])
}

func (s *offers) clientOf(o *offer) []byte { return s.clients.At(o.client, int(o.nClient)) }

// find returns the number of the offer of k, 0 if there is none.
func (s *offers) find(k slab.Key) uint32 {
	i := *s.byAddr.Chain(s.seedOf.Key(k))
	for i != 0 && s.slots.At(i).key != k {
		i = s.slots.At(i).nextAddr
	}
	return i
}

// at returns the offer of k, nil if there is none.
func (s *offers) at(k slab.Key) *offer {
	if s.slots.Len() == 0 {
		return nil
	}
	i := s.find(k)
	if i == 0 {
		return nil
	}
	return s.slots.At(i)
}

// first returns the number of an offer to the client, 0 if there is none, and after that of the next one to the same.
func (s *offers) first(client []byte) uint32 {
	if len(client) == 0 {
		return 0
	}
	return s.from(*s.byClient.Chain(s.seedOf.Octets(client)), client)
}

func (s *offers) after(i uint32) uint32 {
	o := s.slots.At(i)
	return s.from(o.nextSame, s.clientOf(o))
}

func (s *offers) from(i uint32, client []byte) uint32 {
	for i != 0 && string(s.clientOf(s.slots.At(i))) != string(client) {
		i = s.slots.At(i).nextSame
	}
	return i
}

func (s *offers) add(k slab.Key, client []byte, until uint64) uint32 {
	i := s.slots.New()
	o := s.slots.At(i)
	*o = offer{key: k, until: until, pool: outside, nClient: uint16(len(client)), client: s.clients.New(len(client))}
	copy(s.clientOf(o), client)
	s.byAddr.Add(s.seedOf.Key(k), i)
	if len(client) > 0 {
		s.byClient.Add(s.seedOf.Octets(client), i)
	}
	s.ends.Add(until, i)
	return i
}

func (s *offers) remove(i uint32) {
	o := s.slots.At(i)
	s.strike(o)
	s.ends.Remove(o.until, i)
	s.byAddr.Remove(s.seedOf.Key(o.key), i)
	if o.nClient > 0 {
		s.byClient.Remove(s.seedOf.Octets(s.clientOf(o)), i)
		s.clients.Free(o.client)
	}
	s.slots.Free(i)
}

func (s *offers) memory() int64 {
	return s.slots.Memory() + s.clients.Memory() + s.byAddr.Memory() + s.byClient.Memory() + s.ends.Memory() + s.sources.memory()
}
