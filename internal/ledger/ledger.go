package ledger

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/slab"
)

// Ledger is the list of the clients that are stale, and of those of which nothing is known, by address or prefix. It holds no
// pointers for the garbage collector, and 40 octets for each. It belongs to one goroutine; NewLedger makes one.
type Ledger struct {
	seed    slab.Seed
	entries slab.Slab[entry, *entry]
	index   slab.Index
	since   slab.Calendar // of those that are stale
	counts  [causes]int   // 0: unknown
}

// entry is one client's. An unknown one has no cause.
type entry struct {
	hi, lo uint64
	second uint64 // since when, in seconds since 1970
	chain  uint32
	order  slab.Links
	bits   uint8 // of the prefix + 1, 129 more for IPv4; 0: the entry is not used
	cause  Cause
}

// Link is room for a number while the entry is free.
func (e *entry) Link() *uint32 { return &e.chain }

// Entry is one client in a Ledger.
type Entry struct {
	Prefix netip.Prefix
	Cause  Cause // 0: it is unknown whether the client is stale
	Since  time.Time
}

// NewLedger returns an empty ledger.
func NewLedger() *Ledger {
	l := &Ledger{seed: slab.NewSeed()}
	l.index = slab.NewIndex(
		func(i uint32) uint64 { return l.hash(l.entries.At(i)) },
		func(i uint32) *uint32 { return &l.entries.At(i).chain })
	l.since = slab.NewCalendar(func(i uint32) *slab.Links { return &l.entries.At(i).order })
	return l
}

func (l *Ledger) hash(e *entry) uint64 {
	return l.seed.Key(slab.Key{Hi: e.hi ^ uint64(e.bits)<<56, Lo: e.lo})
}

// Note makes p's entry say c. Who is stale already is so since when it was.
func (l *Ledger) Note(p netip.Prefix, since time.Time, c Cause) {
	i := l.find(p)
	if i != 0 {
		e := l.entries.At(i)
		if e.cause == c {
			return
		}
		if e.cause != 0 && c != 0 {
			l.counts[e.cause]--
			l.counts[c]++
			e.cause = c
			return
		}
		l.remove(i)
	}
	i = l.entries.New()
	e := l.entries.At(i)
	*e = keyOf(p)
	e.cause, e.second = c, uint64(max(since.Unix(), 0))
	l.index.Add(l.hash(e), i)
	l.counts[c]++
	if c != 0 {
		l.since.Add(e.second, i)
	}
}

// Forget takes p out.
func (l *Ledger) Forget(p netip.Prefix) {
	if i := l.find(p); i != 0 {
		l.remove(i)
	}
}

func (l *Ledger) remove(i uint32) {
	e := l.entries.At(i)
	l.counts[e.cause]--
	if e.cause != 0 {
		l.since.Remove(e.second, i)
	}
	l.index.Remove(l.hash(e), i)
	e.bits = 0
	l.entries.Free(i)
}

// find returns the number of p's entry, 0 if there is none.
func (l *Ledger) find(p netip.Prefix) uint32 {
	if l.entries.Len() == 0 {
		return 0
	}
	k := keyOf(p)
	for i := *l.index.Chain(l.hash(&k)); i != 0; {
		e := l.entries.At(i)
		if e.hi == k.hi && e.lo == k.lo && e.bits == k.bits {
			return i
		}
		i = e.chain
	}
	return 0
}

const forIPv4 = 129

func keyOf(p netip.Prefix) entry {
	a := p.Addr().As16()
	e := entry{hi: binary.BigEndian.Uint64(a[:]), lo: binary.BigEndian.Uint64(a[8:]), bits: uint8(p.Bits() + 1)}
	if p.Addr().Is4() {
		e.bits += forIPv4
	}
	return e
}

func (e *entry) prefix() netip.Prefix {
	var a [16]byte
	binary.BigEndian.PutUint64(a[:], e.hi)
	binary.BigEndian.PutUint64(a[8:], e.lo)
	if e.bits > forIPv4 {
		return netip.PrefixFrom(netip.AddrFrom16(a).Unmap(), int(e.bits)-1-forIPv4)
	}
	return netip.PrefixFrom(netip.AddrFrom16(a), int(e.bits)-1)
}

func (e *entry) entry() Entry {
	return Entry{Prefix: e.prefix(), Cause: e.cause, Since: time.Unix(int64(e.second), 0).UTC()}
}

// Get returns p's entry; false if there is none: the client is not stale.
func (l *Ledger) Get(p netip.Prefix) (Entry, bool) {
	i := l.find(p)
	if i == 0 {
		return Entry{}, false
	}
	return l.entries.At(i).entry(), true
}

// Stale returns how many clients are stale.
func (l *Ledger) Stale() int { return l.entries.Len() - l.counts[0] }

// Unknown returns of how many clients nothing is known.
func (l *Ledger) Unknown() int { return l.counts[0] }

// Of returns how many clients are stale for that cause.
func (l *Ledger) Of(c Cause) int { return l.counts[c] }

// Memory returns how many octets the ledger holds.
func (l *Ledger) Memory() int64 { return l.entries.Memory() + l.index.Memory() + l.since.Memory() }

// Oldest returns since when the first of those that are stale is so; false if none is.
func (l *Ledger) Oldest() (since time.Time, ok bool) {
	second, i := l.since.First()
	if i == 0 {
		return time.Time{}, false
	}
	return time.Unix(int64(second), 0).UTC(), true
}

// Scan calls each for the clients that are stale, in an order of its own, until it has looked at n places. A walk begins from 0 and
// goes on from next, until done; what is in the ledger throughout is visited exactly once. each must not change the ledger.
func (l *Ledger) Scan(from uint64, n int, each func(Entry)) (next uint64, done bool) {
	from = max(from, 1)
	for ; n > 0 && from < uint64(l.entries.Limit()); n-- {
		if e := l.entries.At(uint32(from)); e.bits != 0 && e.cause != 0 {
			each(e.entry())
		}
		from++
	}
	return from, from >= uint64(l.entries.Limit())
}
