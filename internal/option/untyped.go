package option

import "net/netip"

// Values whose type nobody declared: those of unknown options, and inside vendor options. Their width is never
// guessed. A person may write
//
//	{hex: "0a0b"}      the octets themselves
//	{text: "abc"}      the characters
//	{uint16: 5}        any type that a document may define an option with, {TYPE: value}
//
// and, inside vendor options, where values are mostly of these kinds, also without saying so
//
//	10.9.0.3           an IPv4 address
//	[10.9.0.3, ...]    a list of them
//	abc                any other text, if it is neither a number nor true nor false
//	{1: ..., 2: ...}   options inside the option

// encodeOctets appends a value that says its own type.
func encodeOctets(dst []byte, in Input) ([]byte, *InputError) {
	if in.Kind != Map || len(in.Map) != 1 {
		return nil, wrong(`write {hex: "0a0b"}, {text: "abc"}, or the type, as in {uint16: 5}`, "the type of %s is not known here", in.brief())
	}
	key, v := in.Map[0].Key, in.Map[0].Value
	b, err := encodeAs(dst, key, v)
	if err != nil && !err.OnKey {
		return nil, err.under(0)
	}
	return b, err
}

func encodeAs(dst []byte, name string, v Input) ([]byte, *InputError) {
	switch name {
	case "hex":
		b, err := parseHex(v)
		return append(dst, b...), err
	case "text":
		return encodeText(Type{Kind: Text}, dst, v)
	}
	for k := Bool; k <= Name; k++ {
		if name == kindNames[k] {
			t := Type{Kind: k, List: v.Kind == List && k != Text}
			return t.encode(dst, v)
		}
	}
	return nil, &InputError{Path: []int{0}, OnKey: true, Reason: Input{Kind: Scalar, Scalar: name}.brief() + " is not a type", Remedy: "write hex, text, uint8, uint16, uint32, int32, bool, ipv4-address or fqdn"}
}

// maxNesting is how deep options may stand inside options.
const maxNesting = 4

// encodeInner appends a value inside a vendor option.
func encodeInner(dst []byte, in Input, depth int) ([]byte, *InputError) {
	switch in.Kind {
	case Scalar:
		return encodeInnerScalar(dst, in)
	case List:
		return Type{Kind: Address, List: true}.encode(dst, in)
	}
	if len(in.Map) > 0 && isCode(in.Map[0].Key) {
		if depth == maxNesting {
			return nil, wrong(`write {hex: "..."}`, "options stand inside options more than %d deep", maxNesting)
		}
		return encodeSubs(0, dst, in, 255, depth+1)
	}
	return encodeOctets(dst, in)
}

func encodeInnerScalar(dst []byte, in Input) ([]byte, *InputError) {
	if a, err := netip.ParseAddr(in.Scalar); err == nil && a.Is4() {
		return append(dst, a.AsSlice()...), nil
	}
	if _, ok := parseInt(in.Scalar); ok {
		return nil, wrong("write {uint8: "+in.Scalar+"}, {uint16: …} or {uint32: …}", "how many octets the number %s has is not known here", in.brief())
	}
	if s := in.Scalar; s == "true" || s == "false" {
		return nil, wrong("write {bool: "+s+"}, or {text: "+s+"}", "the type of %s is not known here", in.brief())
	}
	return encodeText(Type{Kind: Text}, dst, in)
}

// innerValue is what a value inside a vendor option is shown as: text where it is nothing but printable ASCII.
func innerValue(b []byte) any {
	if isPrintable(b) {
		return map[string]any{"text": string(b)}
	}
	return hexValue(b)
}

// isPrintable reports whether b is two or more characters of printable ASCII; one could as well be a number.
func isPrintable(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return len(b) >= 2
}
