package sim

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
)

// talk is what a server has said and heard of an address.
type talk struct {
	sent         binding.Sequence // the last change that it told of on this connection
	acknowledged binding.Sequence // the other server's last change that it has acknowledged
	ended        binding.Sequence // the same, where it said that a lease is over
	ever         binding.Sequence // the last change that it told of at any time
	own          bool             // the address was free and its own by the word that was last
	ownEver      binding.Sequence // ever, then
	ownHeard     binding.Sequence // the other server's last change that it had heard of, then
	ownSince     binding.Sequence // its own change that made the address free: what is older may be on its way still
	// runs are its changes that told of a run that begins with the address: an acknowledgement of one is about no binding, and comes again
	// where the other server hears one again, long after it heard a later one.
	runs []binding.Sequence
}

// tells: a server says something to the other one now.
func (o *oracle) tells(m *Member, e *failover.Envelope) {
	if o.w.out != nil {
		o.w.logf("%s -> %s: %s", m.name, m.other().name, describe(e))
	}
	o.answersWhatWasAsked(m, e)
	switch msg := e.Message.(type) {
	case failover.BindingUpdate:
		o.w.marks.update(len(msg.Updates))
		for i := range msg.Updates {
			u := &msg.Updates[i]
			if u.Last.IsValid() {
				o.w.marks.hit(MarkRangeGiven)
				if k, ok := place(u.Binding.Addr()); ok {
					t := &o.wire[m.i][k]
					t.runs = append(t.runs, u.Binding.Sync.Ours)
				}
				continue
			}
			if k, ok := place(u.Binding.Addr()); ok {
				t := &o.wire[m.i][k]
				t.sent, t.ever = u.Binding.Sync.Ours, u.Binding.Sync.Ours
				if t.own && t.ever < t.ownSince {
					t.ownEver = t.ever
				}
				if st := u.Binding.State; st != binding.Active && st != binding.Free {
					o.wire[1-m.i][k].ended = u.Binding.Sync.Ours
				}
				if u.Binding.State == binding.Free && !o.overtaken(m, k, &u.Binding.Sync) {
					for i, n := range o.w.members {
						if x := &o.wire[i][k]; n.name == u.Binding.Owner {
							x.own, x.ownEver, x.ownHeard, x.ownSince = true, x.ever, o.view[i][k].theirs, 0
							if n != m {
								x.ownHeard = u.Binding.Sync.Ours
							}
						} else {
							x.own = false
						}
					}
				}
			}
		}
	case failover.BindingAck:
		for i := range msg.Acks {
			a := &msg.Acks[i]
			k, ok := place(a.Prefix.Addr())
			if !ok || a.Reason != 0 || slices.Contains(o.wire[1-m.i][k].runs, a.Ours) {
				continue
			}
			if t := o.disk[m.i][k].theirs; t >= a.Ours { // of runs there is no binding
				o.wire[m.i][k].acknowledged = max(o.wire[m.i][k].acknowledged, a.Ours)
			} else if o.disk[m.i][k].state != 0 {
				o.w.fail("I2: %s acknowledges %v, change %x, of which its disk has %x; it knows %+v", m.name, a.Prefix, uint64(a.Ours), uint64(t), m.bindingOf(a.Prefix.Addr()))
			}
		}
	default:
		o.w.marks.message(msg)
	}
}

// overtaken reports whether what m tells of the address of a place was told before, and the other server has changed it since, of which m has
// not heard yet: then that is the last word.
func (o *oracle) overtaken(m *Member, place int, told *binding.Sync) bool {
	other := &o.view[1-m.i][place]
	return other.theirs >= told.Ours && other.ours > told.Theirs
}

// hears: a server takes a message of the other one.
func (o *oracle) hears(m *Member, msg []byte) {
	asked := &m.conn.asked[m.i]
	if *asked == nil {
		*asked = map[uint32]bool{}
	}
	(*asked)[binary.BigEndian.Uint32(msg[8:])] = true
}

// answersWhatWasAsked sees to I13: what is said in answer to a message is said on the connection on which that came.
func (o *oracle) answersWhatWasAsked(m *Member, e *failover.Envelope) {
	switch e.Message.(type) {
	case failover.BindingAck, failover.PoolResponse, failover.UpdateDone, failover.ConnectAck:
		if !m.conn.asked[m.i][e.ID] {
			o.w.fail("I13: %s answers %T %d, which came on an earlier connection", m.name, e.Message, e.ID)
		}
	}
}

// skewed returns by how much the clock of m is ahead of that of the other one.
func (m *Member) skewed() time.Duration { return m.clk.error() - m.other().clk.error() }

// describe returns a message for the log.
func describe(e *failover.Envelope) string {
	switch m := e.Message.(type) {
	case failover.BindingUpdate:
		s := fmt.Sprintf("BNDUPD %d:", e.ID)
		for i := range m.Updates {
			b := &m.Updates[i].Binding
			if last := m.Updates[i].Last; last.IsValid() {
				s += fmt.Sprintf(" run %v-%v of %s #%x;", b.Addr(), last, b.Owner, uint64(b.Sync.Ours))
				continue
			}
			s += fmt.Sprintf(" %v %v %v%s until %v potential %v #%x knows #%x;", b.Addr(), b.State, &b.Client, b.Owner,
				b.Expires.Sub(epoch), b.Sync.Potential.Sub(epoch), uint64(b.Sync.Ours), uint64(b.Sync.Theirs))
		}
		return s
	case failover.BindingAck:
		s := fmt.Sprintf("BNDACK %d:", e.ID)
		for _, a := range m.Acks {
			s += fmt.Sprintf(" %v #%x", a.Prefix.Addr(), uint64(a.Ours))
			if a.Reason != 0 {
				s += " refused: " + a.Text
			}
		}
		return s
	case failover.Connect:
		return "CONNECT" + describeHello(&m.Hello)
	case failover.ConnectAck:
		return fmt.Sprintf("CONNECTACK %d %s", m.Reason, m.Text) + describeHello(&m.Hello)
	case failover.Report:
		return fmt.Sprintf("STATE %v starting %v", m.State, m.Starting)
	}
	return fmt.Sprintf("%T %d", e.Message, e.ID)
}

func describeHello(h *failover.Hello) string {
	return fmt.Sprintf(" store %x at #%x, the other's %x at #%x, empty %v", h.Store[:2], uint64(h.Last), h.PartnerStore[:2], uint64(h.Seen), h.Empty)
}
