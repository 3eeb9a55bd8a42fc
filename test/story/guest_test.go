package story

import (
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

	"github.com/insomniacslk/dhcp/dhcpv4"
	"golang.org/x/sys/unix"

	"github.com/lessor-dhcp/lessor/test/world"
)

// guests are clients of our own: each is RFC 2131's state machine with a hardware address of its own, on one of the two
// segments, and writes what it is told into a lease file as dhclient does. They do on demand what dhclient does only in time.
type guests struct {
	f    *floor
	fd   [2]int
	ifi  [2]int
	mu   sync.Mutex
	dice *rand.Rand
	all  []*guest
	// wrongs are what must not happen to anybody: a NAK, a lease that ended, another address.
	wrongs []string
}

// guest is one client.
type guest struct {
	in   *guests
	name string
	mac  net.HardwareAddr
	file string

	// Under the guests' lock.
	at      side
	asks    question
	xid     uint32
	sent    time.Time // the first transmission under xid
	next    time.Time // when it looks up again
	tries   int
	address netip.Addr // zero: it has none
	server  netip.Addr
	router  net.HardwareAddr // where the server's frames come from
	t1, t2  time.Time
	until   time.Time
	asleep  bool // no timer but that of its lease's end moves it
}

// question is why a guest speaks.
type question int

const (
	nothing question = iota
	discover
	request
	renewal
	rebinding
	reboot
)

func (q question) String() string {
	return [...]string{"nothing", "DISCOVER", "REQUEST", "renewal", "rebinding", "reboot"}[q]
}

// newGuests makes the host of the guests, with a foot on either segment, and nobody in it.
func newGuests(f *floor) *guests {
	f.t.Helper()
	host := f.Host("guests")
	g := &guests{f: f, dice: rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 5))}
	for s, dev := range []string{"w0", "e0"} {
		f.segments[s].Attach(host, dev)
		if err := host.Do(func() (err error) { g.fd[s], g.ifi[s], err = openLink(dev); return err }); err != nil {
			f.t.Fatalf("guests on %s: %v", dev, err)
		}
	}
	done, ended := make(chan struct{}), make(chan struct{}, 3)
	for _, s := range []side{west, east} {
		go func() { g.listen(s, done); ended <- struct{}{} }()
	}
	go func() { g.live(done); ended <- struct{}{} }()
	f.t.Cleanup(func() {
		close(done)
		for range 3 {
			<-ended
		}
		unix.Close(g.fd[west])
		unix.Close(g.fd[east])
	})
	return g
}

// openLink opens a socket for all frames of a device of the namespace that the thread is in.
func openLink(dev string) (fd, ifi int, err error) {
	i, err := net.InterfaceByName(dev)
	if err != nil {
		return 0, 0, err
	}
	proto := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL))
	if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(proto)); err != nil {
		return 0, 0, err
	}
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 4<<20)
	return fd, i.Index, errors.Join(
		unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &unix.PacketMreq{Ifindex: int32(i.Index), Type: unix.PACKET_MR_PROMISC}),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000}),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: proto, Ifindex: i.Index}))
}

// come makes n guests come, half of them on either segment.
func (g *guests) come(n int) {
	g.f.t.Helper()
	if err := os.MkdirAll(g.f.Path("guests"), 0o755); err != nil {
		g.f.t.Fatal(err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for range n {
		i := len(g.all)
		c := &guest{in: g, name: fmt.Sprintf("guest%d", i), mac: net.HardwareAddr{2, 0x71, 0, 0, byte(i >> 8), byte(i)}, at: side(i % 2)}
		c.file = g.f.Path("guests", c.name)
		c.ask(discover, time.Now().Add(time.Duration(g.dice.IntN(2000))*time.Millisecond))
		g.all = append(g.all, c)
	}
}

func (c *guest) Name() string     { return c.name }
func (c *guest) Hardware() string { return c.mac.String() }
func (c *guest) File() string     { return c.file }
func (c *guest) Side() side {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	return c.at
}

// move takes the guest to the other segment. It goes on with what it was doing.
func (c *guest) move(to side) {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	c.at = to
}

// do has the guest ask now.
func (c *guest) do(q question) {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	c.ask(q, time.Now())
}

// sleep keeps the guest from renewing by itself, unless its lease comes near its end; wake ends that.
func (c *guest) sleep(yes bool) {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	c.asleep = yes
}

// ask begins a conversation. The lock is held.
func (c *guest) ask(q question, when time.Time) {
	c.asks, c.xid, c.tries, c.sent, c.next = q, c.in.dice.Uint32(), 0, time.Time{}, when
}

// live moves everybody's timers.
func (g *guests) live(done <-chan struct{}) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case now := <-tick.C:
			g.mu.Lock()
			for _, c := range g.all {
				c.act(now)
			}
			g.mu.Unlock()
		}
	}
}

// act does what is due. The lock is held.
func (c *guest) act(now time.Time) {
	if c.address.IsValid() && now.After(c.until) {
		c.wrong("its lease of %v ended", c.address)
		c.forget(now)
	}
	switch {
	case c.asks == nothing && (now.After(c.t2) || now.After(c.t1) && !c.asleep):
		c.ask(renewal, now)
	case c.asks == nothing || now.Before(c.next):
		return
	}
	switch c.asks {
	case request:
		if c.tries == 3 { // the server that made the offer is gone
			c.ask(discover, now)
		}
	case renewal:
		if now.After(c.t2) {
			c.ask(rebinding, now)
		}
	case reboot:
		if c.tries == 4 { // it goes on with the lease that it has (RFC 2131 §3.2)
			c.asks = nothing
			return
		}
	}
	c.tries++
	c.next = now.Add(time.Second + time.Duration(c.in.dice.IntN(500))*time.Millisecond)
	if c.sent.IsZero() {
		c.sent = now
	}
	c.send()
}

// forget begins anew. The lock is held.
func (c *guest) forget(now time.Time) {
	c.address = netip.Addr{}
	c.ask(discover, now)
}

func (c *guest) wrong(format string, args ...any) {
	c.in.wrongs = append(c.in.wrongs, time.Now().Format("15:04:05.000 ")+c.name+" on "+c.at.String()+"'s segment: "+fmt.Sprintf(format, args...))
}

// send sends what the guest asks. The lock is held.
func (c *guest) send() {
	to, from, at := net.HardwareAddr{255, 255, 255, 255, 255, 255}, netip.AddrPortFrom(netip.IPv4Unspecified(), 68), netip.MustParseAddrPort("255.255.255.255:67")
	kind, ciaddr, options := dhcpv4.MessageTypeRequest, netip.IPv4Unspecified(), []byte(nil)
	named := func(code byte, a netip.Addr) { b := a.As4(); options = append(append(options, code, 4), b[:]...) }
	switch c.asks {
	case discover:
		kind = dhcpv4.MessageTypeDiscover
	case request:
		named(50, c.address)
		named(54, c.server)
	case reboot:
		named(50, c.address)
	case renewal:
		to, at = c.router, netip.AddrPortFrom(c.server, 67)
		fallthrough
	case rebinding:
		ciaddr = c.address
		from = netip.AddrPortFrom(ciaddr, 68)
	}
	c.in.put(c.at, world.Frame(c.mac, to, from, at, c.message(kind, ciaddr, options)))
}

// asksFor are the options that a guest wants: mask, router, servers of names, domain, vendor's own, name of a boot server.
var asksFor = []byte{55, 6, 1, 3, 6, 15, 43, 66}

func (c *guest) message(kind dhcpv4.MessageType, ciaddr netip.Addr, options []byte) []byte {
	b := make([]byte, 240, 400)
	b[0], b[1], b[2] = 1, 1, 6
	binary.BigEndian.PutUint32(b[4:], c.xid)
	binary.BigEndian.PutUint16(b[8:], uint16(time.Since(c.sent)/time.Second))
	at := ciaddr.As4()
	copy(b[12:], at[:])
	if ciaddr.IsUnspecified() {
		b[10] = 0x80 // it cannot take unicast before it has an address
	}
	copy(b[28:], c.mac)
	copy(b[236:], []byte{99, 130, 83, 99})
	b = append(b, 53, 1, byte(kind))
	b = append(append(b, 12, byte(len(c.name))), c.name...)
	b = append(append(append(b, asksFor...), options...), 255)
	return append(b, make([]byte, 300-min(300, len(b)))...)
}

// put sends a frame into a segment. One that does not fit is lost, as any may be.
func (g *guests) put(s side, frame []byte) {
	unix.Sendto(g.fd[s], frame, 0, &unix.SockaddrLinklayer{Ifindex: g.ifi[s]})
}

// listen takes what comes from a segment.
func (g *guests) listen(s side, done <-chan struct{}) {
	buf := make([]byte, 65536)
	for {
		select {
		case <-done:
			return
		default:
		}
		n, _, err := unix.Recvfrom(g.fd[s], buf, 0)
		if err != nil || n < 42 {
			continue
		}
		switch binary.BigEndian.Uint16(buf[12:]) {
		case unix.ETH_P_ARP:
			g.arp(s, buf[:n])
		case unix.ETH_P_IP:
			g.take(s, buf[:n])
		}
	}
}

// arp answers who has the address of a guest that is on that segment (RFC 826).
func (g *guests) arp(s side, f []byte) {
	target := netip.AddrFrom4([4]byte(f[38:42]))
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.all {
		if f[21] != 1 || c.at != s || c.address != target || c.until.IsZero() {
			continue
		}
		reply := make([]byte, 42)
		copy(reply, f[6:12])
		copy(reply[6:], c.mac)
		copy(reply[12:], []byte{8, 6, 0, 1, 8, 0, 6, 4, 0, 2})
		copy(reply[22:], c.mac)
		copy(reply[28:], f[38:42])
		copy(reply[32:], f[22:32])
		g.put(s, reply)
	}
}

// take gives an answer to the guest that it is for, if it is on that segment.
func (g *guests) take(s side, f []byte) {
	if f[23] != 17 || f[14]>>4 != 4 {
		return
	}
	udp := 14 + int(f[14]&15)*4
	if len(f) < udp+8+240 || binary.BigEndian.Uint16(f[udp:]) != 67 {
		return
	}
	m, err := dhcpv4.FromBytes(f[udp+8:])
	if err != nil || m.OpCode != dhcpv4.OpcodeBootReply {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.all {
		if c.at == s && c.asks != nothing && c.mac.String() == m.ClientHWAddr.String() && c.xid == binary.BigEndian.Uint32(m.TransactionID[:]) {
			c.hear(m, append(net.HardwareAddr(nil), f[6:12]...))
		}
	}
}

// hear takes an answer. The lock is held.
func (c *guest) hear(m *dhcpv4.DHCPv4, from net.HardwareAddr) {
	now := time.Now()
	address, _ := netip.AddrFromSlice(m.YourIPAddr.To4())
	server, _ := netip.AddrFromSlice(m.ServerIdentifier().To4())
	switch t := m.MessageType(); {
	case t == dhcpv4.MessageTypeOffer && c.asks == discover:
		xid := c.xid
		c.ask(request, now)
		c.xid, c.address, c.server, c.router, c.until = xid, address, server, from, now.Add(time.Hour)
	case t == dhcpv4.MessageTypeAck && c.asks != discover:
		if c.asks != request && c.address != address {
			c.wrong("%v gave it %v, and it has %v", server, address, c.address)
		}
		c.address, c.server, c.router = address, server, from
		lifetime := m.IPAddressLeaseTime(0)
		c.t1, c.t2 = c.sent.Add(m.IPAddressRenewalTime(lifetime/2)), c.sent.Add(m.IPAddressRebindingTime(lifetime*7/8))
		c.until = c.sent.Add(lifetime)
		c.asks = nothing
		c.write(m, lifetime)
	case t == dhcpv4.MessageTypeNak && c.asks == request:
		c.forget(now)
	case t == dhcpv4.MessageTypeNak && c.asks != discover:
		c.wrong("%v refuses %v to its %v", server, c.address, c.asks)
		c.forget(now)
	}
}

// write adds what the guest was told to its lease file, as dhclient does. The lock is held.
func (c *guest) write(m *dhcpv4.DHCPv4, lifetime time.Duration) {
	var b strings.Builder
	fmt.Fprintf(&b, "lease {\n  fixed-address %v;\n", c.address)
	option := func(name string, value any) { fmt.Fprintf(&b, "  option %s %v;\n", name, value) }
	option("dhcp-lease-time", int(lifetime/time.Second))
	option("dhcp-server-identifier", m.ServerIdentifier())
	if r := m.Router(); r != nil {
		option("routers", r[0])
	}
	if d := m.DomainName(); d != "" {
		option("domain-name", fmt.Sprintf("%q", d))
	}
	if s := m.TFTPServerName(); s != "" {
		option("tftp-server-name", fmt.Sprintf("%q", s))
	}
	if v := m.Options.Get(dhcpv4.OptionVendorSpecificInformation); v != nil {
		parts := make([]string, len(v))
		for i, o := range v {
			parts[i] = fmt.Sprintf("%x", o)
		}
		option("vendor-encapsulated-options", strings.Join(parts, ":"))
	}
	// With a fraction, other than dhclient: a guest may be told twice in a second.
	fmt.Fprintf(&b, "  expire 0 %s;\n}\n", time.Now().Add(lifetime).UTC().Format("2006/01/02 15:04:05.000000"))
	file, err := os.OpenFile(filepath.Clean(c.file), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = file.WriteString(b.String())
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		c.wrong("its lease file: %v", err)
	}
}

// Wrongs is what happened to guests that must not.
func (g *guests) Wrongs() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.wrongs...)
}
