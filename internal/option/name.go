package option

import "errors"

// The limits of RFC 1035 §2.3.4, in octets; the second counts the length octets and the root too.
const (
	MaxLabel = 63
	MaxName  = 255
)

// What AppendName says is wrong.
var (
	errLabelEmpty  = errors.New("a label is empty")
	errLabelLong   = errors.New("a label has more than 63 octets")
	errNameLong    = errors.New("the name has more than 255 octets")
	errNameEscape  = errors.New("a backslash is followed by neither a character nor three digits")
	errNameUnicode = errors.New("it has characters beyond ASCII, which are written as xn--...")
)

// AppendName appends a domain name as labels and the root (RFC 1035 §3.1); a dot at its end changes nothing. A dot
// inside a label is written \. and any octet \DDD (RFC 1035 §5.1). dst is returned unchanged with an error.
func AppendName[T string | []byte](dst []byte, name T) ([]byte, error) {
	if len(name) == 0 {
		return dst, errLabelEmpty
	}
	stem, _ := cutRoot(name)
	out, err := appendLabels(dst, stem)
	if err != nil {
		return dst, err
	}
	out = append(out, 0)
	if len(out)-len(dst) > MaxName {
		return dst, errNameLong
	}
	return out, nil
}

// cutRoot returns name without the dot at its end, and whether there was one. A dot that a backslash makes part of a
// label is none.
func cutRoot[T string | []byte](name T) (stem T, whole bool) {
	n := len(name)
	if n == 0 || name[n-1] != '.' {
		return name, false
	}
	slashes := 0
	for i := n - 2; i >= 0 && name[i] == '\\'; i-- {
		slashes++
	}
	if slashes%2 == 1 {
		return name, false
	}
	return name[:n-1], true
}

// appendLabels appends the labels of name without the root; nothing for an empty name.
func appendLabels[T string | []byte](dst []byte, name T) ([]byte, error) {
	if len(name) == 0 {
		return dst, nil
	}
	start := len(dst)
	dst = append(dst, 0)
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case c == '.':
			if err := closeLabel(dst, start); err != nil {
				return dst, err
			}
			start = len(dst)
			dst = append(dst, 0)
			continue
		case c >= 0x80:
			return dst, errNameUnicode
		case c == '\\':
			o, n := unescape(name[i+1:])
			if n == 0 {
				return dst, errNameEscape
			}
			c, i = o, i+n
		}
		dst = append(dst, c)
	}
	return dst, closeLabel(dst, start)
}

func closeLabel(b []byte, start int) error {
	n := len(b) - start - 1
	if n == 0 {
		return errLabelEmpty
	}
	if n > MaxLabel {
		return errLabelLong
	}
	b[start] = byte(n)
	return nil
}

// unescape returns the octet that follows a backslash, and how many characters spell it; 0 if none do.
func unescape[T string | []byte](s T) (byte, int) {
	if len(s) == 0 {
		return 0, 0
	}
	if s[0] < '0' || s[0] > '9' {
		return s[0], 1
	}
	if len(s) < 3 {
		return 0, 0
	}
	n := 0
	for i := range 3 {
		d := s[i]
		if d < '0' || d > '9' {
			return 0, 0
		}
		n = n*10 + int(d-'0')
	}
	if n > 255 {
		return 0, 0
	}
	return byte(n), 3
}

// CutName returns how many octets the uncompressed domain name has that b begins with, its root included. It does not
// allocate.
func CutName(b []byte) (int, error) {
	for n := 0; n < len(b); {
		l := int(b[n])
		if l > MaxLabel {
			return 0, errName
		}
		n += 1 + l
		if n > MaxName {
			return 0, errName
		}
		if l == 0 {
			return n, nil
		}
	}
	return 0, errName
}

// AppendNameText appends the text of a name that CutName has passed, without the dot of the root; the root alone is
// ".". What is not a letter, digit, dash or underscore is escaped, so the text is safe to show anywhere.
func AppendNameText(dst, wire []byte) []byte {
	if len(wire) > 0 && wire[0] == 0 {
		return append(dst, '.')
	}
	for first := true; len(wire) > 0 && wire[0] != 0; first = false {
		if !first {
			dst = append(dst, '.')
		}
		n := min(1+int(wire[0]), len(wire))
		dst = appendLabelText(dst, wire[1:n])
		wire = wire[n:]
	}
	return dst
}

func appendLabelText(dst, label []byte) []byte {
	for _, c := range label {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
			dst = append(dst, c)
		default:
			dst = append(dst, '\\', '0'+c/100, '0'+c/10%10, '0'+c%10)
		}
	}
	return dst
}

const nameRemedy = "write labels of 1 to 63 letters, digits and dashes, with dots between them, as in host.example.org"

func encodeName(t Type, dst []byte, in Input) ([]byte, *InputError) {
	s, ierr := scalarOf(t, in)
	if ierr != nil {
		return nil, ierr
	}
	dst, err := AppendName(dst, s)
	if err != nil {
		return nil, wrong(nameRemedy, "%s is not a domain name: %v", in.brief(), err)
	}
	return dst, nil
}

func checkName(_ Type, b []byte) error {
	n, err := CutName(b)
	if err != nil {
		return err
	}
	if n != len(b) {
		return errLength
	}
	return nil
}

func cutName(b []byte) (int, error) { return CutName(b) }

func decodeName(_ Type, b []byte) any { return string(AppendNameText(nil, b)) }
