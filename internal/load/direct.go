package load

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// direct is the way of clients that are on the link themselves. Each has its own hardware address, answers questions for
// it (RFC 826) while it has an address, asks everybody until it has a lease, and its server alone when it renews.
type direct struct {
	file    *os.File
	raw     syscall.RawConn
	closed  atomic.Bool
	notSent atomic.Uint64
	dropped atomic.Uint64

	mu      sync.Mutex
	servers map[uint32][6]byte // address of a server → its hardware address
}

// mostServers is how many servers are remembered; those beyond are asked by broadcast.
const mostServers = 64

func openDirect(name string) (*direct, error) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return nil, fmt.Errorf("interface %s: %w", name, err)
	}
	if len(i.HardwareAddr) != 6 {
		return nil, fmt.Errorf("interface %s: no Ethernet", name)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("frames of clients on %s need CAP_NET_RAW: %w", name, err)
	}
	if err := prepare(fd, i.Index); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("clients on %s: %w", name, err)
	}
	w := &direct{file: os.NewFile(uintptr(fd), "frames"), servers: map[uint32][6]byte{}}
	if w.raw, err = w.file.SyscallConn(); err != nil {
		w.file.Close()
		return nil, err
	}
	return w, nil
}

// prepare makes fd hear what is meant for any client on the interface.
func prepare(fd, index int) error {
	filter := answersOnly()
	err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
	unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1) // older kernels cannot, and it is only cheaper
	const buffer = 8 << 20
	for _, o := range [][2]int{{unix.SO_RCVBUF, unix.SO_RCVBUFFORCE}, {unix.SO_SNDBUF, unix.SO_SNDBUFFORCE}} {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, o[1], buffer) != nil {
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, o[0], buffer)
		}
	}
	all := uint16(unix.ETH_P_ALL)
	return errors.Join(err,
		unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &unix.PacketMreq{Ifindex: int32(index), Type: unix.PACKET_MR_PROMISC}),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all<<8 | all>>8, Ifindex: index}))
}

// answersOnly is a filter that lets through ARP, and UDP to the port of clients.
func answersOnly() []unix.SockFilter {
	op := func(code uint16, k uint32, jt, jf uint8) unix.SockFilter {
		return unix.SockFilter{Code: code, Jt: jt, Jf: jf, K: k}
	}
	return []unix.SockFilter{
		op(unix.BPF_LD|unix.BPF_H|unix.BPF_ABS, 12, 0, 0),
		op(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, etherARP, 6, 0),
		op(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, etherIPv4, 0, 6),
		op(unix.BPF_LD|unix.BPF_B|unix.BPF_ABS, etherHeader+9, 0, 0),
		op(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 17, 0, 4),
		op(unix.BPF_LDX|unix.BPF_B|unix.BPF_MSH, etherHeader, 0, 0),
		op(unix.BPF_LD|unix.BPF_H|unix.BPF_IND, etherHeader+2, 0, 0),
		op(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, clientPort, 0, 1),
		op(unix.BPF_RET|unix.BPF_K, 1<<16, 0, 0),
		op(unix.BPF_RET|unix.BPF_K, 0, 0, 0),
	}
}

func (w *direct) close() {
	w.closed.Store(true)
	w.file.Close()
}

func (w *direct) lost() (sent, heard uint64) {
	w.raw.Control(func(fd uintptr) {
		// The kernel's counters begin anew with each look.
		if s, err := unix.GetsockoptTpacketStats(int(fd), unix.SOL_PACKET, unix.PACKET_STATISTICS); err == nil {
			w.dropped.Add(uint64(s.Drops))
		}
	})
	return w.notSent.Load(), w.dropped.Load()
}

const (
	frameSize = 2048
	inBatch   = 64
	outBatch  = 128
)

func (w *direct) receive(to ears) error {
	v, replies := newVector(inBatch, frameSize), newVector(outBatch, headers+largest)
	for {
		v.whole()
		n, err := v.call(w.raw.Read, unix.SYS_RECVMMSG, inBatch)
		if w.closed.Load() {
			return os.ErrClosed
		}
		if err != nil { // such as an interface that is down for a while
			time.Sleep(longest)
			continue
		}
		for i := range n {
			w.take(to, v.octets(i), replies)
		}
		to.behind()
		w.flush(replies)
	}
}

// take hands one frame over, or answers it.
func (w *direct) take(to ears, f []byte, replies *vector) {
	if addr, ok := askedFor(f); ok {
		if client, ok := to.holder(addr); ok {
			w.room(replies)
			replies.put(arpReply(replies.next(), f, hardware(client)))
		}
		return
	}
	if m, source, ok := messageIn(f); ok {
		w.learn(source, [6]byte(f[6:12]))
		to.hear(m)
	}
}

func (w *direct) learn(server uint32, hardware [6]byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, known := w.servers[server]; known || len(w.servers) < mostServers {
		w.servers[server] = hardware
	}
}

// where returns the hardware address of a server, that of everybody if it is not known.
func (w *direct) where(server uint32) ([6]byte, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h, ok := w.servers[server]
	return h, ok
}

// room sends what v has if it is full.
func (w *direct) room(v *vector) {
	if v.n == len(v.hdrs) {
		w.flush(v)
	}
}

func (w *direct) flush(v *vector) {
	for from := 0; from < v.n; {
		n, err := v.callFrom(w.raw.Write, unix.SYS_SENDMMSG, from, v.n)
		if err != nil {
			if w.closed.Load() {
				break
			}
			w.notSent.Add(1)
			n = 1
		}
		from += n
	}
	v.n = 0
}

func (w *direct) sender() sender { return &frames{w: w, v: newVector(outBatch, headers+largest)} }

// frames is a sender of direct.
type frames struct {
	w  *direct
	v  *vector
	id uint16
}

func (s *frames) add(q question) {
	s.w.room(s.v)
	b := s.v.next()
	b = q.append(b[:headers])
	to, source, destination := everybody, uint32(0), ^uint32(0)
	if q.held != 0 {
		source = q.held
		if h, ok := s.w.where(q.towards); ok {
			to, destination = h, q.towards
		}
	}
	s.id++
	putHeaders(b[:headers], to, hardware(q.client), source, destination, s.id, b[headers:])
	s.v.put(b)
}

func (s *frames) flush() { s.w.flush(s.v) }

// vector is the argument of recvmmsg and sendmmsg.
type vector struct {
	hdrs   []unix.Mmsghdr
	iovs   []unix.Iovec
	memory []byte
	size   int
	n      int // frames to send
	did    int
	errno  syscall.Errno
}

func newVector(n, size int) *vector {
	v := &vector{hdrs: make([]unix.Mmsghdr, n), iovs: make([]unix.Iovec, n), memory: make([]byte, n*size), size: size}
	for i := range v.hdrs {
		v.iovs[i].Base = &v.memory[i*size]
		v.hdrs[i].Hdr.Iov = &v.iovs[i]
		v.hdrs[i].Hdr.SetIovlen(1)
	}
	return v
}

// whole gives all of the room to what is received.
func (v *vector) whole() {
	for i := range v.iovs {
		v.iovs[i].SetLen(v.size)
	}
}

// octets returns what was received into slot i.
func (v *vector) octets(i int) []byte {
	return v.memory[i*v.size:][:min(int(v.hdrs[i].Len), v.size)]
}

// next returns the room for the next frame, which put adds.
func (v *vector) next() []byte { return v.memory[v.n*v.size : v.n*v.size : (v.n+1)*v.size] }

func (v *vector) put(b []byte) {
	v.iovs[v.n].SetLen(len(b))
	v.n++
}

func (v *vector) call(wait func(func(uintptr) bool) error, trap uintptr, n int) (int, error) {
	return v.callFrom(wait, trap, 0, n)
}

func (v *vector) callFrom(wait func(func(uintptr) bool) error, trap uintptr, from, to int) (int, error) {
	err := wait(func(fd uintptr) bool {
		n, _, errno := unix.Syscall6(trap, fd, uintptr(unsafe.Pointer(&v.hdrs[from])), uintptr(to-from), unix.MSG_DONTWAIT, 0, 0)
		v.did, v.errno = int(n), errno
		return errno != unix.EAGAIN
	})
	if err != nil {
		return 0, err
	}
	if v.errno != 0 {
		return 0, v.errno
	}
	return v.did, nil
}
