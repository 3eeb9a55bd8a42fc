package failover

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/slab"
)

// Run is the addresses from First to Last, both included, of one family.
type Run struct{ First, Last netip.Addr }

// Gift is a run of addresses that nobody ever used, given to the other server or taken from it.
type Gift struct {
	Run
	Owner binding.Member
	Ours  binding.Sequence // the change of ours that gave it
}

// maxRuns is how many runs a record may have, so that it stays small; beyond it addresses are given one by one.
const maxRuns = 1024

// maxGifts is how many gifts may be unacknowledged at a time.
const maxGifts = 16

// runs is a set of addresses: ascending, and no two touch.
type runs []Run

func (s runs) has(a netip.Addr) bool {
	i, found := slices.BinarySearchFunc(s, a, func(r Run, a netip.Addr) int { return r.First.Compare(a) })
	return found || i > 0 && !s[i-1].Last.Less(a) && s[i-1].Last.BitLen() == a.BitLen()
}

// with returns the set and all of r.
func (s runs) with(r Run) runs {
	n := make(runs, 0, len(s)+1)
	for _, o := range s.without(r) {
		switch {
		case o.Last.Next() == r.First:
			r.First = o.First
		case r.Last.Next() == o.First:
			r.Last = o.Last
		default:
			n = append(n, o)
		}
	}
	n = append(n, r)
	slices.SortFunc(n, func(a, b Run) int { return a.First.Compare(b.First) })
	return n
}

// without returns the set and nothing of r.
func (s runs) without(r Run) runs {
	n := make(runs, 0, len(s)+1)
	for _, o := range s {
		if o.Last.Less(r.First) || r.Last.Less(o.First) {
			n = append(n, o)
			continue
		}
		if o.First.Less(r.First) {
			n = append(n, Run{o.First, r.First.Prev()})
		}
		if r.Last.Less(o.Last) {
			n = append(n, Run{r.Last.Next(), o.Last})
		}
	}
	return n
}

// each calls f for the parts of r that are in the set (in) and those that are not, ascending, until it says false.
func (s runs) each(r Run, f func(part Run, in bool) bool) {
	at := r.First
	begin, _ := slices.BinarySearchFunc(s, at, func(r Run, a netip.Addr) int { return r.Last.Compare(a) })
	for _, o := range s[begin:] {
		if r.Last.Less(o.First) {
			break
		}
		if at.Less(o.First) && !f(Run{at, o.First.Prev()}, false) {
			return
		}
		part := Run{at, o.Last}
		if part.First.Less(o.First) {
			part.First = o.First
		}
		if r.Last.Less(part.Last) {
			part.Last = r.Last
		}
		if !f(part, true) || part.Last == r.Last {
			return
		}
		at = part.Last.Next()
	}
	f(Run{at, r.Last}, false)
}

// valid reports whether r is a run of addresses of one family.
func (r Run) valid() bool {
	return r.First.IsValid() && r.First.BitLen() == r.Last.BitLen() && !r.Last.Less(r.First)
}

// size returns how many addresses r has; what 64 bits cannot hold counts as the most they can.
func (r Run) size() uint64 {
	n, over := number(r.Last).Minus(number(r.First)).Plus(1)
	if over || n.Hi > 0 {
		return 1<<64 - 1
	}
	return n.Lo
}

// end returns the last n addresses of r, which has as many.
func (r Run) end(n uint64) Run {
	first := number(r.Last).Minus(slab.Key{Lo: n - 1})
	return Run{address(first, r.Last), r.Last}
}

func number(a netip.Addr) slab.Key {
	b := a.As16()
	return slab.Key{Hi: binary.BigEndian.Uint64(b[:8]), Lo: binary.BigEndian.Uint64(b[8:])}
}

// address returns the address with that number, of like's family.
func address(k slab.Key, like netip.Addr) netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], k.Hi)
	binary.BigEndian.PutUint64(b[8:], k.Lo)
	a := netip.AddrFrom16(b)
	if like.Is4() {
		return a.Unmap()
	}
	return a
}

// ownerOf returns who owns an address that has no binding.
func (e *Endpoint) ownerOf(a netip.Addr) binding.Member {
	if e.rec.Shares.has(a) {
		return e.cfg.secondary()
	}
	return e.cfg.primary()
}

// assign makes owner the owner of the addresses of r that have no binding.
func (e *Endpoint) assign(r Run, owner binding.Member) {
	if owner == e.cfg.secondary() {
		e.rec.Shares = e.rec.Shares.with(r)
	} else {
		e.rec.Shares = e.rec.Shares.without(r)
	}
	e.dirty = true
}

// receiveRun takes the partner's word about addresses that nobody ever used. The owner gives them, so that words about the
// same ones come in an order; one that was heard before changes nothing. While we recover, the partner says how all is.
func (s *step) receiveRun(u *Update) Ack {
	a := Ack{Prefix: u.Binding.Prefix, Ours: u.Binding.Sync.Ours}
	r := Run{u.Binding.Prefix.Addr(), u.Last}
	owner := u.Binding.Owner
	switch {
	case !r.valid() || owner != s.cfg.Self && owner != s.cfg.Partner:
		a.Reason, a.Text = MissingInformation, "no run of addresses, or of nobody"
	case u.Binding.Sync.Ours <= s.rec.SharesSeen && !s.recovering() && s.keeps(ruleSharesSeen):
	case owner == s.cfg.Partner && !s.recovering():
		a.Reason, a.Text = FatalConflict, "addresses are given by who owns them, and not taken"
	case len(s.rec.Shares) >= maxRuns:
		a.Reason, a.Text = Miscellaneous, "too many shares"
	default:
		s.assign(r, owner)
		s.rec.SharesSeen = max(s.rec.SharesSeen, u.Binding.Sync.Ours)
		s.seen = max(s.seen, u.Binding.Sync.Ours)
	}
	return a
}
