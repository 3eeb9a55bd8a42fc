package peerwire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// sound checks what must hold of a message that was parsed from b with this outcome.
func sound(m *Message, b []byte, d Dialect, outcome error) error {
	if outcome != nil {
		e, ok := outcome.(*Malformed)
		if !ok || !slices.Contains(malformed[:], e) {
			return fmt.Errorf("%v is not in the closed set", outcome)
		}
		if m.Has != 0 || len(m.Updates) > 0 || len(m.Acks) > 0 || m.Handshake.Relationship != nil {
			return fmt.Errorf("a refused message says something: %v", m)
		}
		return nil
	}
	if len(m.Updates) > MaxBindings || len(m.Acks) > MaxBindings {
		return errors.New("too many bindings")
	}
	if m.Has&^places[m.Type] != 0 && m.Has&^places[m.Type] != SetOf(OptDigest) {
		return fmt.Errorf("it says what has no place in it: %x", m.Has)
	}
	for i := range m.Updates {
		if err := soundUpdate(&m.Updates[i]); err != nil {
			return err
		}
	}
	if s := m.String(); len(s) > maxFormat+4096 || !printable(s) {
		return fmt.Errorf("%d octets are shown: %q", len(s), s)
	}
	return again(m, d)
}

func soundUpdate(u *Update) error {
	if !u.Address.Is4() || u.Has&^places[BndUpd] != 0 || !u.Has.Has(OptAddress) {
		return fmt.Errorf("%v says %x", u.Address, u.Has)
	}
	if u.Fault == nil && !u.Status.known() {
		return fmt.Errorf("%v has status %d", u.Address, u.Status)
	}
	if u.Fault != nil && (u.Has != SetOf(OptAddress) || u.ClientID != nil || u.Status != 0) {
		return fmt.Errorf("%v has a fault and says %x", u.Address, u.Has)
	}
	return nil
}

func printable(s string) bool {
	for _, r := range s {
		if r != '\n' && r != '…' && (r < ' ' || r > '~') {
			return false
		}
	}
	return true
}

// again writes what was parsed, without what cannot be written, and wants to read the same.
func again(m *Message, d Dialect) error {
	c := *m
	c.Has, c.Digest = c.Has.Without(OptDigest), Digest{}
	c.Updates = slices.DeleteFunc(slices.Clone(m.Updates), func(u Update) bool { return u.Fault != nil })
	c.Acks = slices.DeleteFunc(slices.Clone(m.Acks), func(a Ack) bool { return a.Fault != nil })
	b, err := c.Append(nil, Lessor, 0)
	var no *Unsendable
	if errors.As(err, &no) {
		return nil // a STATE that says STARTUP, a CONNECT that lacks something
	}
	if err != nil {
		return fmt.Errorf("it needs more room than it came in: %v", err)
	}
	if d != Lessor {
		return nil
	}
	var back Message
	if err := back.Parse(b, Lessor); err != nil {
		return fmt.Errorf("what was written is refused: %v\n%x", err, b)
	}
	if !same(&back, &c) {
		return fmt.Errorf("it became another:\n%+v\n%+v", back, c)
	}
	return nil
}

// iscReads reads a message as ISC dhcpd 4.4 does, by its own rules alone, and returns what would end the connection or
// the server.
func iscReads(b []byte) error {
	if len(b) < 12 || len(b) > 2048 || int(binary.BigEndian.Uint16(b)) != len(b) || b[3] != 12 {
		return errors.New("the frame is refused")
	}
	if b[2] < 1 || b[2] > 12 {
		return errors.New("there is no such message")
	}
	sizes := [30]int{1: 4, 2: 4, 3: 1, 6: 4, 10: 1, 12: 2, 13: 4, 14: 4, 15: 4, 18: 4, 19: 4, 20: 1, 21: 1, 23: 1, 24: 1, 25: 4, 26: 1, 27: 1}
	seen := map[uint16][]byte{}
	for o := b[12:]; len(o) > 0; {
		if len(o) < 4 || len(o) < 4+int(binary.BigEndian.Uint16(o[2:])) {
			return errors.New("an option runs past the message")
		}
		code, n := binary.BigEndian.Uint16(o), int(binary.BigEndian.Uint16(o[2:]))
		v := o[4 : 4+n]
		o = o[4+n:]
		switch {
		case code == 0 || code > 28:
			return fmt.Errorf("option %d is nothing for ISC", code)
		case seen[code] != nil:
			return fmt.Errorf("option %d twice", code)
		case sizes[code] != 0 && n != sizes[code]:
			return fmt.Errorf("option %d has %d octets", code, n)
		case code == 7 || code == 8 || code == 9 || code == 17:
			return fmt.Errorf("option %d", code)
		}
		seen[code] = append([]byte{}, v...)
	}
	return iscUnderstands(b[2], seen)
}

func iscUnderstands(typ byte, o map[uint16][]byte) error {
	have := func(codes ...uint16) error {
		for _, c := range codes {
			if o[c] == nil {
				return fmt.Errorf("type %d lacks option %d", typ, c)
			}
		}
		return nil
	}
	third := func() error {
		if binary.BigEndian.Uint32(o[19])/3 == 0 || binary.BigEndian.Uint32(o[14]) == 0 {
			return errors.New("CONTACT in a loop, or no updates ever")
		}
		return nil
	}
	switch typ {
	case 2:
		return have(1)
	case 3:
		return iscUpdate(o, have)
	case 4:
		if o[4] != nil || o[18] != nil || (o[21] == nil) != (len(o) == 1) && o[16] == nil {
			return errors.New("an acknowledgement says more than it should")
		}
		return have(2)
	case 5:
		if len(o[11]) != 32 || len(o[22]) == 0 {
			return errors.New("CONNECT is refused")
		}
		return errors.Join(have(22, 14, 19, 28, 20, 27, 15, 11), third())
	case 6:
		if o[21] != nil {
			return have(22)
		}
		return errors.Join(have(22, 14, 19), third())
	case 10:
		if s := o[24]; s == nil || s[0] < 2 || s[0] > 11 && s[0] != 254 {
			return errors.New("the server shuts down")
		}
		return have(23, 25)
	case 12:
		return have(21)
	}
	if len(o) > 0 {
		return errors.New("it should say nothing")
	}
	return nil
}

func iscUpdate(o map[uint16][]byte, have func(...uint16) error) error {
	if err := have(2, 3); err != nil {
		return err
	}
	switch s := o[3][0]; {
	case s < 1 || s > 7:
		return errors.New("the server ends")
	case s == 5 && (o[4] != nil || o[5] != nil):
		return errors.New("reason 6: an abandoned address has no client")
	case s >= 2 && s <= 4:
		if n := len(o[5]); n == 0 || n > 21 {
			return errors.New("reason 3 or 6: no hardware address")
		}
	}
	if bytes.Equal(o[12], []byte{0, 0}) || bytes.Equal(o[6], []byte{0, 0, 0, 0}) {
		return errors.New("flags or a CLTT that say nothing")
	}
	return nil
}
