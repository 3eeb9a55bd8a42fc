package dhcpv4

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// MaxSize is the longest message that is accepted, in octets of UDP payload.
const MaxSize = 2048

// MinSize is the shortest message that is sent: what BOOTP clients and relays expect (RFC 951 §3, RFC 1542 §2.1).
const MinSize = 300

// Offsets of the fields (RFC 2131 §2).
const (
	atCHAddr  = 28
	atSName   = 44
	atFile    = 108
	atCookie  = 236
	atOptions = 240
)

// HeaderSize is the length of what stands before the options field, in octets.
const HeaderSize = atCookie

const magicCookie = 0x63825363 // RFC 2132 §2

const broadcastFlag = 0x8000 // RFC 2131 §2

// Message is a parsed message. It is made to be used again and again; what its methods return is valid until the next
// Parse. The zero Message is an empty one.
type Message struct {
	Op, HType, HLen, Hops          uint8
	XID                            uint32
	Secs, Flags                    uint16
	CIAddr, YIAddr, SIAddr, GIAddr netip.Addr // 0.0.0.0 when unset, always IPv4

	packet   []byte
	typ      MessageType
	cookie   bool  // the options field begins with the magic cookie
	overload uint8 // option 52: 1 file, 2 sname, 3 both

	present set // the options that were sent, 0, 52 and 255 left out
	split   set // those that were sent in more than one part: their spans lie in joined, not in packet
	// where is valid for the codes in present alone, so that nothing needs to be cleared between messages.
	where  [256]span
	joined [MaxSize]byte
	codes  [256]uint8
}

// span is where an option's value lies.
type span struct{ off, n uint16 }

// set is a set of option codes.
type set [4]uint64

func (s *set) has(c uint8) bool { return s[c>>6]&(1<<(c&63)) != 0 }
func (s *set) add(c uint8)      { s[c>>6] |= 1 << (c & 63) }

var unspecified = netip.IPv4Unspecified()

// Parse makes m the message that b holds, and refers to b until the next Parse. It accepts a message without END
// (real clients send them), and one without the magic cookie as BOOTP without options (RFC 951). Parts of one option
// are joined (RFC 3396), also across file and sname (option 52). The error is a *Malformed; m then has no options and
// its fixed fields are not to be used. It does not allocate.
func (m *Message) Parse(b []byte) error {
	m.packet, m.typ, m.cookie, m.overload = b, 0, false, 0
	m.present, m.split = set{}, set{}
	if err := m.parseHeader(b); err != nil {
		return err
	}
	if len(b) < atOptions || binary.BigEndian.Uint32(b[atCookie:]) != magicCookie {
		return nil
	}
	m.cookie = true
	if err := m.parseOptions(); err != nil {
		m.present, m.split = set{}, set{}
		return err
	}
	return nil
}

func (m *Message) parseHeader(b []byte) error {
	m.CIAddr, m.YIAddr, m.SIAddr, m.GIAddr = unspecified, unspecified, unspecified, unspecified
	if len(b) < atCookie {
		m.Op, m.HType, m.HLen, m.Hops, m.XID, m.Secs, m.Flags = 0, 0, 0, 0, 0, 0, 0
		return ErrTooShort
	}
	if len(b) > MaxSize {
		m.packet = b[:MaxSize]
	}
	h := b[:atCookie]
	m.Op, m.HType, m.HLen, m.Hops = h[0], h[1], h[2], h[3]
	m.XID = binary.BigEndian.Uint32(h[4:])
	m.Secs, m.Flags = binary.BigEndian.Uint16(h[8:]), binary.BigEndian.Uint16(h[10:])
	m.CIAddr, m.YIAddr = netip.AddrFrom4([4]byte(h[12:16])), netip.AddrFrom4([4]byte(h[16:20]))
	m.SIAddr, m.GIAddr = netip.AddrFrom4([4]byte(h[20:24])), netip.AddrFrom4([4]byte(h[24:28]))
	switch {
	case len(b) > MaxSize:
		return ErrTooLong
	case m.Op != BootRequest && m.Op != BootReply:
		return ErrBadOp
	case m.HLen > binding.MaxHardware:
		return ErrBadHLen
	}
	return nil
}

// Bytes returns the octets that were parsed; those of a message that is too long only up to MaxSize.
func (m *Message) Bytes() []byte { return m.packet }

// Type returns the message type; 0 means BOOTP.
func (m *Message) Type() MessageType { return m.typ }

// HasCookie reports whether the message has an options field at all: BOOTP of RFC 951 has none.
func (m *Message) HasCookie() bool { return m.cookie }

// Broadcast reports whether the client cannot receive unicast before it has its address (RFC 2131 §4.1).
func (m *Message) Broadcast() bool { return m.Flags&broadcastFlag != 0 }

// Hardware returns the client's hardware address; its Len is 0 where the client has none to give (RFC 4390 §2.1).
func (m *Message) Hardware() binding.Hardware {
	a := m.CHAddr()
	return binding.HardwareOf(m.HType, a[:min(m.HLen, binding.MaxHardware)])
}

// CHAddr returns the whole field, also what is beyond hlen.
func (m *Message) CHAddr() (a [16]byte) {
	if len(m.packet) >= atSName {
		copy(a[:], m.packet[atCHAddr:atSName])
	}
	return a
}

// ServerName returns the text in the sname field; nil if there is none, or if the field holds options.
func (m *Message) ServerName() []byte { return m.field(atSName, atFile, overloadSName) }

// BootFile returns the text in the file field; nil if there is none, or if the field holds options.
func (m *Message) BootFile() []byte { return m.field(atFile, atCookie, overloadFile) }

func (m *Message) field(from, to int, used uint8) []byte {
	if len(m.packet) < to || m.overload&used != 0 {
		return nil
	}
	f := m.packet[from:to]
	if n := bytes.IndexByte(f, 0); n >= 0 {
		f = f[:n]
	}
	if len(f) == 0 {
		return nil
	}
	return f
}

// ClientID returns option 61, nil if the client sent none. One without octets identifies nobody and counts as none.
func (m *Message) ClientID() []byte {
	id, _ := m.option(option.CodeClientID)
	if len(id) == 0 {
		return nil
	}
	return id
}
