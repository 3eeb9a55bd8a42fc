package option

// CutCounted splits the first value off a run of values that each have a length of one octet; false if b is empty or
// ends within one.
func CutCounted(b []byte) (value, rest []byte, ok bool) {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return nil, nil, false
	}
	n := 1 + int(b[0])
	return b[1:n], b[n:], true
}

// IsCountedUserClass reports whether b is in the encoding of RFC 3004, each class with its length. Many clients send
// one class as it is instead.
func IsCountedUserClass(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	for len(b) > 0 {
		v, rest, ok := CutCounted(b)
		if !ok || len(v) == 0 {
			return false
		}
		b = rest
	}
	return true
}

func checkUserClass(_ Type, b []byte) error {
	if len(b) == 0 {
		return errEmpty
	}
	return nil
}

func decodeUserClass(_ Type, b []byte) any {
	if !IsCountedUserClass(b) {
		return bareValue(b)
	}
	list := []any{}
	for len(b) > 0 {
		v, rest, _ := CutCounted(b)
		list = append(list, decodeText(Type{}, v))
		b = rest
	}
	return list
}

// bareValue is a whole value that is not in the encoding that its option asks for.
func bareValue(b []byte) any {
	if s, ok := decodeText(Type{}, b).(string); ok && s == string(b) {
		return map[string]any{"text": s}
	}
	return hexValue(b)
}

// encodeUserClass encodes a list of classes as RFC 3004 says, and {text: ...} as it is.
func encodeUserClass(t Type, dst []byte, in Input) ([]byte, *InputError) {
	if in.Kind == Map {
		return encodeOctets(dst, in)
	}
	items := in.items()
	if len(items) == 0 {
		return nil, wrong("leave the option out, or write "+t.example(), "the list is empty")
	}
	for i, item := range items {
		v, err := encodeItem(item)
		if err == nil && (len(v) == 0 || len(v) > 255) {
			err = wrong("write 1 to 255 octets", "a user class of %d octets cannot be sent", len(v))
		}
		if err != nil {
			return nil, err.at(in, i)
		}
		dst = append(append(dst, byte(len(v))), v...)
	}
	return dst, nil
}

// encodeItem returns the octets of a text, or of a value that says its own type.
func encodeItem(in Input) ([]byte, *InputError) {
	if in.Kind == Scalar {
		return encodeText(Type{Kind: Text}, nil, in)
	}
	return encodeOctets(nil, in)
}
