package socket

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// vector is the argument of recvmmsg and sendmmsg: a run of message headers with a name and a control buffer each.
// The headers point into the other slices, none of which is ever re-allocated.
type vector struct {
	hdrs    []unix.Mmsghdr
	iovs    []unix.Iovec // per message: iovsPer of them
	names   []unix.RawSockaddrAny
	control []byte

	iovsPer    int
	controlLen int // octets of control buffer a message

	// What the last call said, for callers that were prepared ahead so that the call allocates nothing.
	n     int
	errno unix.Errno
}

func newVector(n, iovsPer, controlLen int) *vector {
	v := &vector{
		hdrs: make([]unix.Mmsghdr, n), iovs: make([]unix.Iovec, n*iovsPer),
		names: make([]unix.RawSockaddrAny, n), control: make([]byte, n*controlLen),
		iovsPer: iovsPer, controlLen: controlLen,
	}
	for i := range v.hdrs {
		h := &v.hdrs[i].Hdr
		h.Name = (*byte)(unsafe.Pointer(&v.names[i]))
		h.Iov = &v.iovs[i*iovsPer]
		h.SetIovlen(iovsPer)
		if controlLen > 0 {
			h.Control = &v.control[i*controlLen]
		}
	}
	return v
}

// point makes part k of message i refer to b, which must not be empty and must stay alive until the call is over.
func (v *vector) point(i, k int, b []byte) {
	iov := &v.iovs[i*v.iovsPer+k]
	iov.Base = &b[0]
	iov.SetLen(len(b))
}

// forget drops what part k of the first n messages refers to, so that the caller's octets can be collected.
func (v *vector) forget(n, k int) {
	for i := range n {
		v.iovs[i*v.iovsPer+k].Base = nil
	}
}

// rearm gives the first n messages their whole name and control buffers back, which a receive shortens.
func (v *vector) rearm(n int) {
	for i := range v.hdrs[:n] {
		h := &v.hdrs[i].Hdr
		h.Namelen = unix.SizeofSockaddrAny
		h.SetControllen(v.controlLen)
	}
}

// receive takes as many datagrams as are there, at least one; false says that none is.
func (v *vector) receive(fd uintptr) bool {
	return v.call(unix.SYS_RECVMMSG, fd, 0, len(v.hdrs))
}

// send sends the messages from, … to-1; false says that the socket is full. After an error v.n is 0 and the error is
// that of the first message.
func (v *vector) send(fd uintptr, from, to int) bool {
	return v.call(unix.SYS_SENDMMSG, fd, from, to)
}

func (v *vector) call(trap, fd uintptr, from, to int) bool {
	for {
		n, _, errno := unix.Syscall6(trap, fd, uintptr(unsafe.Pointer(&v.hdrs[from])), uintptr(to-from),
			unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			v.n, v.errno = int(n), 0
			return true
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			v.n, v.errno = 0, errno
			return false
		default:
			v.n, v.errno = 0, errno
			return true
		}
	}
}

// nameInet4 makes a the name of message i.
func (v *vector) nameInet4(i int, a netip.AddrPort) {
	sa := (*unix.RawSockaddrInet4)(unsafe.Pointer(&v.names[i]))
	sa.Family = unix.AF_INET
	sa.Port = networkOrder(a.Port())
	sa.Addr = a.Addr().As4()
	v.hdrs[i].Hdr.Namelen = unix.SizeofSockaddrInet4
}

// inet4 returns the name of message i; the zero AddrPort if it is not an IPv4 one.
func (v *vector) inet4(i int) netip.AddrPort {
	sa := (*unix.RawSockaddrInet4)(unsafe.Pointer(&v.names[i]))
	if v.hdrs[i].Hdr.Namelen < unix.SizeofSockaddrInet4 || sa.Family != unix.AF_INET {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), networkOrder(sa.Port))
}

// nameLink makes the hardware address on the given interface the name of message i.
func (v *vector) nameLink(i, index int, hardware []byte) {
	sa := (*unix.RawSockaddrLinklayer)(unsafe.Pointer(&v.names[i]))
	*sa = unix.RawSockaddrLinklayer{
		Family: unix.AF_PACKET, Protocol: networkOrder(unix.ETH_P_IP), Ifindex: int32(index), Halen: uint8(len(hardware)),
	}
	copy(sa.Addr[:], hardware)
	v.hdrs[i].Hdr.Namelen = unix.SizeofSockaddrLinklayer
}

// networkOrder turns a number of two octets between the machine's order and the network's.
func networkOrder(n uint16) uint16 {
	b := [2]byte{byte(n >> 8), byte(n)}
	return *(*uint16)(unsafe.Pointer(&b))
}

// stampSpace is the room that one SCM_TIMESTAMPNS takes in a control buffer.
var stampSpace = unix.CmsgSpace(int(unsafe.Sizeof(unix.Timespec{})))

// arrival returns where message i was heard, what it was sent to, and when it came (Datagram.At).
func (v *vector) arrival(i int) (info unix.Inet4Pktinfo, at int64, ok bool) {
	c := v.control[i*v.controlLen:][:min(int(v.hdrs[i].Hdr.Controllen), v.controlLen)]
	for len(c) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&c[0]))
		n := int(h.Len)
		if n < unix.SizeofCmsghdr || n > len(c) {
			break
		}
		switch {
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && n >= unix.CmsgLen(unix.SizeofInet4Pktinfo):
			info, ok = *(*unix.Inet4Pktinfo)(unsafe.Pointer(&c[unix.CmsgLen(0)])), true
		case h.Level == unix.SOL_SOCKET && h.Type == unix.SCM_TIMESTAMPNS && n >= unix.CmsgLen(int(unsafe.Sizeof(unix.Timespec{}))):
			at = (*unix.Timespec)(unsafe.Pointer(&c[unix.CmsgLen(0)])).Nano()
		}
		c = c[min(unix.CmsgSpace(n-unix.CmsgLen(0)), len(c)):]
	}
	return info, at, ok
}

// pktinfoSpace is the room that one IP_PKTINFO takes in a control buffer.
var pktinfoSpace = unix.CmsgSpace(unix.SizeofInet4Pktinfo)

// setPktinfo says from which address and interface message i goes; 0.0.0.0 and 0 leave it to the routing table.
func (v *vector) setPktinfo(i, index int, from [4]byte) {
	c := v.control[i*v.controlLen:]
	h := (*unix.Cmsghdr)(unsafe.Pointer(&c[0]))
	h.Level, h.Type = unix.IPPROTO_IP, unix.IP_PKTINFO
	h.SetLen(unix.CmsgLen(unix.SizeofInet4Pktinfo))
	p := (*unix.Inet4Pktinfo)(unsafe.Pointer(&c[unix.CmsgLen(0)]))
	*p = unix.Inet4Pktinfo{Ifindex: int32(index), Spec_dst: from}
	v.hdrs[i].Hdr.SetControllen(pktinfoSpace)
}

// pktinfo returns where message i was heard and what it was sent to.
func (v *vector) pktinfo(i int) (unix.Inet4Pktinfo, bool) {
	c := v.control[i*v.controlLen:]
	n := int(v.hdrs[i].Hdr.Controllen)
	h := (*unix.Cmsghdr)(unsafe.Pointer(&c[0]))
	if n < unix.CmsgLen(unix.SizeofInet4Pktinfo) || h.Level != unix.IPPROTO_IP || h.Type != unix.IP_PKTINFO {
		return unix.Inet4Pktinfo{}, false
	}
	return *(*unix.Inet4Pktinfo)(unsafe.Pointer(&c[unix.CmsgLen(0)])), true
}
