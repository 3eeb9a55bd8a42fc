package sim

import (
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
)

// talk is what a server has said and heard of an address.
type talk struct {
	sent         binding.Sequence // the last change that it told of on this connection
	acknowledged binding.Sequence // the other server's last change that it has acknowledged
}

// tells: a server says something to the other one now.
func (o *oracle) tells(m *Member, e *failover.Envelope) {
	switch msg := e.Message.(type) {
	case failover.BindingUpdate:
		o.w.marks.update(len(msg.Updates))
		for i := range msg.Updates {
			u := &msg.Updates[i]
			if u.Last.IsValid() {
				o.w.marks.hit(MarkRangeGiven)
				continue
			}
			if k, ok := place(u.Binding.Addr()); ok {
				o.wire[m.i][k].sent = u.Binding.Sync.Ours
			}
		}
	case failover.BindingAck:
		for i := range msg.Acks {
			a := &msg.Acks[i]
			k, ok := place(a.Prefix.Addr())
			if !ok || a.Reason != 0 {
				continue
			}
			if t := o.disk[m.i][k].theirs; t >= a.Ours { // of runs there is no binding
				o.wire[m.i][k].acknowledged = max(o.wire[m.i][k].acknowledged, a.Ours)
			} else if o.disk[m.i][k].state != 0 && !o.w.without.TellFirst {
				o.w.fail("I2: %s acknowledges %v, change %x, of which its disk has %x; it knows %+v", m.name, a.Prefix, uint64(a.Ours), uint64(t), m.bindingOf(a.Prefix.Addr()))
			}
		}
	default:
		o.w.marks.message(msg)
	}
}

// hears: a server takes a message of the other one.
func (o *oracle) hears(m *Member, msg []byte) {}

// skewed returns by how much the clock of m is ahead of that of the other one.
func (m *Member) skewed() time.Duration { return m.clk.error() - m.other().clk.error() }
