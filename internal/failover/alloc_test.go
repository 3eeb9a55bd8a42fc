package failover

import (
	"fmt"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// The packet path stands on a step: in NORMAL, a lease told and acknowledged, and one heard and acknowledged, allocate nothing
// but the messages themselves.
func TestAnUpdateEachWayAllocatesNothingButItsMessages(t *testing.T) {
	for _, p := range []Protocol{Lessor, ISC} {
		t.Run(fmt.Sprint(p), func(t *testing.T) {
			x := normalWithLessor(t, Primary, func(cfg *Config, _ *Record) { cfg.ReceiveTimer = 24 * time.Hour })
			if p == ISC {
				x = normalWithISC(t, Primary)
			}
			e, n := x.n.ep, x.n
			now, out := x.now, Output{}
			lease := binding.Binding{
				Prefix: single(n.w.addr(0)), State: binding.Active, Client: client(1), Starts: now, Expires: now.Add(time.Hour), CLTT: now,
			}
			e.Stamp(now, nil, &lease)
			n.recs[0] = &lease
			theirs := binding.Binding{Prefix: single(n.w.addr(1)), State: binding.Active, Client: client(2), Starts: now, Expires: now.Add(time.Hour), CLTT: now}
			n.recs[1] = &binding.Binding{Prefix: theirs.Prefix, State: binding.Free, Owner: "east", Client: client(2)}
			ack := BindingAck{make([]Ack, 1)}
			upd := BindingUpdate{make([]Update, 1)}
			var evAck, evUpd Event
			received := Received{Sent: now}
			step := func(ev Event) {
				out.Reset()
				e.Step(now, ev, n, &out)
				for i := range out.Changes {
					c := &out.Changes[i]
					at, _ := n.w.index(c.Binding.Prefix.Addr())
					*n.recs[at] = c.Binding
				}
			}
			step(Changed{})
			id := uint32(0)
			for _, s := range out.Send {
				if _, ok := s.Message.(BindingUpdate); ok {
					id = s.ID
				}
			}
			var changed Event = Changed{}
			allocs := testing.AllocsPerRun(1000, func() {
				ack.Acks[0] = Ack{Prefix: lease.Prefix, Ours: lease.Sync.Ours}
				received.Envelope = Envelope{id, ack}
				evAck = received
				step(evAck)
				now = now.Add(time.Millisecond)
				old := lease
				lease.Expires = now.Add(time.Hour)
				e.Stamp(now, &old, &lease)
				step(changed)
				id = out.Send[0].ID
				theirs.Sync.Ours++
				upd.Updates[0].Binding = theirs
				received.Envelope = Envelope{7, upd}
				evUpd = received
				step(evUpd)
			})
			if n.recs[1].State != binding.Active || lease.Sync.Marks.Has(binding.Private) {
				t.Fatalf("%+v, %+v", n.recs[1], lease)
			}
			const events, messages = 4, 3 // what the test makes events of, and a BNDUPD and a BNDACK with its answer
			if allocs > events+messages {
				t.Errorf("%v allocations", allocs)
			}
		})
	}
}
