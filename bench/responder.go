package main

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lessor-dhcp/lessor/internal/socket"
)

// The responder is a server without leases: it gives every client the address that its hardware address says, but
// writes a record of each and syncs it before the ACK leaves, one sync for all that wait. It is the limit of what a
// durable server can do with these sockets on this disk.

const (
	recordSize = 128
	journal    = 64 << 20 // octets, written over and over; allocated ahead, so that a sync writes no metadata
	groups     = 256      // batches that may wait for a sync
)

// group is a batch of answers, recycled. The requests in it wait for the sync.
type group struct {
	batch   *socket.Batch
	now     []socket.Outgoing // OFFERs
	later   []socket.Outgoing // ACKs
	answers []byte
}

func newGroup() *group {
	return &group{batch: socket.NewBatch(64), answers: make([]byte, 0, 64*300)}
}

// respond serves until the process ends.
func respond(file string) error {
	s, err := socket.Open(socket.Config{Interfaces: []string{"eth0"}})
	if err != nil {
		return err
	}
	defer s.Close()
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(make([]byte, journal)); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	free, waiting, failed := make(chan *group, groups), make(chan *group, groups), make(chan error, 1)
	for range groups {
		free <- newGroup()
	}
	go func() { failed <- commit(f, s, waiting, free) }()
	for {
		g := <-free
		if _, err := s.Receive(g.batch); err != nil {
			return err
		}
		g.answer()
		if len(g.now) > 0 {
			s.Send(g.now)
		}
		select {
		case waiting <- g:
		case err := <-failed:
			return err
		}
	}
}

// answer makes the answers to what was received.
func (g *group) answer() {
	g.now, g.later, g.answers = g.now[:0], g.later[:0], g.answers[:0]
	for _, d := range g.batch.Datagrams() {
		kind := typeOf(d.Bytes)
		if kind != 1 && kind != 3 {
			continue
		}
		begin := len(g.answers)
		g.answers = appendAnswer(g.answers, d.Bytes, kind)
		o := socket.Outgoing{Bytes: g.answers[begin:], To: netip.AddrPortFrom(netip.AddrFrom4([4]byte(d.Bytes[24:28])), 67), From: d.To}
		if kind == 1 {
			g.now = append(g.now, o)
		} else {
			g.later = append(g.later, o)
		}
	}
}

// typeOf returns the message type of a request that has it as its first option; 0 if it is something else.
func typeOf(b []byte) byte {
	if len(b) < 243 || b[0] != 1 || b[240] != 53 || b[241] != 1 {
		return 0
	}
	return b[242]
}

func appendAnswer(dst, q []byte, kind byte) []byte {
	begin := len(dst)
	dst = append(dst, q[:240]...)
	a := dst[begin:]
	a[0] = 2
	copy(a[16:20], []byte{10, 16 | q[31]&3, q[32], q[33]})
	dst = append(dst, 53, 1, kind+1+kind/3, 54, 4, 10, 0, 0, 2, 51, 4, 0, 0, 14, 16, 1, 4, 255, 0, 0, 0, 255)
	return append(dst, make([]byte, 300-(len(dst)-begin))...)
}

// commit writes what waits, syncs, and sends the answers.
func commit(f *os.File, s *socket.Sockets, waiting <-chan *group, free chan<- *group) error {
	var record [recordSize]byte
	var all []*group
	buffer, at := make([]byte, 0, groups*64*recordSize), int64(0)
	for g := range waiting {
		all, buffer = append(all[:0], g), buffer[:0]
		for len(all) < groups && len(waiting) > 0 {
			all = append(all, <-waiting)
		}
		for _, g := range all {
			for _, o := range g.later {
				binary.BigEndian.PutUint64(record[:], uint64(time.Now().UnixNano()))
				copy(record[8:], o.Bytes[16:44])
				buffer = append(buffer, record[:]...)
			}
		}
		if len(buffer) > 0 {
			if at+int64(len(buffer)) > journal {
				at = 0
			}
			if _, err := f.WriteAt(buffer, at); err != nil {
				return err
			}
			at += int64(len(buffer))
			if err := unix.Fdatasync(int(f.Fd())); err != nil {
				return fmt.Errorf("syncing: %w", err)
			}
		}
		for _, g := range all {
			if len(g.later) > 0 {
				s.Send(g.later)
			}
			free <- g
		}
	}
	return nil
}
