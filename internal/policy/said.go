package policy

import (
	"bytes"

	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// appendSaid appends what counts of an option where two clients' are compared: of a text what stands before the zeros that
// some clients end it with, and user classes each with its length, as RFC 3004 §4 wants them, though some clients send one
// as it is.
func appendSaid(dst []byte, code uint16, v []byte) []byte {
	switch {
	case code == uint16(option.CodeUserClass):
		all := dhcpv4.UserClassesOf(v)
		for class, ok := all.Next(); ok; class, ok = all.Next() {
			dst = appendIdentifier(dst, class)
		}
		return dst
	case isText(code):
		v = bytes.TrimRight(v, "\x00")
	}
	return append(dst, v...)
}

// isText reports whether the standard has the option for a text.
func isText(code uint16) bool {
	t := &texts[code>>6&3]
	return code < 256 && *t>>(code&63)&1 == 1
}

// texts are the codes of the options that are texts.
var texts = func() (ts [4]uint64) {
	for _, d := range option.Standard().Defs(option.DHCPv4) {
		if d.Type.Kind == option.Text && !d.Type.List && d.Code < 256 {
			ts[d.Code>>6] |= 1 << (d.Code & 63)
		}
	}
	return ts
}()

// saidSame reports whether two values of an option say the same.
func saidSame(code uint16, a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	var x, y [512]byte
	return bytes.Equal(appendSaid(x[:0], code, a), appendSaid(y[:0], code, b))
}
