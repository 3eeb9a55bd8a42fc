package failover

import (
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// leases lets our server lease its first address.
func (x *talk) leases() {
	x.t.Helper()
	b := binding.Binding{Prefix: single(x.n.w.addr(0)), State: binding.Active, Client: client(1), Starts: x.now, CLTT: x.now, Expires: x.now.Add(6 * time.Hour)}
	x.n.ep.Stamp(x.now, x.n.recs[0], &b)
	x.n.apply(Change{Binding: b, Due: x.n.ep.Due(&b)})
	x.step(Changed{})
}

// idles lets time pass in which the partner says that it is there, and returns what was said of bindings.
func (x *talk) idles(d time.Duration) (said []Envelope) {
	x.t.Helper()
	for end := x.now.Add(d); x.now.Before(end) && x.shut == ""; {
		x.after(5 * time.Second)
		x.hears(Contact{})
	}
	for _, e := range x.said {
		if _, ok := e.Message.(BindingUpdate); ok {
			said = append(said, e)
		}
	}
	x.said = nil
	return said
}

// An ISC server that does not answer an update of one binding never will (Q15): it is an item, offered again, and all else goes on.
func TestAnUpdateThatAnISCServerDoesNotAnswerIsOfferedAgain(t *testing.T) {
	x := normalWithISC(t, Primary)
	x.idles(time.Second)
	x.leases()
	first := x.said[0]
	x.said = nil
	if said := x.idles(55 * time.Second); len(said) > 0 || x.n.ep.Status(x.now).InFlight != 1 {
		t.Errorf("too early: %v", said)
	}
	x.note = nil
	x.idles(10 * time.Second)
	st := x.n.ep.Status(x.now)
	if st.InFlight != 0 || st.Rejected != 1 || st.Unacked != 1 || st.State != Normal || !st.Connected {
		t.Errorf("%+v", st)
	}
	if len(x.note) != 1 || x.note[0].Kind != UpdateRefused || x.note[0].Prefix != single(x.n.w.addr(0)) || !strings.Contains(x.note[0].Cause, "no answer for 1m") {
		t.Errorf("%+v", x.note)
	}
	x.answers(first.ID, BindingAck{[]Ack{{Prefix: single(x.n.w.addr(0))}}}) // far too late
	var said []Envelope
	for end := x.now.Add(recheckEvery); len(said) == 0 && x.now.Before(end); {
		said = x.idles(5 * time.Second)
	}
	if len(said) != 1 || said[0].ID <= first.ID {
		t.Fatalf("offered again: %v", said)
	}
	x.answers(said[0].ID, BindingAck{[]Ack{{Prefix: single(x.n.w.addr(0))}}})
	if st := x.n.ep.Status(x.now); st.Unacked != 0 {
		t.Errorf("%+v", st)
	}
}

// Where something waits for the answer, the connection is made anew.
func TestWhereAnAnswerIsWaitedForTheConnectionIsMadeAnew(t *testing.T) {
	x := normalWithISC(t, Primary)
	x.leases()
	x.acks()
	x.hears(UpdateRequest{All: true})
	x.idles(65 * time.Second)
	if x.shut != "no answer for 1m0s to what was told of 10.0.0.10" {
		t.Errorf("closed: %q", x.shut)
	}
	x.mustBe(CommunicationsInterrupted)
	x.shut, x.said = "", nil
	x.greet()
	x.hears(Report{State: Recover})
	id := x.hears(UpdateRequest{All: true})
	done := false
	for end := x.now.Add(2 * time.Minute); x.now.Before(end); {
		x.after(5 * time.Second)
		x.hears(Contact{})
		for _, e := range x.said {
			done = done || e.Message == Message(UpdateDone{}) && e.ID == id
		}
		x.said = x.said[:0]
	}
	if !done || x.shut != "" {
		t.Errorf("passed over again, the dump has ended: %v, closed: %q", done, x.shut)
	}
	x = normalWithLessor(t, Primary, nil)
	x.leases()
	x.idles(4*time.Minute + 50*time.Second)
	if x.shut != "" {
		t.Errorf("closed: %q", x.shut)
	}
	x.idles(15 * time.Second)
	if x.shut != "no answer for 5m0s to what was told of 10.0.0.10" {
		t.Errorf("closed: %q", x.shut)
	}
}

// A BNDUPD never has the number 0.
func TestNoUpdateHasTheNumber0(t *testing.T) {
	x := normalWithISC(t, Secondary)
	x.n.ep.link.nextID = 0
	x.said = nil
	x.leases()
	for _, e := range x.said {
		if e.ID == 0 {
			t.Errorf("%+v", e)
		}
	}
}
