package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/responder"
)

// elsewhere is the last sign that clients gave of another server: one chose it.
type elsewhere struct {
	at     time.Time
	server netip.Addr
}

// recently is how long such a sign says that the other server serves.
const recently = 30 * time.Second

// noteElsewhere keeps in mind that a client chose another server.
func (c *Core) noteElsewhere(now time.Time, p *Packet) {
	if c.answer.Drop != responder.ForAnotherServer {
		return
	}
	if v, ok := p.Msg.Option(uint16(option.CodeServerIdentifier)); ok && len(v) == 4 {
		a, _ := netip.AddrFromSlice(v)
		c.elsewhere = elsewhere{now, a}
	}
}

// PartnerDown implements Reporter.
func (n *Node) PartnerDown(ctx context.Context, r PartnerDownRequest) error {
	if err := n.isPartner(r.Partner); err != nil {
		return err
	}
	if !r.Force && n.answersOnItsPort(ctx) {
		return &RefusedError{
			Why:    fmt.Sprintf("partner-down is refused: %s accepts connections at %v, so it may be serving", n.partner.name, n.partner.address),
			Remedy: "stop it first; or --force --reason TEXT",
		}
	}
	if r.NeverServed && n.isHeadless(ctx) {
		if err := n.foundAlone(ctx); err != nil {
			return err
		}
	}
	cmd := failover.DeclareDown{NeverServed: r.NeverServed, Forced: r.Force, Reason: strings.TrimSpace(r.Reason)}
	return n.command(ctx, func() error {
		now := n.clock.now()
		if e := n.core.elsewhere; !cmd.Forced && !e.at.IsZero() && now.Sub(e.at) < recently {
			return &RefusedError{
				Why:    fmt.Sprintf("partner-down is refused: a client chose the server %v %v ago, so %s may be serving", e.server, now.Sub(e.at).Round(time.Second), n.partner.name),
				Remedy: "stop it first, and wait half a minute; or --force --reason TEXT",
			}
		}
		if err := n.core.relation.endpoint.MayDeclareDown(cmd); err != nil {
			return refusedBy(err)
		}
		n.letGo(errDeclared)
		n.handle(&Partner{cmd})
		return nil
	})
}

var errDeclared = errors.New("the operator declared the partner down")

// Maintenance implements Reporter.
func (n *Node) Maintenance(ctx context.Context, on bool) error {
	if n.partner == nil {
		return errAlone
	}
	return n.command(ctx, func() error {
		n.handle(&Partner{failover.Maintain{On: on}})
		return nil
	})
}

var errAlone = &RefusedError{Why: "this server is alone: there is no other one that would answer its clients", Remedy: "name two members under group: members"}

// isPartner returns why name is not the other server of the group.
func (n *Node) isPartner(name string) error {
	switch p := n.partner; {
	case p == nil:
		return errAlone
	case binding.Member(name) == p.self:
		return &RefusedError{Why: name + " is this server", Remedy: "name the other one: " + string(p.name)}
	case binding.Member(name) != p.name:
		return &RefusedError{Why: fmt.Sprintf("%q is not the other server of the group", name), Remedy: "it is " + string(p.name)}
	}
	return nil
}

// answersOnItsPort reports whether something accepts connections where the partner does: its process runs then, whatever
// became of the connection between the two. A firewall may let through what comes from this member's address alone, and a machine that
// lost that address can still ask from another.
func (n *Node) answersOnItsPort(ctx context.Context) bool {
	own := n.partner.peer.Addr().Addr()
	for _, from := range [...]net.Addr{net.TCPAddrFromAddrPort(netip.AddrPortFrom(own, 0)), nil} {
		d := net.Dialer{LocalAddr: from, Timeout: time.Second}
		if c, err := d.DialContext(ctx, "tcp", n.partner.address.String()); err == nil {
			c.Close()
			return true
		}
	}
	return false
}

// command has the decider carry out f, once the server knows how it stands with its partner, and waits until what came of it
// is on the disk. A refusal waits, too: for the state that it was decided on.
func (n *Node) command(ctx context.Context, f func() error) error {
	var refused error // *RefusedError, or nil
	decided := false
	durable := make(chan error, 1)
	err := n.do(ctx, func(*Effects) {
		switch {
		case n.core.headless:
			refused = &RefusedError{Why: "the group has no configuration yet, so there is no relationship to change", Remedy: n.waiting()}
			return
		case n.reopening || !n.core.joined():
			refused = errOpening
			return
		}
		refused, decided = f(), true
		n.current.waiting = append(n.current.waiting, durable)
	})
	if err != nil || refused != nil && !decided {
		return errors.Join(err, refused)
	}
	select {
	case err := <-durable:
		if err != nil {
			return err
		}
		return refused
	case <-n.ended:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

var errOpening = &RefusedError{Why: "the store is being opened anew", Remedy: "try again in a moment"}

// errDiscarded says that what was decided on a commit that failed is discarded.
var errDiscarded = errors.New("the disk failed before it was kept: when lessor status shows the store open again, see there whether it holds, else give the command again")

// refusedBy returns the endpoint's reason as an operator sees it: what stands behind the last semicolon is what to do.
func refusedBy(err error) error {
	why, remedy := err.Error(), ""
	if i := strings.LastIndex(why, "; "); i >= 0 {
		why, remedy = why[:i], why[i+2:]
	}
	return &RefusedError{Why: why, Remedy: remedy}
}
