package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
)

// demoPeople are the clients of the demo: each is the state machine of RFC 2131 figure 5 with a hardware address of its own, on
// one of the two segments. They write what they are told into lease files, as dhclient does.
type demoPeople struct {
	dir  string
	fd   [2]int
	dev  [2]int
	done chan struct{}
	wait sync.WaitGroup

	mu   sync.Mutex
	all  []*demoClient
	lost []string // what must not happen to a client that is served well
}

// demoClient is one of them. What is not fixed is under its people's lock.
type demoClient struct {
	name string
	mac  [6]byte

	at     demoSide
	state  demoState
	xid    uint32
	began  time.Time // the first question under xid
	next   time.Time // when it looks up again
	tries  int
	told   demoTold // the last that it was told; the zero value: nothing
	offer  demoTold
	t1, t2 time.Time
	until  time.Time
}

// demoTold is what a client was told.
type demoTold struct {
	address, server netip.Addr
	router          netip.Addr // the zero Addr: none
	from            [6]byte    // where the server's frames come from
	lease           time.Duration
	at              time.Time
}

// by is the server that told it.
func (t demoTold) by() demoSide {
	if t.server.IsValid() && t.server.As4()[3] == 3 {
		return demoEast
	}
	return demoWest
}

// demoState is what a client is about.
type demoState int

const (
	demoBound demoState = iota
	demoSelecting
	demoRequesting
	demoRenewing
	demoRebinding
	demoRebooting
)

// newDemoPeople makes n clients, half of them on either segment, which begin to ask at once.
func newDemoPeople(n int, dir string) (*demoPeople, error) {
	p := &demoPeople{dir: dir, done: make(chan struct{})}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	for _, s := range []demoSide{demoWest, demoEast} {
		err := inside(demoHomes, func() (err error) { p.fd[s], p.dev[s], err = openDemoLink(s.device()); return err })
		if err != nil {
			return nil, fmt.Errorf("the clients' end of %v's segment: %w", s, err)
		}
	}
	now := time.Now()
	for i := range n {
		c := &demoClient{name: fmt.Sprintf("client-%d", i+1), mac: [6]byte{2, 0, 0x5e, 0, byte(i >> 8), byte(i)}, at: demoSide(i % 2)}
		c.ask(demoSelecting, now.Add(time.Duration(rand.IntN(1500))*time.Millisecond))
		p.all = append(p.all, c)
	}
	for _, s := range []demoSide{demoWest, demoEast} {
		p.wait.Go(func() { p.listen(s) })
	}
	p.wait.Go(p.live)
	return p, nil
}

// openDemoLink opens a socket for all frames of a device of the namespace that the thread is in.
func openDemoLink(device string) (fd, index int, err error) {
	i, err := net.InterfaceByName(device)
	if err != nil {
		return 0, 0, err
	}
	proto := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL))
	if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(proto)); err != nil {
		return 0, 0, err
	}
	return fd, i.Index, errors.Join(
		unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &unix.PacketMreq{Ifindex: int32(i.Index), Type: unix.PACKET_MR_PROMISC}),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000}), // to notice the end
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: proto, Ifindex: i.Index}))
}

// leave ends all clients, without a word.
func (p *demoPeople) leave() {
	close(p.done)
	p.wait.Wait()
	unix.Close(p.fd[demoWest])
	unix.Close(p.fd[demoEast])
}

// some returns what each client for which keep holds is called, where it is and was told, as it is now.
func (p *demoPeople) some(keep func(c *demoClient) bool) (all []*demoClient) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.all {
		if keep(c) {
			all = append(all, c)
		}
	}
	return all
}

// of returns what a client was told last.
func (p *demoPeople) of(c *demoClient) demoTold {
	p.mu.Lock()
	defer p.mu.Unlock()
	return c.told
}

// asks has clients ask now, and waits until each has been told something, for at most t; the answer counts those who were.
func (p *demoPeople) asks(ctx context.Context, state demoState, all []*demoClient, t time.Duration) (int, error) {
	began := time.Now()
	p.mu.Lock()
	for _, c := range all {
		c.ask(state, began)
	}
	p.mu.Unlock()
	n := 0
	for n < len(all) && time.Since(began) < t {
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			return n, err
		}
		n = 0
		for _, c := range all {
			if p.of(c).at.After(began) {
				n++
			}
		}
	}
	return n, nil
}

// move takes clients to the other segment. They go on with what they were doing.
func (p *demoPeople) move(all []*demoClient, to demoSide) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range all {
		c.at = to
	}
}

// wrongs is what happened to clients that must not.
func (p *demoPeople) wrongs() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.lost...)
}

// live moves everybody's timers.
func (p *demoPeople) live() {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-p.done:
			return
		case now := <-tick.C:
			p.mu.Lock()
			for _, c := range p.all {
				p.act(c, now)
			}
			p.mu.Unlock()
		}
	}
}

// ask begins a conversation.
func (c *demoClient) ask(s demoState, when time.Time) {
	c.state, c.xid, c.tries, c.began, c.next = s, rand.Uint32(), 0, time.Time{}, when
}

// act does what is due.
func (p *demoPeople) act(c *demoClient, now time.Time) {
	if c.told.address.IsValid() && now.After(c.until) {
		p.wrong(c, "its lease of %v ended", c.told.address)
		p.forget(c, now)
	}
	if c.state == demoBound {
		if now.Before(c.t1) {
			return
		}
		c.ask(demoRenewing, now)
	}
	if now.Before(c.next) {
		return
	}
	switch {
	case c.state == demoRequesting && c.tries == 3: // the server that made the offer is gone
		c.ask(demoSelecting, now)
	case c.state == demoRenewing && now.After(c.t2):
		c.ask(demoRebinding, now)
	case c.state == demoRebooting && c.tries == 4: // the lease is still good, and may be used (RFC 2131 §3.2)
		c.state = demoBound
		return
	}
	if c.began.IsZero() {
		c.began = now
	}
	c.tries++
	c.next = now.Add(time.Second + time.Duration(rand.IntN(500))*time.Millisecond)
	p.put(c.at, c.frame(now))
}

// forget has a client begin anew.
func (p *demoPeople) forget(c *demoClient, now time.Time) {
	c.told = demoTold{}
	c.ask(demoSelecting, now)
}

func (p *demoPeople) wrong(c *demoClient, format string, args ...any) {
	if len(p.lost) < 100 {
		p.lost = append(p.lost, fmt.Sprintf("%s on %v's segment: ", c.name, c.at)+fmt.Sprintf(format, args...))
	}
}

// put sends a frame into a segment. One that does not fit is lost, as any may be.
func (p *demoPeople) put(s demoSide, frame []byte) {
	unix.Sendto(p.fd[s], frame, 0, &unix.SockaddrLinklayer{Ifindex: p.dev[s]})
}

// listen takes what comes from a segment, until the end.
func (p *demoPeople) listen(s demoSide) {
	buf := make([]byte, 65536)
	var m dhcpv4.Message
	for {
		select {
		case <-p.done:
			return
		default:
		}
		n, _, err := unix.Recvfrom(p.fd[s], buf, 0)
		if err != nil || n < 42 {
			continue
		}
		switch f := buf[:n]; binary.BigEndian.Uint16(f[12:]) {
		case unix.ETH_P_ARP:
			p.arp(s, f)
		case unix.ETH_P_IP:
			if udp := 14 + int(f[14]&15)*4; f[23] == 17 && n > udp+8 && binary.BigEndian.Uint16(f[udp:]) == 67 && m.Parse(f[udp+8:]) == nil {
				p.take(s, &m, [6]byte(f[6:12]))
			}
		}
	}
}

// arp answers who has the address of a client that is on that segment (RFC 826).
func (p *demoPeople) arp(s demoSide, f []byte) {
	target := netip.AddrFrom4([4]byte(f[38:42]))
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.all {
		if f[21] == 1 && c.at == s && c.told.address == target {
			r := append(append([]byte(nil), f[6:12]...), c.mac[:]...)
			r = append(r, 8, 6, 0, 1, 8, 0, 6, 4, 0, 2)
			r = append(append(r, c.mac[:]...), f[38:42]...)
			p.put(s, append(r, f[22:32]...))
		}
	}
}

// take gives an answer to the client that it is for, if it is on that segment.
func (p *demoPeople) take(s demoSide, m *dhcpv4.Message, from [6]byte) {
	if m.Op != dhcpv4.BootReply {
		return
	}
	mac := m.CHAddr()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.all {
		if c.at == s && c.state != demoBound && c.xid == m.XID && c.mac == [6]byte(mac[:6]) {
			p.hear(c, m, from)
		}
	}
}

// hear takes an answer.
func (p *demoPeople) hear(c *demoClient, m *dhcpv4.Message, from [6]byte) {
	now := time.Now()
	t := demoTold{address: m.YIAddr, server: demoAddress(m, 54), router: demoAddress(m, 3), from: from, at: now}
	if b, ok := m.Option(51); ok && len(b) == 4 {
		t.lease = time.Duration(binary.BigEndian.Uint32(b)) * time.Second
	}
	switch {
	case m.Type() == dhcpv4.Offer && c.state == demoSelecting:
		xid := c.xid
		c.ask(demoRequesting, now)
		c.xid, c.offer = xid, t
	case m.Type() == dhcpv4.Ack && c.state != demoSelecting:
		if c.told.address.IsValid() && c.told.address != t.address {
			p.wrong(c, "it had %v, and %v gives it %v", c.told.address, t.by(), t.address)
		}
		c.told, c.state = t, demoBound
		c.t1, c.t2, c.until = c.began.Add(t.lease/2), c.began.Add(t.lease*7/8), c.began.Add(t.lease)
		if b, ok := m.Option(58); ok && len(b) == 4 {
			c.t1 = c.began.Add(time.Duration(binary.BigEndian.Uint32(b)) * time.Second)
		}
		// Not all at the same moment (RFC 2131 §4.4.5).
		c.t1 = c.t1.Add(-time.Duration(rand.Float64() * 0.4 * float64(c.t1.Sub(c.began))))
		p.write(c)
	case m.Type() == dhcpv4.Nak && c.state != demoSelecting:
		if c.state != demoRequesting {
			p.wrong(c, "it is told no about %v", c.told.address)
		}
		p.forget(c, now)
	}
}

// demoAddress is the first address of an option; the zero Addr: there is none.
func demoAddress(m *dhcpv4.Message, code uint16) netip.Addr {
	if b, ok := m.Option(code); ok && len(b) >= 4 {
		return netip.AddrFrom4([4]byte(b[:4]))
	}
	return netip.Addr{}
}

// write adds what a client was told to its lease file.
func (p *demoPeople) write(c *demoClient) {
	var b strings.Builder
	fmt.Fprintf(&b, "lease {\n  fixed-address %v;\n  option dhcp-server-identifier %v;\n", c.told.address, c.told.server)
	if c.told.router.IsValid() {
		fmt.Fprintf(&b, "  option routers %v;\n", c.told.router)
	}
	fmt.Fprintf(&b, "  option dhcp-lease-time %d;\n  expire 0 %s;\n}\n", int(c.told.lease/time.Second), c.until.UTC().Format("2006/01/02 15:04:05"))
	f, err := os.OpenFile(filepath.Join(p.dir, c.name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = f.WriteString(b.String())
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		p.wrong(c, "its lease file: %v", err)
	}
}

// frame is what a client says now, as an Ethernet frame.
func (c *demoClient) frame(now time.Time) []byte {
	to, from, at := [6]byte{255, 255, 255, 255, 255, 255}, netip.IPv4Unspecified(), netip.AddrFrom4([4]byte{255, 255, 255, 255})
	kind, options := dhcpv4.Request, []byte(nil)
	named := func(code byte, a netip.Addr) { b := a.As4(); options = append(append(options, code, 4), b[:]...) }
	switch c.state {
	case demoSelecting:
		kind = dhcpv4.Discover
	case demoRequesting:
		named(50, c.offer.address)
		named(54, c.offer.server)
	case demoRebooting:
		named(50, c.told.address)
	case demoRenewing:
		to, at, from = c.told.from, c.told.server, c.told.address
	case demoRebinding:
		from = c.told.address
	}
	m := c.message(kind, from, uint16(now.Sub(c.began)/time.Second), options)
	source, target := from.As4(), at.As4()
	ip := []byte{0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0}
	ip = append(append(ip, source[:]...), target[:]...)
	binary.BigEndian.PutUint16(ip[2:], uint16(28+len(m)))
	var sum uint32
	for i := 0; i < len(ip); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(ip[i:]))
	}
	sum = sum&0xffff + sum>>16
	binary.BigEndian.PutUint16(ip[10:], ^uint16(sum+sum>>16))
	f := append(append(append([]byte(nil), to[:]...), c.mac[:]...), 8, 0)
	f = append(append(f, ip...), 0, 68, 0, 67)
	f = binary.BigEndian.AppendUint16(f, uint16(8+len(m)))
	return append(append(f, 0, 0), m...) // without a checksum, which IPv4 permits
}

// message is what stands in the datagram.
func (c *demoClient) message(kind dhcpv4.MessageType, ciaddr netip.Addr, secs uint16, options []byte) []byte {
	b := make([]byte, 240, 400)
	b[0], b[1], b[2] = 1, 1, 6
	binary.BigEndian.PutUint32(b[4:], c.xid)
	binary.BigEndian.PutUint16(b[8:], secs)
	if ciaddr.IsUnspecified() {
		b[10] = 0x80 // it cannot take unicast before it has an address
	} else {
		a := ciaddr.As4()
		copy(b[12:], a[:])
	}
	copy(b[28:], c.mac[:])
	copy(b[236:], []byte{99, 130, 83, 99})
	b = append(b, 53, 1, byte(kind), 55, 4, 1, 3, 6, 15, 12, byte(len(c.name)))
	b = append(append(append(b, c.name...), options...), 255)
	return append(b, make([]byte, dhcpv4.MinSize-min(dhcpv4.MinSize, len(b)))...)
}
