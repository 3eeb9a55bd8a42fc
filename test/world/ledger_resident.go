package world

import (
	"encoding/binary"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// stage is where a client is (RFC 2131 figure 5).
type stage int

const (
	initial stage = iota
	selecting
	requesting
	bound
	renewing
	rebinding
	rebooting
)

// requests is how often an offer is asked for until the client begins again. RFC 2131 §3.1 names four; many give up sooner.
const requests = 2

// resident is one client of a town. It knows what a client knows.
type resident struct {
	town  *Town
	mac   net.HardwareAddr
	hasty bool
	state stage
	next  time.Time // when it looks up again, if nothing comes before

	xid    uint32
	began  time.Time // the first question of what it is about
	first  time.Time // the first transmission under xid
	last   time.Time // the last one
	tries  int
	asked  int // questions since began
	phase  string
	offer  netip.Addr
	server netip.Addr
	router net.HardwareAddr // where the server's frames come from

	lease *Promise
	t2    time.Time
}

// act does what is due.
func (r *resident) act(now time.Time) {
	if r.lease != nil && now.After(r.lease.Until()) {
		r.expire(now)
	}
	if now.Before(r.next) {
		return
	}
	switch r.state {
	case initial:
		r.begin(now, selecting)
		r.discover(now)
	case selecting:
		r.discover(now)
	case requesting:
		if r.tries >= requests { // the server that made the offer is gone
			r.giveUp(now)
			return
		}
		r.request(now)
	case bound:
		r.choose(now)
	case renewing:
		if r.tries >= hastyAsks && r.hasty || now.After(r.t2) {
			r.state, r.tries = rebinding, 0
			r.open()
		}
		r.ask(now)
	case rebinding:
		r.ask(now)
	case rebooting:
		if r.tries >= 3 { // the lease is still good, and may be used (RFC 2131 §3.2)
			r.content(now)
			return
		}
		r.ask(now)
	}
}

// choose is what a content client does beside its timers.
func (r *resident) choose(now time.Time) {
	l, d := r.town.life, r.town.dice
	if now.After(r.lease.Asked.Add(r.lease.Lease / 2)) {
		r.renew(now)
		return
	}
	if r.town.still {
		r.content(now)
		return
	}
	switch n := d.IntN(max(1, l.Renew+l.Reboot+l.Release+l.Vanish)); {
	case n < l.Renew:
		r.renew(now)
	case n < l.Renew+l.Reboot:
		r.reboot(now)
	case n < l.Renew+l.Reboot+l.Release:
		r.release()
		r.town.rebirth(r, now)
	case l.Vanish > 0: // nobody hears of it again, and what it held ends by itself
		r.leave()
		r.town.rebirth(r, now)
	default:
		r.content(now)
	}
}

// begin opens a conversation, of which the first question is counted from now.
func (r *resident) begin(now time.Time, s stage) {
	r.state, r.began, r.tries, r.asked = s, now, 0, 0
	r.phase = r.town.ledger.current()
	r.open()
}

// open begins a new transaction.
func (r *resident) open() {
	r.close()
	r.xid, r.first = r.town.dice.Uint32(), time.Time{}
	r.town.byXID[r.xid] = r
}

// close ends the transaction.
func (r *resident) close() {
	if r.town.byXID[r.xid] == r {
		delete(r.town.byXID, r.xid)
		r.town.asked[r.xid] = r.last
	}
}

func (r *resident) renew(now time.Time) {
	r.begin(now, renewing)
	r.ask(now)
}

func (r *resident) reboot(now time.Time) {
	r.begin(now, rebooting)
	r.ask(now)
}

// content waits for the next thing that it will want to do, at the latest until T1.
func (r *resident) content(now time.Time) {
	r.state = bound
	pause := time.Duration(r.town.dice.ExpFloat64() * float64(r.town.life.Pause))
	r.next = now.Add(max(pause, 20*time.Millisecond))
	// Clients do not renew all at the same moment: T1 a little early (RFC 2131 §4.4.5).
	if t1 := r.lease.Asked.Add(r.lease.Lease / 2); now.Before(t1) && r.next.After(t1) {
		r.next = t1
	}
}

// expire ends the lease. One whose client had not asked for more time ends as it should.
func (r *resident) expire(now time.Time) {
	asked := r.state == renewing || r.state == rebinding || r.state == rebooting
	r.town.ledger.ended(*r.lease, asked)
	r.leave()
	r.state, r.next = initial, now
}

// leave takes the client off its address.
func (r *resident) leave() {
	if r.town.byAddress[r.lease.Address] == r {
		delete(r.town.byAddress, r.lease.Address)
	}
	r.lease = nil
}

// giveUp begins again with the same question: to its user it still waits.
func (r *resident) giveUp(now time.Time) {
	r.state, r.tries = selecting, 0
	r.open()
	r.discover(now)
}

func (r *resident) discover(now time.Time) {
	r.broadcast(now, dhcpv4.MessageTypeDiscover, netip.IPv4Unspecified())
	r.asked++
	r.wait(now)
}

func (r *resident) request(now time.Time) {
	id := r.server.As4()
	if r.tries > 0 { // the first one answers an offer
		r.asked++
	}
	r.broadcast(now, dhcpv4.MessageTypeRequest, netip.IPv4Unspecified(), append(requested(r.offer), 54, 4, id[0], id[1], id[2], id[3])...)
	r.wait(now)
}

// wait sets when it asks again: after 4 s, 8 s and so on, a second more or less.
func (r *resident) wait(now time.Time) {
	d := patience[min(r.tries, len(patience)-1)]
	r.next = now.Add(d + time.Duration((r.town.dice.Float64()*2-1)*float64(time.Second)))
	r.tries++
}

// ask sends a REQUEST for the lease that it has.
func (r *resident) ask(now time.Time) {
	// A lease that would end while it waits is asked for sooner.
	again := min(askAgain, max(r.lease.Until().Sub(now)/4, 200*time.Millisecond))
	switch r.state {
	case rebooting:
		r.broadcast(now, dhcpv4.MessageTypeRequest, netip.IPv4Unspecified(), requested(r.lease.Address)...)
		again = patience[0]
	case rebinding:
		r.broadcast(now, dhcpv4.MessageTypeRequest, r.lease.Address)
	default:
		r.put(now, r.router, netip.AddrPortFrom(r.lease.Address, 68), netip.AddrPortFrom(r.lease.By, 67),
			r.message(now, dhcpv4.MessageTypeRequest, r.lease.Address, nil))
	}
	r.next = now.Add(again)
	r.tries++
	r.asked++
}

// release gives the lease back, by unicast, and forgets it.
func (r *resident) release() {
	now, id := time.Now(), r.lease.By.As4()
	r.open()
	r.put(now, r.router, netip.AddrPortFrom(r.lease.Address, 68), netip.AddrPortFrom(r.lease.By, 67),
		r.message(now, dhcpv4.MessageTypeRelease, r.lease.Address, []byte{54, 4, id[0], id[1], id[2], id[3]}))
	r.town.ledger.released(*r.lease)
	r.leave()
}

var everybody = net.HardwareAddr{255, 255, 255, 255, 255, 255}

func (r *resident) broadcast(now time.Time, t dhcpv4.MessageType, ciaddr netip.Addr, options ...byte) {
	from := netip.AddrPortFrom(ciaddr, 68)
	r.put(now, everybody, from, netip.MustParseAddrPort("255.255.255.255:67"), r.message(now, t, ciaddr, options))
}

func (r *resident) put(now time.Time, to net.HardwareAddr, from, at netip.AddrPort, payload []byte) {
	if r.first.IsZero() {
		r.first = now
	}
	r.last = now
	r.town.ledger.sent()
	r.town.send(checked(Frame(r.mac, to, from, at, payload)))
}

// message writes a message by hand, which is many times cheaper than by a library.
func (r *resident) message(now time.Time, t dhcpv4.MessageType, ciaddr netip.Addr, options []byte) []byte {
	b := make([]byte, 240, 320)
	b[0], b[1], b[2] = 1, 1, 6
	binary.BigEndian.PutUint32(b[4:], r.xid)
	if !r.town.life.SecsZero && t != dhcpv4.MessageTypeRelease {
		binary.BigEndian.PutUint16(b[8:], uint16(now.Sub(r.began)/time.Second))
	}
	if !ciaddr.IsUnspecified() {
		at := ciaddr.As4()
		copy(b[12:], at[:])
	} else {
		b[10] = 0x80 // it cannot take unicast before it has an address
	}
	copy(b[28:], r.mac)
	copy(b[236:], []byte{99, 130, 83, 99})
	b = append(b, 53, 1, byte(t), 55, 2, 1, 3)
	b = append(append(b, options...), 255)
	return append(b, make([]byte, 300-min(300, len(b)))...)
}

// hear takes an answer under the transaction that is open.
func (r *resident) hear(a answer, now time.Time) {
	asking := r.state == requesting || r.state == renewing || r.state == rebinding || r.state == rebooting
	switch {
	case a.kind == dhcpv4.MessageTypeOffer && r.state == selecting:
		r.state, r.tries, r.offer, r.server, r.router = requesting, 0, a.address, a.server, a.from
		r.first = time.Time{} // the request goes on under the same xid
		r.request(now)
	case a.kind == dhcpv4.MessageTypeAck && asking:
		r.acked(a, now)
	case a.kind == dhcpv4.MessageTypeNak && asking:
		r.town.ledger.refused(r.lease, r.mac.String(), a.server)
		if r.lease != nil {
			r.town.ledger.ended(*r.lease, false)
			r.leave()
		}
		r.state, r.next = initial, now
		r.open()
	}
}

// acked makes the lease the client's own.
func (r *resident) acked(a answer, now time.Time) {
	q := map[stage]Question{requesting: ForNew, renewing: ForRenewal, rebinding: ForRenewal, rebooting: ForReboot}[r.state]
	p := Promise{MAC: r.mac.String(), Address: a.address, Asked: r.first, Again: r.last, Lease: a.lease, By: a.server}
	r.town.ledger.granted(p, r.lease, q, r.began, r.asked, r.phase)
	if r.lease != nil {
		r.leave()
	}
	r.lease, r.router = &p, a.from
	r.t2 = r.first.Add(a.lease * 7 / 8)
	r.town.byAddress[a.address] = r
	r.close()
	r.content(now)
}

// answer is what a client reads in a server's message.
type answer struct {
	xid             uint32
	kind            dhcpv4.MessageType
	mac, from       net.HardwareAddr
	address, server netip.Addr
	lease           time.Duration
}

// readAnswer reads a server's message out of a frame. A frame that is damaged is none, as it is to a client's kernel.
func readAnswer(f []byte) (answer, bool) {
	if len(f) < 14+20+8+240 || f[14]>>4 != 4 || f[23] != 17 || !sound(f) {
		return answer{}, false
	}
	udp := 14 + int(f[14]&15)*4
	if len(f) < udp+8+240 || binary.BigEndian.Uint16(f[udp:]) != 67 {
		return answer{}, false
	}
	m, err := dhcpv4.FromBytes(f[udp+8:])
	if err != nil || m.OpCode != dhcpv4.OpcodeBootReply {
		return answer{}, false
	}
	a := answer{xid: binary.BigEndian.Uint32(m.TransactionID[:]), kind: m.MessageType(), mac: m.ClientHWAddr,
		from: append(net.HardwareAddr(nil), f[6:12]...), lease: m.IPAddressLeaseTime(0)}
	a.address, _ = netip.AddrFromSlice(m.YourIPAddr.To4())
	a.server, _ = netip.AddrFromSlice(m.ServerIdentifier().To4())
	return a, true
}

// sound reports whether the checksums of an IPv4 frame with UDP hold. A checksum that was left to the device is taken for
// a good one, since no cable saw the frame.
func sound(f []byte) bool {
	head := int(f[14]&15) * 4
	length := int(binary.BigEndian.Uint16(f[16:]))
	if head < 20 || length < head+8 || 14+length > len(f) || fold(sum(0, f[14:14+head])) != 0xffff {
		return false
	}
	udp := f[14+head : 14+length]
	check := binary.BigEndian.Uint16(udp[6:])
	if check == 0 {
		return true
	}
	pseudo := sum(17+uint32(len(udp)), f[26:34])
	// CHECKSUM_PARTIAL: the field holds the sum of the pseudo-header alone.
	return fold(sum(pseudo, udp)) == 0xffff || fold(pseudo) == check
}

// checked puts the UDP checksum into a frame of Frame, without which a wire's damage would not be seen.
func checked(f []byte) []byte {
	udp := f[34:]
	check := ^fold(sum(sum(17+uint32(len(udp)), f[26:34]), udp))
	if check == 0 {
		check = 0xffff // 0 says that there is none (RFC 768)
	}
	binary.BigEndian.PutUint16(udp[6:], check)
	return f
}

func sum(s uint32, b []byte) uint32 {
	for i := 0; i+1 < len(b); i += 2 {
		s += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	if len(b)%2 == 1 {
		s += uint32(b[len(b)-1]) << 8
	}
	return s
}

func fold(s uint32) uint16 {
	for s > 0xffff {
		s = s&0xffff + s>>16
	}
	return uint16(s)
}
