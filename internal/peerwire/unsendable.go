package peerwire

import (
	"errors"
	"time"

	"github.com/lessor-dhcp/lessor/internal/failover"
)

// ErrNoRoom says that a message would be longer than it may be, or have more bindings. A binding that has no room in a
// message of its own has too much Detail, of which some is to be left out.
var ErrNoRoom = errors.New("no room in the message")

// Unsendable is why a message is not written: it could not be read, or the partner is known to end, to stop serving, or
// to run wild when it reads it.
type Unsendable struct {
	Type Type
	Says string
}

// Error returns what is wrong, in words.
func (u *Unsendable) Error() string { return u.Type.String() + ": " + u.Says }

// forISC are the options that an ISC server is sent, of those that have a place in the message. Option 9 and a second
// option of one kind end the connection; more than option 2 in a BNDACK that accepts sets the time that it
// acknowledges to zero.
var forISC = [...]Set{
	PoolReq: 0, UpdReqAll: 0, UpdDone: 0, UpdReq: 0, Contact: 0,
	PoolResp:   SetOf(OptTransferred),
	BndUpd:     draftUpdate,
	BndAck:     SetOf(OptAddress, OptReason, OptText),
	Connect:    connectToISC,
	ConnectAck: SetOf(OptRelationship, OptMaxUnacked, OptReceiveTimer, OptVendorClass, OptVersion, OptTLSReply, OptReason, OptText),
	State:      SetOf(OptServerState, OptServerFlags, OptSince),
	Disconnect: SetOf(OptReason, OptText),
}

var connectToISC = SetOf(OptRelationship, OptMaxUnacked, OptReceiveTimer, OptVendorClass, OptVersion, OptTLSRequest,
	OptMCLT, OptBuckets)

// may returns the options that are written.
func (d Dialect) may(t Type) Set {
	if d == Lessor {
		return places[t]
	}
	return forISC[t]
}

// outside returns what is written of m outside bindings.
func (m *Message) outside(d Dialect) Set {
	if m.Type == BndUpd || m.Type == BndAck {
		return 0
	}
	return m.Has & d.may(m.Type)
}

// required are the options without which a message is not written to anybody.
var required = [Disconnect + 1]Set{
	PoolResp:   SetOf(OptTransferred),
	Connect:    SetOf(OptRelationship, OptMaxUnacked, OptReceiveTimer),
	State:      SetOf(OptServerState, OptServerFlags, OptSince),
	Disconnect: SetOf(OptReason),
}

// ISC's third of the receive timer is in whole seconds, and zero of them is a loop that sends nothing but CONTACT.
const minReceiveTimer = 3 * time.Second

// check returns why m is not written, nil if it may be.
func (m *Message) check(d Dialect) error {
	if d != ISC && d != Lessor || !m.Type.known() {
		return m.unsendable("there is no such type or dialect")
	}
	if o, lacks := m.Has.lacks(required[m.Type]); lacks {
		return m.unsendable("it lacks " + o.String())
	}
	if m.outside(d).Has(OptReason) && m.Reason == 0 {
		return m.unsendable("a refusal needs a reason")
	}
	switch m.Type {
	case Connect, ConnectAck:
		return m.checkHandshake(d)
	case State:
		if !m.Report.State.known() || m.Report.State == Startup {
			return m.unsendable("no server says to be in " + m.Report.State.String())
		}
	case BndUpd:
		if m.XID == 0 {
			return m.unsendable("its number may not be 0")
		}
	}
	return nil
}

// checkHandshake sees to it that an ISC server gets what it works with. A CONNECTACK that refuses needs the name alone.
func wrongSketch(said bool, b []byte) bool { return said && len(b) != failover.SketchSize }

func (m *Message) checkHandshake(d Dialect) error {
	h := &m.Handshake
	switch {
	case m.Has.Has(OptRelationship) && len(h.Relationship) == 0:
		return m.unsendable("the relationship has no name")
	case wrongSketch(m.Has.Has(ExtVitalSketch), h.Extended.VitalSketch), wrongSketch(m.Has.Has(ExtOtherSketch), h.Extended.OtherSketch):
		return m.unsendable("a sketch has another size")
	case m.Type == ConnectAck && m.Has.Has(OptReason):
		return m.refusal(d)
	}
	want := required[Connect]
	if d == ISC && m.Type == Connect {
		want = connectToISC
	}
	o, lacks := m.Has.lacks(want)
	switch {
	case lacks:
		return m.unsendable("it lacks " + o.String())
	case h.MaxUnacked == 0:
		return m.unsendable("max-unacked-bndupd is 0")
	case h.ReceiveTimer < minReceiveTimer:
		return m.unsendable("the receive-timer is less than three seconds")
	case d == ISC && m.Type == Connect && len(h.Buckets) != 32:
		return m.unsendable("the hash buckets are not 32 octets")
	}
	return nil
}

// refusal sees to it that an ISC primary finds the name, without which it does not read why it was refused.
func (m *Message) refusal(d Dialect) error {
	if d == ISC && !m.Has.Has(OptRelationship) {
		return m.unsendable("it lacks " + OptRelationship.String())
	}
	return nil
}

func (m *Message) unsendable(says string) error { return &Unsendable{m.Type, says} }

// check returns why u is not written, nil if it may be.
func (u *Update) check(d Dialect) string {
	switch {
	case !u.Address.Is4():
		return "it has no address"
	case !u.Has.Has(OptStatus) || !u.Status.known():
		return "it has no binding-status"
	case u.Fault != nil:
		return "it could not be read"
	case u.Has.Has(OptClientID) && (len(u.ClientID) == 0 || len(u.ClientID) > 255):
		return "its client identifier has an impossible length"
	case u.Has.Has(ExtRangeEnd) && (!u.Detail.RangeEnd.Is4() || !u.soundRange()):
		return "it is no range of free addresses"
	case d == ISC:
		return u.checkISC()
	}
	return ""
}

// checkISC returns what an ISC server would refuse (hardware address), or keep its own idea of (times).
func (u *Update) checkISC() string {
	if u.Has.Has(ExtRangeEnd) {
		return "it is a range"
	}
	var want Set
	switch u.Status {
	case Active:
		want = SetOf(OptHardware, OptExpires, OptPotentialExpiry)
	case Expired, Released:
		want = SetOf(OptHardware)
	}
	if o, lacks := u.Has.lacks(want); lacks {
		return "it lacks " + o.String()
	}
	return ""
}
