package node

import (
	"encoding/binary"
	"log/slog"
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// What is written of an event: texts and addresses with their length before them, in the order of the fields below; numbers as varints; times
// in nanoseconds since 1970, 0 for none. What comes from the network is written as it was received.

// written is an event, or a state, as it is being written or read. Once bad it stays so.
type written struct {
	b   []byte
	bad bool
}

func (w *written) putText(s string) {
	w.b = append(binary.AppendUvarint(w.b, uint64(len(s))), s...)
}

func (w *written) putNumber(n uint64) { w.b = binary.AppendUvarint(w.b, n) }

func (w *written) putTime(t time.Time) {
	switch {
	case t.IsZero():
		w.b = binary.AppendVarint(w.b, 0)
	case !t.Before(binding.Forever):
		w.b = binary.AppendVarint(w.b, -1)
	default:
		w.b = binary.AppendVarint(w.b, t.UnixNano())
	}
}

func (w *written) text() string {
	n := w.number()
	if w.bad || n > uint64(len(w.b)) {
		w.bad = true
		return ""
	}
	s := string(w.b[:n])
	w.b = w.b[n:]
	return s
}

func (w *written) number() uint64 {
	v, n := binary.Uvarint(w.b)
	if w.bad || n <= 0 {
		w.bad = true
		return 0
	}
	w.b = w.b[n:]
	return v
}

func (w *written) time() Instant {
	v, n := binary.Varint(w.b)
	if w.bad || n <= 0 {
		w.bad = true
		return Instant{}
	}
	w.b = w.b[n:]
	switch v {
	case 0:
		return Instant{}
	case -1:
		return At(binding.Forever)
	}
	return At(time.Unix(0, v))
}

func (w *written) addr() netip.Addr {
	var a netip.Addr
	if a.UnmarshalBinary([]byte(w.text())) != nil {
		w.bad = true
	}
	return a
}

func (w *written) putAddr(a netip.Addr) {
	b, _ := a.MarshalBinary() // it never fails
	w.putText(string(b))
}

// texts are those of an event, in the order in which they are written.
func (e *Event) texts() [12]*string {
	return [...]*string{&e.Message, &e.Hardware, &e.ClientID, &e.Hostname, &e.Interface, &e.Network, &e.Class, (*string)(&e.Partner),
		&e.State, &e.Type, &e.Reason, &e.Detail}
}

func (w *written) putEvent(e *keptEvent) {
	w.putNumber(e.ID.Number)
	w.putNumber(e.missed)
	w.putTime(e.Time.Time)
	w.putText(e.Kind.String())
	w.putNumber(uint64(int64(e.Level) + levelShift))
	for _, s := range e.texts() {
		w.putText((*s)[:min(len(*s), longestText)])
	}
	w.putAddr(e.Address)
	w.putAddr(e.Relay)
	w.putTime(e.Expires.Time)
	w.putNumber(uint64(e.XID))
	w.putNumber(e.Lost)
}

// longestText is how long a text of an event is at most that is kept.
const longestText = maxKeptText + len("…")

// levelShift makes every level of a log a positive number.
const levelShift = 128

// mostEvents is more events than one run has.
const mostEvents = 1 << 40

// event reads an event of a run; false: it is none.
func (w *written) event(run int64) (e keptEvent, ok bool) {
	e.ID = EventID{run, w.number()}
	e.missed = w.number()
	e.Time = w.time()
	kind, known := ParseEventKind(w.text())
	e.Kind = kind
	level := w.number()
	e.Level = slog.Level(int64(min(level, 2*levelShift)) - levelShift)
	for _, s := range e.texts() {
		if *s = w.text(); len(*s) > longestText {
			w.bad = true
		}
	}
	e.Address, e.Relay = w.addr(), w.addr()
	e.Expires = w.time()
	xid := w.number()
	e.XID, e.Lost = uint32(xid), w.number()
	return e, !w.bad && known && !e.Kind.IsPacket() && e.Kind != EventsLost && e.ID.Number > 0 && e.ID.Number < mostEvents && e.missed < mostEvents && xid < 1<<32
}

func (w *written) putState(t *StateTransition) {
	w.putTime(t.Time.Time)
	for _, s := range [...]string{string(t.Member), t.State, t.From, clipped(t.Cause)} {
		w.putText(s)
	}
}

// clipped returns a text that is not longer than maxKeptText.
func clipped(s string) string { return s[:min(len(s), maxKeptText)] }

// state reads a state that began; false: it is none.
func (w *written) state() (t StateTransition, ok bool) {
	t.Time, t.Member, t.State, t.From, t.Cause = w.time(), binding.Member(w.text()), w.text(), w.text(), w.text()
	return t, !w.bad && !t.Time.IsZero() && t.Member != "" && t.State != "" && len(t.Cause) <= maxKeptText
}
