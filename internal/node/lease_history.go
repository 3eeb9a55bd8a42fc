package node

import (
	"cmp"
	"context"
	"encoding/json"
	"net/netip"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

var _ Historian = (*Node)(nil)

// MarshalJSON writes empty lists where there is nothing, never null.
func (h LeaseHistory) MarshalJSON() ([]byte, error) {
	type plain LeaseHistory
	notNilSlice(&h.Changes)
	notNilSlice(&h.Before)
	return json.Marshal(plain(h))
}

// AddressHistory implements Historian.
func (n *Node) AddressHistory(ctx context.Context, a netip.Addr, limit int) (h LeaseHistory, err error) {
	if !a.Is4() {
		return h, refused("%v is not an IPv4 address", a)
	}
	b := a.As4()
	s := pastScan{addr: uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])}
	if err = n.walkPast(ctx, &s, &h, limit); err != nil {
		return h, err
	}
	err = n.do(ctx, func(*Effects) {
		if b, ok := n.core.table.Get(host(a)); ok {
			h.Before = n.core.before(&b, &h)
		}
	})
	return h, err
}

// ClientHistory implements Historian.
func (n *Node) ClientHistory(ctx context.Context, a netip.Addr, limit int) (h LeaseHistory, found bool, err error) {
	s := pastScan{}
	err = n.do(ctx, func(*Effects) {
		if b, ok := n.core.table.Get(host(a)); ok {
			found, s.client = true, clientNumber(&b.Client)
		}
	})
	if err != nil || !found || s.client == 0 {
		return h, found, err
	}
	if err = n.walkPast(ctx, &s, &h, limit); err != nil {
		return h, true, err
	}
	moved(h.Changes)
	err = n.do(ctx, func(*Effects) { h.Before = n.core.clientBefore(a, &h) })
	return h, true, err
}

// walkPast collects what is kept, some at a time.
func (n *Node) walkPast(ctx context.Context, s *pastScan, h *LeaseHistory, limit int) error {
	if err := n.books.recalled(ctx); err != nil {
		return err
	}
	if limit < 0 {
		return refused("a limit of %d is none: write a number from 1 on", limit)
	}
	s.limit = min(cmp.Or(limit, MaxHistory), MaxHistory)
	begun := false
	for more := true; more; {
		err := n.do(ctx, func(*Effects) {
			past := &n.core.past
			if !begun {
				past.scan(s)
				begun = true
			}
			s.rare, s.renewals = min(s.rare, past.rare.end), min(s.renewals, past.renewals.end) // something may have been discarded
			more = past.step(s)
			rare, renewals := past.since(n.started)
			h.Since, h.RenewalsSince = At(rare), At(renewals)
		})
		if err != nil {
			return err
		}
	}
	n.books.earlier.walk(s, h, At(n.started))
	h.Changes, h.More = s.found, s.more
	return nil
}

// walk goes on where what this run keeps has ended, if it keeps all since it began.
func (e *earlierRuns) walk(s *pastScan, h *LeaseHistory, began Instant) {
	e.mu.Lock()
	e.past.scan(s)
	if h.Since == began && !e.since.IsZero() {
		h.Since = At(e.since)
	}
	if h.RenewalsSince == began && !e.renewalsSince.IsZero() {
		h.RenewalsSince = At(e.renewalsSince)
	}
	h.Gaps = slices.Clone(e.gaps)
	e.mu.Unlock()
	for more := !s.more; more; {
		e.mu.Lock()
		more = e.past.step(s)
		e.mu.Unlock()
	}
}

// clientBefore is before for all bindings of the client that has or had an address.
func (c *Core) clientBefore(a netip.Addr, h *LeaseHistory) (all []LeaseChange) {
	b, ok := c.table.Get(host(a))
	if !ok {
		return nil
	}
	client := b.Client
	client.ID = slices.Clone(client.ID)
	for cur := c.table.ByClient(&client); len(all) < MaxHistory; {
		b, ok := c.table.Next(&cur)
		if !ok {
			break
		}
		of := LeaseHistory{Gaps: h.Gaps, Changes: slices.Clone(h.Changes)}
		of.Changes = slices.DeleteFunc(of.Changes, func(x LeaseChange) bool { return x.Address != b.Addr() })
		all = append(all, c.before(&b, &of)...)
	}
	slices.SortStableFunc(all, func(a, b LeaseChange) int { return b.Time.Compare(a.Time.Time) })
	return all
}

// before is what the binding itself knows of what was before the changes, which are its own, the latest first, or fell into a gap behind
// them.
func (c *Core) before(b *binding.Binding, h *LeaseHistory) (all []LeaseChange) {
	add := func(at Instant, what string, s binding.State, why string) {
		earlier := len(h.Changes) == 0 || at.Before(h.Changes[len(h.Changes)-1].Time.Time)
		if at.IsZero() || !earlier && !h.fellIntoGap(at.Time) || slices.ContainsFunc(all, func(x LeaseChange) bool { return x.Time == at && x.Happened == what }) {
			return
		}
		all = append(all, LeaseChange{Time: at, Address: b.Addr(), State: s.String(), Happened: what, Cause: why,
			Hardware: b.Client.Hardware.String(), Client: clientName(clientNumber(&b.Client))})
	}
	if b.State != binding.Active {
		add(At(b.Changed), happenedIn(b.Cause, b.State), b.State, b.Cause.String())
	}
	if !b.CLTT.Equal(b.Starts) {
		add(At(b.CLTT), "renewed", binding.Active, "last heard of its client")
	}
	add(At(b.Starts), "granted", binding.Active, "its client has had it since")
	slices.SortStableFunc(all, func(a, b LeaseChange) int { return b.Time.Compare(a.Time.Time) })
	return all
}

// fellIntoGap reports whether something that happened then, behind all changes that are known, may be missing among them.
func (h *LeaseHistory) fellIntoGap(at time.Time) bool {
	const second = time.Second // of which no parts are kept
	return at.After(h.Changes[0].Time.Add(second)) && slices.ContainsFunc(h.Gaps, func(g Gap) bool {
		return at.After(g.From.Add(-second)) && at.Before(g.To.Add(second))
	})
}
