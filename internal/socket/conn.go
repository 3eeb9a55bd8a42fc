package socket

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// conn is a socket whose system calls never wait (MSG_DONTWAIT). One that is non-blocking waits in the runtime's poller; one that is
// blocking is unknown to that, and waits in poll(2): a thread of its own is woken by the kernel directly, without the work of two or
// three others each time.
type conn struct {
	file *os.File
	raw  syscall.RawConn
}

// newConn takes over fd. Whether it is non-blocking says where it waits.
func newConn(fd int, name string) (*conn, error) {
	f := os.NewFile(uintptr(fd), name)
	raw, err := f.SyscallConn()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &conn{f, raw}, nil
}

func (c *conn) close() error {
	if c == nil {
		return nil
	}
	return c.file.Close()
}

// wake has whoever waits in poll(2) for datagrams look again. The kernel says that the socket is not connected, and wakes them all
// the same.
func (c *conn) wake() {
	_ = c.raw.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_RD) })
}

// sendStall is how long a full socket may hold up the sender before what is left is dropped. A reply that late is of
// no use to its client, who asks again.
const sendStall = 100 * time.Millisecond

// sender sends the messages of a vector over a conn. Its calls are prepared once so that sending allocates nothing.
type sender struct {
	*vector
	c *conn
	// hurried says that nobody is held up by a socket that is full: what it does not take now is dropped.
	hurried  bool
	from, to int
	once     func(fd uintptr) // tries, and comes back whatever happens
	patient  func(fd uintptr) // waits while the socket is full
	waiting  [1]unix.PollFd
}

func newSender(c *conn, v *vector) *sender {
	s := &sender{vector: v, c: c}
	s.once = func(fd uintptr) { s.send(fd, s.from, s.to) }
	s.patient = func(fd uintptr) {
		for end := time.Now().Add(sendStall); !s.send(fd, s.from, s.to); {
			left := time.Until(end)
			if left <= 0 {
				return
			}
			s.waiting[0] = unix.PollFd{Fd: int32(fd), Events: unix.POLLOUT}
			// What poll says is of no consequence: the next try knows better.
			_, _ = unix.Poll(s.waiting[:], int(left/time.Millisecond)+1)
		}
	}
	return s
}

// flush sends the first n messages and returns how many went out. Each of the others is handed to failed with its
// error; unix.EAGAIN says that the socket was full for too long, or is closed.
func (s *sender) flush(n int, failed func(i int, errno unix.Errno)) (sent int) {
	s.to = n
	for s.from = 0; s.from < n; {
		err := s.c.raw.Control(s.once)
		if err == nil && s.errno == unix.EAGAIN && !s.hurried {
			err = s.c.raw.Control(s.patient)
		}
		switch {
		case err != nil || s.errno == unix.EAGAIN:
			for ; s.from < n; s.from++ {
				failed(s.from, unix.EAGAIN)
			}
		case s.errno != 0:
			failed(s.from, s.errno)
			s.from++
		default:
			sent += s.vector.n
			s.from += s.vector.n
		}
	}
	return sent
}

// control calls f with the socket's descriptor.
func (c *conn) control(f func(fd int) error) error {
	var inner error
	if err := c.raw.Control(func(fd uintptr) { inner = f(int(fd)) }); err != nil {
		return err
	}
	return inner
}
