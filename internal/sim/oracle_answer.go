package sim

import (
	"encoding/binary"
	"hash/crc32"
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// pendingAnswer is what was known when a question came.
type pendingAnswer struct {
	known  bool // its client has the address, by the server's records, and may be answered
	before *binding.Binding
	about  netip.Addr
}

// answerKey is what equal answers have in common.
type answerKey struct {
	client  int
	addr    netip.Addr
	config  int
	rapid   bool
	request bool
}

// asked: a question has arrived at a server.
func (o *oracle) asked(m *Member, d *datagram) {
	o.pending = pendingAnswer{}
	switch d.asked.kind {
	case askReboot, askRenew, askRebind:
	default:
		return
	}
	about := m.msg.CIAddr
	if v, ok := m.msg.Option(uint16(option.CodeRequestedAddress)); ok && len(v) == 4 {
		about = netip.AddrFrom4([4]byte(v))
	}
	e := m.core.Endpoint()
	b := m.bindingOf(about)
	o.pending.before, o.pending.about = b, about
	if e == nil || m.full || b == nil || b.State != binding.Active || !b.Client.Is(&d.client.self) || !e.Terms().Known {
		return
	}
	i, _ := place(about)
	onFar := i >= 256
	if onFar != (d.on == 1) || !m.pools(i) || m.keep != nil && m.keep.isMoved(d.client, about) {
		return
	}
	o.pending.known = true
}

// pools reports whether an address is in a pool of what a server serves by.
func (m *Member) pools(i int) bool {
	if m.keep != nil {
		return m.keep.heads.document != nil && inDocument(m.keep.heads.document, i)
	}
	return m.w.inPool(i, m.serving)
}

// inPool reports whether an address is in a pool of a configuration.
func (w *World) inPool(i, cfg int) bool {
	s := w.set
	pool := s.Pool
	switch cfg {
	case 1:
		pool -= min(4, pool/3)
	case 2:
		pool += 4
	}
	if i >= 256 {
		return i-256 >= firstFarAddress && i-256 < firstFarAddress+s.FarPool
	}
	return i >= firstAddress && i < firstAddress+pool
}

// answered: the server has decided what to answer; before is how many answers there were.
func (o *oracle) answered(m *Member, d *datagram, l *load, before int) {
	var ack bool
	for i := before; i < len(l.effects.Replies); i++ {
		r := &l.effects.Replies[i]
		if r.Type == dhcpv4.Ack {
			ack = true
			o.promised(m, d, l, r)
		}
	}
	if o.pending.known && !ack && m.core != nil && m.core.Endpoint() != nil && m.core.Endpoint().Terms().Known { // it may have found out that it stood still
		o.w.fail("I9: client %d has %v by the records of %s, which is in %v, and is not answered (%v)", d.client.id, o.pending.about, m.name, m.core.Endpoint().State(), d.asked.kind)
	}
}

// promised sees to I3: no end beyond what the other server has on its disk, and the MCLT.
func (o *oracle) promised(m *Member, d *datagram, l *load, r *node.Reply) {
	reply := l.effects.Octets(r)
	msg := &o.read
	if msg.Parse(reply) != nil {
		o.w.fail("%s answers with what is no message", m.name)
		return
	}
	v, ok := msg.Option(uint16(option.CodeLeaseTime))
	if !ok {
		return // an answer to INFORM
	}
	lifetime := time.Duration(binary.BigEndian.Uint32(v)) * time.Second
	k, ok := place(msg.YIAddr)
	if !ok {
		o.w.fail("%s grants %v, which is on no link", m.name, msg.YIAddr)
		return
	}
	o.sameOptions(m, d, msg)
	other := m.other()
	if o.ever[other.i] || o.ever[m.i] || o.w.set.Outside {
		return // what it knew is gone; RECOVER-WAIT is there for that
	}
	now, limit := m.clk.now(), m.clk.now()
	if b := &o.disk[other.i][k]; b.client != nil && b.client.identity == d.client.identity {
		for _, t := range [...]time.Time{b.expires, b.potential, b.acked} {
			if t = t.Add(m.skewed()); t.After(limit) {
				limit = t
			}
		}
	}
	if end := now.Add(lifetime); end.After(limit.Add(o.largestMCLT(m) + m.relation.Guard + 3*time.Second)) {
		o.w.fail("I3: %s promises client %d %v for %v; the other server knows %v more", m.name, d.client.id, msg.YIAddr, lifetime, limit.Sub(now))
	}
	if m.core.Endpoint().State() == failover.PartnerDown {
		o.w.marks.hit(MarkGrantedAlone)
	}
}

// largestMCLT is the one that a server may go by now.
func (o *oracle) largestMCLT(m *Member) time.Duration { return o.record[m.i].MCLT }

// sameOptions sees to I8: by one version of the configuration both say the same.
func (o *oracle) sameOptions(m *Member, d *datagram, msg *dhcpv4.Message) {
	if m.keep != nil || d.asked.kind == askSelecting { // may be granted as it was offered, by the version before
		return
	}
	key := answerKey{client: d.client.identity, addr: msg.YIAddr, config: m.serving, request: d.asked.kind != askDiscover}
	sum := uint32(0)
	for _, code := range msg.Codes() {
		switch code {
		case option.CodeServerIdentifier, option.CodeLeaseTime, option.CodeRenewalTime, option.CodeRebindingTime, 52, 82:
			continue
		}
		v, _ := msg.Option(uint16(code))
		sum = crc32.Update(sum, castagnoli, append([]byte{code, byte(len(v))}, v...))
	}
	if was, ok := o.options[key]; ok && was != sum {
		o.w.fail("I8: %s answers client %d otherwise than before by the same configuration %d: %s", m.name, d.client.id, m.serving, msg.String())
	}
	o.options[key] = sum
}

// replied: an answer leaves a server now.
func (o *oracle) replied(m *Member, l *load, r *node.Reply) {
	o.w.marks.reply(r.Type)
	if r.Type != dhcpv4.Ack {
		return
	}
	msg := &o.read
	if msg.Parse(l.effects.Octets(r)) != nil {
		return
	}
	v, ok := msg.Option(uint16(option.CodeLeaseTime))
	k, in := place(msg.YIAddr)
	if !ok || !in {
		return
	}
	o.lastServed[m.i] = o.w.now
	c := o.w.clientOf(msg.XID)
	b := &o.disk[m.i][k]
	lifetime := time.Duration(binary.BigEndian.Uint32(v)) * time.Second
	switch {
	case l.has(msg.YIAddr, c) && !l.durable:
		o.w.fail("I2: %s tells client %d that it has %v before that is on its disk", m.name, c.id, msg.YIAddr)
		return
	case l.has(msg.YIAddr, c): // it may be another's again by what was decided behind it
		if b.state != binding.Active {
			return
		}
	case b.state != binding.Active || b.client == nil || b.client.identity != c.identity:
		o.w.fail("I2: %s tells client %d that it has %v, of which its disk says %v", m.name, c.id, msg.YIAddr, b.state)
		return
	}
	ended := o.told[m.i][k].ended
	o.told[m.i][k] = promise{client: c, ours: b.ours, expires: b.expires, until: o.w.now + lifetime, at: o.w.now, over: ended > b.ours, ended: ended}
	if !o.w.set.Outside {
		o.fenced(m, c, msg.YIAddr)
	}
}

// fenced sees to I11: a server that lost something of its store grants nothing before what it forgot is over. How much a store
// lacks that went back, its server finds out; one that is gone lacks everything, also where it is in NORMAL again.
func (o *oracle) fenced(m *Member, c *Client, a netip.Addr) {
	mclt, gone := min(o.mclt[m.i], m.relation.MCLT), o.wipedAt[m.i]
	if at := o.lostAt[m.i]; at > 0 && o.lost_[m.i] && o.w.now < at+mclt-time.Second ||
		gone > 0 && o.w.now < gone+mclt/2 { // the file may have said half of it meanwhile
		o.w.fail("I11: %s lost its store %v ago, and grants client %d %v", m.name, o.w.now-at, c.id, a)
	}
}

// unanswered: a client has asked for an address as often as it does, in vain.
func (o *oracle) unanswered(c *Client) { o.w.marks.hit(MarkUnanswered) }

// has reports whether a lease of the client is among what the load made durable.
func (l *load) has(a netip.Addr, c *Client) bool {
	for i := range l.effects.Changes {
		b := &l.effects.Changes[i].Binding
		if b.Addr() == a && b.State == binding.Active && b.Client.Is(&c.self) {
			return true
		}
	}
	return false
}
