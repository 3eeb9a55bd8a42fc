package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lessor-dhcp/lessor/internal/load"
)

// sitting is one life of a server or a pair, from an empty store on, and the clients that ask it.
type sitting struct {
	lab   *lab
	peer  *peer
	sides []*process
	crowd *load.Crowd
	dir   string
}

// seat is how a sitting begins. Zero values have the defaults named.
type seat struct {
	first, last string // poolFirst, poolLast
	clients     int    // nine tenths of the pool
	enterprise  string // further keys of that layer in Lessor's document
	more        string // further lines of it
	resend      time.Duration
	local       []netip.Addr // clientAddr
}

// sit starts p with empty stores under dir, and waits until it answers and has nothing more to do by itself.
func sit(ctx context.Context, p *peer, program, dir string, how seat) (s *sitting, err error) {
	l, err := newLab(p.sides)
	if err != nil {
		return nil, err
	}
	s = &sitting{lab: l, peer: p, dir: dir}
	defer func() {
		if err != nil {
			s.leave()
		}
	}()
	if err := s.places(program, &how); err != nil {
		return s, err
	}
	for side := range p.sides {
		if err := s.launch(side); err != nil {
			return s, err
		}
	}
	cfg := load.Config{Local: how.local, Clients: how.clients, Resend: how.resend}
	switch len(cfg.Local) {
	case 0, 1:
		cfg.Local = []netip.Addr{netip.MustParseAddr(clientAddr)}
	default:
		if err := l.spread(); err != nil {
			return s, err
		}
	}
	for side := range p.sides {
		cfg.Servers = append(cfg.Servers, netip.MustParseAddrPort(serverAddr(side)+":67"))
	}
	if err := l.inside(func() (err error) { s.crowd, err = load.Open(cfg); return err }); err != nil {
		return s, err
	}
	return s, s.ready(ctx)
}

// places makes an empty place for each side. Its process is not started yet.
func (s *sitting) places(program string, how *seat) error {
	if how.first == "" {
		how.first, how.last = poolFirst, poolLast
	}
	if how.clients == 0 {
		how.clients = poolSize * 9 / 10
	}
	if err := os.RemoveAll(s.dir); err != nil {
		return err
	}
	for side := range s.peer.sides {
		at := &place{program: program, dir: filepath.Join(s.dir, strconv.Itoa(side)), side: side, first: netip.MustParseAddr(how.first),
			last: netip.MustParseAddr(how.last), enterprise: how.enterprise, more: how.more}
		if err := os.MkdirAll(at.dir, 0o755); err != nil {
			return err
		}
		s.sides = append(s.sides, &process{at: at})
	}
	return nil
}

// launch starts one side with what is in its place.
func (s *sitting) launch(side int) (err error) {
	s.sides[side], err = s.peer.start(s.lab, s.sides[side].at)
	return err
}

// leave ends all.
func (s *sitting) leave() {
	if s.crowd != nil {
		s.crowd.Close()
	}
	for _, p := range s.sides {
		if p != nil && p.cmd != nil {
			p.stop()
		}
	}
	s.lab.remove()
	os.RemoveAll(s.dir)
	settleDisk(filepath.Dir(s.dir))
}

// settleDisk has what was removed given back to the disk now, if that is how the file system is mounted (discard), and not seconds later, when
// it would hold up the syncs of whoever sits next.
func settleDisk(dir string) {
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	defer d.Close()
	_ = unix.Syncfs(int(d.Fd())) // it is only about who is measured with what
}

// readyWithin is how long a server may take until it answers: dhcpd looks at every address of its pools first.
const readyWithin = 90 * time.Second

// ready waits until clients are answered, each side of a pair has found the other, and nothing more is done.
func (s *sitting) ready(ctx context.Context) error {
	end := time.Now().Add(readyWithin)
	if err := s.until(ctx, end, func() bool {
		for _, p := range s.sides {
			if s.peer.normal != nil && !s.peer.normal(p.at) {
				time.Sleep(200 * time.Millisecond)
				return false
			}
		}
		return true
	}); err != nil {
		return fmt.Errorf("the two do not find each other: %w", err)
	}
	if err := s.until(ctx, end, func() bool { return s.crowd.Acquire(ctx, 1, 0, time.Second, nil) > 0 }); err != nil {
		return fmt.Errorf("no answer: %w", err)
	}
	return s.idle(ctx, end)
}

func (s *sitting) until(ctx context.Context, end time.Time, holds func() bool) error {
	for !holds() {
		if time.Now().After(end) {
			return fmt.Errorf("waited for %v", readyWithin)
		}
		if err := s.ended(); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// ended reports a process that ended by itself.
func (s *sitting) ended() error {
	for _, p := range s.sides {
		if err := p.ended(); err != nil {
			return err
		}
	}
	return nil
}

// idle waits until the servers use next to no time for a second.
func (s *sitting) idle(ctx context.Context, end time.Time) error {
	for quiet := 0; quiet < 2 && time.Now().Before(end) && ctx.Err() == nil; {
		before, err := s.usage()
		if err != nil {
			return err
		}
		time.Sleep(400 * time.Millisecond)
		after, err := s.usage()
		if err != nil {
			return err
		}
		if quiet++; after.cpu-before.cpu > 2*clockTick {
			quiet = 0
		}
	}
	return ctx.Err()
}

// usage is that of all sides together.
func (s *sitting) usage() (sum usage, err error) {
	for _, p := range s.sides {
		u, err := p.usage()
		if err != nil {
			if e := p.ended(); e != nil {
				err = e
			}
			return sum, err
		}
		sum.cpu += u.cpu
		sum.memory += u.memory
		sum.written += u.written
		sum.descriptors += u.descriptors
	}
	return sum, nil
}

// syncs is how often all sides together have synced, and whether they say so themselves; if they do not, it is how often
// anybody on this machine did.
func (s *sitting) syncs() (sum uint64, exact, known bool) {
	if s.peer.syncs == nil {
		n, ok := flushes(s.dir)
		return n, false, ok
	}
	for _, p := range s.sides {
		n, err := s.peer.syncs(p.at)
		if err != nil {
			return 0, true, false
		}
		sum += n
	}
	return sum, true, true
}
