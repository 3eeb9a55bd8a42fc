package sim

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/group"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// largestMCLT is the largest that the configuration has had.
func (w *World) largestMCLT() time.Duration {
	most := w.set.MCLT
	for _, d := range w.chain.documents {
		most = max(most, d.Group.Failover.MCLT)
	}
	return most
}

// compared reports whether both servers must know the same of the address of a place at the end.
func (w *World) compared(i int) bool {
	if !w.set.Versions {
		return w.inPool(i, 0)
	}
	return w.members[0].pools(i) && w.members[1].pools(i)
}

// oneHead sees to I6: within a while after the last fault both serve by one version, or there is a conflict that both name, and
// that ends when somebody resolves it.
func (w *World) oneHead() {
	if !w.set.Versions || w.failed != "" {
		return
	}
	if why := w.heads(); why != "" {
		w.runUntil(w.now + 10*time.Minute + 2*w.set.ReceiveTimer)
		if w.failed != "" {
			return
		}
		if why = w.heads(); why != "" {
			w.fail("I6: after the last fault, %s", why)
			return
		}
	}
	for n := 0; n < 4 && w.failed == "" && !w.isOneHead(); n++ {
		w.marks.hit(MarkRival)
		m := w.members[(int(w.set.Seed)+n)%2]
		if n == 0 {
			m.keep.resolve(w.members[int(w.set.Seed/2)%2])
		} else {
			m.keep.giveIn()
		}
		w.runUntil(w.now + 10*time.Minute)
	}
	if w.failed == "" && !w.isOneHead() {
		a, b := w.members[0].keep.machine.Status(), w.members[1].keep.machine.Status()
		w.fail("I6: the conflict is resolved, and they have no common head: %s, %s", w.stands(&a), w.stands(&b))
	}
	if w.rest(); w.unrest() == "" {
		w.drains()
	}
}

// drains sees to I15 and I8: the ledger of the clients that have something else than they would get says what a look at all of them says,
// and is empty when all of them have renewed.
func (w *World) drains() {
	w.auditStale()
	most := time.Duration(0)
	for _, d := range w.chain.documents {
		most = max(most, lifetimeOf(d))
	}
	w.runUntil(w.now + most + 20*time.Minute)
	w.rest()
	w.auditStale()
	for _, m := range w.members {
		if w.failed == "" {
			if n := m.core.Stale(); n > 0 {
				w.fail("I8: by one head, after %v, %d clients of %s have something else than it gives: %s", most, n, m.name, m.stale())
			}
		}
	}
}

// auditStale looks at everybody.
func (w *World) auditStale() {
	for _, m := range w.members {
		if w.failed != "" {
			return
		}
		m.auditStale()
	}
}

// auditStale sees to I15 on one server, unless it is going over its clients anew.
func (m *Member) auditStale() {
	if err := m.core.AuditStale(); err != nil {
		m.w.fail("I15: %s: %v", m.name, err)
	}
}

// stale names those that have something else than they would get.
func (m *Member) stale() string {
	var b strings.Builder
	for i := range addresses {
		if s := m.core.StaleCause(single(addressOf(i))); s != "" {
			x := m.bindingOf(addressOf(i))
			fmt.Fprintf(&b, "%v %v (%s, told by %s, home %s) ", addressOf(i), &x.Client, s, m.w.chain.name(version.ID(x.Version)), x.Home)
		}
	}
	return b.String()
}

func (w *World) stands(s *group.Status) string {
	c := &w.chain
	return fmt.Sprintf("head %s, tip %s, agreed %s, settled %s, rival %s, %d conflicts, trouble %q, waits %q", c.name(s.Head), c.name(s.Tip), c.name(s.Agreed), c.name(s.Settled), c.name(s.Rival),
		len(s.Conflicts), s.Trouble, s.Waits)
}

func (w *World) isOneHead() bool {
	a, b := &w.members[0].keep.machine.State, &w.members[1].keep.machine.State
	return !a.Head.IsZero() && *a == *b || a.Head == b.Head && a.Tip == a.Head && b.Tip == b.Head && a.Agreed == a.Head && b.Agreed == b.Head && a.Rival.IsZero() && b.Rival.IsZero() && !a.Head.IsZero()
}

// heads returns why the two have neither one head nor a conflict that both name; empty if they have.
func (w *World) heads() string {
	if w.isOneHead() {
		return ""
	}
	var all [2]group.Status
	for i, m := range w.members {
		all[i] = m.keep.machine.Status()
	}
	a, b := &all[0], &all[1]
	if len(a.Conflicts) > 0 && len(b.Conflicts) > 0 && a.Rival == b.Tip && b.Rival == a.Tip && len(a.Conflicts) == len(b.Conflicts) && a.Tip == a.Head && b.Tip == b.Head {
		for i := range a.Conflicts {
			if x, y := fmt.Sprint(a.Conflicts[i]), fmt.Sprint(b.Conflicts[i]); x != y {
				return fmt.Sprintf("the two name a conflict otherwise: %s and %s", x, y)
			}
		}
		return ""
	}
	if a.Trouble == group.FilesDiffer && b.Trouble == group.FilesDiffer {
		return ""
	}
	return fmt.Sprintf("west has %s, east has %s", w.stands(a), w.stands(b))
}

// isMoved reports whether a client that has an address by the records has to leave it, or may: another is kept for it, or the address
// is kept for another.
func (k *keeper) isMoved(c *Client, a netip.Addr) bool {
	for _, p := range [...]*policy.Policy{k.heads.policy, k.heads.agreedPolicy} {
		if p == nil {
			continue
		}
		x, h := reservedIn(p.Document, c), keptFor(p.Document, a)
		if x.IsValid() && x != a || !h.IsZero() && h != c.self.Hardware {
			return true
		}
	}
	return false
}

// mayBoth reports whether the address of b is kept for its client by what both members have, so that either may give it.
func (k *keeper) mayBoth(b *binding.Binding) bool {
	p := k.heads.agreedPolicy
	if p == nil {
		p = k.heads.policy
	}
	if p == nil {
		return false
	}
	h := keptFor(p.Document, b.Addr())
	return !h.IsZero() && h == b.Client.Hardware
}

// keeps reports whether the address of a place is kept for some host, which may have it from either server (RELIABILITY I4).
func (m *Member) keeps(i int) bool {
	if m.keep == nil {
		return false
	}
	for _, p := range [...]*policy.Policy{m.keep.heads.policy, m.keep.heads.agreedPolicy} {
		if p != nil && !keptFor(p.Document, addressOf(i)).IsZero() {
			return true
		}
	}
	return false
}
