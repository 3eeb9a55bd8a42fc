package socket

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ServerPort and ClientPort are where servers and relays, and clients, listen (RFC 2131 §4.1).
const (
	ServerPort = 67
	ClientPort = 68
)

// Config says what to open.
type Config struct {
	// Interfaces are where clients are heard directly; they need not exist yet. None means every one that has an
	// IPv4 address.
	Interfaces []string
	// Listen are the addresses for relayed and unicast datagrams. None means those of the served interfaces.
	Listen []netip.Addr
	// Bind is the one address to bind to, which then hears no broadcasts. The zero Addr means all.
	Bind netip.Addr
	// Port is what to bind to and send from. 0 means ServerPort.
	Port uint16
	// Buffer is how many octets of datagrams may wait in the kernel. 0 means 16 MiB; the kernel may allow less.
	Buffer int
	// UnicastOnly leaves frames and conflict probes out, which need CAP_NET_RAW.
	UnicastOnly bool
	// Log hears of what an operator should know. nil means nobody.
	Log *slog.Logger
}

const defaultBuffer = 16 << 20

// Sockets are the open sockets of one server. Receive, Send, Probe and Answers may be called from different
// goroutines at the same time; calls of the same method follow each other.
type Sockets struct {
	log  *slog.Logger
	port uint16

	udp    *conn
	closed atomic.Bool
	packet *conn // nil without CAP_NET_RAW
	icmp   *conn // nil without CAP_NET_RAW
	whole  *conn // nil without CAP_NET_RAW

	scope      atomic.Pointer[scope]
	choice     sync.Mutex // guards interfaces and listen, and the order of looks at the interfaces
	interfaces []string
	listen     []netip.Addr

	counters counters
	kernel   sync.Mutex // guards overflow
	overflow overflow

	sending sync.Mutex // guards out
	out     *outbox
	probing sync.Mutex // guards probes
	probes  *prober
}

// Open opens the sockets. Where frames and probes are not allowed it goes on without and says so on Config.Log; the
// error of a port that is taken names who has it.
func Open(cfg Config) (*Sockets, error) {
	s := &Sockets{log: cfg.Log, port: cfg.Port, interfaces: cfg.Interfaces, listen: cfg.Listen}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.port == 0 {
		s.port = ServerPort
	}
	links, err := readLinks()
	if err != nil {
		return nil, err
	}
	s.scope.Store(newScope(links, s.interfaces, s.listen))
	if s.udp, err = openUDP(cfg.Bind, s.port); err != nil {
		return nil, err
	}
	s.sayAbsent(links)
	s.enlarge(cfg.Buffer)
	if !cfg.UnicastOnly {
		s.openRaw()
	}
	s.out, s.probes = newOutbox(s), newProber(s)
	return s, nil
}

// Close closes the sockets; a Receive that waits returns os.ErrClosed, and Answers returns nil.
func (s *Sockets) Close() error {
	s.closed.Store(true)
	s.udp.wake()
	return errors.Join(s.udp.close(), s.packet.close(), s.icmp.close(), s.whole.close())
}

// Counters returns what happened so far.
func (s *Sockets) Counters() Counters {
	c := s.counters.read()
	if n, err := s.udp.overflowed(); err == nil {
		s.kernel.Lock()
		c.Overflow = s.overflow.add(n)
		s.kernel.Unlock()
	}
	return c
}

func openUDP(bind netip.Addr, port uint16) (*conn, error) {
	// No SO_REUSEADDR: two servers that share the port would each get some of the datagrams.
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening a UDP socket: %w", err)
	}
	sa := &unix.SockaddrInet4{Port: int(port)}
	if bind.Is4() {
		sa.Addr = bind.As4()
	}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BROADCAST, 1),
		unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DONT),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
	)
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("preparing a UDP socket: %w", err)
	}
	if err := unix.Bind(fd, sa); err != nil {
		unix.Close(fd)
		return nil, bindError(bind, port, err)
	}
	return newConn(fd, "dhcp")
}

// bindError says what to do about a port that cannot be had.
func bindError(bind netip.Addr, port uint16, err error) error {
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		return fmt.Errorf("port %d is in use by %s; stop that first: %w", port, holder(port), err)
	case errors.Is(err, unix.EACCES):
		return fmt.Errorf("port %d needs the capability CAP_NET_BIND_SERVICE: %s: %w", port, Remedy(), err)
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return fmt.Errorf("this machine does not have the address %v: %w", bind, err)
	default:
		return fmt.Errorf("port %d: %w", port, err)
	}
}

// openRaw opens what frames and probes go through, as far as that is allowed.
func (s *Sockets) openRaw() {
	var err, perr, werr error
	s.packet, err = openPacket()
	s.icmp, perr = openICMP()
	s.whole, werr = openWhole()
	if err = errors.Join(err, perr, werr); err != nil {
		s.log.Warn("clients without an address are answered by broadcast only, and addresses are not probed before "+
			"they are offered", "error", err, "remedy", Remedy())
	}
}

// openPacket opens the socket for frames. Its protocol is 0, so that it receives nothing.
func openPacket() (*conn, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening a packet socket: %w", err)
	}
	grow(fd, unix.SO_SNDBUF, unix.SO_SNDBUFFORCE, defaultBuffer)
	return newConn(fd, "frames")
}

// openWhole opens the socket for datagrams with their headers. It receives nothing (raw(7)).
func openWhole() (*conn, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		return nil, fmt.Errorf("opening a raw socket: %w", err)
	}
	grow(fd, unix.SO_SNDBUF, unix.SO_SNDBUFFORCE, defaultBuffer)
	return newConn(fd, "strangers")
}

// enlarge gives the kernel room for what comes while a batch is decided, and says so where it is little.
func (s *Sockets) enlarge(want int) {
	if want == 0 {
		want = defaultBuffer
	}
	s.udp.raw.Control(func(fd uintptr) {
		grow(int(fd), unix.SO_SNDBUF, unix.SO_SNDBUFFORCE, want)
		if got := grow(int(fd), unix.SO_RCVBUF, unix.SO_RCVBUFFORCE, want); got < min(want, 1<<20) {
			s.log.Warn("the receive buffer is small; bursts of clients will be lost", "octets", got,
				"remedy", fmt.Sprintf("sysctl -w net.core.rmem_max=%d", want))
		}
	})
}

// grow asks for a buffer of want octets, beyond the system's limit where that is allowed, and returns what it got.
func grow(fd, option, force, want int) int {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, force, want) != nil {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, want)
	}
	got, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, option)
	if err != nil {
		return 0
	}
	return got / 2 // the kernel reports its bookkeeping too (socket(7))
}

// Backlog returns how much of the room for datagrams that wait to be received is taken, from 0 to 1.
func (s *Sockets) Backlog() float64 {
	mem, err := s.udp.memory()
	if err != nil || mem[unix.SK_MEMINFO_RCVBUF] == 0 {
		return 0
	}
	return float64(mem[unix.SK_MEMINFO_RMEM_ALLOC]) / float64(mem[unix.SK_MEMINFO_RCVBUF])
}

// overflowed returns the kernel's count of datagrams that found the buffer full.
func (c *conn) overflowed() (uint32, error) {
	mem, err := c.memory()
	return mem[unix.SK_MEMINFO_DROPS], err
}

// memory returns what the kernel says of the socket's buffers.
func (c *conn) memory() (mem [unix.SK_MEMINFO_VARS]uint32, err error) {
	size := uint32(unsafe.Sizeof(mem))
	cerr := c.raw.Control(func(fd uintptr) {
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO,
			uintptr(unsafe.Pointer(&mem)), uintptr(unsafe.Pointer(&size)), 0)
		if errno != 0 {
			err = errno
		}
	})
	return mem, errors.Join(cerr, err)
}
