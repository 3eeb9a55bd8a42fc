package peer

import (
	"errors"
	"fmt"

	"github.com/lessor-dhcp/lessor/internal/peerwire"
)

func isFraming(err error) bool {
	return errors.Is(err, errFrameTooLong) || errors.Is(err, errFrameEmpty) || errors.Is(err, peerwire.ErrTooLong) || errors.Is(err, peerwire.ErrTooShort)
}

// misframed returns why the octets b, of which no message can be cut, are refused.
func misframed(p Protocol, b []byte, err error) (Reason, string) {
	switch {
	case p == ISC && looksLikeTLS(b):
		return UnexpectedTLS, ""
	case errors.Is(err, errFrameTooLong), errors.Is(err, peerwire.ErrTooLong):
		return Oversized, fmt.Sprintf("%d octets is the most of %v", p.maxMessage(), p)
	}
	return BadFrame, err.Error()
}

// looksLikeTLS reports whether b begins a TLS handshake (RFC 8446 §5.1); as a length of the draft it is too long.
func looksLikeTLS(b []byte) bool { return len(b) >= 2 && b[0] == 22 && b[1] == 3 }

// looksLikeFailover reports whether the first octets of a connection are the header of a message of the failover draft.
// 8 is the payload offset of Windows.
func looksLikeFailover(b [5]byte) bool {
	n := int(b[0])<<8 | int(b[1])
	return n >= peerwire.HeaderSize && n <= peerwire.ISC.MaxSize() && b[2] >= 1 && b[2] <= 12 && (b[3] == peerwire.HeaderSize || b[3] == 8)
}
