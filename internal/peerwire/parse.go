package peerwire

import (
	"encoding/binary"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Parse makes m the message that b holds, which Cut has split off, and refers to b. The error is a *Malformed: nothing
// in m but what stood in the header is to be used then. What is wrong with one binding is that binding's Fault and no
// error. Options that are unknown, also twice, and those that have no place in the message are passed over; a known one
// that stands there twice or has an impossible length is an error. It does not allocate but to make room for more
// bindings than m ever had.
func (m *Message) Parse(b []byte, d Dialect) error {
	*m = Message{Updates: m.Updates[:0], Acks: m.Acks[:0]}
	payload, err := m.parseHeader(b)
	if err == nil {
		switch m.Type {
		case BndUpd:
			err = m.parseUpdates(payload, d)
		case BndAck:
			err = m.parseAcks(payload, d)
		default:
			err = m.parseOptions(payload, d)
		}
	}
	if err != nil {
		*m = Message{Type: m.Type, XID: m.XID, Time: m.Time, Updates: m.Updates[:0], Acks: m.Acks[:0]}
		return err
	}
	return nil
}

// parseHeader reads the header and returns the options behind it.
func (m *Message) parseHeader(b []byte) (payload []byte, err *Malformed) {
	if len(b) < HeaderSize {
		return nil, ErrTooShort
	}
	m.Type = Type(b[2])
	m.Time = instant(binary.BigEndian.Uint32(b[4:]))
	m.XID = binary.BigEndian.Uint32(b[8:])
	offset := int(b[3])
	switch {
	case int(binary.BigEndian.Uint16(b)) != len(b):
		return nil, ErrBadLength
	case offset == microsoftOffset:
		return nil, ErrMicrosoft
	case offset < HeaderSize || offset > len(b):
		return nil, ErrBadOffset
	case !m.Type.known():
		return nil, ErrUnknownType
	}
	return b[offset:], nil
}

// microsoftOffset is what Windows says for the payload offset, and nobody else.
const microsoftOffset = 8

// cut splits the first option off b. o is 0 if it is not known.
func cut(b []byte) (o Option, v, rest []byte, err *Malformed) {
	code, v, rest, ok := binding.CutTLV(b)
	if !ok {
		return 0, nil, nil, ErrOverrun
	}
	if code <= uint16(lastOption) {
		o = Option(code)
	}
	return o, v, rest, nil
}

// admit notes that o stands there, unless it has stood there before or cannot have this length.
func (s *Set) admit(o Option, v []byte) *Malformed {
	if s.Has(o) {
		return ErrDuplicate
	}
	if n := shapes[o].size; n != variable && n != len(v) {
		return ErrOptionSize
	}
	*s = s.With(o)
	return nil
}

// parseOptions reads a message that has no bindings. Options without a place in it are forgotten again.
func (m *Message) parseOptions(b []byte, d Dialect) *Malformed {
	for len(b) > 0 {
		o, v, rest, err := cut(b)
		if err != nil {
			return err
		}
		b = rest
		if o == 0 {
			continue
		}
		if err := m.Has.admit(o, v); err != nil {
			return err
		}
		if !m.mayHave(o) {
			continue
		}
		if err := m.take(o, v, d); err != nil {
			return err
		}
	}
	m.Has &= places[m.Type]
	return m.complete()
}

// take reads an option that has its place in m.
func (m *Message) take(o Option, v []byte, d Dialect) *Malformed {
	switch o {
	case OptTransferred:
		m.Transferred = binary.BigEndian.Uint32(v)
	case OptReason:
		m.Reason = reason(v)
	case OptText:
		m.Text = v
	case OptDigest:
		return m.takeDigest(v)
	case OptServerState, OptServerFlags, OptSince:
		m.Report.take(o, v)
	case OptVendorOptions:
		return eachExtension(v, d, &m.Has, places[m.Type], &m.Handshake.Extended)
	default:
		m.Handshake.take(o, v)
	}
	return nil
}

func (m *Message) takeDigest(v []byte) *Malformed {
	if len(v) == 0 {
		return ErrOptionSize
	}
	m.Digest = Digest{v[0], v[1:]}
	return nil
}

func (r *Report) take(o Option, v []byte) {
	switch o {
	case OptServerState:
		r.State = ServerState(v[0])
	case OptServerFlags:
		r.Flags = ServerFlags(v[0])
	case OptSince:
		r.Since = instant(binary.BigEndian.Uint32(v))
	}
}

func (h *Handshake) take(o Option, v []byte) {
	switch o {
	case OptRelationship:
		h.Relationship = v
	case OptMaxUnacked:
		h.MaxUnacked = binary.BigEndian.Uint32(v)
	case OptReceiveTimer:
		h.ReceiveTimer = duration(v)
	case OptMCLT:
		h.MCLT = duration(v)
	case OptVendorClass:
		h.VendorClass = v
	case OptVersion:
		h.Version = v[0]
	case OptTLSRequest:
		h.TLSRequest = v[0]
	case OptTLSReply:
		h.TLSReply = v[0]
	case OptBuckets:
		h.Buckets = v
	case OptDelayedService:
		h.DelayedService = v[0]
	}
}

func duration(v []byte) time.Duration { return time.Duration(binary.BigEndian.Uint32(v)) * time.Second }

// complete reports what a message cannot do without. What a CONNECT or CONNECTACK lacks is for failover to refuse, in
// words.
func (m *Message) complete() *Malformed {
	switch {
	case m.Type == State && !m.Has.Has(OptServerState):
		return ErrNoState
	case m.Type == State && !m.Report.State.known():
		return ErrBadState
	case m.Type == PoolResp && !m.Has.Has(OptTransferred):
		return ErrNoCount
	}
	return nil
}
