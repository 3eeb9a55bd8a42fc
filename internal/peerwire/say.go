package peerwire

import (
	"time"

	"github.com/lessor-dhcp/lessor/internal/failover"
)

// Append appends the message that says e, or the messages where one has no room for all of it: Cut splits them. What e has
// of bindings that cannot be said is left out, and Unsaid tells of it. Where nothing is left, nothing is appended. room is
// the longest message in octets, 0 what the dialect and the partner allow. The error is an *Unsendable, or ErrNoRoom for a
// message that is not about bindings; dst is then returned as it was.
func (t *Translator) Append(dst []byte, now time.Time, e *failover.Envelope, room int) ([]byte, error) {
	t.arena = t.arena[:0]
	m := Message{XID: e.ID, Time: now}
	switch x := e.Message.(type) {
	case failover.Connect:
		m.Type = Connect
		t.sayHello(&m, &x.Hello)
	case failover.ConnectAck:
		m.Type = ConnectAck
		t.sayHello(&m, &x.Hello)
		if x.Reason != 0 {
			m.refuse(x.Reason, x.Text)
		}
	case failover.Report:
		m.Type = State
		m.Has = SetOf(OptServerState, OptServerFlags, OptSince)
		m.Report = Report{State: serverState(x.State), Since: x.Since}
		if x.Starting {
			m.Report.Flags = InStartup
		}
		if x.Cause != "" {
			m.Has, m.Text = m.Has.With(OptText), said(x.Cause)
		}
	case failover.BindingUpdate:
		m.Type = BndUpd
		return t.appendUpdates(dst, &m, x.Updates, room)
	case failover.BindingAck:
		m.Type = BndAck
		return t.appendAcks(dst, &m, x.Acks, room)
	case failover.UpdateRequest:
		m.Type = UpdReq
		if x.All {
			m.Type = UpdReqAll
		}
	case failover.UpdateDone:
		m.Type = UpdDone
	case failover.Contact:
		m.Type = Contact
	case failover.PoolRequest:
		m.Type = PoolReq
	case failover.PoolResponse:
		m.Type, m.Has, m.Transferred = PoolResp, SetOf(OptTransferred), uint32(min(max(x.Given, 0), 1<<31-1))
	case failover.Disconnect:
		m.Type = Disconnect
		m.refuse(x.Reason, x.Text)
	}
	return m.Append(dst, t.setup.Dialect, t.room(room))
}

// refuse makes m one that says no.
func (m *Message) refuse(r failover.Reason, text string) {
	m.Has, m.Reason = m.Has.With(OptReason), RejectReason(r)
	if text != "" {
		m.Has, m.Text = m.Has.With(OptText), said(text)
	}
}

// maxText is how much is said, and heard, in words.
const maxText = 255

func said(text string) []byte { return []byte(text[:min(len(text), maxText)]) }

// room returns the longest message that both the caller and the partner allow.
func (t *Translator) room(n int) int {
	if t.setup.Dialect != Lessor {
		return n
	}
	if theirs := int(t.theirs.Octets); n <= 0 || n > theirs {
		return theirs
	}
	return n
}

// full reports whether the partner takes no more bindings in the message.
func (t *Translator) full(b *Builder) bool { return b.Bindings() >= int(t.theirs.Bindings) }

func (t *Translator) appendAcks(dst []byte, m *Message, acks []failover.Ack, room int) ([]byte, error) {
	b, room, begun := &t.builder, t.room(room), false
	for i := range acks {
		a := t.ack(&acks[i])
		for tries := 0; ; tries++ {
			if !begun {
				if err := b.Begin(dst, m, t.setup.Dialect, room); err != nil {
					return dst, err
				}
				begun = true
			}
			err := error(ErrNoRoom)
			if !t.full(b) {
				err = b.Ack(&a)
			}
			if err == nil {
				break
			}
			if err != ErrNoRoom || tries > 0 || b.Bindings() == 0 { // an address that is none, or no room for any
				return dst, err
			}
			dst, begun = b.Finish(), false
		}
	}
	if begun {
		dst = b.Finish()
	}
	return dst, nil
}

// ack returns how an acknowledgement is written.
func (t *Translator) ack(x *failover.Ack) Ack {
	a := Ack{Has: SetOf(OptAddress), Address: x.Prefix.Addr()}
	if x.Ours != 0 {
		a.Has, a.Sequence = a.Has.With(ExtSequence), sequenceOf(x.Ours)
	}
	if x.Reason != 0 {
		a.Has, a.Reason = a.Has.With(OptReason), RejectReason(x.Reason)
		if x.Text != "" {
			a.Has, a.Text = a.Has.With(OptText), said(x.Text)
		}
	}
	return a
}
