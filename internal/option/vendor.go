package option

import (
	"encoding/binary"
	"strconv"
)

// CutSub splits the first option off a run of code, length, value; false if b is empty or ends within one. It knows
// neither pad nor end.
func CutSub(b []byte) (code uint8, value, rest []byte, ok bool) {
	if len(b) < 2 || len(b) < 2+int(b[1]) {
		return 0, nil, nil, false
	}
	n := 2 + int(b[1])
	return b[0], b[2:n], b[n:], true
}

// CutEnterprise splits the first block off a vendor-identifying option (RFC 3925): the enterprise's number, and its
// data. False if b is empty or ends within a block.
func CutEnterprise(b []byte) (number uint32, data, rest []byte, ok bool) {
	if len(b) < 5 || len(b) < 5+int(b[4]) {
		return 0, nil, nil, false
	}
	n := 5 + int(b[4])
	return binary.BigEndian.Uint32(b), b[5:n], b[n:], true
}

// isCode reports whether a key is the number of a sub-option.
func isCode(s string) bool {
	n, err := strconv.ParseUint(s, 10, 8)
	return err == nil && strconv.FormatUint(n, 10) == s
}

// checkSubs reports whether b is nothing but whole options. Pad (0) and end (255) count where there are no names,
// that is in the vendor options of RFC 2132 §8.4; those of RFC 3046 and RFC 3925 have neither.
func checkSubs(b []byte, padded bool) error {
	for len(b) > 0 {
		if padded && b[0] == 0 {
			b = b[1:]
			continue
		}
		if padded && b[0] == 255 {
			return nil
		}
		_, _, rest, ok := CutSub(b)
		if !ok {
			return errBlock
		}
		b = rest
	}
	return nil
}

// checkSubOptions takes any octets for option 43, since its inside is the vendor's own affair (RFC 2132 §8.4).
func checkSubOptions(t Type, b []byte) error {
	if t.Sub == 0 {
		return checkOctets(Type{}, b)
	}
	return checkSubs(b, false)
}

func decodeSubOptions(t Type, b []byte) any {
	if t.Sub == 0 && !plainSubs(b) {
		return hexValue(b)
	}
	subs := map[uint8][]byte{}
	rest := joinSubs(subs, b)
	if !fit(subs, 255) {
		return hexValue(b)
	}
	if len(rest) == 1 && t.Sub == 0 {
		m := subsValue(t.Sub, subs)
		m["end"] = true
		return m
	}
	return subsValue(t.Sub, subs)
}

// plainSubs reports whether b is at least one option, perhaps an end, and nothing else.
func plainSubs(b []byte) bool {
	for n := 0; ; n++ {
		if len(b) == 0 || len(b) == 1 && b[0] == 255 {
			return n > 0
		}
		c, _, rest, ok := CutSub(b)
		if !ok || c == 0 || c == 255 {
			return false
		}
		b = rest
	}
}

// joinSubs adds the options of b to subs, parts of one code joined as in RFC 3396, and returns what is no option.
func joinSubs(subs map[uint8][]byte, b []byte) []byte {
	for {
		c, v, rest, ok := CutSub(b)
		if !ok {
			return b
		}
		subs[c] = append(subs[c], v...)
		b = rest
	}
}

// fit reports whether each of the joined options could be written as one, of at most most octets.
func fit(subs map[uint8][]byte, most int) bool {
	for _, v := range subs {
		if len(v) > most {
			return false
		}
	}
	return true
}

// subsValue is what joined options are shown as.
func subsValue(s Space, subs map[uint8][]byte) map[string]any {
	m := make(map[string]any, len(subs))
	for c, v := range subs {
		if s == 0 {
			m[strconv.Itoa(int(c))] = innerValue(v)
			continue
		}
		d := standard.ByCode(s, Code(c))
		if d.Type.Kind == Binary || d.Check(v) != nil {
			m[d.Name] = innerValue(v)
		} else {
			m[d.Name] = d.Type.decode(v)
		}
	}
	return m
}

// encodeSubs appends the entries of a map as options of at most most octets each.
func encodeSubs(s Space, dst []byte, in Input, most, depth int) ([]byte, *InputError) {
	if in.Kind != Map || len(in.Map) == 0 && s == 0 {
		return nil, wrong("write {1: 10.9.0.3, 2: {uint8: 7}}", "%s stands where options by number belong", in.brief())
	}
	for i, e := range in.Map {
		if e.Key == "end" && s == 0 && depth == 0 && i == len(in.Map)-1 {
			return append(dst, 255), nil // PXE 2.1 §2.3: PXE_END
		}
		code, bad := subCode(s, e.Key)
		if bad != nil {
			return nil, bad.under(i)
		}
		var v []byte
		if d := standard.ByCode(s, Code(code)); s != 0 && d.Type.Kind != Binary && e.Value.Kind != Map {
			v, bad = d.encode(e.Value)
		} else {
			v, bad = encodeInner(nil, e.Value, depth)
		}
		if bad == nil && len(v) > most {
			bad = wrong("shorten it", "the value has %d octets, and there is room for %d", len(v), most)
		}
		if bad != nil {
			return nil, bad.under(i)
		}
		dst = append(append(dst, code, byte(len(v))), v...)
	}
	return dst, nil
}

func subCode(s Space, k string) (uint8, *InputError) {
	if s != 0 {
		if d, ok := standard.ByName(s, k); ok {
			return uint8(d.Code), nil
		}
	}
	n, err := strconv.ParseUint(k, 10, 8)
	if err != nil || s == 0 && (n == 0 || n == 255) {
		return 0, &InputError{OnKey: true, Reason: Input{Kind: Scalar, Scalar: k}.brief() + " is not the number of a vendor's option", Remedy: "write a number from 1 to 254"}
	}
	return uint8(n), nil
}

func encodeSubOptions(t Type, dst []byte, in Input) ([]byte, *InputError) {
	if in.Kind == Map && len(in.Map) == 1 && in.Map[0].Key == "text" {
		return encodeOctets(dst, in)
	}
	return encodeSubs(t.Sub, dst, in, 255, 0)
}
