package option

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"
)

func checkSize(t Type, b []byte) error {
	if len(b) != t.Kind.size() {
		return errLength
	}
	return nil
}

// checkOctets holds Binary and Text to their bounds, and to at least one octet (RFC 2132 §2) where there are none.
func checkOctets(t Type, b []byte) error {
	if len(b) == 0 && t.Least >= 0 {
		return errEmpty
	}
	if int64(len(b)) < t.Least || t.Most > 0 && int64(len(b)) > t.Most {
		return errLength
	}
	return nil
}

func scalarOf(t Type, in Input) (string, *InputError) {
	if in.Kind != Scalar {
		return "", wrong("write "+Type{Kind: t.Kind, Fields: t.Fields}.example(), "%s stands where one value of type %v belongs", in.brief(), t.Kind)
	}
	return in.Scalar, nil
}

func encodeBool(t Type, dst []byte, in Input) ([]byte, *InputError) {
	s, err := scalarOf(t, in)
	if err != nil {
		return nil, err
	}
	switch s {
	case "true", "True", "TRUE":
		return append(dst, 1), nil
	case "false", "False", "FALSE":
		return append(dst, 0), nil
	}
	return nil, wrong("write true or false", "%s is neither true nor false", in.brief())
}

// decodeBool takes every octet but 0 for true, as clients do.
func decodeBool(_ Type, b []byte) any { return b[0] != 0 }

// bounds returns the least and the most that a number of type t may be.
func (t Type) bounds() (least, most int64) {
	switch t.Kind {
	case Uint8:
		most = math.MaxUint8
	case Uint16:
		most = math.MaxUint16
	case Uint32:
		most = math.MaxUint32
	case Int32:
		least, most = math.MinInt32, math.MaxInt32
	}
	if t.Least != 0 {
		least = t.Least
	}
	if t.Most != 0 {
		most = t.Most
	}
	return least, most
}

func encodeInt(t Type, dst []byte, in Input) ([]byte, *InputError) {
	s, err := scalarOf(t, in)
	if err != nil {
		return nil, err
	}
	least, most := t.bounds()
	n, ok := parseInt(s)
	if !ok {
		return nil, wrong(fmt.Sprintf("write a whole number from %d to %d", least, most), "%s is not a whole number", in.brief())
	}
	if n < least || n > most {
		return nil, wrong(fmt.Sprintf("write a whole number from %d to %d", least, most), "%s is out of range", in.brief())
	}
	switch t.Kind.size() {
	case 1:
		return append(dst, byte(n)), nil
	case 2:
		return binary.BigEndian.AppendUint16(dst, uint16(n)), nil
	}
	return binary.BigEndian.AppendUint32(dst, uint32(n)), nil
}

// parseInt takes decimal numbers and 0x ones. 010 is refused, since it is ten to some and eight to others.
func parseInt(s string) (int64, bool) {
	digits, base := s, 10
	if h, ok := strings.CutPrefix(s, "0x"); ok {
		digits, base = h, 16
		if strings.HasPrefix(h, "-") || strings.HasPrefix(h, "+") {
			return 0, false
		}
	} else if u := strings.TrimPrefix(s, "-"); len(u) > 1 && u[0] == '0' || strings.HasPrefix(s, "+") {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, base, 64)
	return n, err == nil
}

func decodeInt(t Type, b []byte) any {
	switch t.Kind {
	case Uint8:
		return int64(b[0])
	case Uint16:
		return int64(binary.BigEndian.Uint16(b))
	case Int32:
		return int64(int32(binary.BigEndian.Uint32(b)))
	}
	return int64(binary.BigEndian.Uint32(b))
}

func encodeAddress(t Type, dst []byte, in Input) ([]byte, *InputError) {
	s, err := scalarOf(t, in)
	if err != nil {
		return nil, err
	}
	a, perr := netip.ParseAddr(s)
	if t.Kind == Address6 {
		if perr != nil || !a.Is6() || a.Zone() != "" {
			return nil, wrong("write one as in 2001:db8::1", "%s is not an IPv6 address", in.brief())
		}
		return append(dst, a.AsSlice()...), nil
	}
	if perr != nil || !a.Is4() {
		return nil, wrong(addressRemedy(s), "%s is not an IPv4 address", in.brief())
	}
	return append(dst, a.AsSlice()...), nil
}

func addressRemedy(s string) string {
	if strings.ContainsAny(s, ", ") {
		return "write a list: [10.0.0.53, 10.0.1.53]"
	}
	if strings.ContainsRune(s, '/') {
		return "leave the prefix length out"
	}
	return "write four numbers, as in 10.0.0.53"
}

func decodeAddress(_ Type, b []byte) any {
	a, _ := netip.AddrFromSlice(b)
	return a.String()
}

// encodeText appends characters, or the octets of {hex: ...} where they are none.
func encodeText(t Type, dst []byte, in Input) ([]byte, *InputError) {
	if v, ok := in.single("hex"); ok {
		b, err := parseHex(v)
		if err != nil {
			return nil, err.under(0)
		}
		return append(dst, b...), nil
	}
	s, err := scalarOf(t, in)
	if err != nil {
		return nil, err
	}
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return nil, wrong(`write the octets themselves: {hex: "..."}`, "%s has characters that a text cannot have", in.brief())
	}
	if len(s) == 0 && t.Least >= 0 {
		return nil, wrong("leave the option out, or give it a value", "the text is empty")
	}
	if int64(len(s)) < t.Least || t.Most > 0 && int64(len(s)) > t.Most {
		return nil, wrong(fmt.Sprintf("write %d to %d octets", max(t.Least, 1), max(t.Most, t.Least)), "the text has %d octets", len(s))
	}
	return append(dst, s...), nil
}

// decodeText leaves terminating zeros out, which clients may send (RFC 2132 §2); what is no text then is {hex: ...}.
func decodeText(_ Type, b []byte) any {
	s := strings.TrimRight(string(b), "\x00")
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) || s == "" && len(b) > 0 {
		return hexValue(b)
	}
	return s
}

func encodeBinary(t Type, dst []byte, in Input) ([]byte, *InputError) {
	n := len(dst)
	dst, err := encodeOctets(dst, in)
	if err != nil {
		return nil, err
	}
	if checkOctets(t, dst[n:]) != nil {
		return nil, wrong(fmt.Sprintf("write at least %d", max(t.Least, 1)), "%d octets are not what the option takes", len(dst)-n)
	}
	return dst, nil
}

func decodeBinary(_ Type, b []byte) any { return hexValue(b) }

func hexValue(b []byte) any { return map[string]any{"hex": hex.EncodeToString(b)} }

// parseHex takes hexadecimal digits, in pairs; colons, dashes and spaces may stand between pairs.
func parseHex(in Input) ([]byte, *InputError) {
	const remedy = `write two digits an octet, as in {hex: "0a0b"}`
	if in.Kind != Scalar {
		return nil, wrong(remedy, "%s is not hexadecimal", in.brief())
	}
	s := strings.TrimPrefix(in.Scalar, "0x")
	var b []byte
	for len(s) > 0 {
		if len(b) > 0 && (s[0] == ':' || s[0] == '-' || s[0] == ' ') {
			s = s[1:]
		}
		if len(s) < 2 {
			return nil, wrong(remedy, "%s has a digit too few or too many", in.brief())
		}
		o, err := hex.DecodeString(s[:2])
		if err != nil {
			return nil, wrong(remedy, "%s is not hexadecimal", in.brief())
		}
		b, s = append(b, o[0]), s[2:]
	}
	return b, nil
}

func encodeEmpty(_ Type, dst []byte, in Input) ([]byte, *InputError) {
	if in.Kind == Scalar && (in.Scalar == "true" || in.Scalar == "") {
		return dst, nil
	}
	return nil, wrong("write true, or leave the option out", "the option has no value")
}

func checkEmpty(_ Type, b []byte) error {
	if len(b) > 0 {
		return errNotEmpty
	}
	return nil
}

func decodeEmpty(Type, []byte) any { return true }
