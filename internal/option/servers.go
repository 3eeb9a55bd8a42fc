package option

import (
	"encoding/binary"
	"net/netip"
)

// The encodings of the SIP servers option (RFC 3361 §3).
const (
	sipNames     = 0
	sipAddresses = 1
)

var (
	addressList = Type{Kind: Address, List: true}
	textItem    = Type{Kind: Text}
)

func checkSIPServers(_ Type, b []byte) error {
	if len(b) < 2 {
		return errShort
	}
	switch b[0] {
	case sipNames:
		return checkNames(b[1:])
	case sipAddresses:
		return addressList.check(b[1:])
	}
	return errEncoding
}

func decodeSIPServers(_ Type, b []byte) any {
	if b[0] == sipAddresses {
		return addressList.decode(b[1:])
	}
	return decodeNames(b[1:])
}

// encodeSIPServers takes addresses or names, not both (RFC 3361 §3).
func encodeSIPServers(t Type, dst []byte, in Input) ([]byte, *InputError) {
	items := in.items()
	if len(items) == 0 {
		return nil, wrong("leave the option out, or write "+t.example(), "the list is empty")
	}
	if _, err := netip.ParseAddr(items[0].Scalar); err == nil {
		return addressList.encode(append(dst, sipAddresses), in)
	}
	dst = append(dst, sipNames)
	for i, item := range items {
		var err *InputError
		if _, perr := netip.ParseAddr(item.Scalar); perr == nil {
			err = wrong("write only names or only addresses", "%s is an address among names", item.brief())
		} else {
			dst, err = encodeName(Type{Kind: Name}, dst, item)
		}
		if err != nil {
			return nil, err.at(in, i)
		}
	}
	return dst, nil
}

func checkAddressLists(_ Type, b []byte) error {
	if len(b) == 0 {
		return errEmpty
	}
	for len(b) > 0 {
		v, rest, ok := CutCounted(b)
		if !ok {
			return errBlock
		}
		if err := addressList.check(v); err != nil {
			return err
		}
		b = rest
	}
	return nil
}

func decodeAddressLists(_ Type, b []byte) any {
	list := []any{}
	for v, rest, ok := CutCounted(b); ok; v, rest, ok = CutCounted(rest) {
		list = append(list, addressList.decode(v))
	}
	return list
}

// encodeAddressLists takes a list of lists of addresses, one for each server (RFC 7291 §4); one list is one server.
func encodeAddressLists(t Type, dst []byte, in Input) ([]byte, *InputError) {
	items := in.items()
	if len(items) == 0 {
		return nil, wrong("leave the option out, or write "+t.example(), "the list is empty")
	}
	if in.Kind == List && allScalars(items) {
		b, err := addressList.encode(nil, in)
		if err == nil && len(b) > 255 {
			err = wrong("write at most 63", "one server has %d addresses", len(b)/4)
		}
		return append(append(dst, byte(len(b))), b...), err
	}
	for i, item := range items {
		b, err := addressList.encode(nil, item)
		if err == nil && len(b) > 255 {
			err = wrong("write at most 63", "one server has %d addresses", len(b)/4)
		}
		if err != nil {
			return nil, err.at(in, i)
		}
		dst = append(append(dst, byte(len(b))), b...)
	}
	return dst, nil
}

// cutLong splits the first value off a run of values that each have a length of two octets.
func cutLong(b []byte) (value, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	n := 2 + int(binary.BigEndian.Uint16(b))
	if len(b) < n {
		return nil, nil, false
	}
	return b[2:n], b[n:], true
}

func checkLongTexts(_ Type, b []byte) error {
	if len(b) == 0 {
		return errEmpty
	}
	for len(b) > 0 {
		v, rest, ok := cutLong(b)
		if !ok {
			return errBlock
		}
		if len(v) == 0 {
			return errBlockData
		}
		b = rest
	}
	return nil
}

func decodeLongTexts(_ Type, b []byte) any {
	list := []any{}
	for v, rest, ok := cutLong(b); ok; v, rest, ok = cutLong(rest) {
		list = append(list, decodeText(textItem, v))
	}
	return list
}

func encodeLongTexts(t Type, dst []byte, in Input) ([]byte, *InputError) {
	items := in.items()
	if len(items) == 0 {
		return nil, wrong("leave the option out, or write "+t.example(), "the list is empty")
	}
	for i, item := range items {
		v, err := encodeItem(item)
		if err == nil && (len(v) == 0 || len(v) > MaxLength) {
			err = wrong("write 1 to 65535 octets", "a text of %d octets cannot be sent", len(v))
		}
		if err != nil {
			return nil, err.at(in, i)
		}
		dst = append(binary.BigEndian.AppendUint16(dst, uint16(len(v))), v...)
	}
	return dst, nil
}
