package node

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/responder"
)

// maxReason is how long the reason of a release is at most, in octets.
const maxReason = 1024

// Release implements Steward.
func (n *Node) Release(ctx context.Context, a netip.Addr, r ReleaseRequest) error {
	if notHost(a) || !a.IsValid() {
		return refused("%v is not the IPv4 address of a client", a)
	}
	if len(r.Reason)+len(r.By) > maxReason {
		return refused("a reason has at most %d octets", maxReason)
	}
	var not error
	durable := make(chan error, 1)
	err := n.do(ctx, func(e *Effects) {
		if n.reopening {
			not = errOpening
			return
		}
		if not = n.core.giveUp(n.clock.now(), a, &r, e); not == nil {
			n.current.waiting = append(n.current.waiting, durable)
		}
	})
	if err != nil {
		return err
	}
	if not != nil {
		return not
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

// giveUp gives the address back in its client's place, as DHCPRELEASE does (RFC 2131 §4.3.4).
func (c *Core) giveUp(now time.Time, a netip.Addr, r *ReleaseRequest, out *Effects) error {
	b, known := c.table.Get(host(a))
	switch {
	case c.headless:
		return &RefusedError{Why: "the group has no configuration yet, so nobody has an address of it", Remedy: "lessor status says what this server waits for"}
	case c.failed || c.relation != nil && !c.joined():
		return errOpening
	case !known || b.State != binding.Active:
		return &RefusedError{Why: fmt.Sprintf("nobody has %v", a), Remedy: "lessor leases --state active shows who has which address"}
	case !c.answeringTerms(now).Known:
		return &RefusedError{Why: "this server does not answer clients now, so it gives up no lease either: " + c.waiting(), Remedy: "give the command to the other server, or wait until lessor status says that this one serves"}
	case !c.terms.Commit:
		return &RefusedError{Why: "there is no room on the disk", Remedy: "free space, and give it again"}
	}
	c.now = now
	c.commit++
	b.State, b.Cause, b.Owner = binding.Free, binding.ClientReleased, c.self
	b.Changed = now.Truncate(time.Second)
	b.CLTT, b.Expires = b.Changed, b.Changed
	ch := responder.Change{Binding: b}
	c.put(now, &ch, out)
	c.past.byOperator()
	c.changed(now)
	e := Event{
		Time: At(now), Kind: LeaseReleased, Level: slog.LevelInfo, Message: "an operator gave up the lease in its client's place", Address: a,
		Hardware: b.Client.Hardware.String(), ClientID: binding.FormatClientID(b.Client.ID), Reason: "operator", Expires: At(b.Expires),
	}
	switch {
	case r.By != "" && r.Reason != "":
		e.Detail = r.By + ": " + r.Reason
	default:
		e.Detail = r.By + r.Reason
	}
	c.place(&e, c.policy.SubnetOf(a))
	out.Events = append(out.Events, e)
	return nil
}
