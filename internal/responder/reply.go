package responder

import (
	"encoding/binary"
	"math"
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// scratch is memory that is used again for every message.
type scratch struct {
	reply     []byte
	facts     []binding.Fact
	collected binding.Facts
	bytes     []byte // encoded facts, result, reasons, one after the other
	own       []byte // the client's own facts: valid until the next message
	fqdn      [3 + 255]byte
	gate      []byte // where the client is
	port      []byte
	sent      policy.Codes // which options the reply has
	codes     []uint8
	omitted   []uint8
}

const (
	minPayload = 576 - 28  // what every host takes: RFC 2131 §2, less the IP and UDP headers
	maxPayload = 1500 - 28 // an Ethernet frame
)

// room returns how many octets of UDP payload the client takes (RFC 2132 §9.10). A BOOTP client takes the 300 of BOOTP,
// or as many as it sent itself (RFC 1534 §2, RFC 1542 §2.1).
func (r *Responder) room() int {
	if r.req.Msg.Type() == 0 {
		return min(max(len(r.req.Msg.Bytes()), dhcpv4.MinSize), minPayload)
	}
	v, ok := r.req.Msg.Option(uint16(option.CodeMaxMessageSize))
	if !ok || len(v) != 2 {
		return minPayload
	}
	return min(max(int(binary.BigEndian.Uint16(v))-28, minPayload), maxPayload)
}

// reply writes the message of type t (0: a BOOTREPLY) about the address yours, by RFC 2131 table 3.
func (r *Responder) reply(t dhcpv4.MessageType, yours netip.Addr) {
	m := r.req.Msg
	r.scratch.sent = policy.Codes{}
	h := dhcpv4.Header{
		Op: dhcpv4.BootReply, HType: m.HType, HLen: m.HLen, XID: m.XID, Flags: m.Flags,
		CIAddr: netip.IPv4Unspecified(), YIAddr: netip.IPv4Unspecified(), SIAddr: netip.IPv4Unspecified(),
		GIAddr: m.GIAddr, CHAddr: m.CHAddr(),
	}
	h.Plain = t == dhcpv4.Nak || t == 0
	if t != dhcpv4.Nak {
		r.fillHeader(&h, t, yours)
	}
	if !m.GIAddr.IsUnspecified() && h.YIAddr.IsUnspecified() {
		// RFC 2131 §4.3.2 asks for it in a DHCPNAK: the relay has no address to send to. Nor has it for the answer to a
		// DHCPINFORM, or for an offer of no address.
		h.Flags |= dhcpv4.FlagBroadcast
	}
	r.builder.Begin(r.scratch.reply, &h, r.room())
	if t == dhcpv4.Nak {
		r.addRefusal()
	} else {
		r.addOptions(t, yours)
	}
	begin := len(r.scratch.reply)
	whole, omitted := r.builder.Finish(r.relay)
	msg := whole[begin:]
	if t == 0 && !m.HasCookie() { // it would take options for something else (RFC 1542 §3.5)
		clear(msg[dhcpv4.HeaderSize:])
		r.scratch.sent = policy.Codes{}
	}
	for _, c := range omitted {
		r.scratch.sent.Remove(c)
	}
	r.scratch.omitted, r.out.LeftOut = omitted, len(omitted) > 0
	r.out.Type, r.out.Reply, r.out.To = t, msg, r.destination(t, yours)
}

func (r *Responder) fillHeader(h *dhcpv4.Header, t dhcpv4.MessageType, yours netip.Addr) {
	m := r.req.Msg
	next, name, file := r.decision.Boot()
	if next.IsValid() {
		h.SIAddr = next
	}
	h.ServerName, h.BootFile = name, file
	if m.Type() != dhcpv4.Inform {
		h.YIAddr = yours
	}
	if t == dhcpv4.Ack || t == 0 {
		h.CIAddr = m.CIAddr
	}
}

func (r *Responder) add(code uint8, v []byte) {
	if !r.scratch.sent.Has(code) {
		r.scratch.sent.Add(code)
		r.builder.Add(code, v)
	}
}

func (r *Responder) addTime(code uint8, d time.Duration) {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(min(int64(d/time.Second), math.MaxUint32-1)))
	r.add(code, b[:])
}

// addOptions adds, most important first: what makes the message, the lease, what the client must hear again, the mask,
// what the client asks for in the order in which it asks, or what it gets unasked, and what becomes of its name
// (RFC 4702 §4). The mask stands before the routers (RFC 2132 §3.3).
func (r *Responder) addOptions(t dhcpv4.MessageType, yours netip.Addr) {
	m := r.req.Msg
	if t != 0 {
		r.add(option.CodeMessageType, []byte{byte(t)})
		r.addServerID()
		if m.Type() != dhcpv4.Inform && !yours.IsUnspecified() {
			r.addLifetime(t, r.promise(yours).Lifetime)
		}
	}
	if m.Type() == dhcpv4.Discover && t == dhcpv4.Ack {
		r.add(option.CodeRapidCommit, nil)
	}
	if t != 0 {
		r.echo()
	}
	r.addParameters(yours)
	if v, ok := m.Option(uint16(option.CodeClientFQDN)); ok && t != 0 {
		r.answerName(v)
	}
}

// addParameters adds what the configuration has for the client.
func (r *Responder) addParameters(yours netip.Addr) {
	s := &r.scratch
	s.codes = r.decision.AppendSent(s.codes[:0], &r.facts, !yours.IsUnspecified())
	for _, c := range s.codes {
		r.add(c, r.decision.Option(c).Bytes)
	}
}

// addLifetime adds the lease's time, and T1 and T2 as RFC 2131 §4.4.5 has them, T1 earlier in a grant under Terms.Hurry.
func (r *Responder) addLifetime(t dhcpv4.MessageType, d time.Duration) {
	if d == binding.Infinite {
		r.add(option.CodeLeaseTime, []byte{255, 255, 255, 255})
		return
	}
	r.addTime(option.CodeLeaseTime, d)
	renew := d / 2
	if t == dhcpv4.Ack && r.terms.Hurry && renew > HurryAfter {
		renew, r.out.Hurried = HurryAfter, true
	}
	r.addTime(option.CodeRenewalTime, renew)
	r.addTime(option.CodeRebindingTime, d/8*7)
}

func (r *Responder) addServerID() {
	id := r.req.ServerID
	if r.override.IsValid() {
		id = r.override
	}
	a := id.As4()
	r.add(option.CodeServerIdentifier, a[:])
}

// addRefusal adds what a DHCPNAK may have (RFC 2131 table 3).
func (r *Responder) addRefusal() {
	r.add(option.CodeMessageType, []byte{byte(dhcpv4.Nak)})
	r.addServerID()
	r.scratch.bytes = append(r.scratch.bytes[:0], r.out.Note...)
	r.add(option.CodeMessage, r.scratch.bytes)
	if id := r.req.Msg.ClientID(); id != nil {
		r.add(option.CodeClientID, id)
	}
}

// echo gives back what a client said of itself and must hear again, or it takes no reply: its identifier (RFC 6842 §3),
// and what policy.Echoed says.
func (r *Responder) echo() {
	m := r.req.Msg
	if id := m.ClientID(); id != nil {
		r.add(option.CodeClientID, id)
	}
	for _, c := range [...]uint8{option.CodeClientUUID, option.CodeSubnetSelection} {
		if v, ok := policy.Echoed(m, c); ok {
			r.add(c, v)
		}
	}
}

// answerName answers the client's name in option 81: this server updates no DNS, and says so (RFC 4702 §4). A name
// that is none is not answered.
func (r *Responder) answerName(v []byte) {
	f, ok := dhcpv4.ParseFQDN(v)
	if !ok {
		return
	}
	var domain []byte
	if d := r.decision.Option(option.CodeDomainName); d != nil {
		domain = d.Bytes
	}
	if answer := f.AppendAnswer(r.scratch.fqdn[:0], dhcpv4.NoUpdates, domain); len(answer) <= 255 {
		r.add(option.CodeClientFQDN, answer)
	}
}
