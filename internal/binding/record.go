package binding

import (
	"encoding/binary"
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/slab"
)

// record is a Binding as a Table keeps it: 112 octets without a pointer. What has no fixed length stands together in
// the table's octets: the key of what is not a single IPv4 address, the hardware address, the client identifier, the
// client's own facts, and the past.
type record struct {
	ours, theirs Sequence

	addr   uint32 // the single IPv4 address, unless long
	chain  uint32 // next record whose address has a like hash
	octets uint32

	nOwn  uint16
	nID   uint8
	shape uint8 // length of the hardware address, and flags
	htype uint8
	state State
	cause Cause
	nPast uint8

	origin                  uint32
	shared, result, reasons uint32 // numbers of blobs

	// The records of one client form a list, and the first one stands for the client in the index. up is the next
	// client with a like hash on the first, the one before on the others.
	up, down uint32
	// The same of strangers with one hardware address.
	strangerUp, strangerDown uint32

	due                                   slab.Links
	starts, expires, cltt, changed, dueAt stamp

	potential, acked stamp
	marks            Marks
}

const (
	shapeHardware = 0x1f
	shapeLong     = 0x20 // the key stands in octets
	shapeFirst    = 0x40 // first of its client's records
	shapeUsed     = 0x80
)

// Link is room for a number while the record is free.
func (r *record) Link() *uint32 { return &r.chain }

func (r *record) has(flag uint8) bool { return r.shape&flag != 0 }
func (r *record) nHardware() int      { return int(r.shape & shapeHardware) }
func (r *record) named() bool         { return r.nID > 0 || r.nHardware() > 0 }
func (r *record) nKey() int {
	if r.has(shapeLong) {
		return len(longKey{})
	}
	return 0
}
func (r *record) nOctets() int {
	return r.nKey() + r.nHardware() + int(r.nID) + int(r.nOwn) + int(r.nPast)
}

// longKey is what a binding is about where that is not a single IPv4 address: the address in 16 octets, and the
// length of the prefix, to which 129 is added for IPv4.
type longKey [17]byte

const longIPv4 = 129

func longKeyOf(p netip.Prefix) (k longKey) {
	a := p.Addr().As16()
	copy(k[:], a[:])
	k[16] = uint8(p.Bits())
	if p.Addr().Is4() {
		k[16] += longIPv4
	}
	return k
}

func (k *longKey) prefix() netip.Prefix {
	a := netip.AddrFrom16([16]byte(k[:16]))
	if k[16] >= longIPv4 {
		return netip.PrefixFrom(a.Unmap(), int(k[16]-longIPv4))
	}
	return netip.PrefixFrom(a, int(k[16]))
}

// shortKeyOf returns the number of a single IPv4 address; false if p is something else.
func shortKeyOf(p netip.Prefix) (uint32, bool) {
	if a := p.Addr(); a.Is4() && p.Bits() == 32 {
		b := a.As4()
		return binary.BigEndian.Uint32(b[:]), true
	}
	return 0, false
}

func shortPrefix(addr uint32) netip.Prefix {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], addr)
	return netip.PrefixFrom(netip.AddrFrom4(b), 32)
}
