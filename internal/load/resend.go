package load

import (
	"math/rand/v2"
	"time"
)

// The delays of RFC 2131 §4.1: 4 s, doubled after each transmission, four times, each a second longer or shorter by
// chance. A renewal, which §4.4.5 would repeat after 60 s at the earliest, is repeated in the same way, so that a run need
// not last so long.
const (
	firstDelay = 4 * time.Second
	lastTry    = 4
	// slotsADelay is how many slots of the wheel the first delay spans.
	slotsADelay = 256
	// wheelSize is more slots than the longest delay spans, chance included.
	wheelSize = slotsADelay << (lastTry + 1)
)

// delay is how long the message of that try waits for its answer: what stands in RFC 2131 for a first delay of 4 s, and
// in proportion for another.
func delay(first time.Duration, try uint8, chance float64) time.Duration {
	return first<<try + time.Duration((2*chance-1)*float64(first)/4)
}

// giveUp is the most that a client waits for the answer to one kind of message before it gives up.
func giveUp(first time.Duration) time.Duration { return first<<(lastTry+1) + (lastTry+1)*first/4 }

// wheel has the exchanges whose message may have to be sent again, by when. The slots go round.
type wheel struct {
	slot  time.Duration // how long each is
	slots [wheelSize][]pending
	now   int64 // the slot that is looked at next
}

type pending struct {
	number uint64
	at     time.Duration
}

func newWheel(first time.Duration) *wheel { return &wheel{slot: max(first/slotsADelay, 1)} }

// arm makes e be looked at again when its answer has not come.
func (w *wheel) arm(e *exchange, now, first time.Duration) {
	e.resend = now + delay(first, e.tries, rand.Float64())
	at := min(max(int64(e.resend/w.slot), w.now), w.now+wheelSize-1)
	s := &w.slots[at%wheelSize]
	*s = append(*s, pending{e.number, e.resend})
}

// due hands over what came due up to now; each says whether its time is still that of the exchange.
func (w *wheel) due(now time.Duration, each func(pending)) {
	for end := int64(now / w.slot); w.now < end; w.now++ {
		s := &w.slots[w.now%wheelSize]
		for _, p := range *s {
			each(p)
		}
		if *s = (*s)[:0]; cap(*s) > 1<<12 {
			*s = nil // what one burst left behind is not kept
		}
	}
}

// clear forgets everything.
func (w *wheel) clear(now time.Duration) {
	for i := range w.slots {
		w.slots[i] = nil
	}
	w.now = int64(now / w.slot)
}
