package dhcpv4

import (
	"encoding/binary"
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/option"
)

// Header is the fixed part of a message that is to be built. Addresses that are not IPv4 become 0.0.0.0.
type Header struct {
	Op, HType, HLen, Hops          uint8
	XID                            uint32
	Secs, Flags                    uint16
	CIAddr, YIAddr, SIAddr, GIAddr netip.Addr
	CHAddr                         [16]byte
	// ServerName and BootFile fill sname and file. What is longer than its field (64 and 128 octets) goes into option
	// 66 or 67 instead.
	ServerName, BootFile []byte
	// Plain keeps options out of sname and file: BOOTP knows nothing of option 52, and a DHCPNAK must not use the fields
	// (RFC 1534 §2, RFC 2131 table 3).
	Plain bool
}

// maxStaged is the most octets that the options of one message may have together; no client takes more.
const maxStaged = 4096

// maxOptions is the most options that one message may have.
const maxOptions = 254

// Builder builds messages, one after another, without allocating. The order of calls is Begin, Add as often as needed,
// Finish.
type Builder struct {
	dst   []byte
	start int // where in dst the message begins
	room  int
	free  uint8 // the fields that may hold options, as option 52 says it
	added set
	// What is too long for sname and file becomes an option; nil where it is not.
	longServerName, longBootFile []byte
	// Until Finish knows what else needs room, options wait here: code, length and value as they will be sent, or,
	// where the length takes more than one octet, the value behind two octets that are not used.
	staged [maxStaged]byte
	used   int
	divide bool // one of them is longer than 255 octets
	// waiting says where in staged each is.
	waiting [maxOptions]waiting
	n       int
	// left are the codes of what was omitted, each once.
	left   [256]uint8
	nLeft  int
	missed set
}

// waiting is an option that has been added: its value, and where it goes.
type waiting struct {
	code   uint8
	off, n uint16
	place  place
}

// Begin starts a message behind dst that may have at most room octets; less than MinSize is taken for MinSize. dst
// should have that much capacity, else appending to it allocates.
func (b *Builder) Begin(dst []byte, h *Header, room int) {
	b.start, b.room = len(dst), max(room, MinSize)
	b.added, b.missed, b.n, b.used, b.nLeft, b.divide = set{}, set{}, 0, 0, 0, false
	b.free, b.longServerName, b.longBootFile = 0, nil, nil
	b.dst = append(dst, zeros[:atOptions]...)
	p := b.dst[b.start:]
	p[0], p[1], p[2], p[3] = h.Op, h.HType, h.HLen, h.Hops
	binary.BigEndian.PutUint32(p[4:], h.XID)
	binary.BigEndian.PutUint16(p[8:], h.Secs)
	binary.BigEndian.PutUint16(p[10:], h.Flags)
	putAddr(p[12:], h.CIAddr)
	putAddr(p[16:], h.YIAddr)
	putAddr(p[20:], h.SIAddr)
	putAddr(p[24:], h.GIAddr)
	copy(p[atCHAddr:], h.CHAddr[:])
	b.longServerName = b.fill(p[atSName:atFile], h.ServerName, overloadSName)
	b.longBootFile = b.fill(p[atFile:atCookie], h.BootFile, overloadFile)
	if h.Plain {
		b.free = 0
	}
	binary.BigEndian.PutUint32(p[atCookie:], magicCookie)
}

// fill puts text into a field, or returns it if it is too long; a field without text is free for options.
func (b *Builder) fill(p, text []byte, bit uint8) (long []byte) {
	if len(text) == 0 {
		b.free |= bit
		return nil
	}
	if len(text) > len(p) {
		b.free |= bit
		return text
	}
	copy(p, text)
	return nil
}

func putAddr(p []byte, a netip.Addr) {
	if a.Is4() {
		*(*[4]byte)(p) = a.As4()
	}
}

var zeros [MinSize]byte

// Add adds an option; the most important comes first. The value is copied. Of two values of one code the first stays.
// Pad, end, 52 and 82 are not for Add: they count as omitted.
func (b *Builder) Add(code uint8, value []byte) {
	switch code {
	case option.CodePad, option.CodeEnd, option.CodeOverload, option.CodeRelayInformation:
		b.omit(code)
		return
	}
	if b.added.has(code) {
		return
	}
	b.added.add(code)
	if b.n == maxOptions || len(value)+2 > maxStaged-b.used {
		b.omit(code)
		return
	}
	s := b.staged[b.used:]
	s[0], s[1] = code, byte(len(value))
	copy(s[2:], value)
	w := &b.waiting[b.n]
	w.code, w.off, w.n = code, uint16(b.used+2), uint16(len(value))
	b.divide = b.divide || len(value) > 255
	b.n++
	b.used += 2 + len(value)
}

func (b *Builder) omit(code uint8) {
	if b.missed.has(code) {
		return
	}
	b.missed.add(code)
	b.left[b.nLeft] = code
	b.nLeft++
}

// Finish returns dst with the message behind it, and the codes of the options that there was no room for; they are
// valid until the next Begin. relayInfo is option 82 as it was received, nil if it was not: it is echoed octet for
// octet as the last option of the options field, or left out whole (RFC 3046 §2.2). What does not fit beside it goes
// into the file field and then sname, if they are free (option 52).
func (b *Builder) Finish(relayInfo []byte) (msg []byte, omitted []uint8) {
	if b.longServerName != nil {
		b.Add(option.CodeTFTPServerName, b.longServerName)
	}
	if b.longBootFile != nil {
		b.Add(option.CodeBootFileName, b.longBootFile)
	}
	if len(relayInfo) > 0 && !b.relayFits(relayInfo) {
		b.omit(option.CodeRelayInformation)
		relayInfo = nil
	}
	relay := cost(len(relayInfo), len(relayInfo) > 0)
	if !b.divide && atOptions+b.used+relay+1 <= b.room {
		b.dst = append(b.dst, b.staged[:b.used]...)
	} else {
		b.writeOptions(b.lay(relay))
	}
	if len(relayInfo) > 0 {
		b.dst = appendSplit(b.dst, option.CodeRelayInformation, relayInfo)
	}
	b.dst = append(b.dst, option.CodeEnd)
	if n := len(b.dst) - b.start; n < MinSize {
		b.dst = append(b.dst, zeros[:MinSize-n]...)
	}
	return b.dst, b.left[:b.nLeft]
}

// writeOptions writes every option in its place.
func (b *Builder) writeOptions(overload uint8) {
	p := b.dst[b.start:]
	if overload&overloadFile != 0 {
		b.writeField(p[atFile:atCookie], inFile)
	}
	if overload&overloadSName != 0 {
		b.writeField(p[atSName:atFile], inSName)
	}
	for i := range b.waiting[:b.n] {
		b.dst = b.appendPart(b.dst, &b.waiting[i], inOptions)
		if i == 0 && overload != 0 {
			b.dst = append(b.dst, option.CodeOverload, 1, overload)
		}
	}
}

// writeField fills p, which is file or sname. lay has kept room for all of it and for the end.
func (b *Builder) writeField(p []byte, f field) {
	dst := p[:0]
	for i := range b.waiting[:b.n] {
		dst = b.appendPart(dst, &b.waiting[i], f)
	}
	p[len(dst)] = option.CodeEnd
}

// appendPart appends the octets of w that have their place in f.
func (b *Builder) appendPart(dst []byte, w *waiting, f field) []byte {
	from, to, ok := w.place.part(f, int(w.n))
	if !ok {
		return dst
	}
	return appendSplit(dst, w.code, b.staged[int(w.off)+from:int(w.off)+to])
}

// appendSplit appends an option in as many parts as its length needs (RFC 3396 §6).
func appendSplit(dst []byte, code uint8, v []byte) []byte {
	for len(v) > 255 {
		dst = append(append(dst, code, 255), v[:255]...)
		v = v[255:]
	}
	return append(append(dst, code, byte(len(v))), v...)
}
