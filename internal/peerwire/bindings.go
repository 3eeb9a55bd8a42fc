package peerwire

import (
	"encoding/binary"
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// parseUpdates reads a BNDUPD: each assigned-IP-address begins a binding (draft §7.1), and what stands before the first
// belongs to it, since ISC reads options in any order.
func (m *Message) parseUpdates(b []byte, d Dialect) *Malformed {
	m.Updates = append(m.Updates, Update{})
	u := &m.Updates[0]
	for len(b) > 0 {
		o, v, rest, err := cut(b)
		if err != nil {
			return err
		}
		b = rest
		switch {
		case o == 0:
		case o == OptDigest:
			err = m.admitDigest(v)
		case o == OptAddress:
			u, err = m.nextUpdate(u, v)
		case u.Fault == nil:
			u.Fault = u.admit(o, v, d)
		}
		if err != nil {
			return err
		}
	}
	if !u.Has.Has(OptAddress) {
		return ErrNoAddress
	}
	for i := range m.Updates {
		m.Updates[i].complete()
	}
	return nil
}

// nextUpdate returns the binding that the address v begins; u is the one before, or has only its beginning.
func (m *Message) nextUpdate(u *Update, v []byte) (*Update, *Malformed) {
	if len(v) != 4 {
		return u, ErrOptionSize
	}
	if u.Has.Has(OptAddress) {
		if len(m.Updates) == MaxBindings {
			return u, ErrTooMany
		}
		m.Updates = append(m.Updates, Update{})
		u = &m.Updates[len(m.Updates)-1]
	}
	u.Has = u.Has.With(OptAddress)
	u.Address = netip.AddrFrom4([4]byte(v))
	return u, nil
}

// admitDigest reads option 17, which belongs to the whole message wherever it stands.
func (m *Message) admitDigest(v []byte) *Malformed {
	if err := m.Has.admit(OptDigest, v); err != nil {
		return err
	}
	return m.takeDigest(v)
}

func (u *Update) admit(o Option, v []byte, d Dialect) *Malformed {
	if err := u.Has.admit(o, v); err != nil {
		return err
	}
	if o == OptVendorOptions {
		return eachExtension(v, d, &u.Has, places[BndUpd], u)
	}
	if !places[BndUpd].Has(o) {
		return nil
	}
	return u.take(o, v, d)
}

func (u *Update) take(o Option, v []byte, d Dialect) *Malformed {
	switch o {
	case OptStatus:
		u.Status = Status(v[0])
		if !u.Status.known() {
			return ErrBadStatus
		}
	case OptClientID:
		u.ClientID = v
		if len(v) == 0 || len(v) > binding.MaxClientID {
			return ErrLongClientID
		}
	case OptHardware:
		if len(v) == 0 || len(v) > 1+binding.MaxHardware {
			return ErrBadHardware
		}
		u.Hardware = binding.HardwareOf(v[0], v[1:])
	case OptIPFlags:
		u.Flags = IPFlags(number(v))
	case OptRequest:
		u.Request = v
	case OptReply:
		u.Reply = v
	case OptDDNS:
		if len(v) < 2 {
			return ErrOptionSize
		}
		u.DDNS = DDNS{number(v), v[2:]}
	default:
		u.takeTime(o, binary.BigEndian.Uint32(v), d)
	}
	return nil
}

func number(v []byte) uint16 { return binary.BigEndian.Uint16(v) }

func (u *Update) takeTime(o Option, s uint32, d Dialect) {
	switch o {
	case OptExpires:
		u.Expires = d.expiry(s)
	case OptPotentialExpiry:
		u.PotentialExpiry = d.expiry(s)
	case OptSince:
		u.Since = instant(s)
	case OptCLTT:
		u.CLTT = instant(s)
	}
}

// complete sees what the binding lacks. Of one with a fault only the address is left.
func (u *Update) complete() {
	u.Has &= places[BndUpd]
	if u.Fault == nil {
		u.Fault = u.unsound()
	}
	if u.Fault != nil {
		*u = Update{Has: SetOf(OptAddress), Address: u.Address, Fault: u.Fault}
	}
}

func (u *Update) unsound() *Malformed {
	switch {
	case !u.Has.Has(OptStatus):
		return ErrNoStatus
	case u.Has.Has(ExtRangeEnd) && !u.soundRange():
		return ErrBadRange
	}
	return nil
}

// soundRange reports whether the range is one of addresses that nobody ever used.
func (u *Update) soundRange() bool {
	return !u.Detail.RangeEnd.Less(u.Address) && (u.Status == Free || u.Status == Backup) &&
		!u.Has.Has(OptClientID) && !u.Has.Has(OptHardware)
}

// parseAcks reads a BNDACK as parseUpdates reads a BNDUPD.
func (m *Message) parseAcks(b []byte, d Dialect) *Malformed {
	m.Acks = append(m.Acks, Ack{})
	a := &m.Acks[0]
	for len(b) > 0 {
		o, v, rest, err := cut(b)
		if err != nil {
			return err
		}
		b = rest
		switch {
		case o == 0:
		case o == OptDigest:
			err = m.admitDigest(v)
		case o == OptAddress:
			a, err = m.nextAck(a, v)
		case a.Fault == nil:
			a.Fault = a.admit(o, v, d)
		}
		if err != nil {
			return err
		}
	}
	if !a.Has.Has(OptAddress) {
		return ErrNoAddress
	}
	for i := range m.Acks {
		m.Acks[i].complete()
	}
	return nil
}

func (m *Message) nextAck(a *Ack, v []byte) (*Ack, *Malformed) {
	if len(v) != 4 {
		return a, ErrOptionSize
	}
	if a.Has.Has(OptAddress) {
		if len(m.Acks) == MaxBindings {
			return a, ErrTooMany
		}
		m.Acks = append(m.Acks, Ack{})
		a = &m.Acks[len(m.Acks)-1]
	}
	a.Has = a.Has.With(OptAddress)
	a.Address = netip.AddrFrom4([4]byte(v))
	return a, nil
}

func (a *Ack) admit(o Option, v []byte, d Dialect) *Malformed {
	if err := a.Has.admit(o, v); err != nil {
		return err
	}
	switch o {
	case OptReason:
		a.Reason = reason(v)
	case OptText:
		a.Text = v
	case OptVendorOptions:
		return eachExtension(v, d, &a.Has, places[BndAck], a)
	}
	return nil
}

// reason reads a refusal; one that gives no reason is a refusal too.
func reason(v []byte) RejectReason {
	if v[0] == 0 {
		return UnknownReason
	}
	return RejectReason(v[0])
}

func (a *Ack) complete() {
	a.Has &= places[BndAck]
	if a.Fault != nil {
		*a = Ack{Has: SetOf(OptAddress), Address: a.Address, Fault: a.Fault}
	}
}
