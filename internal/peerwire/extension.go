package peerwire

import (
	"encoding/binary"
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// magic begins an option 29 that a Lessor has written. What begins otherwise is another vendor's and passed over.
const magic = "lsr1"

// extended is who can take an extension that has the right length.
type extended interface {
	takeExtension(o Option, v []byte) *Malformed
}

// eachExtension gives what a Lessor says in option 29 to into, as far as it has its place there. Between other servers
// nothing in it means anything.
func eachExtension(b []byte, d Dialect, has *Set, allowed Set, into extended) *Malformed {
	if d != Lessor || len(b) < len(magic) || string(b[:len(magic)]) != magic {
		return nil
	}
	b = b[len(magic):]
	for len(b) > 0 {
		code, v, rest, ok := binding.CutTLV(b)
		if !ok {
			return ErrVendorData
		}
		b = rest
		o := extension(code)
		if o == 0 || !allowed.Has(o) {
			if code&mustKnow != 0 {
				return ErrMustKnow
			}
			continue
		}
		if has.admit(o, v) != nil {
			return ErrVendorData
		}
		if err := into.takeExtension(o, v); err != nil {
			return err
		}
	}
	return nil
}

func (e *Extended) takeExtension(o Option, v []byte) *Malformed {
	switch o {
	case ExtMember:
		e.Member = v
	case ExtPast:
		e.Past = readPast(v)
	case ExtSeen:
		e.Seen = readPast(v)
	case ExtOpenings:
		e.Opening, e.SeenOpening = readOpening(v), readOpening(v[16:])
	case ExtAcknowledged:
		e.Acknowledged = readSequence(v)
	case ExtHeld:
		e.Held = Held{span(v), span(v[4:])}
	case ExtHead:
		e.Head = binding.Digest(v)
	case ExtHistory:
		e.History = History(v[0])
	case ExtParts:
		return e.takeParts(v)
	case ExtSums:
		e.Vital, e.Other = readSum(v), readSum(v[20:])
	case ExtVitalSketch:
		e.VitalSketch = v
	case ExtOtherSketch:
		e.OtherSketch = v
	case ExtRoom:
		e.Room = Room{binary.BigEndian.Uint16(v), binary.BigEndian.Uint16(v[2:])}
	}
	return nil
}

// takeParts sees to it that the parts can be cut to their end.
func (e *Extended) takeParts(v []byte) *Malformed {
	for b := v; len(b) > 0; {
		var ok bool
		if _, b, ok = CutPart(b); !ok {
			return ErrVendorData
		}
	}
	e.Parts = v
	return nil
}

func readSum(v []byte) Sum { return Sum{binary.BigEndian.Uint32(v), binding.Digest(v[4:20])} }

func readPast(v []byte) Past { return Past{[16]byte(v[:16]), readSequence(v[16:])} }

func readOpening(v []byte) Opening {
	return Opening{binary.BigEndian.Uint64(v), binary.BigEndian.Uint64(v[8:])}
}

func readSequence(v []byte) Sequence {
	return Sequence{binary.BigEndian.Uint64(v), binary.BigEndian.Uint64(v[8:])}
}

func (u *Update) takeExtension(o Option, v []byte) *Malformed {
	d := &u.Detail
	switch o {
	case ExtSequence:
		d.Sequence = readSequence(v)
	case ExtRangeEnd:
		d.RangeEnd = netip.AddrFrom4([4]byte(v))
	case ExtStarts:
		d.Starts = instant(binary.BigEndian.Uint32(v))
	case ExtConfigVersion:
		d.Version = binding.Digest(v)
	case ExtHome:
		d.Home = v
	case ExtCause:
		d.Cause = binding.Cause(v[0])
	case ExtRequestHead:
		d.RequestHead = v
	case ExtRequestDigest:
		d.RequestDigest = binding.Digest(v)
	case ExtResultHead:
		d.ResultHead = v
	case ExtResultDigest:
		d.ResultDigest = binding.Digest(v)
	case ExtReasons:
		d.Reasons = v
	case ExtReasonsDigest:
		d.ReasonsDigest = binding.Digest(v)
	case ExtRequestOwn:
		d.RequestOwn = v
	case ExtIncludes:
		d.Includes = readSequence(v)
	case ExtEarlier:
		d.Earlier = v
	}
	return nil
}

func (a *Ack) takeExtension(o Option, v []byte) *Malformed {
	switch o {
	case ExtSequence:
		a.Sequence = readSequence(v)
	case ExtWants:
		a.Wants = Wants(v[0])
	}
	return nil
}
