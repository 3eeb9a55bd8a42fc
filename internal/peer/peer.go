package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Peer is this member's end of all connections to the others.
type Peer struct {
	cfg      Config
	listener net.Listener
	lines    []*line
	at       map[netip.Addr][]Member // whom an address may be of
	gate     *gate
	refused  refused
	accepted atomic.Uint64
	trouble  atomic.Pointer[string]
	running  sync.WaitGroup // everything that Run started
}

// Listen opens the port of this member. Nothing is accepted before Run. The address need not be on the machine yet. An
// error says what to change.
func Listen(cfg Config) (*Peer, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	p := &Peer{cfg: cfg, at: map[netip.Addr][]Member{}}
	p.gate = newGate(&p.cfg.Limits)
	for _, m := range cfg.Members {
		a := m.Peer.Addr().Unmap()
		p.at[a] = append(p.at[a], m)
		if m.ISC {
			p.lines = append(p.lines, newLine(m, ISC))
			continue
		}
		for _, protocol := range p.cfg.Protocols {
			p.lines = append(p.lines, newLine(m, protocol))
		}
	}
	if p.cfg.listen == nil {
		p.cfg.listen = p.open
	}
	if p.cfg.dial == nil {
		p.cfg.dial = p.connect
	}
	listener, err := p.cfg.listen()
	if err != nil {
		return nil, err
	}
	p.listener = listener
	return p, nil
}

// open listens on the member's address, also before the machine has it, as when it starts.
func (p *Peer) open() (net.Listener, error) {
	lc := net.ListenConfig{KeepAliveConfig: keepAlive, Control: func(network, _ string, c syscall.RawConn) error {
		var err error
		caught := c.Control(func(fd uintptr) {
			if network == "tcp6" {
				err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_FREEBIND, 1)
			} else {
				err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_FREEBIND, 1)
			}
		})
		return errors.Join(caught, err)
	}}
	l, err := lc.Listen(context.Background(), "tcp", p.cfg.Listen.String())
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("port %d of %v, where the other members reach this one, is in use: another DHCP server of this machine may speak failover there (ss -ltnp 'sport = %d'): stop it, or write another port at peer", p.cfg.Listen.Port(), p.cfg.Listen.Addr(), p.cfg.Listen.Port())
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("port %d of %v, where the other members reach this one, needs the capability CAP_NET_BIND_SERVICE, or a port above 1023 at peer", p.cfg.Listen.Port(), p.cfg.Listen.Addr())
	case err != nil:
		return nil, fmt.Errorf("listening for the other members on %v: %w", p.cfg.Listen, err)
	}
	return l, nil
}

// keepAlive ends connections whose other end is gone, also where nobody times their messages.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3}

// userTimeout is after how long unacknowledged octets end a connection (TCP_USER_TIMEOUT).
const userTimeout = 20 * time.Second

// Addr returns where the port is.
func (p *Peer) Addr() netip.AddrPort { return addrOf(p.listener.Addr()) }

// Close closes the port of a Peer that is not run.
func (p *Peer) Close() error { return p.listener.Close() }

// Run accepts and makes connections, and hands their events up, until ctx ends; then it closes them all, and returns
// nil when everything it started is done. Events of links in the protocol Group go to group, all others to up, so that a
// reader of the one who takes his time does not hold up the other; group may be nil where Config.Protocols leaves Group out. Run
// waits for whoever reads, and no more once ctx has ended. It is called once.
func (p *Peer) Run(ctx context.Context, up, group chan<- Event) error {
	defer p.listener.Close()
	if group == nil && slices.ContainsFunc(p.lines, func(n *line) bool { return n.protocol == Group }) {
		return fmt.Errorf("nobody takes what comes in %v", Group)
	}
	out := outlets{up, group}
	ctx, cancel := context.WithCancel(ctx)
	defer p.running.Wait()
	defer cancel()
	context.AfterFunc(ctx, func() { p.listener.Close() })
	for _, n := range p.lines {
		p.running.Go(func() { p.dialAll(ctx, out, n) })
	}
	return p.acceptAll(ctx, out)
}

// Snapshot returns the state of everything.
func (p *Peer) Snapshot() Status {
	s := Status{Listen: p.Addr(), Refused: p.refused.snapshot(), Accepted: p.accepted.Load(), HasKeys: p.cfg.Keys != nil}
	for _, n := range p.lines {
		s.Lines = append(s.Lines, n.snapshot())
	}
	p.gate.mu.Lock()
	s.Unknown = p.gate.unknown
	p.gate.mu.Unlock()
	if t := p.trouble.Load(); t != nil {
		s.Trouble = *t
	}
	if s.HasKeys {
		s.Keys = p.cfg.Keys.Report(time.Now())
	}
	return s
}

// refuse counts a refusal.
func (p *Peer) refuse(r *Refusal) { p.refused.count(r) }

// lineOf returns the connections to a member in a protocol; nil if there is no such.
func (p *Peer) lineOf(name binding.Member, protocol Protocol) *line {
	for _, n := range p.lines {
		if n.member.Name == name && n.protocol == protocol {
			return n
		}
	}
	return nil
}

// carry makes a link of a connection to a member that is known, and returns when it is down.
func (p *Peer) carry(ctx context.Context, up outlets, n *line, conn, raw net.Conn, inbound bool) {
	l := &Link{member: n.member.Name, protocol: n.protocol, inbound: inbound, remote: addrOf(raw.RemoteAddr()), since: time.Now(),
		limits: &p.cfg.Limits, conn: conn, raw: raw, closing: make(chan struct{}), queue: newQueue()}
	if !n.add(l, p.cfg.Limits.Links) {
		raw.Close()
		p.refuse(l.refusal(TooManyLinks, n.protocol.String()))
		return
	}
	if group := p.lineOf(n.member.Name, Group); group != nil && n.protocol == Failover4 && !inbound {
		notify(group.reached) // what is said there waits for what is said on that (node)
	}
	cause := l.run(ctx, up.of(n.protocol), n.change)
	n.remove(l)
	var r *Refusal
	if errors.As(cause, &r) {
		p.refuse(r)
	}
	deliver(ctx, up.of(n.protocol), Down{l, cause})
}

func addrOf(a net.Addr) netip.AddrPort {
	t, ok := a.(interface{ AddrPort() netip.AddrPort })
	if !ok {
		return netip.AddrPort{}
	}
	ap := t.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// abort closes a connection without keeping anything of it, not even what TCP would.
func abort(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		t.SetLinger(0)
	}
	c.Close()
}
