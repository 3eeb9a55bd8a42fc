package world

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"golang.org/x/sys/unix"
)

// Town is many scripted clients on one segment. Each is a state machine of RFC 2131 figure 5 with its own hardware
// address, frames and timers: it broadcasts where a client broadcasts, renews by unicast with the server that it was
// told of, rebinds with any, and answers ARP for its address. What they are told goes into a Ledger, which several towns
// may share.
type Town struct {
	w      *World
	fd     int
	index  int
	life   Life
	ledger *Ledger

	mu        sync.Mutex
	dice      *rand.Rand
	born      uint32
	residents []*resident
	byXID     map[uint32]*resident
	asked     map[uint32]time.Time // of transactions that are over: when they asked last
	byAddress map[netip.Addr]*resident
	still     bool // nobody begins anything new
}

// Life is how the clients of a town behave.
type Life struct {
	// Clients is how many there are at a time.
	Clients int
	// Pause is the mean time between two things that one client does beside what its timers demand.
	Pause time.Duration
	// Renew, Reboot, Release and Vanish are how often, in relation, it then renews early, asks for its address anew as
	// after a reboot, gives it back, or falls silent for ever. After the last two a new client comes in its place.
	Renew, Reboot, Release, Vanish int
	// SecsZero makes them say in every message that they have only just begun.
	SecsZero bool
	// First is part of the hardware addresses, so that two towns have different clients.
	First byte
}

// What a client waits for an answer, before it asks again (RFC 2131 §4.1), a second more or less.
var patience = [...]time.Duration{4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second}

// Clients that renew early ask again after this, since with the short leases of a test the 60 s of RFC 2131 §4.4.5 never
// come; hasty ones then ask all servers, as udhcpc does, and the others at T2.
const (
	askAgain  = 2 * time.Second
	hastyAsks = 2
)

// Town settles clients behind one of the host's interfaces.
func (n *Namespace) Town(dev string, ledger *Ledger, life Life, seed uint64) *Town {
	n.w.t.Helper()
	t := &Town{w: n.w, life: life, ledger: ledger, dice: rand.New(rand.NewPCG(seed, uint64(life.First))),
		byXID: map[uint32]*resident{}, asked: map[uint32]time.Time{}, byAddress: map[netip.Addr]*resident{}}
	var e *end
	err := n.Do(func() (err error) { e, err = openEnd(dev); return err })
	if err != nil {
		n.w.t.Fatalf("town: %v", err)
	}
	t.fd, t.index = e.fd, e.index
	now := time.Now()
	for range life.Clients {
		r := &resident{town: t}
		t.rebirth(r, now)
		t.residents = append(t.residents, r)
	}
	done := make(chan struct{})
	ended := make(chan struct{})
	go func() { t.listen(done); close(ended) }()
	n.w.t.Cleanup(func() { close(done); <-ended; unix.Close(t.fd) })
	return t
}

// rebirth makes the resident a client that nobody knows, which will begin soon.
func (t *Town) rebirth(r *resident, now time.Time) {
	if r.xid != 0 {
		r.close()
	}
	t.born++
	*r = resident{town: t, state: initial, hasty: t.born%2 == 0,
		mac: net.HardwareAddr{2, 0x70, t.life.First, byte(t.born >> 16), byte(t.born >> 8), byte(t.born)}}
	r.next = now.Add(time.Duration(t.dice.Float64() * float64(min(t.life.Pause, time.Second))))
}

// Live lets the town live until ctx ends. It may be called again.
func (t *Town) Live(ctx context.Context) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		t.mu.Lock()
		for _, r := range t.residents {
			r.act(now)
		}
		t.mu.Unlock()
	}
}

// Settle lets the clients go on with what they have begun and with what their timers demand, and begin nothing of their
// own; false lets them again.
func (t *Town) Settle(still bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.still = still
}

// Everybody makes each client that has an address do one thing now: renew with its server, or reboot.
func (t *Town) Everybody(q Question) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, r := range t.residents {
		if r.state != bound {
			continue
		}
		n++
		if q == ForReboot {
			r.reboot(time.Now())
		} else {
			r.renew(time.Now())
		}
	}
	return n
}

// Newcomers makes n further clients come, which begin at once.
func (t *Town) Newcomers(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for range n {
		r := &resident{town: t}
		t.rebirth(r, time.Now())
		r.next = time.Now()
		t.residents = append(t.residents, r)
	}
}

// Waiting counts the clients that wait for an answer.
func (t *Town) Waiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, r := range t.residents {
		if r.state != bound {
			n++
		}
	}
	return n
}

// listen takes what comes from the segment, until done is closed.
func (t *Town) listen(done <-chan struct{}) {
	buf := make([]byte, 65536)
	for {
		select {
		case <-done:
			return
		default:
		}
		n, _, err := unix.Recvfrom(t.fd, buf, 0)
		if err != nil {
			if errors.Is(err, unix.EBADF) {
				return
			}
			continue
		}
		t.take(buf[:n])
	}
}

// take looks at a frame: an ARP request for an address that is held here, or an answer to a client.
func (t *Town) take(f []byte) {
	if len(f) < 42 {
		return
	}
	switch binary.BigEndian.Uint16(f[12:]) {
	case unix.ETH_P_ARP:
		t.arp(f)
	case unix.ETH_P_IP:
		if a, ok := readAnswer(f); ok {
			t.mu.Lock()
			defer t.mu.Unlock()
			switch r := t.byXID[a.xid]; {
			case r != nil && r.mac.String() == a.mac.String():
				r.hear(a, time.Now())
			case r == nil && a.kind == dhcpv4.MessageTypeAck && t.ours(a.mac):
				t.ledger.strayed(a.mac.String(), a.server, t.asked[a.xid])
			}
		}
	}
}

// ours reports whether a client of the town has, or had, that hardware address.
func (t *Town) ours(mac net.HardwareAddr) bool {
	return len(mac) == 6 && mac[0] == 2 && mac[1] == 0x70 && mac[2] == t.life.First
}

// arp answers who has an address of ours (RFC 826).
func (t *Town) arp(f []byte) {
	if f[21] != 1 { // not a request
		return
	}
	target := netip.AddrFrom4([4]byte(f[38:42]))
	t.mu.Lock()
	r := t.byAddress[target]
	t.mu.Unlock()
	if r == nil {
		return
	}
	reply := make([]byte, 42)
	copy(reply, f[6:12])
	copy(reply[6:], r.mac)
	copy(reply[12:], []byte{8, 6, 0, 1, 8, 0, 6, 4, 0, 2})
	copy(reply[22:], r.mac)
	copy(reply[28:], f[38:42])
	copy(reply[32:], f[22:32])
	t.send(reply)
}

// send puts a frame on the segment. One that does not fit is lost, as any may be.
func (t *Town) send(frame []byte) {
	unix.Sendto(t.fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: t.index})
}
