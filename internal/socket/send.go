package socket

import (
	"math/rand/v2"
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"golang.org/x/sys/unix"
)

// Outgoing is a datagram to send.
type Outgoing struct {
	Bytes []byte // not empty; untouched, and not kept after Send
	To    netip.AddrPort
	// From is the source address; the zero Addr or 0.0.0.0 leaves it to the routing table.
	From netip.Addr
	// Interface is the index of the interface to leave by; 0 leaves it to the routing table.
	Interface int
	// Hardware is the link-layer address of a client that has no address yet and so cannot be asked for it: the
	// datagram goes there in a frame, addressed to To. Where the link has no such frames it is broadcast.
	Hardware binding.Hardware
	// Broadcast sends to everybody on Interface: 255.255.255.255, and the port of To.
	Broadcast bool
	// Stranger says that it goes to somebody who has nothing here to lose. What waits to learn where an address is that nobody has
	// takes room for some seconds, and strangers can name any address; so theirs have a room of their own, and nobody waits for it.
	Stranger bool
}

// Failures counts what was not sent, by Failure.
type Failures [failures]int

const (
	sendSlots    = 128
	hardwareType = 1 // Ethernet (RFC 2131 §2, IANA hardware types)
	etherAddr    = 6
	// smallMTU is what every link takes that this is likely to meet; the kernel does not fragment what it gets with its headers.
	smallMTU = 1280
)

var (
	limitedBroadcast  = netip.AddrFrom4([4]byte{255, 255, 255, 255})
	hardwareBroadcast = []byte{255, 255, 255, 255, 255, 255}
)

// outbox is what Send works with.
type outbox struct {
	s      *Sockets
	udp    *sender
	frames *sender
	whole  *sender // datagrams to strangers, with their headers
	head   []byte  // the headers of each frame
	heads  []byte  // and of each of whole
	nUDP   int
	nFrame int
	nWhole int
	id     uint16 // of the next frame, or of whole (RFC 791 §3.1)

	sent   int
	failed Failures
	fail   func(i int, errno unix.Errno)
}

func newOutbox(s *Sockets) *outbox {
	o := &outbox{s: s, udp: newSender(s.udp, newVector(sendSlots, 1, pktinfoSpace)), id: uint16(rand.Uint32())}
	if s.packet != nil {
		o.frames = newSender(s.packet, newVector(sendSlots, 2, 0))
		o.head = make([]byte, sendSlots*headers)
		for i := range sendSlots {
			o.frames.point(i, 0, o.head[i*headers:(i+1)*headers])
		}
	}
	if s.whole != nil {
		o.whole = newSender(s.whole, newVector(sendSlots, 2, pktinfoSpace))
		o.whole.hurried = true
		o.heads = make([]byte, sendSlots*headers)
		for i := range sendSlots {
			o.whole.point(i, 0, o.heads[i*headers:(i+1)*headers])
		}
	}
	o.fail = func(_ int, errno unix.Errno) { o.failed[failureOf(errno)]++ }
	return o
}

// Send sends all of out and returns how many went out, and why the others did not; the two make up all of out. The
// order is kept among datagrams that go the same way (UDP, or frames). It does not wait for anything but, for a tenth
// of a second at most, the machine's own queues.
func (s *Sockets) Send(out []Outgoing) (sent int, failed Failures) {
	s.sending.Lock()
	defer s.sending.Unlock()
	o, scope := s.out, s.scope.Load()
	o.sent, o.failed = 0, Failures{}
	for i := range out {
		o.add(scope, &out[i])
	}
	o.flushUDP()
	o.flushFrames()
	o.flushWhole()
	s.counters.sent.Add(uint64(o.sent))
	for i, n := range o.failed {
		if n > 0 {
			s.counters.failed[i].Add(uint64(n))
		}
	}
	return o.sent, o.failed
}

// add puts d where it leaves from.
func (o *outbox) add(scope *scope, d *Outgoing) {
	if len(d.Bytes) == 0 || d.To.Port() == 0 || !d.Broadcast && !d.To.Addr().Is4() || d.From.IsValid() && !d.From.Is4() {
		o.failed[BadDestination]++
		return
	}
	if d.Hardware.IsZero() && !d.Broadcast {
		if d.Stranger && o.whole != nil && d.From.Is4() && !d.From.IsUnspecified() && headers+len(d.Bytes) <= smallMTU {
			o.addWhole(d)
			return
		}
		o.addUDP(d, d.To)
		return
	}
	link := scope.byIndex[d.Interface]
	if link == nil {
		o.failed[NoInterface]++
		return
	}
	to, hardware := d.To, d.Hardware.Bytes()
	if d.Broadcast {
		to, hardware = netip.AddrPortFrom(limitedBroadcast, d.To.Port()), hardwareBroadcast
	} else if d.Hardware.Type != hardwareType {
		hardware = nil
	}
	switch {
	case link.Loopback:
		o.addUDP(d, d.To) // a loopback has no broadcast, and its clients are on this machine
	case o.frames == nil || !link.Ethernet || len(hardware) != etherAddr || headers+len(d.Bytes) > link.MTU:
		o.addUDP(d, netip.AddrPortFrom(limitedBroadcast, d.To.Port()))
	default:
		o.addFrame(d, link, to, hardware)
	}
}

func (o *outbox) addUDP(d *Outgoing, to netip.AddrPort) {
	if o.nUDP == sendSlots {
		o.flushUDP()
	}
	var from [4]byte
	if d.From.Is4() {
		from = d.From.As4()
	}
	i := o.nUDP
	o.nUDP++
	o.udp.point(i, 0, d.Bytes)
	o.udp.nameInet4(i, to)
	o.udp.setPktinfo(i, d.Interface, from)
}

func (o *outbox) addFrame(d *Outgoing, link *Link, to netip.AddrPort, hardware []byte) {
	from := d.From
	if !from.IsValid() || from.IsUnspecified() {
		if len(link.Addrs) == 0 {
			o.failed[NoSuchSource]++
			return
		}
		from = link.Addrs[0].Addr()
	}
	if o.nFrame == sendSlots {
		o.flushFrames()
	}
	i := o.nFrame
	o.nFrame++
	o.id++
	putHeaders(o.head[i*headers:(i+1)*headers], netip.AddrPortFrom(from, o.s.port), to, o.id, d.Bytes)
	o.frames.point(i, 1, d.Bytes)
	o.frames.nameLink(i, link.Index, hardware)
}

func (o *outbox) addWhole(d *Outgoing) {
	if o.nWhole == sendSlots {
		o.flushWhole()
	}
	i := o.nWhole
	o.nWhole++
	o.id++
	putHeaders(o.heads[i*headers:(i+1)*headers], netip.AddrPortFrom(d.From, o.s.port), d.To, o.id, d.Bytes)
	o.whole.point(i, 1, d.Bytes)
	o.whole.nameInet4(i, netip.AddrPortFrom(d.To.Addr(), 0))
	o.whole.setPktinfo(i, d.Interface, d.From.As4())
}

func (o *outbox) flushUDP() {
	o.sent += o.udp.flush(o.nUDP, o.fail)
	o.udp.forget(o.nUDP, 0)
	o.nUDP = 0
}

func (o *outbox) flushFrames() {
	if o.nFrame == 0 {
		return
	}
	n := o.frames.flush(o.nFrame, o.fail)
	o.frames.forget(o.nFrame, 1)
	o.sent += n
	o.s.counters.frames.Add(uint64(n))
	o.nFrame = 0
}

func (o *outbox) flushWhole() {
	if o.nWhole == 0 {
		return
	}
	o.sent += o.whole.flush(o.nWhole, o.fail)
	o.whole.forget(o.nWhole, 1)
	o.nWhole = 0
}
