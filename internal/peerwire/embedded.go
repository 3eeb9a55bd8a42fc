package peerwire

import (
	"errors"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// ErrEmbedded says that the options in client-request-options or client-reply-options, or those that were to become
// such, are not in the one form that stands for them: in ascending order of codes from 1 to 254, each once, and each in
// parts of 255 octets of which only the last is shorter (RFC 3396 §6).
var ErrEmbedded = errors.New("embedded options are not in their canonical form")

// AppendOptions appends options that are stored as binding.AppendTLV has them, in the form of options 7 and 8. On an
// error dst is returned as it was.
func AppendOptions(dst, tlvs []byte) ([]byte, error) {
	start, last := dst, uint16(0)
	for len(tlvs) > 0 {
		code, v, rest, ok := binding.CutTLV(tlvs)
		if !ok || code <= last || code > maxEmbedded {
			return start, ErrEmbedded
		}
		dst = appendParts(dst, uint8(code), v)
		last, tlvs = code, rest
	}
	return dst, nil
}

const maxEmbedded = 254

func appendParts(dst []byte, code uint8, v []byte) []byte {
	for len(v) > 255 {
		dst = append(append(dst, code, 255), v[:255]...)
		v = v[255:]
	}
	return append(append(dst, code, byte(len(v))), v...)
}

// AppendTLVs appends what is in options 7 or 8 as binding.AppendTLV does: AppendOptions the other way round. Behind the
// head that came with it, that is the record whose digest names it. On an error dst is returned as it was.
func AppendTLVs(dst, options []byte) ([]byte, error) {
	start, last := dst, uint8(0)
	for len(options) > 0 {
		code := options[0]
		if code <= last || code > maxEmbedded {
			return start, ErrEmbedded
		}
		n, size, ok := measure(options)
		if !ok {
			return start, ErrEmbedded
		}
		dst = append(dst, 0, code, byte(n>>8), byte(n))
		for part := options[:size]; len(part) > 0; part = part[2+int(part[1]):] {
			dst = append(dst, part[2:2+int(part[1])]...)
		}
		last, options = code, options[size:]
	}
	return dst, nil
}

// measure returns how long the first option's value is, in how many octets it stands there, and whether its parts are
// those that appendParts makes.
func measure(b []byte) (n, size int, ok bool) {
	for code := b[0]; ; {
		if len(b)-size < 2 || len(b)-size < 2+int(b[size+1]) {
			return 0, 0, false
		}
		part := int(b[size+1])
		n, size = n+part, size+2+part
		if size == len(b) || b[size] != code {
			return n, size, n <= 1<<16-1 && (part > 0 || n == 0)
		}
		if part < 255 {
			return 0, 0, false
		}
	}
}

// CutRequest splits what Facts.AppendShared writes of a client's whole request into RequestHead and the options behind
// it; false if it is cut short.
func CutRequest(record []byte) (head, tlvs []byte, ok bool) {
	return cutHead(record, 2, 2)
}

// CutResult splits a binding's Result into ResultHead and the options behind it; false if it is cut short.
func CutResult(record []byte) (head, tlvs []byte, ok bool) {
	return cutHead(record, 9, 2)
}

// cutHead splits off fixed octets and then as many fields that begin with their length.
func cutHead(b []byte, fixed, fields int) (head, rest []byte, ok bool) {
	n := fixed
	for range fields {
		if len(b) <= n {
			return nil, nil, false
		}
		n += 1 + int(b[n])
	}
	if len(b) < n {
		return nil, nil, false
	}
	return b[:n:n], b[n:], true
}
