package sim

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// ask is a question of a client.
type ask struct {
	kind   askKind
	xid    uint32
	first  time.Duration // when it was asked first; of a client that draws a new xid each time, when it was asked last
	begun  time.Duration // when the client began to look for an answer
	times  int
	rounds int // how often it has looked for an address in vain
}

type askKind uint8

const (
	_ askKind = iota
	askDiscover
	askSelecting
	askReboot
	askRenew
	askRebind
	askRelease
	askDecline
	askInform
)

// newQuestion begins another question.
func (c *Client) newQuestion(k askKind) {
	rounds := c.asked.rounds
	if k != askDiscover {
		rounds = 0
	}
	c.asked = ask{kind: k, begun: c.w.now, rounds: rounds}
}

// say asks once more.
func (c *Client) say() {
	a := &c.asked
	if a.times == 0 || c.freshXID && a.kind != askDiscover {
		a.xid = c.rng.Uint32()&^0xff | uint32(c.id)
		a.first = c.w.now
	}
	a.times++
	c.w.lan.ask(&datagram{octets: c.message(), from: c.source(), to: c.destination(), client: c, on: c.on, asked: *a, list: c.list()}, c.only())
}

// only returns the server that hears the client, nil if every one may.
func (c *Client) only() *Member {
	switch c.asked.kind {
	case askRenew, askRelease:
		return c.w.members[c.lease.server]
	case askDiscover, askSelecting, askReboot, askRebind, askDecline, askInform:
	}
	return nil
}

// relayed reports whether the question goes through the relay.
func (c *Client) relayed() bool { return c.on == 1 && c.only() == nil }

func (c *Client) source() netip.AddrPort {
	switch c.asked.kind {
	case askRenew, askRelease, askInform, askRebind:
		if !c.relayed() {
			return netip.AddrPortFrom(c.lease.addr, dhcpv4.ClientPort)
		}
	case askDiscover, askSelecting, askReboot, askDecline:
	}
	if c.relayed() {
		return netip.AddrPortFrom(relayAddress, dhcpv4.ServerPort)
	}
	return netip.AddrPortFrom(netip.IPv4Unspecified(), dhcpv4.ClientPort)
}

func (c *Client) destination() netip.Addr {
	if m := c.only(); m != nil {
		return m.addr
	}
	if c.relayed() {
	}
	return everybody
}

// message returns the question in octets (RFC 2131 table 5).
func (c *Client) message() []byte {
	a := &c.asked
	h := dhcpv4.Header{Op: 1, HType: 1, HLen: 6, XID: a.xid}
	copy(h.CHAddr[:], c.hardware[:])
	if !c.secsZero {
		h.Secs = uint16(min((c.w.now-a.begun)/time.Second, 65535))
	}
	if c.relayed() {
		h.GIAddr, h.Hops = relayAddress, 1
	}
	typ := dhcpv4.Request
	var about, server netip.Addr
	switch a.kind {
	case askDiscover:
		typ = dhcpv4.Discover
		if c.lease.remembered {
			about = c.lease.addr
		}
	case askSelecting:
		about, server = c.offer.addr, c.offer.server
	case askReboot:
		about = c.lease.addr
	case askRenew, askRebind:
		h.CIAddr = c.lease.addr
	case askRelease:
		typ, h.CIAddr, server = dhcpv4.Release, c.lease.addr, c.w.members[c.lease.server].addr
	case askDecline:
		typ, about, server = dhcpv4.Decline, c.lease.addr, c.w.members[c.lease.server].addr
	case askInform:
		typ, h.CIAddr = dhcpv4.Inform, c.lease.addr
	}
	var b dhcpv4.Builder
	b.Begin(nil, &h, 1400)
	b.Add(option.CodeMessageType, []byte{byte(typ)})
	if len(c.self.ID) > 0 {
		b.Add(option.CodeClientID, c.self.ID)
	}
	if about.IsValid() {
		v := about.As4()
		b.Add(option.CodeRequestedAddress, v[:])
	}
	if server.IsValid() {
		v := server.As4()
		b.Add(option.CodeServerIdentifier, v[:])
	}
	if a.kind == askDiscover && c.rapid {
		b.Add(option.CodeRapidCommit, nil)
	}
	if typ == dhcpv4.Discover || typ == dhcpv4.Request || typ == dhcpv4.Inform {
		b.Add(option.CodeParameterRequestList, c.list())
	}
	msg, _ := b.Finish(nil)
	return msg
}

// requested are the options that clients ask for.
var requested = [...][]byte{{1, 3, 6, 15}, {1, 28, 3, 15, 6}, {6, 3, 1}}

// hear takes notice of an answer.
func (c *Client) hear(m *Member, octets []byte) {
	var r dhcpv4.Message
	if err := r.Parse(octets); err != nil {
		c.w.fail("%s answers with what is no message: %v", m.name, err)
		return
	}
	if !c.alive || r.XID != c.asked.xid || c.asked.times == 0 {
		return
	}
	switch r.Type() {
	case dhcpv4.Offer:
		if c.state == selecting {
			c.choose(offer{addr: r.YIAddr, server: serverOf(&r), by: m.i})
		}
	case dhcpv4.Ack:
		c.acked(m, &r)
	case dhcpv4.Nak:
		c.refused(m)
	default:
		c.w.fail("%s answers a client with %v", m.name, r.Type())
	}
}

// refused: a DHCPNAK.
func (c *Client) refused(m *Member) {
	switch c.asked.kind {
	case askSelecting, askReboot, askRenew, askRebind:
	default:
		return
	}
	if c.state != requesting && c.state != rebooting && c.state != renewing && c.state != rebinding {
		return
	}
	c.w.marks.hit(MarkNak)
	c.w.logf("client %d is refused %v by %s", c.id, c.lease.addr, m.name)
	if c.ignores && c.state != requesting && c.valid() { // the ledger counts only those that go by the rules
		c.w.marks.hit(MarkNakIgnored)
		c.w.ledger.ends(c)
		return
	}
	c.drop()
	c.lease.remembered = false
	c.begin(uniform(c.rng, 0, 10*time.Second))
}

// acked: a DHCPACK.
func (c *Client) acked(m *Member, r *dhcpv4.Message) {
	switch {
	case c.asked.kind == askInform:
		c.w.marks.hit(MarkInformed)
		return
	case c.state == selecting && c.rapid, c.state == requesting && c.asked.kind == askSelecting, c.state == rebooting, c.state == renewing, c.state == rebinding:
	default:
		return
	}
	v, ok := r.Option(uint16(option.CodeLeaseTime))
	if !ok || len(v) != 4 {
		c.w.fail("%s grants client %d an address without a time", m.name, c.id)
		return
	}
	whole := time.Duration(binary.BigEndian.Uint32(v)) * time.Second
	q := c.asked.first
	true_ := func(d time.Duration) time.Duration { return q + d + time.Duration(int64(d)/1_000_000*int64(c.slow)) }
	if true_(whole) <= c.w.now {
		c.w.marks.hit(MarkLateAck)
		return // it came too late to be of use
	}
	if c.state == selecting {
		c.w.marks.hit(MarkRapid)
	}
	was := c.lease
	t1, t2 := whole/2, whole*7/8
	if v, ok := r.Option(uint16(option.CodeRenewalTime)); ok && len(v) == 4 {
		t1 = time.Duration(binary.BigEndian.Uint32(v)) * time.Second
	}
	if v, ok := r.Option(uint16(option.CodeRebindingTime)); ok && len(v) == 4 {
		t2 = time.Duration(binary.BigEndian.Uint32(v)) * time.Second
	}
	c.lease = lease{addr: r.YIAddr, on: c.on, server: m.i, t1: true_(t1), t2: true_(t2), until: true_(whole), has: true, remembered: true}
	c.w.logf("client %d holds %v for %v, told by %s", c.id, r.YIAddr, whole, m.name)
	c.w.ledger.holds(c, m, was)
	switch c.state {
	case rebinding:
		c.w.marks.hit(MarkRebound)
	case renewing:
		c.w.marks.hit(MarkRenewed)
	case rebooting:
		c.w.marks.hit(MarkRebooted)
	}
	if c.unwilling > 0 {
		c.unwilling--
		c.become(bound)
		c.after(time.Second, c.decline)
		return
	}
	c.settle()
}

func serverOf(r *dhcpv4.Message) netip.Addr {
	if v, ok := r.Option(uint16(option.CodeServerIdentifier)); ok && len(v) == 4 {
		return netip.AddrFrom4([4]byte(v))
	}
	return netip.Addr{}
}
