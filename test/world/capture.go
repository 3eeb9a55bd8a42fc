package world

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"golang.org/x/sys/unix"
)

// Packet is one DHCP message on the wire.
type Packet struct {
	At time.Time
	// Out says that the host on which the capture sits sent it.
	Out                 bool
	SourceMAC, DestMAC  net.HardwareAddr
	Source, Destination netip.AddrPort
	// Message is the payload, as a library that is not ours reads it.
	Message *dhcpv4.DHCPv4
	Payload []byte
}

// Is reports whether the packet is a DHCP message of that type.
func (p Packet) Is(t dhcpv4.MessageType) bool { return p.Message.MessageType() == t }

// Unicast reports whether the packet was sent to one IP address.
func (p Packet) Unicast() bool {
	return p.Destination.Addr() != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// From reports whether the client of the message has that hardware address.
func (p Packet) From(mac net.HardwareAddr) bool {
	return p.Message.ClientHWAddr.String() == mac.String()
}

// String tells the packet in one line.
func (p Packet) String() string {
	dir := "in "
	if p.Out {
		dir = "out"
	}
	m := p.Message
	s := fmt.Sprintf("%s %s %s > %s (%v) %v xid %v ciaddr %v yiaddr %v giaddr %v", p.At.Format("15:04:05.000"), dir,
		p.Source, p.Destination, p.DestMAC, m.MessageType(), m.TransactionID, m.ClientIPAddr, m.YourIPAddr, m.GatewayIPAddr)
	if a := m.RequestedIPAddress(); a != nil {
		s += fmt.Sprintf(" requested %v", a)
	}
	if a := m.ServerIdentifier(); a != nil {
		s += fmt.Sprintf(" server %v", a)
	}
	if t := m.IPAddressLeaseTime(0); t != 0 {
		s += fmt.Sprintf(" lease %v", t)
	}
	return s + fmt.Sprintf(" chaddr %v", m.ClientHWAddr)
}

// Capture keeps the DHCP messages that an interface sends and receives, whatever socket they come from.
type Capture struct {
	where   string
	fd      int
	done    chan struct{}
	mu      sync.Mutex
	packets []Packet
}

// Capture begins to listen on one of the host's interfaces. It ends with the world.
func (n *Namespace) Capture(dev string) *Capture {
	n.w.t.Helper()
	c := &Capture{where: n.Role + ":" + dev, done: make(chan struct{})}
	if err := n.Do(func() error { return c.open(dev) }); err != nil {
		n.w.t.Fatalf("capture on %s: %v", c.where, err)
	}
	n.w.mu.Lock()
	n.w.captures = append(n.w.captures, c)
	n.w.mu.Unlock()
	go c.listen()
	return c
}

func (c *Capture) open(dev string) error {
	i, err := net.InterfaceByName(dev)
	if err != nil {
		return err
	}
	// ETH_P_ALL, since a socket for IPv4 alone would not be shown what the host itself sends.
	proto := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL))
	c.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(proto))
	if err != nil {
		return err
	}
	if err := unix.Bind(c.fd, &unix.SockaddrLinklayer{Protocol: proto, Ifindex: i.Index}); err != nil {
		return err
	}
	unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20)
	// The reader looks up now and then, so that it notices the end.
	return unix.SetsockoptTimeval(c.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 200_000})
}

func (c *Capture) listen() {
	defer unix.Close(c.fd)
	buf := make([]byte, 65536)
	for {
		select {
		case <-c.done:
			return
		default:
		}
		n, from, err := unix.Recvfrom(c.fd, buf, 0)
		if err != nil {
			if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) || errors.Is(err, unix.ENETDOWN) {
				continue
			}
			return
		}
		p, ok := readFrame(buf[:n])
		if !ok {
			continue
		}
		p.At = time.Now()
		if ll, is := from.(*unix.SockaddrLinklayer); is {
			p.Out = ll.Pkttype == unix.PACKET_OUTGOING
		}
		c.mu.Lock()
		c.packets = append(c.packets, p)
		c.mu.Unlock()
	}
}

// readFrame reads an Ethernet frame with a DHCP message in it.
func readFrame(b []byte) (Packet, bool) {
	if len(b) < 14+20+8 || binary.BigEndian.Uint16(b[12:]) != 0x0800 || b[14]>>4 != 4 || b[14+9] != 17 {
		return Packet{}, false
	}
	ip := b[14:]
	head := int(ip[0]&15) * 4
	if len(ip) < head+8 {
		return Packet{}, false
	}
	udp := ip[head:]
	from, to := binary.BigEndian.Uint16(udp), binary.BigEndian.Uint16(udp[2:])
	if to != 67 && to != 68 && from != 67 {
		return Packet{}, false
	}
	size := int(binary.BigEndian.Uint16(udp[4:]))
	if size < 8 || size > len(udp) {
		return Packet{}, false
	}
	payload := append([]byte(nil), udp[8:size]...)
	m, err := dhcpv4.FromBytes(payload)
	if err != nil {
		return Packet{}, false
	}
	src, _ := netip.AddrFromSlice(ip[12:16])
	dst, _ := netip.AddrFromSlice(ip[16:20])
	return Packet{
		DestMAC: append(net.HardwareAddr(nil), b[0:6]...), SourceMAC: append(net.HardwareAddr(nil), b[6:12]...),
		Source: netip.AddrPortFrom(src, from), Destination: netip.AddrPortFrom(dst, to), Message: m, Payload: payload,
	}, true
}

func (c *Capture) close() {
	select {
	case <-c.done:
	default:
		close(c.done)
	}
}

// Packets returns what was seen so far.
func (c *Capture) Packets() []Packet {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Packet(nil), c.packets...)
}

// Mark returns a place in the capture, for Since.
func (c *Capture) Mark() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.packets)
}

// Since returns the packets seen after the mark for which keep holds.
func (c *Capture) Since(mark int, keep func(Packet) bool) []Packet {
	var found []Packet
	for _, p := range c.Packets()[mark:] {
		if keep(p) {
			found = append(found, p)
		}
	}
	return found
}

// String tells all packets, one a line.
func (c *Capture) String() string {
	var b strings.Builder
	for _, p := range c.Packets() {
		fmt.Fprintln(&b, p)
	}
	return b.String()
}

// See waits for a packet after the mark for which want holds, and fails the test if none comes within d.
func (w *World) See(c *Capture, mark int, d time.Duration, what string, want func(Packet) bool) Packet {
	w.t.Helper()
	var found []Packet
	w.Eventually(d, fmt.Sprintf("%s on %s", what, c.where), func() bool {
		found = c.Since(mark, want)
		return len(found) > 0
	})
	return found[0]
}
