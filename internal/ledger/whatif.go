package ledger

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/policy"
	"github.com/lessor-dhcp/lessor/internal/pool"
)

// MaxExamples is how many clients are named for one thing; all are counted.
const MaxExamples = 100

// WhatIf adds up what a proposed policy would mean for the clients that have a lease now, which are shown to it one by one.
type WhatIf struct {
	now, then Judge

	// Total counts the leases, Unknown those of which is not known what their client has.
	Total, Unknown int
	// Changed counts the clients that would be told something else than they have, StaleNow those that would be anyway, and
	// ByChange those whom the two policies would tell different things.
	Changed, StaleNow, ByChange int
	// Moved counts the clients that would have to move to an address that is reserved for them, once that is free.
	Moved int
	// LostAlready counts the clients that may not keep their address as things are.
	LostAlready int

	Parts      map[uint16]*Part
	Classes    map[string]int // of those in Changed; "": in none
	Losses     map[string]*Loss
	Collisions []Collision
	Collided   int
	// Dropped has the subnets that would be none any more, with how many have a lease in each.
	Dropped map[netip.Prefix]int

	was    []uint64          // leases by pool of now
	kept   []uint64          // leases that stay, by pool of then
	moving map[string]uint64 // clients that look for an address, by the pools that they may use
}

// Part is an option, or what is none, that clients would have otherwise.
type Part struct {
	Code     uint16
	Clients  int
	Classes  map[string]int
	Examples []Example
}

// Example is one client of many. It owns its octets.
type Example struct {
	Binding    binding.Binding
	Has, Would []byte // nil: nothing
	Why        string // where what it would have comes from
}

// Loss is why clients would lose their address.
type Loss struct {
	Clients  int
	Examples []Example
}

// Collision is an address that would be kept for one host while another client has it.
type Collision struct {
	Host   string
	Holder Example
}

// NewWhatIf returns one for the member self, which serves by now and what was agreed (Judge.Use).
func NewWhatIf(self binding.Member, now, agreed, then *policy.Policy) *WhatIf {
	w := &WhatIf{
		Parts: map[uint16]*Part{}, Classes: map[string]int{}, Losses: map[string]*Loss{}, Dropped: map[netip.Prefix]int{},
		was: make([]uint64, len(now.Pools())), kept: make([]uint64, len(then.Pools())), moving: map[string]uint64{},
	}
	w.now.Use(self, now, agreed)
	w.then.Use(self, then, nil)
	for _, n := range now.Networks() {
		for _, s := range n.Subnets {
			if then.SubnetOf(s.Prefix.Masked().Addr()) == nil {
				w.Dropped[s.Prefix] = 0
			}
		}
	}
	return w
}

// Add takes a lease into account. What is no lease is not.
func (w *WhatIf) Add(b *binding.Binding) {
	if b.State != binding.Active {
		return
	}
	w.Total++
	w.place(b)
	now, _ := w.now.Look(b)
	then, cause := w.then.Look(b)
	if now == Stale {
		w.StaleNow++
	}
	lost, lostNow := w.then.Lost(b), w.now.Lost(b)
	if then == Unknown {
		w.Unknown++
	}
	if w.then.given == givenUnknown {
		lost, lostNow = addressLost(w.then.policy, b), addressLost(w.now.policy, b)
	}
	switch {
	case lost != "" && lostNow != "":
		w.LostAlready++
		return
	case lost != "":
		w.lose(b, lost)
		w.ByChange++
		return
	}
	w.keep(b)
	if lostNow != "" || w.then.given == givenResult && !bytes.Equal(w.now.would, w.then.would) {
		w.ByChange++
	}
	if then == Stale {
		w.change(b, w.then.compared(b, then, cause))
	}
}

// place counts where b stands by the policy of now.
func (w *WhatIf) place(b *binding.Binding) {
	if q := poolOf(w.now.policy, b.Addr()); q != nil {
		w.was[q.ID]++
	}
	if s := w.now.policy.SubnetOf(b.Addr()); s != nil {
		if n, dropped := w.Dropped[s.Prefix]; dropped {
			w.Dropped[s.Prefix] = n + 1
		}
	}
}

// poolOf returns the pool that a lies in, whoever may use it; nil if none.
func poolOf(p *policy.Policy, a netip.Addr) *policy.Pool {
	if s := p.SubnetOf(a); s != nil {
		for _, q := range s.Pools {
			if q.Has(a) {
				return q
			}
		}
	}
	return nil
}

// addressLost says why a client of which nothing but its address is known would lose that; empty if it would not, as far as
// can be known.
func addressLost(p *policy.Policy, b *binding.Binding) string {
	a := b.Addr()
	h := p.ReservedFor(a)
	switch {
	case p.SubnetOf(a) == nil:
		return NoSubnet
	case h != nil && !h.IsMachine(&b.Client):
		return ReservedOther
	case h == nil && poolOf(p, a) == nil:
		return NoPool
	}
	return ""
}

// lose counts a client that would lose its address, and where it would look for another.
func (w *WhatIf) lose(b *binding.Binding, why string) {
	l := w.Losses[why]
	if l == nil {
		l = &Loss{}
		w.Losses[why] = l
	}
	l.Clients++
	if len(l.Examples) < MaxExamples {
		l.Examples = append(l.Examples, example(b, nil, nil, ""))
	}
	if h := w.then.policy.ReservedFor(b.Addr()); why == ReservedOther && h != nil {
		if w.Collided++; len(w.Collisions) < MaxExamples {
			w.Collisions = append(w.Collisions, Collision{Host: h.Name, Holder: example(b, nil, nil, "")})
		}
	}
	if d := &w.then.decision; w.then.given == givenNothing && w.then.facts.Link != nil && !d.Reserved.IsValid() {
		var key []byte
		for _, q := range d.Pools {
			key = binary.BigEndian.AppendUint32(key, uint32(q.ID))
		}
		w.moving[string(key)]++
	}
}

// keep counts a client that would keep its address.
func (w *WhatIf) keep(b *binding.Binding) {
	a := b.Addr()
	if q := poolOf(w.then.policy, a); q != nil && w.then.policy.ReservedFor(a) == nil {
		w.kept[q.ID]++
	}
	if w.then.given != givenResult || w.now.given != givenResult {
		return
	}
	x, before := w.then.decision.Reserved, w.now.decision.Reserved
	if x.IsValid() && x != a && x != before {
		w.Moved++
	}
}

// change counts a client that would be told something else than it has.
func (w *WhatIf) change(b *binding.Binding, c Comparison) {
	w.Changed++
	classes := 0
	w.then.Classes(func(name string) { classes++; w.Classes[name]++ })
	if classes == 0 {
		w.Classes[""]++
	}
	for i := range c.Differences {
		d := &c.Differences[i]
		p := w.Parts[d.Code]
		if p == nil {
			p = &Part{Code: d.Code, Classes: map[string]int{}}
			w.Parts[d.Code] = p
		}
		p.Clients++
		w.then.Classes(func(name string) { p.Classes[name]++ })
		if classes == 0 {
			p.Classes[""]++
		}
		if len(p.Examples) < MaxExamples {
			p.Examples = append(p.Examples, example(b, d.Has, d.Would, w.then.Why(d.Code)))
		}
	}
}

// example keeps what is known of b's client.
func example(b *binding.Binding, has, would []byte, why string) Example {
	x := Example{Binding: *b, Has: slices.Clone(has), Would: slices.Clone(would), Why: why}
	x.Binding.Client.ID, x.Binding.Facts.Own, x.Binding.Past = slices.Clone(b.Client.ID), slices.Clone(b.Facts.Own), nil
	return x
}

// Squeeze is a pool in which not all would have room, or that would be gone.
type Squeeze struct {
	Pool   *policy.Pool
	Size   uint64 // without what is reserved, or a relay's
	Active uint64 // that keep their address in it; of one that is gone, that have one
	// Moving counts clients that would look for an address here, Missing those of them for whom there is none in any pool that
	// they may use.
	Moving, Missing uint64
	Gone            bool
}

// Squeezes returns the pools that would be gone with leases in them, and those that would have too few addresses.
func (w *WhatIf) Squeezes() (all []Squeeze) {
	before, sorted := sizes(w.now.policy), byFirst(w.then.policy)
	for _, q := range w.now.policy.Pools() {
		if w.was[q.ID] > 0 && !overlaps(sorted, q) {
			all = append(all, Squeeze{Pool: q, Size: before[q.ID], Active: w.was[q.ID], Gone: true})
		}
	}
	pools, size := w.then.policy.Pools(), sizes(w.then.policy)
	squeezed := make([]Squeeze, len(pools))
	free := make([]uint64, len(pools))
	for i, q := range pools {
		squeezed[i] = Squeeze{Pool: q, Size: size[i], Active: w.kept[i]}
		free[i] = squeezed[i].Size - min(squeezed[i].Size, w.kept[i])
	}
	keys := make([]string, 0, len(w.moving))
	for k := range w.moving {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }) // who has least choice first
	for _, k := range keys {
		n := w.moving[k]
		for at := 0; at < len(k) && n > 0; at += 4 {
			id := pool.ID(binary.BigEndian.Uint32([]byte(k[at:])))
			took := min(n, free[id])
			free[id] -= took
			n -= took
			squeezed[id].Moving += took
		}
		if len(k) > 0 && n > 0 {
			id := pool.ID(binary.BigEndian.Uint32([]byte(k)))
			squeezed[id].Moving += n
			squeezed[id].Missing += n
		}
	}
	for _, s := range squeezed {
		if s.Missing > 0 {
			all = append(all, s)
		}
	}
	return all
}

// Lost returns how many clients would lose their address.
func (w *WhatIf) Lost() (clients int) {
	for _, l := range w.Losses {
		clients += l.Clients
	}
	return clients
}

// Nowhere returns how many clients would lose their address, and may use no pool.
func (w *WhatIf) Nowhere() uint64 { return w.moving[""] }

// sizes returns how many addresses of each pool are for anybody, by its ID.
func sizes(p *policy.Policy) []uint64 {
	all := make([]uint64, len(p.Pools()))
	for i, q := range p.Pools() {
		all[i] = distance(q.First, q.Last) + 1
	}
	taken := map[netip.Addr]bool{}
	for _, a := range append(p.Reserved(), p.Relays()...) {
		if q := poolOf(p, a); q != nil && !taken[a] {
			taken[a] = true
			all[q.ID]--
		}
	}
	return all
}

// distance returns how many addresses b is behind a, up to 2^63.
func distance(a, b netip.Addr) uint64 {
	x, y := a.As16(), b.As16()
	hi := binary.BigEndian.Uint64(y[:8]) - binary.BigEndian.Uint64(x[:8])
	lo := binary.BigEndian.Uint64(y[8:]) - binary.BigEndian.Uint64(x[8:])
	if hi > 0 {
		return 1 << 63
	}
	return min(lo, 1<<63)
}

// byFirst returns the pools in the order of their addresses.
func byFirst(p *policy.Policy) []*policy.Pool {
	all := slices.Clone(p.Pools())
	slices.SortFunc(all, func(a, b *policy.Pool) int { return a.First.Compare(b.First) })
	return all
}

// overlaps reports whether one of the pools, which stand in the order of their addresses, shares an address with q.
func overlaps(pools []*policy.Pool, q *policy.Pool) bool {
	i, found := slices.BinarySearchFunc(pools, q.Last, func(x *policy.Pool, a netip.Addr) int { return x.First.Compare(a) })
	return found || i > 0 && q.First.Compare(pools[i-1].Last) <= 0
}

// Emptied returns the networks that have addresses for anybody now, and would have none.
func (w *WhatIf) Emptied() (names []string) {
	for _, n := range w.now.policy.Networks() {
		m := w.then.policy.NetworkNamed(n.Name)
		if m != nil && pools(n) > 0 && pools(m) == 0 {
			names = append(names, n.Name)
		}
	}
	return names
}

func pools(n *policy.Network) (count int) {
	for _, s := range n.Subnets {
		count += len(s.Pools)
	}
	return count
}
