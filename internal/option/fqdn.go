package option

import "strings"

// The flags of the client FQDN option (RFC 4702 §2.1).
const (
	FQDNServerUpdates = 1 << iota // S: the server updates the A record
	FQDNOverridden                // O: the server did not do as the client's S asked
	FQDNWire                      // E: the name is in labels, not in ASCII
	FQDNNoUpdates                 // N: the server updates nothing
)

// fqdnHead is how many octets stand before the name: flags and two RCODE fields.
const fqdnHead = 3

// checkFQDN accepts a name that is empty, whole, or without its root (RFC 4702 §2.3: a partial name).
func checkFQDN(_ Type, b []byte) error {
	if len(b) < fqdnHead {
		return errShort
	}
	if b[0]&FQDNWire == 0 {
		return checkASCIIName(b[fqdnHead:])
	}
	return checkPartialName(b[fqdnHead:])
}

// checkPartialName is CutName for a name whose root may be missing, and after which nothing follows.
func checkPartialName(b []byte) error {
	if len(b) > MaxName {
		return errName
	}
	for len(b) > 0 {
		l := int(b[0])
		if l > MaxLabel || 1+l > len(b) || l == 0 && len(b) > 1 {
			return errName
		}
		b = b[1+l:]
	}
	return nil
}

func checkASCIIName[T string | []byte](b T) error {
	if len(b) > MaxName {
		return errName
	}
	label := 0
	for i := range len(b) {
		if b[i] == '.' {
			label = -1
		}
		if label++; label > MaxLabel {
			return errName
		}
	}
	return nil
}

// decodeFQDN shows a whole name with the dot of its root, and a partial one without.
func decodeFQDN(_ Type, b []byte) any {
	var flags []byte
	for i, f := range []byte("SOEN") {
		if b[0]&(1<<i) != 0 {
			flags = append(flags, f)
		}
	}
	return map[string]any{"flags": string(flags), "name": FQDNText(b)}
}

// FQDNText returns the name in a client FQDN option that has passed its check: whole names end in a dot.
func FQDNText(b []byte) string { return string(AppendFQDNText(nil, b)) }

// AppendFQDNText appends what FQDNText returns.
func AppendFQDNText(dst, b []byte) []byte {
	name := b[fqdnHead:]
	if b[0]&FQDNWire == 0 {
		for len(name) > 0 && name[len(name)-1] == 0 { // clients that end it as C does
			name = name[:len(name)-1]
		}
		for i, c := range name {
			if c == '.' {
				dst = append(dst, '.')
			} else {
				dst = appendLabelText(dst, name[i:i+1])
			}
		}
		return dst
	}
	if len(name) == 0 {
		return dst
	}
	dst = AppendNameText(dst, name)
	if len(name) > 1 && nameEnds(name) {
		dst = append(dst, '.')
	}
	return dst
}

// nameEnds reports whether a partial name that was checked has its root.
func nameEnds(b []byte) bool {
	for len(b) > 0 {
		if b[0] == 0 {
			return true
		}
		b = b[1+int(b[0]):]
	}
	return false
}

// AppendFQDN appends a client FQDN option as a server sends it: the flags, both RCODE fields 255 (RFC 4702 §2.2), and
// name in the encoding that flags ask for, as a whole name if it ends in a dot.
func AppendFQDN[T string | []byte](dst []byte, flags byte, name T) ([]byte, error) {
	out := append(dst, flags, 255, 255)
	if flags&FQDNWire == 0 {
		return appendASCIIName(out, dst, name)
	}
	if len(name) == 0 {
		return out, nil
	}
	n := len(out)
	stem, whole := cutRoot(name)
	out, err := appendLabels(out, stem)
	if err != nil {
		return dst, err
	}
	if whole {
		out = append(out, 0)
	}
	if len(out)-n > MaxName {
		return dst, errNameLong
	}
	return out, nil
}

// appendASCIIName appends name to out with its escapes resolved; on error it returns dst.
func appendASCIIName[T string | []byte](out, dst []byte, name T) ([]byte, error) {
	n := len(out)
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c == '\\' {
			o, used := unescape(name[i+1:])
			if used == 0 {
				return dst, errNameEscape
			}
			c, i = o, i+used
		}
		out = append(out, c)
	}
	if checkASCIIName(out[n:]) != nil {
		return dst, errNameLong
	}
	return out, nil
}

func encodeFQDN(t Type, dst []byte, in Input) ([]byte, *InputError) {
	var flags byte
	var name string
	for i, e := range in.Map {
		var bad *InputError
		switch {
		case e.Value.Kind != Scalar:
			bad = wrong("write "+t.example(), "%s is not part of a name", e.Value.brief())
		case e.Key == "flags":
			flags, bad = parseFlags(e.Value.Scalar)
		case e.Key == "name":
			name = e.Value.Scalar
		default:
			bad = wrong("write flags and name", "%s is not part of a name", Input{Kind: Scalar, Scalar: e.Key}.brief())
			bad.OnKey = true
		}
		if bad != nil {
			return nil, bad.under(i)
		}
	}
	if in.Kind != Map {
		return nil, wrong("write "+t.example(), "%s is not a name with flags", in.brief())
	}
	dst, err := AppendFQDN(dst, flags, name)
	if err != nil {
		return nil, wrong(nameRemedy, "the name cannot be sent: %v", err)
	}
	return dst, nil
}

func parseFlags(s string) (byte, *InputError) {
	var flags byte
	for _, f := range s {
		i := strings.IndexRune("SOEN", f)
		if i < 0 {
			return 0, wrong("write letters of S, O, E and N", "%s has a flag that does not exist", Input{Kind: Scalar, Scalar: s}.brief())
		}
		flags |= 1 << i
	}
	return flags, nil
}
