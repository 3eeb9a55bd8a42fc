package isc

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lessor-dhcp/lessor/test/world"
)

// tap sees the frames of the failover link, from before the servers begin.
type tap struct {
	fd   int
	done chan struct{}
	gone chan struct{}

	mu     sync.Mutex
	frames []frame
}

type frame struct {
	at   time.Time
	data []byte
}

// newTap listens on an interface of a host until the test ends.
func newTap(t *testing.T, host *world.Namespace, dev string) *tap {
	t.Helper()
	tp := &tap{done: make(chan struct{}), gone: make(chan struct{})}
	if err := host.Do(func() error { return tp.open(dev) }); err != nil {
		t.Fatalf("tap on %s: %v", host.Role, err)
	}
	go tp.listen()
	t.Cleanup(func() {
		close(tp.done)
		<-tp.gone
	})
	return tp
}

func (tp *tap) open(dev string) error {
	i, err := net.InterfaceByName(dev)
	if err != nil {
		return err
	}
	proto := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL))
	if tp.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(proto)); err != nil {
		return err
	}
	if err := unix.Bind(tp.fd, &unix.SockaddrLinklayer{Protocol: proto, Ifindex: i.Index}); err != nil {
		return err
	}
	unix.SetsockoptInt(tp.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20)
	return unix.SetsockoptTimeval(tp.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 200_000})
}

func (tp *tap) listen() {
	defer close(tp.gone)
	defer unix.Close(tp.fd)
	buf := make([]byte, 1<<17)
	for {
		select {
		case <-tp.done:
			return
		default:
		}
		n, _, err := unix.Recvfrom(tp.fd, buf, 0)
		if err != nil || n < 54 || buf[12] != 8 || buf[13] != 0 || buf[14+9] != unix.IPPROTO_TCP {
			continue
		}
		tp.mu.Lock()
		tp.frames = append(tp.frames, frame{time.Now(), bytes.Clone(buf[:n])})
		tp.mu.Unlock()
	}
}

// write puts what was seen into a file that other programs read.
func (tp *tap) write(t testing.TB, name string) {
	t.Helper()
	tp.mu.Lock()
	defer tp.mu.Unlock()
	var b bytes.Buffer
	le := binary.LittleEndian
	b.Write(le.AppendUint32(nil, 0xa1b2c3d4))
	b.Write([]byte{2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	b.Write(le.AppendUint32(le.AppendUint32(nil, 1<<18), 1))
	for _, f := range tp.frames {
		head := le.AppendUint32(nil, uint32(f.at.Unix()))
		head = le.AppendUint32(head, uint32(f.at.Nanosecond()/1000))
		head = le.AppendUint32(head, uint32(len(f.data)))
		b.Write(le.AppendUint32(head, uint32(len(f.data))))
		b.Write(f.data)
	}
	if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// half is one direction of a TCP connection: the octets in their order, and when each piece of them was seen.
type half struct {
	from, to netip.AddrPort
	begins   time.Time
	first    uint32 // the sequence number of the first octet
	data     []byte
	pieces   []piece
	early    []early
	ended    time.Time // FIN or RST of either side; zero: not seen
}

type piece struct {
	offset int
	at     time.Time
}

// halves puts the octets of every connection together. What was lost and never sent again ends a half.
func (tp *tap) halves() []*half {
	tp.mu.Lock()
	frames := append([]frame(nil), tp.frames...)
	tp.mu.Unlock()
	open := map[[2]netip.AddrPort]*half{}
	var all []*half
	for _, f := range frames {
		s, ok := readSegment(f.data)
		if !ok {
			continue
		}
		key := [2]netip.AddrPort{s.from, s.to}
		if s.flags&flagSYN != 0 {
			h := &half{from: s.from, to: s.to, begins: f.at, first: s.seq + 1}
			open[key] = h
			all = append(all, h)
			continue
		}
		h := open[key]
		if h == nil {
			continue
		}
		if s.flags&(flagFIN|flagRST) != 0 {
			for _, e := range []*half{h, open[[2]netip.AddrPort{s.to, s.from}]} {
				if e != nil && e.ended.IsZero() {
					e.ended = f.at
				}
			}
		}
		h.take(s.seq, s.payload, f.at)
	}
	return all
}

// take adds a segment; what leaves a gap waits until that is filled.
func (h *half) take(seq uint32, payload []byte, at time.Time) {
	if len(payload) > 0 {
		h.early = append(h.early, early{seq, payload})
	}
	for again := true; again; {
		again = false
		for i, e := range h.early {
			behind := int(int32(e.seq - h.first - uint32(len(h.data))))
			if behind > 0 {
				continue
			}
			if -behind < len(e.payload) {
				h.pieces = append(h.pieces, piece{len(h.data), at})
				h.data = append(h.data, e.payload[-behind:]...)
			}
			h.early = append(h.early[:i], h.early[i+1:]...)
			again = true
			break
		}
	}
}

// early is a segment behind a gap.
type early struct {
	seq     uint32
	payload []byte
}

// seen is when the octet at the offset was seen.
func (h *half) seen(offset int) time.Time {
	i := sort.Search(len(h.pieces), func(i int) bool { return h.pieces[i].offset > offset })
	if i == 0 {
		return h.begins
	}
	return h.pieces[i-1].at
}

const (
	flagFIN = 1
	flagSYN = 2
	flagRST = 4
)

type segment struct {
	from, to netip.AddrPort
	seq      uint32
	flags    byte
	payload  []byte
}

func readSegment(b []byte) (s segment, ok bool) {
	ip := b[14:]
	head, size := int(ip[0]&15)*4, int(binary.BigEndian.Uint16(ip[2:]))
	if size > len(ip) || size < head+20 {
		return s, false
	}
	tcp := ip[head:size]
	data := int(tcp[12]>>4) * 4
	if data > len(tcp) {
		return s, false
	}
	src, _ := netip.AddrFromSlice(ip[12:16])
	dst, _ := netip.AddrFromSlice(ip[16:20])
	return segment{
		from: netip.AddrPortFrom(src, binary.BigEndian.Uint16(tcp)), to: netip.AddrPortFrom(dst, binary.BigEndian.Uint16(tcp[2:])),
		seq: binary.BigEndian.Uint32(tcp[4:]), flags: tcp[13], payload: tcp[data:],
	}, true
}

// message is one message of the failover protocol, read by hand and without the program under test.
type message struct {
	at       time.Time
	link     int // which connection, in the order in which they began
	from     netip.Addr
	ended    time.Time // when its connection ended; zero: not seen to
	kind     byte
	offset   byte
	size     int
	time     uint32
	xid      uint32
	codes    []uint16
	options  map[uint16][]byte
	problems []string
}

// messages reads all that was said, in the order in which it was seen.
func (tp *tap) messages() []message {
	var all []message
	links := map[[2]netip.AddrPort]int{}
	for _, h := range tp.halves() {
		key := [2]netip.AddrPort{h.from, h.to}
		if h.to.Compare(h.from) < 0 {
			key = [2]netip.AddrPort{h.to, h.from}
		}
		if _, known := links[key]; !known {
			links[key] = len(links)
		}
		for at := 0; at+2 <= len(h.data); {
			size := int(binary.BigEndian.Uint16(h.data[at:]))
			if size < 12 {
				all = append(all, message{at: h.seen(at), link: links[key], from: h.from.Addr(), size: size, problems: []string{"its length is less than a header"}})
				break
			}
			if at+size > len(h.data) { // its end was not seen
				break
			}
			m := readMessage(h.data[at : at+size])
			m.at, m.link, m.from, m.ended = h.seen(at+size-1), links[key], h.from.Addr(), h.ended
			all = append(all, m)
			at += size
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].at.Before(all[j].at) })
	return all
}

func readMessage(b []byte) message {
	m := message{size: len(b), kind: b[2], offset: b[3], time: binary.BigEndian.Uint32(b[4:]), xid: binary.BigEndian.Uint32(b[8:]), options: map[uint16][]byte{}}
	if int(m.offset) < 12 || int(m.offset) > len(b) {
		m.problems = append(m.problems, "its payload offset is wrong")
		return m
	}
	for rest := b[m.offset:]; len(rest) > 0; {
		if len(rest) < 4 || len(rest) < 4+int(binary.BigEndian.Uint16(rest[2:])) {
			m.problems = append(m.problems, "an option runs past its end")
			return m
		}
		code, size := binary.BigEndian.Uint16(rest), int(binary.BigEndian.Uint16(rest[2:]))
		if _, twice := m.options[code]; twice {
			m.problems = append(m.problems, fmt.Sprintf("option %d is there twice", code))
		}
		m.codes = append(m.codes, code)
		m.options[code] = bytes.Clone(rest[4 : 4+size])
		rest = rest[4+size:]
	}
	return m
}

func (m *message) has(code uint16) bool { _, ok := m.options[code]; return ok }

// u8 and u32 are the value of an option, 0 where there is none of that size.
func (m *message) u8(code uint16) byte {
	if v := m.options[code]; len(v) == 1 {
		return v[0]
	}
	return 0
}

func (m *message) u32(code uint16) uint32 {
	if v := m.options[code]; len(v) == 4 {
		return binary.BigEndian.Uint32(v)
	}
	return 0
}

// address is the binding's that the message is about.
func (m *message) address() netip.Addr {
	a, _ := netip.AddrFromSlice(m.options[optAddress])
	return a
}

// String tells the message in a line.
func (m *message) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s #%d %v %s xid %d", m.at.Format("15:04:05.000"), m.link, m.from, kinds[m.kind], m.xid)
	if m.has(optAddress) {
		fmt.Fprintf(&b, " %v", m.address())
	}
	if m.has(optStatus) {
		b.WriteString(" " + statuses[m.u8(optStatus)])
	}
	if m.has(optState) {
		fmt.Fprintf(&b, " %s flags %d", states[m.u8(optState)], m.u8(optFlags))
	}
	for _, o := range []struct {
		code uint16
		name string
	}{{optExpiry, "ends"}, {optPotential, "potential"}, {optSince, "since"}, {optCLTT, "cltt"}} {
		if v := m.u32(o.code); m.has(o.code) {
			fmt.Fprintf(&b, " %s %+d", o.name, int64(v)-int64(m.time))
			if v == 0 {
				b.WriteString("(0)")
			}
		}
	}
	if m.has(optHardware) {
		fmt.Fprintf(&b, " %x", m.options[optHardware])
	}
	if m.has(optReason) {
		fmt.Fprintf(&b, " reason %d %q", m.u8(optReason), m.options[optText])
	}
	return b.String()
}

// conversation tells all messages but the signs of life, the last n of them.
func conversation(all []message, n int) string {
	var lines []string
	for i := range all {
		if all[i].kind != kindContact {
			lines = append(lines, all[i].String())
		}
	}
	if len(lines) > n {
		lines = append([]string{fmt.Sprintf("… %d before", len(lines)-n)}, lines[len(lines)-n:]...)
	}
	return strings.Join(lines, "\n")
}
