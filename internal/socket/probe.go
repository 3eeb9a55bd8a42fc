package socket

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// Target is an address to be probed, and the index of the link that it belongs to.
type Target struct {
	Addr netip.Addr
	Link int
}

// ErrNoProbes says that this process may not send ICMP (CAP_NET_RAW).
var ErrNoProbes = errors.New("conflict probes need the capability CAP_NET_RAW")

const (
	icmpEchoReply   = 0
	icmpEchoRequest = 8
	icmpHeader      = 8
	tokenSize       = 8
	probeSize       = icmpHeader + tokenSize
	probeSlots      = 64
	// answerSize is the longest answer that is looked at: an IP header with all its options, and the probe.
	answerSize = 60 + probeSize
	// probesBuffer is how many octets of probes may wait in the kernel. Each one waits for some seconds, since it goes to an address that,
	// as a rule, nobody has, and so nobody says where that is.
	probesBuffer = 1 << 20
)

var longAgo = time.Unix(1, 0)

// prober sends echo requests. It remembers nothing of them: each carries a token that is made from the address by a
// secret of this process, so that only the one who got the probe for an address can answer for it.
type prober struct {
	secret  maphash.Seed
	id, seq uint16
	out     *sender // nil without the privilege
	octets  []byte
	failed  Failures
	fail    func(i int, errno unix.Errno)
}

func openICMP() (*conn, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_ICMP)
	if err != nil {
		return nil, fmt.Errorf("opening an ICMP socket: %w", err)
	}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_RAW, unix.ICMP_FILTER, ^(1<<icmpEchoReply)),
		unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1),
	)
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("preparing an ICMP socket: %w", err)
	}
	grow(fd, unix.SO_SNDBUF, unix.SO_SNDBUFFORCE, probesBuffer)
	return newConn(fd, "probes")
}

func newProber(s *Sockets) *prober {
	p := &prober{secret: maphash.MakeSeed()}
	p.id = uint16(maphash.Bytes(p.secret, nil))
	p.fail = func(_ int, errno unix.Errno) { p.failed[failureOf(errno)]++ }
	if s.icmp == nil {
		return p
	}
	p.out = newSender(s.icmp, newVector(probeSlots, 1, pktinfoSpace))
	p.out.hurried = true
	p.octets = make([]byte, probeSlots*probeSize)
	for i := range probeSlots {
		p.out.point(i, 0, p.octets[i*probeSize:(i+1)*probeSize])
	}
	return p
}

// Probe sends an ICMP echo request to each target (RFC 2131 §2.2, §4.4.1) and returns how many went out; those that
// did not are counted by reason and must be taken as unanswered. It waits neither for the answers (Answers) nor for room, and
// leaves ARP to the kernel. It returns ErrNoProbes where that is not allowed.
func (s *Sockets) Probe(targets []Target) (sent int, err error) {
	s.probing.Lock()
	defer s.probing.Unlock()
	p := s.probes
	if p.out == nil {
		return 0, ErrNoProbes
	}
	p.failed = Failures{}
	for len(targets) > 0 {
		n := min(len(targets), probeSlots)
		for i, t := range targets[:n] {
			p.prepare(i, t)
		}
		sent += p.out.flush(n, p.fail)
		targets = targets[n:]
	}
	s.counters.probes.Add(uint64(sent))
	for i, n := range p.failed {
		s.counters.failed[i].Add(uint64(n))
	}
	return sent, nil
}

// prepare makes message i an echo request to t (RFC 792).
func (p *prober) prepare(i int, t Target) {
	p.seq++
	b := p.octets[i*probeSize : (i+1)*probeSize]
	b[0], b[1], b[2], b[3] = icmpEchoRequest, 0, 0, 0
	binary.BigEndian.PutUint16(b[4:], p.id)
	binary.BigEndian.PutUint16(b[6:], p.seq)
	binary.BigEndian.PutUint64(b[icmpHeader:], p.token(t.Addr))
	binary.BigEndian.PutUint16(b[2:], ^fold(sum(0, b)))
	p.out.nameInet4(i, netip.AddrPortFrom(t.Addr, 0))
	p.out.setPktinfo(i, t.Link, [4]byte{})
}

func (p *prober) token(a netip.Addr) uint64 {
	octets := a.As4()
	return maphash.Bytes(p.secret, octets[:])
}

// answered returns who answered one of our probes with the IP packet b.
func (p *prober) answered(b []byte) (netip.Addr, bool) {
	from, icmp, ok := ipPayload(b, protoICMP)
	if !ok || len(icmp) < probeSize || icmp[0] != icmpEchoReply || icmp[1] != 0 || fold(sum(0, icmp)) != 0xffff {
		return netip.Addr{}, false
	}
	if binary.BigEndian.Uint16(icmp[4:]) != p.id || binary.BigEndian.Uint64(icmp[icmpHeader:]) != p.token(from) {
		return netip.Addr{}, false
	}
	return from, true
}

// Answers calls answered for each address that answers a probe, as often as it does, until ctx is done or the sockets
// are closed, and returns nil then. It returns ErrNoProbes at once where probes are not allowed.
func (s *Sockets) Answers(ctx context.Context, answered func(Target)) error {
	if s.icmp == nil {
		return ErrNoProbes
	}
	v := newVector(probeSlots, 1, pktinfoSpace)
	octets := make([]byte, probeSlots*answerSize)
	for i := range probeSlots {
		v.point(i, 0, octets[i*answerSize:(i+1)*answerSize])
	}
	s.icmp.file.SetReadDeadline(time.Time{}) // an earlier call may have ended by it
	stop := context.AfterFunc(ctx, func() { s.icmp.file.SetReadDeadline(longAgo) })
	defer stop()
	for {
		v.rearm(probeSlots)
		if err := s.icmp.raw.Read(v.receive); err != nil {
			return nil // closed, or ctx is done
		}
		if v.errno != 0 {
			return fmt.Errorf("receiving answers to probes: %w", v.errno)
		}
		for i := range v.n {
			info, _ := v.pktinfo(i)
			if a, ok := s.probes.answered(octets[i*answerSize : i*answerSize+int(v.hdrs[i].Len)]); ok {
				s.counters.answers.Add(1)
				answered(Target{a, int(info.Ifindex)})
			}
		}
	}
}
