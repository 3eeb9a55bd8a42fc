package failover

import (
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// lease lets our server lease some addresses in one step, and returns of how many bindings it told.
func (x *talk) lease(from, n int) (told int) {
	x.t.Helper()
	for i := from; i < from+n; i++ {
		b := binding.Binding{Prefix: single(x.n.w.addr(i)), State: binding.Active, Client: client(byte(i + 1)), Starts: x.now, CLTT: x.now, Expires: x.now.Add(6 * time.Hour)}
		x.n.ep.Stamp(x.now, x.n.recs[i], &b)
		x.n.apply(Change{Binding: b, Due: x.n.ep.Due(&b)})
	}
	x.said = nil
	x.step(Changed{})
	return x.told()
}

// told returns of how many bindings what was said last tells.
func (x *talk) told() (n int) {
	for _, e := range x.said {
		if u, ok := e.Message.(BindingUpdate); ok {
			n += len(u.Updates)
		}
	}
	return n
}

// The limit of updates that are not answered counts messages (option 14), of which a Lessor's has many bindings.
func TestWhatIsNotAnsweredIsCountedInMessages(t *testing.T) {
	for _, c := range []struct {
		protocol            Protocol
		unanswered          int
		first, second, last int // bindings told of at once, behind an unanswered message, and when that is answered
	}{
		{Lessor, 1, 3, 0, 2},
		{Lessor, 2, 3, 2, 0},
		{ISC, 1, 1, 0, 1},
		{ISC, 4, 3, 1, 1},
	} {
		x := normalWithLessor(t, Secondary, nil)
		if c.protocol == ISC {
			x = normalWithISC(t, Secondary)
		}
		x.n.ep.link.window = c.unanswered
		first := x.lease(0, 3)
		message := x.said[0]
		second := x.lease(3, 2)
		if first != c.first || second != c.second {
			t.Errorf("%v, %d unanswered: told of %d and %d bindings", c.protocol, c.unanswered, first, second)
		}
		ack := BindingAck{}
		for _, u := range message.Message.(BindingUpdate).Updates {
			ack.Acks = append(ack.Acks, Ack{Prefix: u.Binding.Prefix, Ours: u.Binding.Sync.Ours})
		}
		x.said = nil
		x.answers(message.ID, ack)
		if last := x.told(); last != c.last {
			t.Errorf("%v, %d unanswered: then told of %d bindings", c.protocol, c.unanswered, last)
		}
	}
}
