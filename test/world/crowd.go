package world

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// Crowd is many scripted clients behind one scripted relay, with a ledger of what each of them was told. It shares
// nothing with the server but the wire.
type Crowd struct {
	conn   *net.UDPConn
	relay  netip.Addr
	server netip.AddrPort
	dice   *rand.Rand
	gap    time.Duration

	mu      sync.Mutex
	members []*member
	byXID   map[uint32]*member
	holder  map[netip.Addr]*member // who was told that it has the address, and has not given it back
	born    int
	tally   CrowdTally
	doubles []string
}

// CrowdTally counts what the crowd went through.
type CrowdTally struct {
	Acks, Naks, Offers, Releases, Renewals, Reboots int
}

// member is one client. It knows what a client knows.
type member struct {
	mac     net.HardwareAddr
	xid     uint32
	sent    time.Time // when the question that is open was asked; zero: none is
	asks    dhcpv4.MessageType
	offered netip.Addr
	server  netip.Addr
	grant   *Grant
}

// Grant is one promise that a client was given.
type Grant struct {
	MAC     string
	Address netip.Addr
	// Asked is when the client sent the request; its lease is counted from there (RFC 2131 §4.4.1).
	Asked time.Time
	Lease time.Duration
}

// Until is when the client stops using the address.
func (g Grant) Until() time.Time { return g.Asked.Add(g.Lease) }

// impatience is how long a member waits for an answer before it asks again.
const impatience = 150 * time.Millisecond

// Crowd makes a crowd on the host. relay is one of the host's own addresses; messages leave at most `rate` a second.
func (n *Namespace) Crowd(size, rate int, relay, server string, seed uint64) *Crowd {
	n.w.t.Helper()
	c := &Crowd{relay: netip.MustParseAddr(relay), server: netip.AddrPortFrom(netip.MustParseAddr(server), 67),
		dice: rand.New(rand.NewPCG(seed, 1)), gap: time.Second / time.Duration(rate),
		byXID: map[uint32]*member{}, holder: map[netip.Addr]*member{}}
	err := n.Do(func() (err error) {
		c.conn, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(c.relay, 67)))
		return err
	})
	if err != nil {
		n.w.t.Fatalf("crowd: %v", err)
	}
	c.conn.SetReadBuffer(4 << 20)
	for range size {
		m := &member{}
		c.rebirth(m)
		c.members = append(c.members, m)
	}
	n.w.t.Cleanup(func() { c.conn.Close() })
	go c.listen()
	return c
}

// rebirth makes the member a client that nobody knows.
func (c *Crowd) rebirth(m *member) {
	c.born++
	*m = member{mac: MAC(0x100000 + c.born)}
}

// Talk lets the crowd live until ctx ends: its members acquire addresses, renew, reboot, and now and then give an
// address back, after which another client takes the member's place.
func (c *Crowd) Talk(ctx context.Context) {
	tick := time.NewTicker(max(c.gap, time.Millisecond))
	defer tick.Stop()
	began, done := time.Now(), 0
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		// A ticker is coarse on a busy machine, so what is due is sent at once.
		for due := int(time.Since(began) / c.gap); done < due; done++ {
			c.step()
		}
	}
}

// step lets one member do what it would do next.
func (c *Crowd) step() {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.members[c.dice.IntN(len(c.members))]
	now := time.Now()
	if !m.sent.IsZero() && now.Sub(m.sent) < impatience {
		return
	}
	if m.grant != nil && now.After(m.grant.Until()) {
		c.loses(m)
	}
	switch {
	case m.grant == nil:
		c.send(m, dhcpv4.MessageTypeDiscover, now)
	case m.asks == dhcpv4.MessageTypeRequest && !m.sent.IsZero(): // no answer yet: ask the same again
		c.ask(m, now)
	default:
		switch d := c.dice.IntN(100); {
		case d < 60: // a renewal: ciaddr, and nothing named
			c.tally.Renewals++
			c.ask(m, now)
		case d < 75:
			c.tally.Reboots++
			c.reboot(m, now)
		default: // gives its address back, and another client comes in its place
			c.tally.Releases++
			c.send(m, dhcpv4.MessageTypeRelease, now)
			c.loses(m)
			c.rebirth(m)
		}
	}
}

// loses takes the address from the member in the ledger: it said so itself, or was told so, or its time is over.
func (c *Crowd) loses(m *member) {
	if m.grant != nil && c.holder[m.grant.Address] == m {
		delete(c.holder, m.grant.Address)
	}
	m.grant = nil
}

// ask sends a REQUEST in RENEWING.
func (c *Crowd) ask(m *member, now time.Time) {
	c.put(m, dhcpv4.MessageTypeRequest, now, m.grant.Address)
}

// reboot sends a REQUEST in INIT-REBOOT.
func (c *Crowd) reboot(m *member, now time.Time) {
	c.put(m, dhcpv4.MessageTypeRequest, now, netip.IPv4Unspecified(), requested(m.grant.Address)...)
}

func requested(a netip.Addr) []byte { b := a.As4(); return append([]byte{50, 4}, b[:]...) }

// send sends a message of the type in the state that the member is in.
func (c *Crowd) send(m *member, t dhcpv4.MessageType, now time.Time) {
	switch t {
	case dhcpv4.MessageTypeRelease:
		id := m.server.As4()
		c.put(m, t, now, m.grant.Address, append([]byte{54, 4}, id[:]...)...)
	default:
		c.put(m, t, now, netip.IPv4Unspecified())
	}
}

// put writes a message by hand, which is many times cheaper than by a library, and opens a new transaction.
func (c *Crowd) put(m *member, t dhcpv4.MessageType, now time.Time, ciaddr netip.Addr, options ...byte) {
	delete(c.byXID, m.xid)
	m.xid = c.dice.Uint32()
	m.asks, m.sent = t, now
	c.byXID[m.xid] = m
	c.write(m, t, ciaddr, options)
}

func (c *Crowd) write(m *member, t dhcpv4.MessageType, ciaddr netip.Addr, options []byte) {
	b := make([]byte, 240, 320)
	b[0], b[1], b[2], b[3] = 1, 1, 6, 1
	binary.BigEndian.PutUint32(b[4:], m.xid)
	at, via := ciaddr.As4(), c.relay.As4()
	copy(b[12:], at[:])
	copy(b[24:], via[:])
	copy(b[28:], m.mac)
	copy(b[236:], []byte{99, 130, 83, 99})
	b = append(b, 53, 1, byte(t), 55, 2, 1, 3)
	b = append(append(b, options...), 255)
	// A server that is just being killed refuses, which is as good as silence.
	c.conn.WriteToUDPAddrPort(append(b, make([]byte, 300-min(300, len(b)))...), c.server)
}

// listen takes the answers, until the socket is closed.
func (c *Crowd) listen() {
	buf := make([]byte, 2048)
	for {
		n, _, err := c.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // a port that is not there at the moment says so
			continue
		}
		if msg, err := dhcpv4.FromBytes(buf[:n]); err == nil {
			c.hear(msg)
		}
	}
}

// hear gives an answer to the member that it is for.
func (c *Crowd) hear(msg *dhcpv4.DHCPv4) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.byXID[binary.BigEndian.Uint32(msg.TransactionID[:])]
	if m == nil || m.sent.IsZero() || msg.ClientHWAddr.String() != m.mac.String() {
		return
	}
	addr, _ := netip.AddrFromSlice(msg.YourIPAddr.To4())
	switch t := msg.MessageType(); {
	case t == dhcpv4.MessageTypeOffer && m.asks == dhcpv4.MessageTypeDiscover:
		c.tally.Offers++
		id := msg.ServerIdentifier().To4()
		m.server, _ = netip.AddrFromSlice(id)
		m.offered, m.asks, m.sent = addr, dhcpv4.MessageTypeRequest, time.Now()
		c.write(m, dhcpv4.MessageTypeRequest, netip.IPv4Unspecified(), append(requested(addr), 54, 4, id[0], id[1], id[2], id[3]))
	case t == dhcpv4.MessageTypeAck && m.asks == dhcpv4.MessageTypeRequest:
		c.tally.Acks++
		c.granted(m, Grant{MAC: m.mac.String(), Address: addr, Asked: m.sent, Lease: msg.IPAddressLeaseTime(0)})
		m.sent = time.Time{}
	case t == dhcpv4.MessageTypeNak && m.asks == dhcpv4.MessageTypeRequest:
		c.tally.Naks++
		if m.grant != nil {
			c.doubles = append(c.doubles, fmt.Sprintf("%s was told no about %v, which it held until %v", m.mac, m.grant.Address, m.grant.Until()))
		}
		c.loses(m)
		m.sent = time.Time{}
	}
}

// granted writes a promise into the ledger, and notes if somebody else has the address.
func (c *Crowd) granted(m *member, g Grant) {
	if other := c.holder[g.Address]; other != nil && other != m && other.grant != nil && time.Now().Before(other.grant.Until()) {
		c.doubles = append(c.doubles, fmt.Sprintf("%v was given to %s, and %s holds it until %v", g.Address, m.mac, other.mac, other.grant.Until()))
	}
	if m.grant != nil && m.grant.Address != g.Address {
		c.loses(m)
	}
	m.grant = &g
	c.holder[g.Address] = m
}

// Tally returns the counts so far.
func (c *Crowd) Tally() CrowdTally {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tally
}

// Wrongs names each promise that met another one, and each client that was told no about an address that it held.
func (c *Crowd) Wrongs() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.doubles...)
}

// Held returns the promises that clients now count on.
func (c *Crowd) Held() []Grant {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []Grant
	for _, m := range c.members {
		if m.grant != nil && time.Now().Before(m.grant.Until()) {
			all = append(all, *m.grant)
		}
	}
	return all
}

// Reboot has up to n clients that hold an address ask for it in INIT-REBOOT, and returns those that got no answer
// within d. A refusal is in Wrongs.
func (c *Crowd) Reboot(n int, d time.Duration) []Grant {
	c.mu.Lock()
	var asked []*member
	for _, i := range c.dice.Perm(len(c.members)) {
		if m := c.members[i]; m.grant != nil && len(asked) < n {
			asked = append(asked, m)
			c.tally.Reboots++
			c.reboot(m, time.Now())
		}
	}
	c.mu.Unlock()
	for deadline := time.Now().Add(d); ; time.Sleep(2 * time.Millisecond) {
		var open []Grant
		c.mu.Lock()
		for _, m := range asked {
			if m.sent.IsZero() || m.grant == nil {
				continue
			}
			open = append(open, *m.grant)
			if time.Since(m.sent) > impatience {
				c.reboot(m, time.Now())
			}
		}
		c.mu.Unlock()
		if len(open) == 0 || time.Now().After(deadline) {
			return open
		}
	}
}

// Drain waits until no answer has come for d.
func (c *Crowd) Drain(d time.Duration) {
	for last := (CrowdTally{}); last != c.Tally(); time.Sleep(d) {
		last = c.Tally()
	}
}
