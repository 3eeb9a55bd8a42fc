package peerwire

import (
	"encoding/binary"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// writer appends options of a set. What is too long for a length field makes the message too long as well, so that
// nobody sees the wrong length.
type writer struct {
	dst []byte
	has Set
}

func (w *writer) octets(o Option, v []byte) {
	if w.has.Has(o) {
		w.dst = binding.AppendTLV(w.dst, shapes[o].code, v)
	}
}

func (w *writer) head(o Option, n uint16) {
	w.dst = binary.BigEndian.AppendUint16(w.dst, shapes[o].code)
	w.dst = binary.BigEndian.AppendUint16(w.dst, n)
}

func (w *writer) uint8(o Option, v uint8) {
	if w.has.Has(o) {
		w.head(o, 1)
		w.dst = append(w.dst, v)
	}
}

func (w *writer) uint16(o Option, v uint16) {
	if w.has.Has(o) {
		w.head(o, 2)
		w.dst = binary.BigEndian.AppendUint16(w.dst, v)
	}
}

func (w *writer) uint32(o Option, v uint32) {
	if w.has.Has(o) {
		w.head(o, 4)
		w.dst = binary.BigEndian.AppendUint32(w.dst, v)
	}
}

func (w *writer) digest(o Option, v binding.Digest) {
	if w.has.Has(o) {
		w.head(o, uint16(len(v)))
		w.dst = append(w.dst, v[:]...)
	}
}

func (w *writer) sequence(o Option, s Sequence) {
	if w.has.Has(o) {
		w.head(o, 16)
		w.appendSequence(s)
	}
}

func (w *writer) appendSequence(s Sequence) {
	w.dst = binary.BigEndian.AppendUint64(w.dst, s.Epoch)
	w.dst = binary.BigEndian.AppendUint64(w.dst, s.Number)
}

func (w *writer) openings(o Option, all ...Opening) {
	if w.has.Has(o) {
		w.head(o, uint16(shapes[o].size))
		for _, x := range all {
			w.appendSequence(Sequence{x.Number, x.Nonce})
		}
	}
}

func (w *writer) past(o Option, p Past) {
	if w.has.Has(o) {
		w.head(o, 32)
		w.dst = append(w.dst, p.Store[:]...)
		w.appendSequence(p.Sequence)
	}
}

func (w *writer) sums(o Option, all ...Sum) {
	if w.has.Has(o) {
		w.head(o, uint16(shapes[o].size))
		for _, s := range all {
			w.dst = append(binary.BigEndian.AppendUint32(w.dst, s.Count), s.Digest[:]...)
		}
	}
}

func (w *writer) held(o Option, h Held) {
	if w.has.Has(o) {
		w.head(o, uint16(shapes[o].size))
		w.dst = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(w.dst, putSpan(h.MCLT)), putSpan(h.Lifetime))
	}
}

// beginVendor begins option 29, and endVendor ends it, or takes it back where nothing was written in it.
func (w *writer) beginVendor() (at int) {
	at = len(w.dst)
	w.head(OptVendorOptions, 0)
	w.dst = append(w.dst, magic...)
	return at
}

func (w *writer) endVendor(at int) {
	n := len(w.dst) - at - 4
	if n == len(magic) {
		w.dst = w.dst[:at]
		return
	}
	binary.BigEndian.PutUint16(w.dst[at+2:], uint16(n))
}

func (w *writer) address(o Option, a [4]byte) {
	if w.has.Has(o) {
		w.head(o, 4)
		w.dst = append(w.dst, a[:]...)
	}
}

// handshake writes the draft's part of CONNECT and CONNECTACK.
func (w *writer) handshake(m *Message, h *Handshake) error {
	timer, ok1 := seconds(h.ReceiveTimer)
	mclt, ok2 := seconds(h.MCLT)
	if !ok1 || !ok2 {
		return m.unsendable("a time is negative or beyond 136 years")
	}
	w.octets(OptRelationship, h.Relationship)
	w.uint32(OptMaxUnacked, h.MaxUnacked)
	w.uint32(OptReceiveTimer, timer)
	w.octets(OptVendorClass, h.VendorClass)
	w.uint8(OptVersion, h.Version)
	w.uint8(OptTLSRequest, h.TLSRequest)
	w.uint8(OptTLSReply, h.TLSReply)
	w.uint32(OptMCLT, mclt)
	w.octets(OptBuckets, h.Buckets)
	w.uint8(OptDelayedService, h.DelayedService)
	return nil
}

// extended writes our part of CONNECT and CONNECTACK.
func (w *writer) extended(e *Extended) {
	at := w.beginVendor()
	w.octets(ExtMember, e.Member)
	w.past(ExtPast, e.Past)
	w.past(ExtSeen, e.Seen)
	w.digest(ExtHead, e.Head)
	w.uint8(ExtHistory, uint8(e.History))
	w.octets(ExtParts, e.Parts)
	w.uint32(ExtRoom, uint32(e.Room.Octets)<<16|uint32(e.Room.Bindings))
	w.sums(ExtSums, e.Vital, e.Other)
	w.octets(ExtVitalSketch, e.VitalSketch)
	w.octets(ExtOtherSketch, e.OtherSketch)
	w.openings(ExtOpenings, e.Opening, e.SeenOpening)
	w.sequence(ExtAcknowledged, e.Acknowledged)
	w.held(ExtHeld, e.Held)
	w.endVendor(at)
}

func (w *writer) update(u *Update, d Dialect) {
	w.address(OptAddress, u.Address.As4())
	w.uint8(OptStatus, uint8(u.Status))
	w.octets(OptClientID, u.ClientID)
	w.hardware(&u.Hardware)
	w.uint32(OptExpires, d.putExpiry(u.Expires))
	w.uint32(OptPotentialExpiry, d.putExpiry(u.PotentialExpiry))
	w.uint32(OptSince, putInstant(u.Since))
	w.uint32(OptCLTT, putInstant(u.CLTT))
	w.uint16(OptIPFlags, uint16(u.Flags))
	w.octets(OptRequest, u.Request)
	w.octets(OptReply, u.Reply)
	w.ddns(&u.DDNS)
	w.detail(&u.Detail)
}

func (w *writer) hardware(h *binding.Hardware) {
	if w.has.Has(OptHardware) {
		n := min(h.Len, binding.MaxHardware)
		w.head(OptHardware, 1+uint16(n))
		w.dst = append(append(w.dst, h.Type), h.Addr[:n]...)
	}
}

func (w *writer) ddns(x *DDNS) {
	if w.has.Has(OptDDNS) {
		w.head(OptDDNS, uint16(2+len(x.Name)))
		w.dst = append(binary.BigEndian.AppendUint16(w.dst, x.Flags), x.Name...)
	}
}

func (w *writer) detail(x *Detail) {
	at := w.beginVendor()
	w.sequence(ExtSequence, x.Sequence)
	if w.has.Has(ExtRangeEnd) {
		w.address(ExtRangeEnd, x.RangeEnd.As4())
	}
	w.uint32(ExtStarts, putInstant(x.Starts))
	w.digest(ExtConfigVersion, x.Version)
	w.octets(ExtHome, x.Home)
	w.uint8(ExtCause, uint8(x.Cause))
	w.octets(ExtRequestHead, x.RequestHead)
	w.digest(ExtRequestDigest, x.RequestDigest)
	w.octets(ExtResultHead, x.ResultHead)
	w.digest(ExtResultDigest, x.ResultDigest)
	w.octets(ExtReasons, x.Reasons)
	w.digest(ExtReasonsDigest, x.ReasonsDigest)
	w.octets(ExtRequestOwn, x.RequestOwn)
	w.sequence(ExtIncludes, x.Includes)
	w.octets(ExtEarlier, x.Earlier)
	w.endVendor(at)
}
