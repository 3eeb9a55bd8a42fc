package peer

import (
	"encoding/binary"
	"errors"

	"github.com/lessor-dhcp/lessor/internal/peerwire"
)

// errFrameTooLong and errFrameEmpty are lengths that no frame of the protocol Group has.
var (
	errFrameTooLong = errors.New("the length says more than a frame may have")
	errFrameEmpty   = errors.New("the length of a frame is 0")
)

// lengthSize is the octets of the length before a frame of the protocol Group.
const lengthSize = 4

// cutFrame splits the first frame off the octets that came over a connection, as peerwire.Cut does for the draft.
func cutFrame(b []byte) (msg, rest []byte, err error) {
	if len(b) < lengthSize {
		return nil, b, nil
	}
	n := binary.BigEndian.Uint32(b)
	switch {
	case n == 0:
		return nil, b, errFrameEmpty
	case n > MaxFrame:
		return nil, b, errFrameTooLong
	case uint32(len(b)-lengthSize) < n:
		return nil, b, nil
	}
	return b[lengthSize : lengthSize+n : lengthSize+n], b[lengthSize+n:], nil
}

// appendFrame appends msg as the protocol has it on the wire.
func (p Protocol) appendFrame(dst, msg []byte) []byte {
	if p == Group {
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(msg)))
	}
	return append(dst, msg...)
}

// framer cuts what comes over a connection into messages. Its memory is what has arrived of one message and one read
// beyond, whatever a length announces.
type framer struct {
	protocol Protocol
	buf      []byte // what was read
	from     int    // where in buf what was not yet cut off begins
}

// least is how much room there is for a read.
const least = 4 << 10

// next returns the next whole message, which is the caller's own; nil if there is none yet.
func (f *framer) next() ([]byte, error) {
	b := f.buf[f.from:]
	msg, rest, err := f.cut(b)
	if err != nil || msg == nil {
		return nil, err
	}
	f.from = len(f.buf) - len(rest)
	return append(make([]byte, 0, len(msg)), msg...), nil
}

func (f *framer) cut(b []byte) (msg, rest []byte, err error) {
	if f.protocol == Group {
		return cutFrame(b)
	}
	return peerwire.Cut(b, f.protocol.maxMessage())
}

// partial reports whether a message has begun and is not whole. It holds after next has returned nil.
func (f *framer) partial() bool { return f.from < len(f.buf) }

// room returns where to read into; read says how much came.
func (f *framer) room() []byte {
	if f.from == len(f.buf) && cap(f.buf) > 16*least { // a large message has gone: its room need not stay
		f.buf, f.from = nil, 0
	}
	if f.from > 0 && (f.from == len(f.buf) || cap(f.buf)-len(f.buf) < least) {
		f.buf = f.buf[:copy(f.buf, f.buf[f.from:])]
		f.from = 0
	}
	if cap(f.buf)-len(f.buf) < least {
		larger := make([]byte, len(f.buf), 2*cap(f.buf)+least)
		copy(larger, f.buf)
		f.buf = larger
	}
	return f.buf[len(f.buf):cap(f.buf)]
}

func (f *framer) read(n int) { f.buf = f.buf[:len(f.buf)+n] }
