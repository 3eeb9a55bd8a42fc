package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// dialAll keeps trying to reach a member in a protocol whenever nothing works between us, until ctx ends.
func (p *Peer) dialAll(ctx context.Context, up outlets, n *line) {
	for n.idle(ctx) {
		conn, raw, err := p.reach(ctx, n)
		if ctx.Err() != nil {
			if raw != nil {
				raw.Close()
			}
			return
		}
		n.tried(time.Now(), err)
		if err == nil {
			p.carry(ctx, up, n, conn, raw, false)
		}
		if !n.pause(ctx, p.cfg.Wait()) {
			return
		}
	}
}

// reach makes a connection to a member that has proved to be it.
func (p *Peer) reach(ctx context.Context, n *line) (conn, raw net.Conn, err error) {
	if n.protocol != ISC {
		if r := p.cfg.Keys.Report(time.Now()); r.Ended {
			return nil, nil, fmt.Errorf("not tried: %s", r.Warning)
		}
	}
	within, cancel := context.WithTimeout(ctx, p.cfg.Limits.Connect)
	defer cancel()
	n.hurry(within, func(ctx context.Context) { raw, err = p.cfg.dial(ctx, n.member.Peer) })
	if err != nil {
		return nil, nil, p.explain(n.member, err)
	}
	tune(raw)
	if n.protocol == ISC {
		return raw, raw, nil
	}
	v := &visit{peer: p, members: []Member{n.member}, remote: n.member.Peer, member: n.member.Name, protocol: n.protocol}
	t, refusal := v.dial(ctx, raw)
	if refusal != nil {
		raw.Close()
		if ctx.Err() == nil {
			p.refuse(refusal)
		}
		return nil, nil, refusal
	}
	return t, raw, nil
}

// connect makes a TCP connection from this member's own address, by which the other end tells who calls.
func (p *Peer) connect(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{KeepAliveConfig: keepAlive}
	if own := p.cfg.Listen.Addr(); !own.IsUnspecified() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(own, 0))
	}
	return d.DialContext(ctx, "tcp", to.String())
}

// tune has the kernel notice a partner that is gone. Messages are written whole, so nothing is gained by holding them back.
func tune(c net.Conn) {
	t, ok := c.(*net.TCPConn)
	if !ok {
		return
	}
	if raw, err := t.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) {
			unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(userTimeout/time.Millisecond))
		})
	}
}

// explain returns why a member cannot be reached, in words.
func (p *Peer) explain(m Member, err error) error {
	who := member(m.Name, m.Peer)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%s: nothing listens there: is its server running?", who)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s: %v, the peer of this member, is not an address of this machine, or not yet", who, p.cfg.Listen.Addr())
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT), isTimeout(err):
		return fmt.Errorf("%s: no answer: the machine or the network between is down, or a firewall is in the way", who)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return fmt.Errorf("%s: there is no way there: the machine or the network between is down", who)
	case errors.Is(err, syscall.ECONNRESET):
		return fmt.Errorf("%s: the connection was reset: it may not know %v as a member's address", who, p.cfg.Listen.Addr())
	}
	return fmt.Errorf("%s: %w", who, err)
}

func member(name binding.Member, at netip.AddrPort) string {
	return fmt.Sprintf("member %s at %v", name, at)
}
