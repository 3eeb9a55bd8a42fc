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
		return t.appendUpdates(dst, now, e.ID, x.Updates, room), nil
	case failover.BindingAck:
		return t.appendAcks(dst, now, e.ID, x.Acks, room)
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
	out, err := m.Append(dst, t.setup.Dialect, t.room(room))
	if err == ErrNoRoom && m.Has.Has(ExtSums) { // the sums are what the verdict rests on
		m.Has = m.Has.Without(ExtParts).Without(ExtVitalSketch).Without(ExtOtherSketch)
		return m.Append(dst, t.setup.Dialect, t.room(room))
	}
	return out, err
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

// appendAcks appends a BNDACK, or as many as it needs.
func (t *Translator) appendAcks(dst []byte, now time.Time, id uint32, acks []failover.Ack, room int) ([]byte, error) {
	out := t.begin(dst, BndAck, now, room)
	out.number(id)
	for i := range acks {
		a := t.ack(&acks[i])
		if err := out.ack(&a); err != nil {
			return dst, err
		}
	}
	return out.finish(), nil
}

// begin begins messages with bindings.
func (t *Translator) begin(dst []byte, typ Type, now time.Time, room int) *several {
	out := &t.out
	out.dialect, out.room, out.most = t.setup.Dialect, t.room(room), int(t.theirs.Bindings)
	out.begin(dst, typ, now)
	return out
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
