package socket

import (
	"fmt"
	"net/netip"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// SlotSize is the longest datagram that is received, in octets. It is more than an Ethernet frame carries, so only
// what was fragmented is longer.
const SlotSize = 2048

// Datagram is one that was received. Bytes belong to the Batch and are valid until it is received into again.
type Datagram struct {
	Bytes []byte
	From  netip.AddrPort
	// To is the destination that the sender wrote: an address of this machine, or a broadcast.
	To netip.Addr
	// Interface is the index of the interface where it was heard.
	Interface int
	// Unicast says that To is an address of this machine.
	Unicast bool
	// At is when it came, in nanoseconds of the machine's clock since 1970; 0: not known.
	At int64
}

// Batch is the memory that datagrams are received into. It is used by one goroutine at a time.
type Batch struct {
	v         *vector
	octets    []byte
	datagrams []Datagram
	wait      bool // until there is something
	closed    *atomic.Bool
	waiting   [1]unix.PollFd
	read      func(fd uintptr) // waits for datagrams, prepared once so that receiving allocates nothing
}

// NewBatch returns a Batch of the given number of slots, at least one.
func NewBatch(slots int) *Batch {
	slots = max(slots, 1)
	b := &Batch{
		v: newVector(slots, 1, pktinfoSpace+stampSpace), octets: make([]byte, slots*SlotSize), datagrams: make([]Datagram, 0, slots),
	}
	for i := range slots {
		b.v.point(i, 0, b.octets[i*SlotSize:(i+1)*SlotSize])
	}
	b.v.rearm(slots)
	b.read = func(fd uintptr) {
		for !b.v.receive(fd) && b.wait && !b.closed.Load() {
			b.waiting[0] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
			// What poll says is of no consequence: the next try knows better.
			_, _ = unix.Poll(b.waiting[:], -1)
		}
	}
	return b
}

// Datagrams returns what the last Receive got.
func (b *Batch) Datagrams() []Datagram { return b.datagrams }

// Receive waits until there is at least one datagram for this server, and takes as many as are there, up to the slots
// of b. It returns their number; after an error that is 0. Once the sockets are closed the error is os.ErrClosed.
func (s *Sockets) Receive(b *Batch) (int, error) {
	for {
		if n, err := s.receive(b, true); n > 0 || err != nil {
			return n, err
		}
	}
}

// Take is Receive for what is there already: it never waits, and returns 0 if there is nothing.
func (s *Sockets) Take(b *Batch) (int, error) { return s.receive(b, false) }

// receive takes what is there, and waits for it first if told to; of that nothing may be for this server.
func (s *Sockets) receive(b *Batch, wait bool) (int, error) {
	b.datagrams, b.wait, b.closed = b.datagrams[:0], wait, &s.closed
	switch err := s.udp.raw.Control(b.read); {
	case err != nil || s.closed.Load(): // there is no other way for this to fail
		return 0, os.ErrClosed
	case b.v.errno == unix.EAGAIN:
		return 0, nil
	case b.v.errno != 0:
		return 0, fmt.Errorf("receiving: %w", b.v.errno)
	}
	s.sort(b)
	b.v.rearm(b.v.n)
	s.counters.received.Add(uint64(len(b.datagrams)))
	return len(b.datagrams), nil
}

// sort keeps the datagrams that are for this server and counts the others.
func (s *Sockets) sort(b *Batch) {
	scope := s.scope.Load()
	for i := range b.v.n {
		d, drop, ok := scope.admit(b, i)
		if !ok {
			s.counters.dropped[drop].Add(1)
			continue
		}
		b.datagrams = append(b.datagrams, d)
	}
}

// admit returns message i of b, or why it is not for this server.
func (sc *scope) admit(b *Batch, i int) (Datagram, Drop, bool) {
	h := &b.v.hdrs[i]
	if h.Hdr.Flags&unix.MSG_TRUNC != 0 {
		return Datagram{}, TooLong, false
	}
	from := b.v.inet4(i)
	info, at, ok := b.v.arrival(i)
	if !ok || from.Port() == 0 {
		return Datagram{}, NoSource, false
	}
	d := Datagram{
		Bytes: b.octets[i*SlotSize : i*SlotSize+int(h.Len) : (i+1)*SlotSize], From: from,
		To: netip.AddrFrom4(info.Addr), Interface: int(info.Ifindex), At: at,
		// For what was sent to this machine alone the kernel proposes that very address for the answer.
		Unicast: info.Addr == info.Spec_dst,
	}
	switch {
	case d.Unicast && !sc.unicast[d.To]:
		return Datagram{}, OtherAddress, false
	case !d.Unicast && !sc.served(d.Interface):
		return Datagram{}, OtherInterface, false
	}
	return d, 0, true
}
