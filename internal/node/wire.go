package node

import (
	"time"

	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/peerwire"
)

// software is what a server says of itself to the other one (vendor-class-identifier).
const software = "lessor"

// Wire is one connection to the other server of the group, in octets: what was decided goes out through Tell, what
// arrives comes in through Hear. It belongs to the goroutine of the core.
type Wire struct {
	core       *Core
	number     uint64 // of the connection
	translator *peerwire.Translator
	limit      int
	send       func(msg []byte)
	handle     func(failover.Event)
	buf        []byte
	received   failover.Received
}

// NewWire returns the wire of a connection that was just made. The core is told of it by LinkUp next, and what was decided before is
// not told on it. send takes each message, whole; the octets are its own. handle takes what the core is to hear.
func (c *Core) NewWire(send func(msg []byte), handle func(failover.Event)) *Wire {
	r := c.relation
	r.connection++
	dialect := peerwire.Lessor
	if r.config.Protocol == failover.ISC {
		dialect = peerwire.ISC
	}
	return &Wire{
		core: c, number: r.connection, limit: dialect.MaxSize(), send: send, handle: handle,
		translator: peerwire.NewTranslator(peerwire.Setup{
			Dialect: dialect, Role: r.config.Role, Self: r.config.Self, Partner: r.config.Partner, Software: software,
		}),
	}
}

// Tell says m. What it rests on must be durable by now. What was decided for another connection is not said.
func (w *Wire) Tell(now time.Time, m *ToPartner) error {
	if m.Connection != w.number {
		return nil
	}
	b, err := w.translator.Append(w.buf[:0], now, &m.Envelope, 0)
	w.buf = b
	if err != nil {
		return err
	}
	return w.flush(now)
}

// Hear makes out one whole message, and has the core hear of it. The error says why the connection must end.
func (w *Wire) Hear(now time.Time, msg []byte) error {
	in := &w.received
	if err := w.translator.Parse(msg, w.core.table, in); err != nil {
		return err
	}
	w.core.relation.unread(w.translator.Refused())
	w.buf = w.buf[:0]
	if err := w.flush(now); err != nil {
		return err
	}
	w.handle(*in)
	return nil
}

// flush sends what was written, and what the translator has to add to it.
func (w *Wire) flush(now time.Time) error {
	if err := w.cut(); err != nil {
		return err
	}
	w.buf = w.translator.Pending(w.buf[:0], now)
	if err := w.cut(); err != nil {
		return err
	}
	var unsaid failover.Received
	for w.translator.Unsaid(&unsaid) {
		w.handle(unsaid)
	}
	return nil
}

// cut sends each message of what was written.
func (w *Wire) cut() error {
	for rest := w.buf; len(rest) > 0; {
		msg, behind, err := peerwire.Cut(rest, w.limit)
		if err != nil || msg == nil {
			return errWritten
		}
		w.send(append([]byte(nil), msg...))
		rest = behind
	}
	return nil
}

var errWritten = writtenError{}

// writtenError is a mistake of our own, which ends the connection only.
type writtenError struct{}

func (writtenError) Error() string { return "this server wrote what is no message" }

// Number returns the number of the connection, which ToPartner has of those that are for it.
func (w *Wire) Number() uint64 { return w.number }

// Closes reports whether out ends this connection.
func (w *Wire) Closes(out *Effects) bool {
	return out.ClosePartner != "" && out.CloseConnection == w.number
}
