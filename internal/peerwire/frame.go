package peerwire

import "encoding/binary"

// Cut splits the first message off the octets that came over a connection. msg is nil while it is not whole, and rest
// is then b. A length that cannot be is ErrTooShort or ErrTooLong, as soon as its two octets are there; the connection
// has no next message then. limit is the longest message that is accepted, in octets.
func Cut(b []byte, limit int) (msg, rest []byte, err error) {
	if len(b) < 2 {
		return nil, b, nil
	}
	n := int(binary.BigEndian.Uint16(b))
	switch {
	case n < HeaderSize:
		return nil, b, ErrTooShort
	case n > limit:
		return nil, b, ErrTooLong
	case len(b) < n:
		return nil, b, nil
	}
	return b[:n:n], b[n:], nil
}
