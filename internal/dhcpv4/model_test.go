package dhcpv4

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode"
	"unicode/utf8"
)

// model is a decoder of options that is as plain as it can be: one that allocates, and knows nothing of spans and sets.
func model(b []byte) (map[uint8][]byte, error) {
	if len(b) < atOptions || !bytes.Equal(b[atCookie:atOptions], []byte{99, 130, 83, 99}) {
		return nil, nil
	}
	found, overload := map[uint8][]byte{}, byte(0)
	if err := modelField(b[atOptions:], found, &overload); err != nil {
		return nil, err
	}
	ignored := byte(0)
	if overload&1 != 0 {
		if err := modelField(b[atFile:atCookie], found, &ignored); err != nil {
			return nil, err
		}
	}
	if overload&2 != 0 {
		if err := modelField(b[atSName:atFile], found, &ignored); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func modelField(f []byte, found map[uint8][]byte, overload *byte) error {
	for len(f) > 0 && f[0] != 255 {
		if f[0] == 0 {
			f = f[1:]
			continue
		}
		if len(f) < 2 || len(f) < 2+int(f[1]) {
			return errors.New("overrun")
		}
		code, v := f[0], f[2:2+int(f[1])]
		f = f[2+int(f[1]):]
		if code != 52 {
			found[code] = append(append([]byte{}, found[code]...), v...)
		} else if len(v) == 1 {
			*overload = v[0]
		}
	}
	return nil
}

// soundMessage checks all that must be true of a message after Parse(b) returned err.
func soundMessage(m *Message, b []byte, err error) error {
	if text := m.String(); len(text) > MaxFormat || !utf8.ValidString(text) || bytes.ContainsFunc([]byte(text), unprintable) {
		return fmt.Errorf("%d octets of text: %q", len(text), text)
	}
	if err != nil {
		if _, ok := err.(*Malformed); !ok || len(m.Codes()) > 0 || m.ClientID() != nil {
			return fmt.Errorf("refused for %v, with options %v", err, m.Codes())
		}
		return nil
	}
	want, merr := model(b)
	if merr != nil {
		return fmt.Errorf("accepted where the model says %w", merr)
	}
	if codes := slices.Sorted(maps.Keys(want)); !bytes.Equal(codes, m.Codes()) {
		return fmt.Errorf("options %v; the model says %v", m.Codes(), codes)
	}
	for c := range 300 {
		v, ok := m.Option(uint16(c))
		w, there := want[uint8(c)]
		if there = there && c < 256; ok != there || ok && !bytes.Equal(v, w) {
			return fmt.Errorf("option %d is %x, %v; the model says %x, %v", c, v, ok, w, there)
		}
	}
	if !m.CIAddr.Is4() || !m.YIAddr.Is4() || !m.SIAddr.Is4() || !m.GIAddr.Is4() || !bytes.Equal(m.Bytes(), b) {
		return errors.New("an address is not IPv4, or the octets are others")
	}
	return nil
}

func unprintable(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }
