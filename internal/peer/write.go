package peer

import (
	"crypto/tls"
	"fmt"
	"time"
)

// atOnce is about how many octets are written by one call.
const atOnce = 64 << 10

// write writes what is queued until the link is closing and all is written, or the connection takes nothing more. In
// the end it tells the partner that nothing will follow, and sees to it that reading ends.
func (l *Link) write() {
	var messages [][]byte
	var buf []byte
	for last := false; !last; {
		messages, last = l.queue.take(messages, atOnce)
		if len(messages) == 0 {
			if !last {
				<-l.queue.wake
			}
			continue
		}
		buf = buf[:0]
		octets := 0
		for i, m := range messages {
			buf = l.protocol.appendFrame(buf, m)
			octets += len(m)
			messages[i] = nil
		}
		if err := l.writeAll(buf); err != nil {
			l.fail(l.blameWriting(err))
			l.raw.Close()
			return
		}
		l.queue.wrote(octets)
		if cap(buf) > 4*atOnce { // a large frame has gone: its room need not stay
			buf = nil
		}
	}
	l.finish()
}

// writeAll writes b in pieces, so that a partner that reads slowly has Limits.Write for each of them.
func (l *Link) writeAll(b []byte) error {
	for len(b) > 0 {
		n := min(len(b), atOnce)
		l.conn.SetWriteDeadline(time.Now().Add(l.limits.Write))
		if _, err := l.conn.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// finish says that nothing will follow. The reader goes on until the partner has said so too.
func (l *Link) finish() {
	type half interface{ CloseWrite() error }
	if t, ok := l.conn.(*tls.Conn); ok && t.CloseWrite() != nil {
		l.raw.Close()
		return
	}
	if c, ok := l.raw.(half); !ok || c.CloseWrite() != nil {
		l.raw.Close()
	}
}

func (l *Link) blameWriting(err error) error {
	if isTimeout(err) {
		return l.refusal(NotReading, fmt.Sprintf("for %v", l.limits.Write))
	}
	return network(err)
}
