package peer

import (
	"context"
	"io"
	"net"
	"time"
)

// acceptAll lets connections in until ctx ends.
func (p *Peer) acceptAll(ctx context.Context, up outlets) error {
	var pause time.Duration
	for {
		c, err := p.listener.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				abort(c)
			}
			return nil
		case err != nil:
			// As when the process has no descriptor left: the next one may come, and trying at once would only burn time.
			says := "connections cannot be accepted: " + err.Error()
			p.trouble.Store(&says)
			pause = min(max(2*pause, 10*time.Millisecond), time.Second)
			if !sleep(ctx, pause) {
				return nil
			}
			continue
		}
		pause = 0
		p.trouble.Store(nil)
		p.accepted.Add(1)
		p.admit(ctx, up, c)
	}
}

// sleep returns after d; false if ctx ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// admit turns away, before anything of it is read, a connection that no member can have made or that is one too many.
func (p *Peer) admit(ctx context.Context, up outlets, c net.Conn) {
	remote := addrOf(c.RemoteAddr())
	members := p.at[remote.Addr()]
	if len(members) == 0 {
		p.refuse(&Refusal{Reason: Stranger, Remote: remote, Inbound: true})
		abort(c)
		return
	}
	if reason, ok := p.gate.enter(remote.Addr(), time.Now()); !ok {
		r := &Refusal{Reason: reason, Remote: remote, Inbound: true}
		if len(members) == 1 {
			r.Member = members[0].Name
		}
		p.refuse(r)
		abort(c)
		return
	}
	tune(c)
	p.running.Go(func() { p.greet(ctx, up, c, members) })
}

// greet finds out who made a connection, and carries it.
func (p *Peer) greet(ctx context.Context, up outlets, c net.Conn, members []Member) {
	defer c.Close()
	remote := addrOf(c.RemoteAddr())
	if members[0].ISC {
		p.gate.leave(remote.Addr())
		p.carry(ctx, up, p.lineOf(members[0].Name, ISC), c, c, true)
		return
	}
	v := &visit{peer: p, members: members, remote: remote, inbound: true}
	conn, err := v.serve(ctx, c)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		p.refuse(err)
		if v.verdict == nil {
			abort(c)
		}
		part(ctx, c)
	}
	p.gate.leave(remote.Addr())
	if conn != nil && err == nil {
		p.carry(ctx, up, p.lineOf(v.member, v.protocol), conn, c, true)
	}
}

// parting is how long a refused member has to hear why, before it is cut off.
const parting = time.Second

// part closes a connection so that the other end gets what was said last: octets of its own that nobody reads would
// have the kernel reset the connection, and what was said would be lost.
func part(ctx context.Context, c net.Conn) {
	h, ok := c.(interface{ CloseWrite() error })
	if !ok || h.CloseWrite() != nil {
		return
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	c.SetReadDeadline(time.Now().Add(parting))
	io.CopyN(io.Discard, c, 64<<10)
}
