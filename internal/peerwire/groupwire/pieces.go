package groupwire

import (
	"errors"

	"github.com/lessor-dhcp/lessor/internal/group"
)

// MaxFrame is the longest frame, in octets.
const MaxFrame = 1 << 20

// The first octet of a frame.
const (
	last = 0 // it ends its message
	more = 1 // the next frame goes on
)

// Pieces calls each with the frames of a message, in order: an octet that says whether more follow, and a piece. The frame
// is valid until each returns, which may wait until the connection has taken it. An error of each ends it.
func Pieces(message []byte, each func(frame []byte) error) error {
	frame := make([]byte, 0, min(len(message)+1, MaxFrame))
	for {
		n := min(len(message), MaxFrame-1)
		mark := byte(last)
		if n < len(message) {
			mark = more
		}
		frame = append(append(frame[:0], mark), message[:n]...)
		if err := each(frame); err != nil {
			return err
		}
		if message = message[n:]; mark == last {
			return nil
		}
	}
}

// Assembler puts the frames of one connection together. It holds one message at most, and never more than has arrived.
// After an error it is of no further use.
type Assembler struct{ part []byte }

// Add takes a frame, which is not kept, and returns the message that it ends, nil if more is to come.
func (a *Assembler) Add(frame []byte) (group.Message, error) {
	switch {
	case len(frame) == 0:
		return nil, errors.New("an empty frame")
	case frame[0] > more:
		return nil, errors.New("a frame that neither ends a message nor goes on")
	case frame[0] == more && len(frame) == 1:
		return nil, errors.New("an empty piece of a message")
	case len(a.part)+len(frame)-1 > MaxMessage:
		return nil, ErrTooLong
	}
	if frame[0] == more {
		a.part = append(a.part, frame[1:]...)
		return nil, nil
	}
	whole := frame[1:]
	if len(a.part) > 0 {
		whole = append(a.part, whole...)
		a.part = nil
	}
	return Parse(whole)
}
