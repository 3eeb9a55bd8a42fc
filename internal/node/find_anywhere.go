package node

import (
	"context"
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// There are two ways through the bindings. In the order of addresses each costs several looks into far memory, and a page is full as soon
// as enough are found: right where many are meant. In the table's own order each costs a tenth, but all have to be seen before the first is
// known: right where few are.
const (
	// spell is how long is looked between two batches of packets.
	spell = 300 * time.Microsecond
	// skimStride is how many bindings are passed over before the clock is looked at.
	skimStride = 128
	// looksAtFirst is how many are looked at in order before it is judged whether many or few are meant.
	looksAtFirst = 8192
	// cheaper is how many are passed over in the table's own order in the time that one is looked at in order.
	cheaper = 8
	// maxGathered is how many addresses are kept until they are shown in order.
	maxGathered = 1 << 14
)

// find shows what f means, by the way that costs less.
func (n *Node) find(ctx context.Context, f *finding, each func(FoundLease) error) error {
	more, err := n.findInOrder(ctx, f, f.atFirst, each)
	for more && err == nil {
		few := false
		if err = n.do(ctx, func(*Effects) { few = f.few(n.core.table.Len()) }); err != nil {
			return err
		}
		if !few {
			_, err = n.findInOrder(ctx, f, -1, each)
			return err
		}
		if more, err = n.findAnywhere(ctx, f, each); more && f.left < 0 { // more than was thought
			_, err = n.findInOrder(ctx, f, -1, each)
			return err
		}
	}
	return err
}

// few reports whether so few of the bindings are meant, as far as is known, that all are better looked at in the table's own order.
func (f *finding) few(all int) bool {
	if !f.selective() || between(f.next, f.last) < uint64(all/cheaper) {
		return false
	}
	if f.left < 0 {
		return f.found*all < f.room*f.looked
	}
	return f.left <= f.room && f.left*f.looked > f.found*(all/cheaper)
}

// selective reports whether more is asked for than from where to where.
func (f *finding) selective() bool {
	return f.search.text != "" || !f.query.Client.IsZero() || f.query.State != 0
}

// between returns how many addresses there are from a to b.
func between(a, b netip.Addr) uint64 {
	if b.Less(a) {
		return 0
	}
	return uint64(addrNumber(b)-addrNumber(a)) + 1
}

func addrNumber(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

// doSome has the decider call step until that says false, or for as long as packets may wait for it.
func (n *Node) doSome(ctx context.Context, step func() bool) (more bool, err error) {
	err = n.do(ctx, func(*Effects) {
		until := time.Now().Add(spell)
		for more = true; more && time.Now().Before(until); {
			more = step()
		}
	})
	return more, err
}

// findInOrder looks at bindings that may be meant, one after the other, at no more than about most where that is not negative; false if
// none are left.
func (n *Node) findInOrder(ctx context.Context, f *finding, most int, each func(FoundLease) error) (more bool, err error) {
	for more = true; more && (most < 0 || f.looked < most); {
		f.rows = f.rows[:0]
		if more, err = n.doSome(ctx, func() bool { return f.step(n.core) }); err == nil {
			err = f.show(each)
		}
		if err != nil {
			return false, err
		}
	}
	return more, nil
}

// findAnywhere shows the next bindings that are meant, as many as are to be shown or can be kept at once; false if there were no more.
func (n *Node) findAnywhere(ctx context.Context, f *finding, each func(FoundLease) error) (more bool, err error) {
	g, err := n.gather(ctx, f)
	if err != nil {
		return false, err
	}
	for all := g.least; len(all) > 0 && f.left != 0; {
		f.rows = f.rows[:0]
		_, err := n.doSome(ctx, func() bool {
			some := all[:min(findStride, len(all))]
			for _, a := range some {
				if b, ok := n.core.table.Get(host(addrOf(a))); ok && f.left != 0 {
					f.look(n.core, &b)
				}
			}
			all = all[len(some):]
			return len(all) > 0 && f.left != 0
		})
		if err == nil {
			err = f.show(each)
		}
		if err != nil {
			return false, err
		}
	}
	if !g.over || f.left == 0 {
		return false, nil
	}
	f.next = addrOf(g.least[len(g.least)-1]).Next() // there is one beyond it
	return true, nil
}

func addrOf(a uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], a)
	return netip.AddrFrom4(b)
}

// gather looks at all bindings for the least addresses of those that are meant.
func (n *Node) gather(ctx context.Context, f *finding) (*gathering, error) {
	g := newGathering(f)
	var table *binding.Table
	for next, done := uint64(0), false; !done; {
		_, err := n.doSome(ctx, func() bool {
			if table != n.core.table { // none yet, or one that was read anew and has an order of its own
				table, next = n.core.table, 0
			}
			next, done = table.Skim(next, skimStride, g.worth, func(b *binding.Binding) {
				if f.means(n.core, b) {
					g.least = append(g.least, addrNumber(b.Addr()))
				}
			})
			return !done && len(g.least) < 2*g.most
		})
		if err != nil {
			return nil, err
		}
		if done || len(g.least) >= 2*g.most {
			g.cut()
		}
	}
	return g, nil
}

// gathering is the least addresses of bindings that are meant.
type gathering struct {
	least []uint32
	most  int
	over  bool // there are more

	gist        gist
	first, last uint32 // no address below, and none beyond
	begins      netip.Prefix
	state       binding.State
	// shared remembers of what many have in common whether it may have in it what is searched for.
	shared [1 << 9]struct {
		blob  *binding.Blob
		maybe bool
	}
}

func newGathering(f *finding) *gathering {
	g := &gathering{most: f.room, first: addrNumber(f.next), last: addrNumber(f.last), state: f.query.State, begins: f.search.begins}
	if f.left > 0 {
		g.most = min(f.left, f.room)
	}
	switch {
	case f.search.text != "":
		g.gist = gistOf(&f.search)
	case !f.query.Client.IsZero():
		g.gist = gistOfClient(&f.query.Client)
	default:
		g.gist.all = true
	}
	return g
}

// worth reports whether a binding may be meant.
func (g *gathering) worth(s *binding.Sketch) bool {
	switch {
	case s.Addr < g.first || s.Addr > g.last || g.state != 0 && g.state != s.State:
		return false
	case g.begins.IsValid() && g.begins.Contains(addrOf(s.Addr)), g.gist.maybe(s.Octets):
		return true
	case s.Shared == nil:
		return false
	}
	known := &g.shared[s.SharedNumber%uint32(len(g.shared))]
	if known.blob != s.Shared {
		known.blob, known.maybe = s.Shared, g.gist.maybe(s.Shared.Bytes)
	}
	return known.maybe
}

// cut puts the addresses in order, each once, and forgets those for which there is no room.
func (g *gathering) cut() {
	slices.Sort(g.least)
	g.least = slices.Compact(g.least) // one that came back while the walk went on
	if len(g.least) > g.most {
		g.least, g.over = g.least[:g.most], true
		g.last = g.least[g.most-1]
	}
}
