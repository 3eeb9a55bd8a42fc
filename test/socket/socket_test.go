// Package socket tests internal/socket on real links: namespaces joined by bridges.
package socket

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/socket"
	"github.com/lessor-dhcp/lessor/test/world"
	"golang.org/x/sys/unix"
)

var everybody = netip.MustParseAddr("255.255.255.255")

// scene is a server with two interfaces, and a client beside each, of which only the second has an address.
type scene struct {
	*world.World
	server, near, far *world.Namespace
	seen              *world.Capture // at the near client
	link              map[string]socket.Link
	s                 *socket.Sockets
}

func newScene(t *testing.T, cfg socket.Config) *scene {
	w := world.New(t)
	c := &scene{World: w, server: w.Host("server"), near: w.Host("near"), far: w.Host("far")}
	one, two := w.Segment(), w.Segment()
	one.Attach(c.server, "eth0", "198.51.100.1/24")
	two.Attach(c.server, "eth1", "203.0.113.1/24", "203.0.113.2/24")
	one.Attach(c.near, "eth0")
	two.Attach(c.far, "eth0", "203.0.113.9/24")
	c.seen = c.near.Capture("eth0")
	c.s = c.open(c.server, cfg)
	c.link = map[string]socket.Link{}
	for _, l := range c.s.Links() {
		c.link[l.Name] = l
	}
	return c
}

func (c *scene) open(host *world.Namespace, cfg socket.Config) (s *socket.Sockets) {
	c.T().Helper()
	err := host.Do(func() (err error) { s, err = socket.Open(cfg); return err })
	if err != nil {
		c.T().Fatal(err)
	}
	c.T().Cleanup(func() { s.Close() })
	return s
}

// receive returns the next datagram, copied.
func (c *scene) receive(s *socket.Sockets) socket.Datagram {
	c.T().Helper()
	b := socket.NewBatch(1)
	got := make(chan error, 1)
	go func() { _, err := s.Receive(b); got <- err }()
	select {
	case err := <-got:
		if err != nil {
			c.T().Fatal(err)
		}
	case <-time.After(5 * time.Second):
		c.T().Fatalf("nothing was received; counters %+v", s.Counters())
	}
	return b.Datagrams()[0]
}

// discover is a message as a client without an address broadcasts it.
func discover(mac net.HardwareAddr) []byte {
	m, err := dhcpv4.NewDiscovery(mac)
	if err != nil {
		panic(err)
	}
	return m.ToBytes()
}

// shout broadcasts from an interface that may have no address, as a client does.
func (c *scene) shout(host *world.Namespace, payload []byte) {
	c.T().Helper()
	err := host.Do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BROADCAST, 1)
		if err := unix.BindToDevice(fd, "eth0"); err != nil {
			return err
		}
		if err := unix.Bind(fd, &unix.SockaddrInet4{Port: 68}); err != nil {
			return err
		}
		return unix.Sendto(fd, payload, 0, &unix.SockaddrInet4{Port: 67, Addr: everybody.As4()})
	})
	if err != nil {
		c.T().Fatal(err)
	}
}

func TestAClientWithoutAnAddressIsHeardWhereItIsServed(t *testing.T) {
	c := newScene(t, socket.Config{Interfaces: []string{"eth0"}})
	c.shout(c.far, discover(c.far.Hardware("eth0")))
	want := discover(c.near.Hardware("eth0"))
	c.shout(c.near, want)
	d := c.receive(c.s)
	if string(d.Bytes) != string(want) || d.From != netip.MustParseAddrPort("0.0.0.0:68") || d.To != everybody || d.Unicast ||
		d.Interface != c.link["eth0"].Index {
		t.Errorf("received %+v", d)
	}
	if n := c.s.Counters().Dropped[socket.OtherInterface]; n != 1 {
		t.Errorf("%d dropped as heard on another interface", n)
	}
}

func TestAClientWithoutAnAddressIsAnsweredByAFrameWithoutARP(t *testing.T) {
	c := newScene(t, socket.Config{})
	mac := c.near.Hardware("eth0")
	out := socket.Outgoing{
		Bytes: discover(mac), To: netip.MustParseAddrPort("198.51.100.77:68"), From: netip.MustParseAddr("198.51.100.1"),
		Interface: c.link["eth0"].Index, Hardware: binding.HardwareOf(1, mac),
	}
	if sent, failed := c.s.Send([]socket.Outgoing{out}); sent != 1 {
		t.Fatalf("not sent: %v", failed)
	}
	p := c.See(c.seen, 0, 5*time.Second, "the frame", func(p world.Packet) bool { return p.Source.Port() == 67 })
	if p.DestMAC.String() != mac.String() || p.SourceMAC.String() != c.server.Hardware("eth0").String() ||
		p.Source.String() != "198.51.100.1:67" || p.Destination != out.To || string(p.Payload) != string(out.Bytes) {
		t.Errorf("seen %v", p)
	}
	if n := c.s.Counters().Frames; n != 1 {
		t.Errorf("%d frames counted", n)
	}
	if arp := c.server.IP("neigh", "show", "dev", "eth0"); strings.Contains(arp, "198.51.100.77") {
		t.Errorf("the server asked for the client's address: %s", arp)
	}
}

// The client's kernel takes a datagram only if the sums of its headers are right.
func TestFramesAreAcceptedByTheClientsKernel(t *testing.T) {
	for name, out := range map[string]socket.Outgoing{
		"to its address":          {To: netip.MustParseAddrPort("198.51.100.9:68")},
		"to everybody":            {To: netip.MustParseAddrPort("198.51.100.9:68"), Broadcast: true},
		"other kind of hardware":  {To: netip.MustParseAddrPort("198.51.100.9:68"), Hardware: binding.HardwareOf(32, make([]byte, 16))},
		"no source given":         {To: netip.MustParseAddrPort("198.51.100.9:68"), From: netip.IPv4Unspecified()},
		"longer than the link is": {To: netip.MustParseAddrPort("198.51.100.9:68")},
	} {
		t.Run(name, func(t *testing.T) {
			c := newScene(t, socket.Config{})
			c.near.IP("addr", "add", "198.51.100.9/24", "dev", "eth0")
			client := c.open(c.near, socket.Config{Port: socket.ClientPort})
			out.Bytes, out.Interface = []byte("an odd number of octets"), c.link["eth0"].Index
			if name == "longer than the link is" {
				out.Bytes = make([]byte, 1600)
			}
			if !out.From.IsValid() {
				out.From = netip.MustParseAddr("198.51.100.1")
			}
			if out.Hardware.IsZero() {
				out.Hardware = binding.HardwareOf(1, c.near.Hardware("eth0"))
			}
			if sent, failed := c.s.Send([]socket.Outgoing{out}); sent != 1 {
				t.Fatalf("not sent: %v", failed)
			}
			d := c.receive(client)
			if string(d.Bytes) != string(out.Bytes) || d.From.String() != "198.51.100.1:67" {
				t.Errorf("received from %v: %q", d.From, d.Bytes)
			}
		})
	}
}

// CVE-2015-8605: a server that reads frames itself must not believe their lengths. This one leaves them to the kernel,
// which must not hand on what does not fit.
func TestFramesWithWrongLengthsAreNotHeard(t *testing.T) {
	c := newScene(t, socket.Config{})
	good := broadcastFrame(c.near.Hardware("eth0"), []byte("good"))
	bad := func(change func(ip, udp []byte)) []byte {
		f := bytes.Clone(good)
		change(f[14:34], f[34:])
		sumHeader(f)
		return f
	}
	frames := [][]byte{
		bad(func(_, udp []byte) { udp[5] = 255 }), // UDP says more than IP
		bad(func(_, udp []byte) { udp[5] = 7 }),   // UDP says less than its header
		bad(func(_, udp []byte) { udp[4] = 255 }), // UDP says 64 KiB
		bad(func(ip, _ []byte) { ip[3] = 255 }),   // IP says more than the frame
		bad(func(ip, _ []byte) { ip[3] = 27 }),    // IP ends within the UDP header
		bad(func(ip, _ []byte) { ip[0] = 0x4f }),  // the IP header is as long as the packet
		bad(func(ip, _ []byte) { ip[0] = 0x44 }),  // or shorter than it can be
		good[:34], good[:41], good[:15],           // cut
		bad(func(ip, _ []byte) { ip[3], ip[9] = 20, 17 }),     // no UDP header at all
		bad(func(_, udp []byte) { udp[6], udp[7] = 0x12, 3 }), // the sum is wrong
		good,
	}
	for _, f := range frames {
		c.inject(c.near, f)
	}
	if d := c.receive(c.s); string(d.Bytes) != "good" {
		t.Errorf("received %q from %v", d.Bytes, d.From)
	}
	if got := c.s.Counters().Received; got != 1 {
		t.Errorf("%d datagrams were handed on", got)
	}
}

// broadcastFrame is a datagram from 0.0.0.0:68 to 255.255.255.255:67 without a sum of its own, as it is on the wire.
func broadcastFrame(mac net.HardwareAddr, payload []byte) []byte {
	f := slices.Concat(bytes.Repeat([]byte{255}, 6), mac, []byte{8, 0, 0x45, 0, 0, byte(28 + len(payload)), 0, 0, 0, 0, 64, 17, 0, 0,
		0, 0, 0, 0, 255, 255, 255, 255, 0, 68, 0, 67, 0, byte(8 + len(payload)), 0, 0}, payload)
	sumHeader(f)
	return f
}

// sumHeader makes the sum of the frame's IP header right.
func sumHeader(f []byte) {
	f[24], f[25] = 0, 0
	sum := uint32(0)
	for i := 14; i < 34; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(f[i:]))
	}
	sum = sum>>16 + sum&0xffff
	binary.BigEndian.PutUint16(f[24:], ^uint16(sum+sum>>16))
}

// inject puts a frame on the wire as it is.
func (c *scene) inject(host *world.Namespace, frame []byte) {
	c.T().Helper()
	err := host.Do(func() error {
		i, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: i.Index, Protocol: 8})
	})
	if err != nil {
		c.T().Fatal(err)
	}
}

func TestAReplyLeavesFromTheAddressThatWasAsked(t *testing.T) {
	c := newScene(t, socket.Config{Listen: []netip.Addr{netip.MustParseAddr("203.0.113.2")}})
	relay := c.open(c.far, socket.Config{})
	for _, to := range []string{"203.0.113.1:67", "203.0.113.2:67"} {
		relay.Send([]socket.Outgoing{{Bytes: []byte(to), To: netip.MustParseAddrPort(to)}})
	}
	d := c.receive(c.s)
	if string(d.Bytes) != "203.0.113.2:67" || !d.Unicast || d.From.String() != "203.0.113.9:67" {
		t.Fatalf("received %+v", d)
	}
	if n := c.s.Counters().Dropped[socket.OtherAddress]; n != 1 {
		t.Errorf("%d dropped as sent to another address", n)
	}
	for name, index := range map[string]int{"by the routing table": 0, "by the interface": d.Interface} {
		c.s.Send([]socket.Outgoing{{Bytes: []byte("reply"), To: d.From, From: d.To, Interface: index}})
		if r := c.receive(relay); r.From.String() != "203.0.113.2:67" || r.To.String() != "203.0.113.9" {
			t.Errorf("%s: the reply came from %v to %v", name, r.From, r.To)
		}
	}
}

func TestInterfacesAppearAndGo(t *testing.T) {
	c := newScene(t, socket.Config{Interfaces: []string{"eth2"}})
	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	var last []socket.Link
	watched := make(chan error)
	go func() {
		watched <- c.server.Do(func() error {
			return c.s.Watch(ctx, func(l []socket.Link) { mu.Lock(); last = l; mu.Unlock() })
		})
	}()
	see := func(what string, want func(map[string]socket.Link) bool) {
		t.Helper()
		c.Eventually(5*time.Second, what, func() bool {
			mu.Lock()
			defer mu.Unlock()
			links := map[string]socket.Link{}
			for _, l := range last {
				links[l.Name] = l
			}
			return want(links)
		})
	}
	if len(c.link) != 3 || c.link["eth0"].Served || !c.link["lo"].Loopback || !c.link["eth0"].Ethernet || c.link["eth0"].MTU != 1500 {
		t.Errorf("at first %+v", c.link)
	}
	three := c.Segment()
	three.Attach(c.server, "eth2", "192.0.2.1/24")
	see("eth2 with its address", func(l map[string]socket.Link) bool {
		e := l["eth2"]
		return e.Served && e.Up && len(e.Addrs) == 1 && e.Addrs[0] == netip.MustParsePrefix("192.0.2.1/24")
	})
	late := c.Host("late")
	three.Attach(late, "eth0")
	c.shout(late, discover(late.Hardware("eth0")))
	if d := c.receive(c.s); d.To != everybody {
		t.Errorf("received %+v", d)
	}
	c.server.IP("addr", "del", "192.0.2.1/24", "dev", "eth2")
	see("eth2 without its address", func(l map[string]socket.Link) bool { return len(l["eth2"].Addrs) == 0 })
	c.server.IP("link", "set", "eth2", "down")
	see("eth2 down", func(l map[string]socket.Link) bool { return !l["eth2"].Up })
	c.server.IP("link", "del", "eth2")
	see("eth2 gone", func(l map[string]socket.Link) bool { return l["eth2"].Name == "" })
	cancel()
	if err := <-watched; err != nil {
		t.Error(err)
	}
}

func TestAProbeIsAnsweredByWhoHasTheAddress(t *testing.T) {
	c := newScene(t, socket.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	answers := make(chan socket.Target, 100)
	ended := make(chan error)
	go func() { ended <- c.s.Answers(ctx, func(a socket.Target) { answers <- a }) }()
	used := socket.Target{Addr: netip.MustParseAddr("203.0.113.9"), Link: c.link["eth1"].Index}
	unused := socket.Target{Addr: netip.MustParseAddr("203.0.113.10"), Link: c.link["eth1"].Index}
	if sent, err := c.s.Probe([]socket.Target{unused, used, unused}); sent != 3 || err != nil {
		t.Fatalf("sent %d, %v", sent, err)
	}
	select {
	case a := <-answers:
		if a != used {
			t.Errorf("%v answered", a)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("nobody answered")
	}
	// The answers that another process gets are none of ours.
	other, theirs := c.open(c.server, socket.Config{Port: 1067}), make(chan socket.Target, 100)
	go other.Answers(ctx, func(a socket.Target) { theirs <- a })
	other.Probe([]socket.Target{used})
	if a := <-theirs; a != used {
		t.Errorf("%v answered the other", a)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got := c.s.Counters(); got.Answers != 1 || len(answers) != 0 {
		t.Errorf("%d answers, %d more were told", got.Answers, len(answers))
	}
}

func BenchmarkReplies(b *testing.B) {
	w := world.New(b)
	server, client := w.Host("server"), w.Host("client")
	segment := w.Segment()
	segment.Attach(server, "eth0", "198.51.100.1/24")
	segment.Attach(client, "eth0", "198.51.100.9/24")
	var s *socket.Sockets
	if err := server.Do(func() (err error) { s, err = socket.Open(socket.Config{}); return err }); err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	index := 0
	for _, l := range s.Links() {
		if l.Name == "eth0" {
			index = l.Index
		}
	}
	base := socket.Outgoing{
		Bytes: make([]byte, 300), To: netip.MustParseAddrPort("198.51.100.9:68"), From: netip.MustParseAddr("198.51.100.1"), Interface: index,
	}
	frame, all := base, base
	frame.Hardware = binding.HardwareOf(1, client.Hardware("eth0"))
	all.To = netip.MustParseAddrPort("255.255.255.255:68")
	for name, o := range map[string]socket.Outgoing{"frame": frame, "unicast": base, "broadcast": all} {
		b.Run(name, func(b *testing.B) {
			out := make([]socket.Outgoing, 64)
			for i := range out {
				out[i] = o
			}
			b.ReportAllocs()
			for b.Loop() {
				s.Send(out)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(out)), "ns/reply")
		})
	}
}

// Whoever can say any address can have the server answer to addresses that nobody has. Each such answer stays in the kernel until that has
// given up asking who has the address, and takes room there.
func TestAnswersToAddressesThatNobodyHasLeaveRoomForTheOthers(t *testing.T) {
	c := newScene(t, socket.Config{})
	relay := c.open(c.far, socket.Config{})
	known := socket.Outgoing{Bytes: []byte("to a client with a lease"), To: netip.MustParseAddrPort("203.0.113.9:67"), From: netip.MustParseAddr("203.0.113.1")}
	out, lost := make([]socket.Outgoing, 0, 128), 0
	for n := range 50000 {
		out = append(out, socket.Outgoing{Bytes: make([]byte, 300), From: known.From, Stranger: true,
			To: netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(10 + n%240)}), 67)})
		if len(out) < cap(out) {
			continue
		}
		_, failed := c.s.Send(out)
		lost += failed[socket.Congested]
		out = out[:0]
		if sent, failed := c.s.Send([]socket.Outgoing{known}); sent != 1 {
			t.Fatalf("after %d not sent: %v", n, failed)
		}
		if d := c.receive(relay); string(d.Bytes) != string(known.Bytes) || d.From.String() != "203.0.113.1:67" {
			t.Fatalf("received from %v: %q", d.From, d.Bytes)
		}
	}
	if lost == 0 {
		t.Error("there was room for all of them: this shows nothing")
	}
}

// What goes to a stranger is the same datagram, whichever way it takes.
func TestAStrangersAnswerIsLikeTheOthers(t *testing.T) {
	c := newScene(t, socket.Config{})
	relay := c.open(c.far, socket.Config{})
	for name, change := range map[string]func(*socket.Outgoing){
		"as it is":      func(*socket.Outgoing) {},
		"by the link":   func(o *socket.Outgoing) { o.Interface = c.link["eth1"].Index },
		"long":          func(o *socket.Outgoing) { o.Bytes = bytes.Repeat([]byte("long "), 400) },
		"no source":     func(o *socket.Outgoing) { o.From = netip.Addr{} },
		"second source": func(o *socket.Outgoing) { o.From = netip.MustParseAddr("203.0.113.2") },
	} {
		o := socket.Outgoing{Bytes: []byte("an odd number of octets"), To: netip.MustParseAddrPort("203.0.113.9:67"), From: netip.MustParseAddr("203.0.113.1"), Stranger: true}
		change(&o)
		if sent, failed := c.s.Send([]socket.Outgoing{o}); sent != 1 {
			t.Fatalf("%s: not sent: %v", name, failed)
		}
		if !o.From.IsValid() {
			o.From = netip.MustParseAddr("203.0.113.1")
		}
		if d := c.receive(relay); !bytes.Equal(d.Bytes, o.Bytes) || d.From != netip.AddrPortFrom(o.From, 67) {
			t.Errorf("%s: received from %v: %q", name, d.From, d.Bytes)
		}
	}
}
