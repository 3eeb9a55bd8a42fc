package pool

import (
	"math/bits"
	"strconv"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/slab"
)

// Share is how much of a pool: so many addresses, or so many hundredths of those that are kept for no host. The zero Share says nothing.
type Share struct {
	Addresses uint64
	Percent   uint8 // 1 to 100; 0: Addresses says it
}

// DefaultShare is what holds where nothing is said: nine addresses of ten.
var DefaultShare = Share{Percent: 90}

// String returns the share as a document has it, empty for the zero Share.
func (s Share) String() string {
	switch {
	case s.Percent > 0:
		return strconv.Itoa(int(s.Percent)) + "%"
	case s.Addresses > 0:
		return strconv.FormatUint(s.Addresses, 10)
	}
	return ""
}

// of returns how many addresses the share is of so many, rounded up: nobody is kept from the last address of a pool of nine.
func (s Share) of(size uint64) uint64 {
	if s.Percent == 0 {
		return s.Addresses
	}
	hi, lo := bits.Mul64(size, uint64(s.Percent))
	n, rest := bits.Div64(hi, lo, 100) // hi is below 100, as no part of a pool is more than the pool
	if rest > 0 {
		n++
	}
	return n
}

// Quota is how much of a pool clients at one place may have, held and on offer. Port is that of clients whose circuit or remote id is
// known, Relay of those that are heard through one relay, Interface of those that are heard without one. What says nothing is
// DefaultShare, for a relay and for clients that are heard without one only while others hold addresses of the pool, too: a pool that
// one relay alone uses is all for that one.
type Quota struct{ Port, Relay, Interface Share }

// Over returns q, and what it does not say as weaker says it.
func (q Quota) Over(weaker Quota) Quota {
	for _, s := range [...]struct{ to, from *Share }{{&q.Port, &weaker.Port}, {&q.Relay, &weaker.Relay}, {&q.Interface, &weaker.Interface}} {
		if *s.to == (Share{}) {
			*s.to = *s.from
		}
	}
	return q
}

// Full says that at one place as much of a pool is held and on offer as may be. The zero Full says nothing.
type Full struct {
	// Place is a number that the pool's place alone has, while the server runs.
	Place uint64
	// AtPort says that the place is a port; it is else a relay, or wherever clients are heard without one.
	AtPort bool
	// Most is how much may be held and on offer there, of Size, which is what is kept for no host.
	Held, Offered, Most, Size uint64
	// Left, if not 0, says that less than Most is held and on offer, but that no more is free of what one of two servers owns than this,
	// which it leaves to clients elsewhere.
	Left uint64
}

// Full reports whether a client at that place is to have no further address of the pool, of those that owner owns: as much is held and on
// offer there as may be, or owner has no more free than it leaves to others, and nothing that could be withdrawn for an offer until then.
// The zero time is for a client that is granted an address without an offer. On a server alone it does not matter who owner is.
func (p *Pools) Full(id ID, from *From, quota *Quota, until time.Time, owner binding.Member) (Full, bool) {
	names := p.names(id, *from)
	s, _ := p.sideOf(owner)
	for level := port; level >= gate; level-- { // the port says most of where the trouble is
		if names[level] == 0 || !p.limited(id, level, from, quota) {
			continue
		}
		f := Full{AtPort: level == port, Place: p.heldName(id, level, from, names[level])}
		f.Held = p.held[level].of(f.Place)
		oldest := p.onOffer(names[level], &f.Offered)
		if f.Most, f.Size = p.mayHold(id, level, from, quota, f.Held+f.Offered); f.Most >= f.Size {
			continue
		}
		if f.Held+f.Offered < f.Most && !p.spent(id, s, &f) {
			continue
		}
		if !until.IsZero() && f.Offered > 0 && f.Held < f.Most && oldest+untaken <= second(until) {
			continue
		}
		return f, true
	}
	return Full{}, false
}

// mostOfRest bounds what DefaultShare gives where clients elsewhere have so much that it is all of the rest: of what they do not have, some
// is left to who comes new there. It is little, since two relays of one network do without it both, too.
var mostOfRest = Share{Percent: 97}

// share returns what the document says of from's gate or port; the zero Share: nothing.
func (q *Quota) share(level int, from *From) Share {
	switch {
	case level == port:
		return q.Port
	case from.Direct:
		return q.Interface
	}
	return q.Relay
}

// limited reports whether there is a limit to what may be held and on offer at from's gate or port. Where all clients of a pool are heard
// through one relay there is none by default.
func (p *Pools) limited(id ID, level int, from *From, quota *Quota) bool {
	return level == port || quota.share(level, from) != (Share{}) || p.sharedWithOthers(id, from)
}

// mayHold returns how many addresses of the pool may be held and on offer at from's gate or port, where so many are and it is limited, and
// how many there are.
func (p *Pools) mayHold(id ID, level int, from *From, quota *Quota, has uint64) (most, size uint64) {
	q := &p.pools[id]
	size = q.counts.Size - min(q.kept, q.counts.Size)
	share := quota.share(level, from)
	if share == (Share{}) {
		c := p.Counts(id)
		return min(DefaultShare.of(size), mostOfRest.of(min(size, has+c.Free+c.PartnerFree))), size
	}
	return share.of(size), size
}

// sharedWithOthers reports whether clients elsewhere than at from's gate hold addresses of the pool.
func (p *Pools) sharedWithOthers(id ID, from *From) bool {
	switch gates := p.pools[id].gates; gates {
	case 0:
		return false
	case 1:
		return p.held[gate].find(p.heldName(id, gate, from, p.names(id, *from)[gate])) == 0
	}
	return true
}

// heldName returns by which name what is held at from's gate or port is counted, of which the offers are listed by name. Whoever is
// heard without a relay counts together: a binding does not say at which interface its client was heard.
func (p *Pools) heldName(id ID, level int, from *From, name uint64) uint64 {
	if level == gate && from.Direct {
		return nameOf(p.direct, id, gate)
	}
	return name
}

// onOffer sets offered to how much is on offer at a source, and returns until when the oldest of it is.
func (s *offers) onOffer(name uint64, offered *uint64) (oldest uint64) {
	i := s.sources.find(name)
	if i == 0 {
		return 0
	}
	at := s.sources.slots.At(i)
	*offered = uint64(at.offers)
	return s.slots.At(at.first).until
}

// held is how many addresses of a pool the clients at one gate or port hold, for each where any are held.
type held struct {
	slots slab.Slab[tally, *tally]
	index slab.Index
}

// tally is small: there may be one for each address.
type tally struct {
	nameLo, nameHi uint32 // of a name; in halves, so that no room is lost
	chain          uint32
	n              uint32
}

// Link is room for a number while the slot is free.
func (t *tally) Link() *uint32 { return &t.chain }

func (t *tally) name() uint64 { return uint64(t.nameHi)<<32 | uint64(t.nameLo) }

func (h *held) init() {
	h.index = slab.NewIndex(
		func(i uint32) uint64 { return h.slots.At(i).name() },
		func(i uint32) *uint32 { return &h.slots.At(i).chain })
}

// find returns the number of a name's tally, 0 if nothing is held there.
func (h *held) find(name uint64) uint32 {
	i := *h.index.Chain(name)
	for i != 0 && h.slots.At(i).name() != name {
		i = h.slots.At(i).chain
	}
	return i
}

// of returns how much is held under a name.
func (h *held) of(name uint64) uint64 {
	i := h.find(name)
	if i == 0 {
		return 0
	}
	return uint64(h.slots.At(i).n)
}

// add counts one more under a name, and returns the number of its tally, and whether it is the first one.
func (h *held) add(name uint64) (i uint32, first bool) {
	if i = h.find(name); i == 0 {
		return h.begin(name, 1), true
	}
	h.slots.At(i).n++
	return i, false
}

// begin counts n under a name that has no tally yet.
func (h *held) begin(name uint64, n uint32) uint32 {
	i := h.slots.New()
	*h.slots.At(i) = tally{nameLo: uint32(name), nameHi: uint32(name >> 32), n: n}
	h.index.Add(name, i)
	return i
}

// addAll is add of many names to what counts nothing yet. It sorts them by the chains of the index that they go to, so that each finds
// its place in memory next to that of the one before: a start and a reload wait for it.
func (h *held) addAll(names []uint64) {
	names = byChain(names)
	different := 0 // at least: names that share a chain are few
	for i, name := range names {
		if i == 0 || chainOf(name) != chainOf(names[i-1]) {
			different++
		}
	}
	h.index.Expect(different)
	for _, name := range names {
		h.add(name)
	}
}

// digit is how many bits byChain sorts by at once, digits how often: an index of 4 million names has as many chains.
const digit, digits = 11, 2

func chainOf(name uint64) uint64 { return name & (1<<(digit*digits) - 1) }

// byChain returns the names in the order of their lowest bits. It uses the memory of names.
func byChain(names []uint64) []uint64 {
	from, to := names, make([]uint64, len(names))
	for shift := 0; shift < digit*digits; shift += digit {
		var at [1<<digit + 1]int
		for _, name := range from {
			at[name>>shift&(1<<digit-1)+1]++
		}
		for i := range at[1:] {
			at[i+1] += at[i]
		}
		for _, name := range from {
			i := &at[name>>shift&(1<<digit-1)]
			to[*i] = name
			*i++
		}
		from, to = to, from
	}
	return from
}

// take counts one less, and reports whether it was the last one.
func (h *held) take(name uint64) (last bool) {
	i := h.find(name)
	if i == 0 {
		return false
	}
	t := h.slots.At(i)
	if t.n--; t.n > 0 {
		return false
	}
	h.index.Remove(name, i)
	h.slots.Free(i)
	return true
}

func (h *held) memory() int64 { return h.slots.Memory() + h.index.Memory() }
