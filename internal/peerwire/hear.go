package peerwire

import (
	"math"
	"net/netip"
	"strings"
	"unicode"

	"github.com/lessor-dhcp/lessor/internal/failover"
)

// Parse makes out the message that msg holds, which Cut has split off. Records that go with bindings are interned in table. The
// error is a *Malformed: the connection is to be closed. What is wrong with one binding is not handed up: Refused tells
// of it, and Pending appends the answer. So it is with a binding of which a record is lacking. out is valid until the
// next Parse, and as long as msg is.
func (t *Translator) Parse(msg []byte, table Interner, out *failover.Received) error {
	t.arena, t.refused = t.arena[:0], t.refused[:0]
	m := &t.message
	if err := m.Parse(msg, t.setup.Dialect); err != nil {
		return err
	}
	out.ID, out.Sent, out.Message = m.XID, m.Time, nil
	switch m.Type {
	case Connect, ConnectAck:
		return t.hearGreeting(m, out)
	case State:
		out.Message = failover.Report{
			State: m.Report.State.state(), Starting: m.Report.Flags&InStartup != 0, Since: m.Report.Since, Cause: words(m.Text),
		}
	case BndUpd:
		out.Message = failover.BindingUpdate{Updates: t.hearUpdates(m, table)}
	case BndAck:
		out.Message = failover.BindingAck{Acks: t.hearAcks(m)}
	case UpdReq, UpdReqAll:
		out.Message = failover.UpdateRequest{All: m.Type == UpdReqAll}
	case UpdDone:
		out.Message = failover.UpdateDone{}
	case Contact:
		out.Message = failover.Contact{}
	case PoolReq:
		out.Message = failover.PoolRequest{}
	case PoolResp:
		out.Message = failover.PoolResponse{Given: int(min(m.Transferred, math.MaxInt32))}
	case Disconnect:
		out.Message = failover.Disconnect{Reason: failover.Reason(m.Reason), Text: words(m.Text)}
	}
	return nil
}

func (t *Translator) hearGreeting(m *Message, out *failover.Received) error {
	var h failover.Hello
	if err := t.hearHello(m, &h); err != nil {
		return err
	}
	if m.Type == Connect {
		out.Message = failover.Connect{Hello: h}
	} else {
		out.Message = failover.ConnectAck{Hello: h, Reason: failover.Reason(m.Reason), Text: words(m.Text)}
	}
	return nil
}

// words returns text of the partner as it may be shown and stored: of bounded length, and nothing in it can change a terminal.
func words(b []byte) string {
	s := strings.ToValidUTF8(string(b[:min(len(b), maxText)]), "?")
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

// hearAcks reads the answers to our updates, but for those that are the translator's own matter.
func (t *Translator) hearAcks(m *Message) []failover.Ack {
	t.acks = t.acks[:0]
	for i := range m.Acks {
		a := &m.Acks[i]
		ack := failover.Ack{Prefix: netip.PrefixFrom(a.Address, 32), Reason: failover.Reason(a.Reason)}
		if len(a.Text) > 0 {
			ack.Text = words(a.Text)
		}
		var ok bool
		if ack.Ours, ok = a.Sequence.sequence(); !ok {
			ack.Ours, ack.Reason, ack.Text = 0, failover.Miscellaneous, ErrSequence.says
		}
		k := flightKey{m.XID, a.Address}
		switch {
		case a.Fault != nil:
			ack.Reason, ack.Text = failover.Miscellaneous, "its answer cannot be read: "+a.Fault.says
		case a.Wants != 0 && a.Reason == 0 && t.flights.want(k):
			continue
		case a.Wants != 0 && a.Reason == 0:
			ack.Reason, ack.Text = failover.Miscellaneous, "it lacks what it was sent"
		}
		t.flights.end(k)
		if !t.ofRun(m.XID, a.Address, &ack) {
			t.acks = append(t.acks, ack)
		}
	}
	return t.acks
}
