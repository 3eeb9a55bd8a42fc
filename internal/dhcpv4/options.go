package dhcpv4

import (
	"math/bits"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// The bits of option 52 (RFC 2132 §9.3).
const (
	overloadFile  = 1
	overloadSName = 2
)

// parseOptions finds the options in the options field, then in file, then in sname, which is the order in which parts
// of one option are joined (RFC 3396 §5).
func (m *Message) parseOptions() error {
	if err := m.scan(atOptions, len(m.packet), true); err != nil {
		return err
	}
	if m.overload != 0 {
		if err := m.scanOverloaded(); err != nil {
			return err
		}
	}
	if m.split != (set{}) {
		m.join()
	}
	if t, ok := m.option(option.CodeMessageType); ok {
		if len(t) != 1 || t[0] == 0 || MessageType(t[0]) > lastType {
			return ErrBadType
		}
		m.typ = MessageType(t[0])
	}
	if id, ok := m.option(option.CodeClientID); ok && len(id) > binding.MaxClientID {
		return ErrLongClientID
	}
	return nil
}

func (m *Message) scanOverloaded() error {
	if m.overload&overloadFile != 0 {
		if err := m.scan(atFile, atCookie, false); err != nil {
			return err
		}
	}
	if m.overload&overloadSName != 0 {
		return m.scan(atSName, atFile, false)
	}
	return nil
}

// scan notes the options between two offsets. Option 52 counts in the options field alone, so that fields cannot refer
// to one another; elsewhere it is passed over.
func (m *Message) scan(from, to int, main bool) error {
	p := m.packet[:to]
	overloads := 0
	for i := from; i < len(p); {
		c := p[i]
		if c == option.CodePad {
			i++
			continue
		}
		if c == option.CodeEnd {
			break
		}
		if i+2 > len(p) {
			return ErrOverrun
		}
		n := int(p[i+1])
		i += 2
		if i+n > len(p) {
			return ErrOverrun
		}
		if c == option.CodeOverload {
			if main {
				if overloads++; overloads > 1 || n != 1 || p[i] == 0 || p[i] > overloadFile|overloadSName {
					return ErrBadOverload
				}
				m.overload = p[i]
			}
			i += n
			continue
		}
		m.note(c, i, n)
		i += n
	}
	return nil
}

// note remembers where an option's value lies; of a part after the first, only how long the whole becomes.
func (m *Message) note(c uint8, off, n int) {
	if m.present.has(c) {
		m.split.add(c)
		m.where[c].n += uint16(n)
		return
	}
	m.present.add(c)
	m.where[c] = span{uint16(off), uint16(n)}
}

// join copies the parts of split options, each whole behind the other. There is always room: they came out of one
// message of at most MaxSize octets.
func (m *Message) join() {
	next := uint16(0)
	for w, word := range m.split {
		for ; word != 0; word &= word - 1 {
			s := &m.where[w<<6|bits.TrailingZeros64(word)]
			whole := s.n
			*s = span{next, 0}
			next += whole
		}
	}
	m.joinField(atOptions, len(m.packet))
	if m.overload&overloadFile != 0 {
		m.joinField(atFile, atCookie)
	}
	if m.overload&overloadSName != 0 {
		m.joinField(atSName, atFile)
	}
}

// joinField appends the parts in one field, which scan has found sound, to what came before them.
func (m *Message) joinField(from, to int) {
	p := m.packet[:to]
	for i := from; i < len(p) && p[i] != option.CodeEnd; {
		c := p[i]
		if c == option.CodePad {
			i++
			continue
		}
		n := int(p[i+1])
		i += 2
		if m.split.has(c) { // never 52, which note does not see
			s := &m.where[c]
			s.n += uint16(copy(m.joined[s.off+s.n:], p[i:i+n]))
		}
		i += n
	}
}

// Option returns the value of an option, whole; false if it was not sent. It implements binding.OptionView. Pad, end
// and option 52 are never there.
func (m *Message) Option(code uint16) ([]byte, bool) {
	if code > 255 {
		return nil, false
	}
	return m.option(uint8(code))
}

func (m *Message) option(c uint8) ([]byte, bool) {
	if !m.present.has(c) {
		return nil, false
	}
	s := m.where[c]
	if m.split.has(c) {
		return m.joined[s.off : s.off+s.n : s.off+s.n], true
	}
	return m.packet[s.off : s.off+s.n : s.off+s.n], true
}

// Codes returns the options that were sent, in ascending order, without 0, 52 and 255.
func (m *Message) Codes() []uint8 {
	n := 0
	for w, word := range m.present {
		for ; word != 0; word &= word - 1 {
			m.codes[n] = uint8(w<<6 | bits.TrailingZeros64(word))
			n++
		}
	}
	return m.codes[:n]
}
