package world

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"golang.org/x/sys/unix"
)

// Scripted is a client that sends exactly what a test tells it to, in frames of its own making, and hears every DHCP
// message that reaches its interface. It is for what the real clients do not do on demand.
type Scripted struct {
	w    *World
	host *Namespace
	dev  string
	fd   int
	ifi  int
	// MAC is the hardware address that it claims to have, both in the frame and in the message.
	MAC net.HardwareAddr
}

// Scripted opens a scripted client on one of the host's interfaces. Without a mac it has the interface's own.
func (n *Namespace) Scripted(dev string, mac net.HardwareAddr) *Scripted {
	n.w.t.Helper()
	c := &Scripted{w: n.w, host: n, dev: dev, MAC: mac}
	if mac == nil {
		c.MAC = n.Hardware(dev)
	}
	err := n.Do(func() error {
		i, err := net.InterfaceByName(dev)
		if err != nil {
			return err
		}
		c.ifi = i.Index
		proto := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_IP))
		if c.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(proto)); err != nil {
			return err
		}
		// Answers to a claimed address are for somebody else in the eyes of the kernel.
		if err := unix.SetsockoptPacketMreq(c.fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP,
			&unix.PacketMreq{Ifindex: int32(i.Index), Type: unix.PACKET_MR_PROMISC}); err != nil {
			return err
		}
		if err := unix.SetsockoptTimeval(c.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 50_000}); err != nil {
			return err
		}
		return unix.Bind(c.fd, &unix.SockaddrLinklayer{Protocol: proto, Ifindex: i.Index})
	})
	if err != nil {
		n.w.t.Fatalf("scripted client on %s: %v", dev, err)
	}
	n.w.t.Cleanup(func() { unix.Close(c.fd) })
	return c
}

// Message begins a message of that type from this client, with a new transaction and what most clients ask for.
func (c *Scripted) Message(t dhcpv4.MessageType, more ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	c.w.t.Helper()
	var xid dhcpv4.TransactionID
	binary.BigEndian.PutUint32(xid[:], rand.Uint32())
	m, err := dhcpv4.New(append([]dhcpv4.Modifier{
		dhcpv4.WithTransactionID(xid), dhcpv4.WithHwAddr(c.MAC), dhcpv4.WithMessageType(t),
		dhcpv4.WithRequestedOptions(dhcpv4.OptionSubnetMask, dhcpv4.OptionRouter, dhcpv4.OptionDomainNameServer, dhcpv4.OptionDomainName),
	}, more...)...)
	if err != nil {
		c.w.t.Fatal(err)
	}
	return m
}

// Send broadcasts a message.
func (c *Scripted) Send(m *dhcpv4.DHCPv4) { c.w.t.Helper(); c.SendRaw(m.ToBytes()) }

// SendRaw broadcasts a payload, whatever it is, from 0.0.0.0:68 to 255.255.255.255:67.
func (c *Scripted) SendRaw(payload []byte) {
	c.w.t.Helper()
	broadcast := net.HardwareAddr{255, 255, 255, 255, 255, 255}
	c.SendFrame(Frame(c.MAC, broadcast, netip.MustParseAddrPort("0.0.0.0:68"), netip.MustParseAddrPort("255.255.255.255:67"), payload))
}

// SendFrame sends an Ethernet frame as it is.
func (c *Scripted) SendFrame(frame []byte) {
	c.w.t.Helper()
	if err := unix.Sendto(c.fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: c.ifi}); err != nil {
		c.w.t.Fatalf("send on %s: %v", c.dev, err)
	}
}

// Hear returns the next message that answers m, false if none comes within d.
func (c *Scripted) Hear(m *dhcpv4.DHCPv4, d time.Duration) (Packet, bool) {
	buf := make([]byte, 65536)
	for deadline := time.Now().Add(d); time.Now().Before(deadline); {
		n, _, err := unix.Recvfrom(c.fd, buf, 0)
		if err != nil {
			if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
				continue
			}
			return Packet{}, false
		}
		p, ok := readFrame(buf[:n])
		if ok && p.Message.OpCode == dhcpv4.OpcodeBootReply && p.Message.TransactionID == m.TransactionID {
			p.At = time.Now()
			return p, true
		}
	}
	return Packet{}, false
}

// Ask sends a message, again each second, until an answer to it comes. It fails the test if none comes within 5 s.
func (c *Scripted) Ask(m *dhcpv4.DHCPv4) Packet {
	c.w.t.Helper()
	for range 5 {
		c.Send(m)
		if p, ok := c.Hear(m, time.Second); ok {
			return p
		}
	}
	c.w.t.Fatalf("no answer to %v of %v", m.MessageType(), c.MAC)
	return Packet{}
}

// Unanswered sends a message and fails the test if an answer comes within d.
func (c *Scripted) Unanswered(m *dhcpv4.DHCPv4, d time.Duration) {
	c.w.t.Helper()
	c.Send(m)
	if p, ok := c.Hear(m, d); ok {
		c.w.t.Fatalf("%v of %v should not be answered, but was: %v", m.MessageType(), c.MAC, p)
	}
}

// Acquire goes through DISCOVER, OFFER, REQUEST and ACK, and returns the ACK.
func (c *Scripted) Acquire(more ...dhcpv4.Modifier) Packet {
	c.w.t.Helper()
	offer := c.Ask(c.Message(dhcpv4.MessageTypeDiscover, more...))
	if !offer.Is(dhcpv4.MessageTypeOffer) {
		c.w.t.Fatalf("a DISCOVER was answered with %v", offer)
	}
	answer := c.Ask(c.Select(offer, more...))
	if !answer.Is(dhcpv4.MessageTypeAck) {
		c.w.t.Fatalf("a REQUEST for what was offered was answered with %v", answer)
	}
	return answer
}

// Select is the REQUEST that accepts an offer.
func (c *Scripted) Select(offer Packet, more ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	c.w.t.Helper()
	return c.Message(dhcpv4.MessageTypeRequest, append(more,
		dhcpv4.WithTransactionID(offer.Message.TransactionID),
		dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(offer.Message.YourIPAddr)),
		dhcpv4.WithOption(dhcpv4.OptServerIdentifier(offer.Message.ServerIdentifier())))...)
}

// Address is the address that a packet gives to its client.
func (p Packet) Address() netip.Addr {
	a, _ := netip.AddrFromSlice(p.Message.YourIPAddr.To4())
	return a
}

// Frame builds an Ethernet frame with a UDP datagram in it. The UDP checksum is left out, which IPv4 permits.
func Frame(from, to net.HardwareAddr, source, destination netip.AddrPort, payload []byte) []byte {
	f := append(append(append([]byte(nil), to...), from...), 8, 0)
	ip := make([]byte, 20)
	ip[0], ip[8], ip[9] = 0x45, 64, 17
	binary.BigEndian.PutUint16(ip[2:], uint16(28+len(payload)))
	src, dst := source.Addr().As4(), destination.Addr().As4()
	copy(ip[12:], src[:])
	copy(ip[16:], dst[:])
	var sum uint32
	for i := 0; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(ip[i:]))
	}
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	binary.BigEndian.PutUint16(ip[10:], ^uint16(sum))
	f = append(f, ip...)
	f = binary.BigEndian.AppendUint16(f, source.Port())
	f = binary.BigEndian.AppendUint16(f, destination.Port())
	f = binary.BigEndian.AppendUint16(f, uint16(8+len(payload)))
	return append(append(f, 0, 0), payload...)
}

// IP4 is a netip address as the library of the scripted client wants it.
func IP4(a netip.Addr) net.IP { b := a.As4(); return net.IP(b[:]).To4() }

// ParseMAC is net.ParseMAC for what the test itself wrote.
func ParseMAC(s string) net.HardwareAddr {
	mac, err := net.ParseMAC(s)
	if err != nil {
		panic(fmt.Sprintf("%q is no hardware address", s))
	}
	return mac
}
