package failover

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// An ISC server answers within 2 s, or not at all on this connection. Between Lessors a disk may be slow.
const (
	answerFromISC    = time.Minute
	answerFromLessor = 5 * time.Minute
)

// maxPassedOver is how many addresses are remembered of which the partner did not answer.
const maxPassedOver = 64

func (e *Endpoint) answerWithin() time.Duration {
	if e.cfg.Protocol == ISC {
		return answerFromISC
	}
	return answerFromLessor
}

// unanswered sees to updates that the partner has not answered for too long. In NORMAL nothing waits for the answer of an ISC
// server to one of them: it counts as refused, and is offered again with a new number (specification of ISC's behaviour §11.6: an
// update that comes twice changes nothing there). Where something does, the connection is made anew, and all is told again; if it is
// passed over on the next one, too, it counts as refused there as well, or the two would wait for each other without end.
func (s *step) unanswered() {
	f, within := &s.flights, s.answerWithin()
	if !s.link.open || f.len() == 0 || s.now.Before(f.lookAt.Add(within)) {
		return
	}
	var late []flightID
	oldest := s.now
	dumps := map[flightID]bool{}
	f.each(func(id uint32, fl *flight) {
		if s.now.Before(fl.at.Add(within)) {
			oldest = earlier(oldest, fl.at)
			return
		}
		x := flightID{id, fl.place}
		late, dumps[x] = append(late, x), fl.dump
	})
	f.lookAt = oldest
	slices.SortFunc(late, func(a, b flightID) int { // one message may tell of many
		return cmp.Or(cmp.Compare(a.id, b.id), a.at.prefix().Addr().Compare(b.at.prefix().Addr()), cmp.Compare(a.at.bits, b.at.bits))
	})
	for _, id := range late {
		waited := s.rec.State != Normal || s.overlay != 0 || dumps[id]
		if s.cfg.Protocol != ISC || waited && !slices.Contains(s.passedOver, id.at) {
			s.passOver(late)
			s.close(fmt.Sprintf("no answer for %v to what was told of %v", within, id.at.prefix().Addr()))
			return
		}
		f.end(id)
		s.outbox.rejected++
		s.note(Note{Kind: UpdateRefused, Prefix: id.at.prefix(), Cause: fmt.Sprintf("the partner: no answer for %v; it is offered again", within)})
	}
}

// passOver remembers what was not answered.
func (e *Endpoint) passOver(late []flightID) {
	for _, id := range late {
		if !slices.Contains(e.passedOver, id.at) {
			e.passedOver = append(e.passedOver[max(0, len(e.passedOver)-maxPassedOver+1):], id.at)
		}
	}
}
