package pool

import (
	"slices"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/slab"
)

// side says whose a free address is. On a server alone all are mine.
type side uint8

const (
	mine   side = iota // this server gives it away
	theirs             // it does not
	sides
)

// shares is who owns what is free.
type shares struct {
	self, other binding.Member // other is empty on a server alone
	primary     bool
	given       []Range // as given to Share

	owners owners
	// unused are the addresses, inside and outside of the pools, that are theirs as long as nobody ever used them:
	// joined. All the others are mine.
	unused []run
	// Memory for the next call of Share.
	next, differ, taken []run
}

// maxKept is how many runs what is only memory for the next call may have room for.
const maxKept = 4096

// Share says that self, which is this server, and other share the pools from now on. Of the addresses that nobody ever
// used the secondary owns these runs, which are ascending and apart, and the primary the rest; one with a Free binding
// belongs to the binding's Owner, or to nobody that this server could know: then it is not its own. Without an other
// the server is alone, and everything is its own. It costs nothing that depends on the pools when nothing changed, and
// where runs changed only what is taken within the difference.
func (p *Pools) Share(self, other binding.Member, primary bool, secondary []Range) {
	if other == "" {
		primary, secondary = true, nil
	}
	named := self == p.self && other == p.other
	if named && primary == p.primary && slices.Equal(secondary, p.given) {
		return
	}
	p.self, p.other, p.primary = self, other, primary
	p.given = append(p.given[:0], secondary...)
	p.shareUnused()
	if !named {
		p.shareUsed()
	}
}

// shareUnused makes p.unused what p.given says, and moves what changes sides.
func (p *Pools) shareUnused() {
	runs := p.taken[:0]
	for _, r := range p.given {
		if r.First.IsValid() && r.First.BitLen() == r.Last.BitLen() && !r.Last.Less(r.First) {
			runs = append(runs, run{keyOf(r.First), keyOf(r.Last)})
		}
	}
	runs = joined(runs)
	p.taken = runs[:0]
	p.next = p.next[:0]
	if p.primary {
		p.next = append(p.next, runs...)
	} else {
		p.next = others(p.next, runs)
	}
	p.move(p.next, p.unused, theirs)
	p.move(p.unused, p.next, mine)
	p.unused, p.next = p.next, p.unused
	if cap(p.taken) > maxKept {
		p.taken = nil
	}
}

// move gives what is in now and not in until to a side, of what nobody ever used.
func (p *Pools) move(now, until []run, to side) {
	p.differ = except(p.differ[:0], now, until)
	for _, r := range p.differ {
		p.moveRun(r, to)
	}
}

// moveRun gives to a side what nobody ever used of r, which is the other's.
func (p *Pools) moveRun(r run, to side) {
	from := mine + theirs - to
	p.taken = p.closed[from].parts(p.taken[:0], r)
	p.moveCounts(r, to)
	p.closed[from].addRun(r)
	p.closed[to].removeRun(r)
	for _, t := range p.taken {
		p.closed[to].addRun(t)
	}
}

// moveCounts is moveRun for the counts of the pools; p.taken is what is taken of r.
func (p *Pools) moveCounts(r run, to side) {
	taken := p.taken
	for i := max(upTo(p.firsts, r.first), 0); i < len(p.ids); i++ {
		q := &p.pools[p.ids[i]]
		if r.last.Less(q.first) {
			return
		}
		part, ok := r.within(q.run())
		if !ok {
			continue
		}
		n := part.size()
		for len(taken) > 0 && taken[0].last.Less(part.first) {
			taken = taken[1:]
		}
		for _, t := range taken {
			if used, ok := t.within(part); ok {
				n = n.Minus(used.size())
			} else {
				break
			}
		}
		if to == theirs {
			q.theirs = sum(q.theirs, n)
		} else {
			q.theirs = q.theirs.Minus(n)
		}
	}
}

// upTo returns the index of the greatest of the ascending keys that is not above k, or -1.
func upTo(keys []slab.Key, k slab.Key) int {
	i, found := slices.BinarySearchFunc(keys, k, compare)
	if found {
		return i
	}
	return i - 1
}

// shareUsed puts what is free again into the queue of its owner, behind what is free there since the same second.
func (p *Pools) shareUsed() {
	var moving []uint32
	var side [256]side // by the number of the owner
	for i, name := range p.owners.names {
		side[i+1] = p.ownedBy(name)
	}
	for id := range p.pools {
		q := &p.pools[id]
		for from := mine; from < sides; from++ {
			moving = moving[:0]
			q.queue[from].Each(func(i uint32) {
				n := p.nodes.At(i)
				s := side[n.owner]
				if n.owner == 0 {
					s = p.usedBy(n.key)
				}
				if s != from {
					moving = append(moving, i)
				}
			})
			for _, i := range moving {
				n := p.nodes.At(i)
				q.queue[from].Remove(n.since, i)
				n.side = mine + theirs - from
				q.queue[n.side].Add(n.since, i)
			}
		}
	}
}

// sideOf returns the side that is owner's; false if owner is neither of the two.
func (p *Pools) sideOf(owner binding.Member) (side, bool) {
	switch {
	case owner == p.self:
		return mine, true
	case p.other != "" && owner == p.other:
		return theirs, true
	}
	return 0, false
}

// unusedBy returns whose k is, or would be if nobody had ever used it.
func (p *shares) unusedBy(k slab.Key) side {
	if len(p.unused) > 0 && among(p.unused, k) {
		return theirs
	}
	return mine
}

// usedBy returns whose k is, which has a Free binding.
func (p *Pools) usedBy(k slab.Key) side {
	if p.other == "" {
		return mine
	}
	b, _ := p.bindings.Get(single(addrOf(k)))
	return p.ownedBy(b.Owner)
}

// ownedBy returns whose an address is that has a Free binding of that owner.
func (p *shares) ownedBy(owner binding.Member) side {
	if p.other == "" || owner == p.self {
		return mine
	}
	return theirs
}

// owners numbers the first few names from 1 on, so that a load that reads all bindings spares Share reading them again.
type owners struct{ names []binding.Member }

// number returns the number of a name, 0 if there is no room for it.
func (o *owners) number(name binding.Member) uint8 {
	i := slices.Index(o.names, name)
	if i < 0 && len(o.names) < 255 {
		o.names = append(o.names, name)
		i = len(o.names) - 1
	}
	return uint8(i + 1)
}

func (p *shares) memory() int64 {
	const perRun, perRange = 32, 48
	runs := cap(p.unused) + cap(p.next) + cap(p.differ) + cap(p.taken)
	return int64(runs)*perRun + int64(cap(p.given))*perRange
}
