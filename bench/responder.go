package main

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/lessor-dhcp/lessor/internal/socket"
)

// The responder is a server without leases: it gives every client the address that its hardware address says. If it is
// durable it writes a record of each and syncs it before the ACK leaves, one sync for all that wait. It is the limit of what
// a server can do with these sockets, and on this disk.

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

// respond serves until the process ends, and keeps in dir the journal, and how often it was synced.
func respond(dir string, durable bool) error {
	s, err := socket.Open(socket.Config{Interfaces: []string{"eth0"}})
	if err != nil {
		return err
	}
	defer s.Close()
	syncs, err := newCounter(filepath.Join(dir, "syncs"))
	if err != nil {
		return err
	}
	if !durable {
		return respondAtOnce(s)
	}
	f, err := newJournal(filepath.Join(dir, "journal"))
	if err != nil {
		return err
	}
	defer f.Close()
	free, waiting, failed := make(chan *group, groups), make(chan *group, groups), make(chan error, 1)
	for range groups {
		free <- newGroup()
	}
	go func() { failed <- commit(f, s, syncs, waiting, free) }()
	for {
		g := <-free
		if _, err := s.Receive(g.batch); err != nil {
			return err
		}
		g.answer()
		if len(g.now) > 0 {
			s.Send(g.now)
		}
		if len(g.later) == 0 {
			free <- g
			continue
		}
		select {
		case waiting <- g:
		case err := <-failed:
			return err
		}
	}
}

// respondAtOnce keeps nothing.
func respondAtOnce(s *socket.Sockets) error {
	g := newGroup()
	for {
		if _, err := s.Receive(g.batch); err != nil {
			return err
		}
		g.answer()
		s.Send(append(g.now, g.later...))
	}
}

// newJournal returns a file whose blocks are all there, so that a sync writes no metadata.
func newJournal(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err = f.Write(make([]byte, journal)); err == nil {
		err = f.Sync()
	}
	return f, err
}

// newCounter returns a number that others read in a file.
func newCounter(name string) (*uint64, error) {
	if err := os.WriteFile(name, make([]byte, 8), 0o644); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := unix.Mmap(int(f.Fd()), 0, 8, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	return (*uint64)(unsafe.Pointer(&b[0])), nil
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
	copy(a[16:20], []byte{10, 16 | q[31]&15, q[32], q[33]})
	dst = append(dst, 53, 1, kind+1+kind/3, 54, 4, 10, 0, 0, 2, 51, 4, 0, 0, 14, 16, 1, 4, 255, 0, 0, 0, 255)
	return append(dst, make([]byte, 300-(len(dst)-begin))...)
}

// commit writes what waits, syncs, and sends the answers.
func commit(f *os.File, s *socket.Sockets, syncs *uint64, waiting <-chan *group, free chan<- *group) error {
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
			*syncs++
		}
		for _, g := range all {
			s.Send(g.later)
			free <- g
		}
	}
	return nil
}
