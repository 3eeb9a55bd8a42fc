package socket

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// conn is a non-blocking socket that waits in the runtime's poller.
type conn struct {
	file *os.File
	raw  syscall.RawConn
}

// newConn takes over fd.
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

// sendStall is how long a full socket may hold up the sender before what is left is dropped. A reply that late is of
// no use to its client, who asks again.
const sendStall = 100 * time.Millisecond

// sender sends the messages of a vector over a conn. Its calls are prepared once so that sending allocates nothing.
type sender struct {
	*vector
	c        *conn
	from, to int
	once     func(fd uintptr) bool // tries, and comes back whatever happens
	patient  func(fd uintptr) bool // waits while the socket is full
}

func newSender(c *conn, v *vector) *sender {
	s := &sender{vector: v, c: c}
	s.patient = func(fd uintptr) bool { return s.send(fd, s.from, s.to) }
	s.once = func(fd uintptr) bool { s.send(fd, s.from, s.to); return true }
	return s
}

// flush sends the first n messages and returns how many went out. Each of the others is handed to failed with its
// error; unix.EAGAIN says that the socket was full for too long, or is closed.
func (s *sender) flush(n int, failed func(i int, errno unix.Errno)) (sent int) {
	s.to = n
	for s.from = 0; s.from < n; {
		err := s.c.raw.Write(s.once)
		if err == nil && s.errno == unix.EAGAIN {
			s.c.file.SetWriteDeadline(time.Now().Add(sendStall))
			err = s.c.raw.Write(s.patient)
			s.c.file.SetWriteDeadline(time.Time{})
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
