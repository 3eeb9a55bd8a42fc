package pool

import (
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/slab"
)

// From is where the client is that an address is offered to: Gate names the relay or the interface that it was heard through, Port the
// port behind that (AppendPort), if that is known. Either may be empty.
type From struct {
	Gate, Port []byte
	// Direct says that Gate is an interface.
	Direct bool
	// Quota is that of the pool that the address is of; nil: none.
	Quota *Quota

	hashed bool
	hash   [levels]uint64 // 0: not known
}

// Hashed returns from as it costs less to ask about more than once.
func (p *Pools) Hashed(from From) From {
	for level, b := range [levels][]byte{from.Gate, from.Port} {
		if len(b) > 0 {
			from.hash[level] = max(p.seed.Octets(b), 1)
		}
	}
	from.hashed = true
	return from
}

// What one source may have on offer of a pool at most, so that whoever makes up clients there eats no pool: of what is neither used nor
// reserved three quarters through one relay or interface, half at one port; in a large pool so many, so that the others' offers have
// room (MaxOffers). Who takes an offer up does so within moments, and then it is none any more: one that is older than untaken, in
// seconds, yields to a newer client.
const (
	mostAtGate = MaxOffers / 2
	mostAtPort = 4096
	untaken    = 10
)

const (
	gate = iota
	port
	levels
)

// sources are those that offers go to, one for each pool.
type sources struct {
	slots slab.Slab[source, *source]
	index slab.Index
}

// source is a list of offers, the oldest first.
type source struct {
	name        uint64 // a hash by a secret seed
	chain       uint32
	first, last uint32
	offers      uint32
}

// Link is room for a number while the slot is free.
func (s *source) Link() *uint32 { return &s.chain }

// place is an offer's place in the list of a source.
type place struct{ source, before, after uint32 }

func (s *sources) init() {
	s.index = slab.NewIndex(
		func(i uint32) uint64 { return s.slots.At(i).name },
		func(i uint32) *uint32 { return &s.slots.At(i).chain })
}

// find returns the number of a source, 0 if nothing is on offer there.
func (s *sources) find(name uint64) uint32 {
	i := *s.index.Chain(name)
	for i != 0 && s.slots.At(i).name != name {
		i = s.slots.At(i).chain
	}
	return i
}

func (s *sources) memory() int64 { return s.slots.Memory() + s.index.Memory() }

// names returns how from's gate and port are known, of pool id; 0 for what is not.
func (p *Pools) names(id ID, from From) (names [levels]uint64) {
	if !from.hashed {
		from = p.Hashed(from)
	}
	for level, hash := range from.hash {
		if hash != 0 {
			names[level] = nameOf(hash, id, level)
		}
	}
	return names
}

// fromOf returns where the client is that offer o was made to.
func (p *Pools) fromOf(o *offer) (from From) {
	from.hashed = true
	for level, q := range o.places {
		if q.source != 0 {
			from.hash[level] = p.sources.slots.At(q.source).name ^ mixed(ID(o.pool), level)
		}
	}
	return from
}

// mayHave returns how many addresses of the pool may be on offer at a gate or port.
func (p *Pools) mayHave(id ID, level int) uint64 {
	c := p.Counts(id)
	all := c.Free + c.Offered
	if level == port {
		return min(max(all/2, 1), mostAtPort)
	}
	return min(max(all-all/4, 1), mostAtGate)
}

// Crowded reports whether a, which is on offer to nobody or to c, is not to be offered until then to c, which is there: as much as may be
// is on offer there already, and all of it so recently that somebody may still take it up.
func (p *Pools) Crowded(a netip.Addr, c *binding.Client, until time.Time, from From) bool {
	id, within := p.idOf(keyOf(a))
	if mine, _ := p.Offered(a, c); !within || mine {
		return false
	}
	for level, name := range p.names(id, from) {
		if name == 0 {
			continue
		}
		if i := p.sources.find(name); i != 0 {
			s := p.sources.slots.At(i)
			if uint64(s.offers) >= p.mayHave(id, level) && p.slots.At(s.first).until+untaken > second(until) {
				return true
			}
		}
	}
	return false
}

// makeRoom withdraws what has been on offer at the source for longest until it may have k, too.
func (p *Pools) makeRoom(id ID, k slab.Key, names [levels]uint64, from *From) {
	for level, name := range names {
		if name == 0 {
			continue
		}
		most := p.mayHave(id, level)
		if from.Quota != nil && p.limited(id, level, from, from.Quota) {
			most = min(most, p.quotaLeaves(id, k, level, name, from))
		}
		for i := p.sources.find(name); i != 0 && uint64(p.sources.slots.At(i).offers) >= most; i = p.sources.find(name) {
			p.withdraw(p.sources.slots.At(i).first)
			p.recalled++
		}
	}
}

// quotaLeaves returns how many addresses may be on offer at a gate or port as far as its quota goes, k included, and at least that one.
func (p *Pools) quotaLeaves(id ID, k slab.Key, level int, name uint64, from *From) uint64 {
	f := Full{Held: p.held[level].of(p.heldName(id, level, from, name))}
	p.onOffer(name, &f.Offered)
	if f.Most, f.Size = p.mayHold(id, level, from, from.Quota, f.Held+f.Offered); f.Most >= f.Size {
		return f.Size
	}
	if f.Held+f.Offered < f.Most && p.spent(id, p.freeSide(k), &f) {
		return max(f.Offered, 1)
	}
	return max(f.Most, f.Held+1) - f.Held
}

// Recalled returns how many offers were withdrawn since too much was on offer where their clients are.
func (p *Pools) Recalled() uint64 { return p.recalled }

// enlist puts offer i, which is new, at the end of the lists of its sources.
func (s *offers) enlist(i uint32, names [levels]uint64) {
	for level, name := range names {
		if name == 0 {
			continue
		}
		at := s.sources.find(name)
		if at == 0 {
			at = s.sources.slots.New()
			s.sources.slots.At(at).name = name
			s.sources.index.Add(name, at)
		}
		from := s.sources.slots.At(at)
		s.slots.At(i).places[level] = place{source: at, before: from.last}
		if from.last != 0 {
			s.slots.At(from.last).places[level].after = i
		} else {
			from.first = i
		}
		from.last = i
		from.offers++
	}
}

// strike takes an offer out of the lists of its sources. A source that has nothing on offer any more is forgotten.
func (s *offers) strike(o *offer) {
	for level, q := range o.places {
		if q.source == 0 {
			continue
		}
		from := s.sources.slots.At(q.source)
		if q.before != 0 {
			s.slots.At(q.before).places[level].after = q.after
		} else {
			from.first = q.after
		}
		if q.after != 0 {
			s.slots.At(q.after).places[level].before = q.before
		} else {
			from.last = q.before
		}
		if from.offers--; from.offers == 0 {
			s.sources.index.Remove(from.name, q.source)
			s.sources.slots.Free(q.source)
		}
	}
}
