package peerwire

import (
	"net/netip"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/failover"
)

// answer is the answer to a binding that failover does not hear of.
type answer struct {
	id  uint32
	ack Ack
}

// maxAnswers bounds them where nobody calls Pending.
const maxAnswers = 16 * MaxBindings

func (t *Translator) answer(id uint32, a Ack) {
	if len(t.answers) < maxAnswers {
		t.answers = append(t.answers, answer{id, a})
	}
}

// Pending appends messages of the translator's own, and is to be called after each Append and Parse: they can go at once,
// since nothing that must be on disk is said in them. They are answers to bindings that could not be taken; updates that
// the partner wants whole; and to an ISC server the next addresses of a run, as many as it takes.
func (t *Translator) Pending(dst []byte, now time.Time) []byte {
	t.arena = t.arena[:0]
	dst = t.appendAnswers(dst, now)
	dst = t.appendAgain(dst, now)
	return t.appendRuns(dst, now)
}

// appendAnswers appends a BNDACK for each message that is answered.
func (t *Translator) appendAnswers(dst []byte, now time.Time) []byte {
	out := t.begin(dst, BndAck, now, 0)
	for i := range t.answers {
		a := &t.answers[i]
		out.number(a.id)
		if err := out.ack(&a.ack); err != nil {
			panic("peerwire: an answer cannot be written: " + err.Error())
		}
	}
	clear(t.answers)
	t.answers = t.answers[:0]
	return out.finish()
}

// appendAgain appends what the partner wants whole, under the number that it had: so failover hears one answer.
func (t *Translator) appendAgain(dst []byte, now time.Time) []byte {
	out := t.begin(dst, BndUpd, now, 0)
	for _, k := range t.flights.again {
		i, ok := t.flights.at[k]
		if !ok {
			continue
		}
		u := &t.flights.slots[i].update
		out.number(k.id)
		t.fill(u, true)
		t.addUpdate(out, k.id, u)
		t.flights.end(k)
	}
	t.flights.again = t.flights.again[:0]
	return out.finish()
}

// run is addresses that nobody ever used, of which an ISC server is told one by one.
type run struct {
	id          uint32 // of the message that told of them
	update      failover.Update
	next        netip.Addr // invalid when all were said
	unanswered  int
	refusal     failover.Reason // the first
	refusalText string
}

const (
	// maxRuns is how many runs are under way at a time.
	maxRuns = 64
	// maxRunUpdates is how many of their addresses are unanswered at a time.
	maxRunUpdates = 64
)

// expand begins to tell of a run.
func (t *Translator) expand(id uint32, u *failover.Update) {
	b := &u.Binding
	ok := b.Addr().Is4() && u.Last.Is4() && !u.Last.Less(b.Addr()) && b.State == binding.Free && t.status(b) != 0
	switch {
	case !ok:
		t.leave(id, u, "it is no range of free addresses")
	case len(t.runs) == maxRuns:
		t.leave(id, u, "too many ranges at a time")
	default:
		t.runs = append(t.runs, run{id: id, update: *u, next: b.Addr()})
	}
}

// appendRuns goes on with the runs.
func (t *Translator) appendRuns(dst []byte, now time.Time) []byte {
	out := t.begin(dst, BndUpd, now, 0)
	room := min(max(t.window/2, 1), maxRunUpdates)
	for i := range t.runs {
		room -= t.runs[i].unanswered
	}
	for i := range t.runs {
		r := &t.runs[i]
		for ; room > 0 && r.next.IsValid(); room-- {
			t.tellOf(out, r)
			if r.next == r.update.Last {
				r.next = netip.Addr{}
			} else {
				r.next = r.next.Next()
			}
		}
	}
	return out.finish()
}

// tellOf tells of the next address of a run.
func (t *Translator) tellOf(out *several, r *run) {
	u := failover.Update{Binding: r.update.Binding}
	u.Binding.Prefix = netip.PrefixFrom(r.next, 32)
	t.fill(&u, false)
	out.number(r.id)
	if err := out.update(&t.update); err != nil {
		panic("peerwire: a free address cannot be written: " + err.Error())
	}
	r.unanswered++
}

// ofRun takes the answer to an address of a run. When it is the last, ack becomes the answer to the run, and false is
// returned, as it is where no run has the address.
func (t *Translator) ofRun(id uint32, a netip.Addr, ack *failover.Ack) bool {
	for i := range t.runs {
		r := &t.runs[i]
		if r.id != id || a.Less(r.update.Binding.Addr()) || r.update.Last.Less(a) {
			continue
		}
		r.unanswered = max(r.unanswered-1, 0)
		if r.refusal == 0 {
			r.refusal, r.refusalText = ack.Reason, ack.Text
		}
		if r.next.IsValid() || r.unanswered > 0 {
			return true
		}
		*ack = failover.Ack{
			Prefix: r.update.Binding.Prefix, Ours: r.update.Binding.Sync.Ours, Reason: r.refusal, Text: r.refusalText,
		}
		t.runs = append(t.runs[:i], t.runs[i+1:]...)
		return false
	}
	return false
}
