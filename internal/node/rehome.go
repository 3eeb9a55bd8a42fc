package node

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/responder"
)

// Rehome implements Comparer.
func (n *Node) Rehome(ctx context.Context, a netip.Addr, to binding.Member) error {
	var refused error
	durable := make(chan error, 1)
	err := n.do(ctx, func(e *Effects) {
		if n.reopening {
			refused = errOpening
			return
		}
		if refused = n.core.rehome(n.clock.now(), a, to, e); refused == nil {
			n.current.waiting = append(n.current.waiting, durable)
		}
	})
	if err != nil || refused != nil {
		if err == nil {
			err = refused
		}
		return err
	}
	select {
	case err := <-durable:
		return err
	case <-n.ended:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

// rehome gives the client that has a another home. What it has stays; what it is told when it asks next is its new home's.
func (c *Core) rehome(now time.Time, a netip.Addr, to binding.Member, out *Effects) error {
	b, known := c.table.Get(host(a))
	switch {
	case c.failed || c.relation != nil && !c.joined():
		return errOpening
	case to == "" || c.policy.HomeOf(&binding.Binding{Home: to}, c.self) != to:
		return &RefusedError{Why: fmt.Sprintf("%q is no member of the group", to), Remedy: "members are " + c.memberNames()}
	case !known || b.State != binding.Active:
		return &RefusedError{Why: fmt.Sprintf("nobody has %v", a), Remedy: "lessor leases --state active shows who has which address"}
	case !c.terms.Commit:
		return &RefusedError{Why: "there is no room on the disk", Remedy: "free space, and give it again"}
	case b.Home == to:
		return nil
	}
	c.now = now
	c.commit++
	b.Home = to
	ch := responder.Change{Binding: b, Due: b.Due(c.guard)}
	c.put(now, &ch, out)
	c.rejudge(now, &ch.Binding) // by another home it may be told something else
	c.changed(now)
	return nil
}

// memberNames lists those who may be a home.
func (c *Core) memberNames() string {
	names := []string{string(c.self)}
	for _, m := range c.policy.Document.Group.Members {
		if m.Name != c.self {
			names = append(names, string(m.Name))
		}
	}
	return strings.Join(names, " and ")
}
