package load

import "time"

// stage is how far an exchange is.
type stage uint8

const (
	unused stage = iota
	selecting
	requesting
	bound
	over // refused, or given up
)

// exchange is one conversation with the servers. All times count from the start of the run.
type exchange struct {
	number   uint64 // 1 is the first
	client   uint32
	stage    stage
	renewal  bool
	measured bool
	tries    uint8 // how often the message of this stage was sent again
	due      time.Duration
	begun    time.Duration // when it really began, which secs counts from
	resend   time.Duration // when the message of this stage is sent again
	addr     uint32
	server   uint32
}

func (e *exchange) waits() bool { return e.stage == selecting || e.stage == requesting }

// client is what one client has.
type client struct {
	addr, server uint32
	until        time.Duration
	busy         bool // in an exchange
}

// maxOpen is how many exchanges are remembered at a time. Those before count as unanswered.
const maxOpen = 1 << 22

// exchanges is a ring of the latest.
type exchanges struct {
	ring []exchange
	next uint64 // number of the next
	base uint32 // transaction identifier of number 0
}

// newExchanges has room for as many as can be open at the rate when each is given up after that time.
func newExchanges(total, rate float64, giveUp time.Duration, base uint32) *exchanges {
	size := 1024
	for size < maxOpen && float64(size) < min(total, rate*giveUp.Seconds()) {
		size *= 2
	}
	return &exchanges{ring: make([]exchange, size), next: 1, base: base}
}

// oldest returns the one whose place the next takes.
func (x *exchanges) oldest() *exchange { return x.at(x.next) }

// at returns what has the place of that number.
func (x *exchanges) at(number uint64) *exchange { return &x.ring[number%uint64(len(x.ring))] }

// add returns the next.
func (x *exchanges) add() *exchange {
	e := x.oldest()
	*e = exchange{number: x.next}
	x.next++
	return e
}

func (x *exchanges) xid(e *exchange) uint32 { return x.base + uint32(e.number) }

// find returns the exchange of a transaction identifier, nil if it is not remembered.
func (x *exchanges) find(xid uint32) *exchange {
	n := xid - x.base
	if e := x.at(uint64(n)); e.stage != unused && uint32(e.number) == n {
		return e
	}
	return nil
}

// The delays of RFC 2131 §4.1: 4 s, doubled after each transmission, four times. The second by which a client varies
// them is left out, since these clients do not begin together.
const (
	firstDelay = 4 * time.Second
	lastTry    = 4
)

// resends are the exchanges whose message may have to be sent again: a queue for each delay, since all that wait
// equally long come due in the order in which they were sent.
type resends struct {
	first  time.Duration
	queues [lastTry + 1]queue
}

// giveUp is how long a client asks before it gives up.
func (r *resends) giveUp() time.Duration { return r.first << (lastTry + 1) }

type queue struct {
	waiting []pending
	head    int
}

type pending struct {
	number uint64
	at     time.Duration
}

func (q *queue) push(p pending) {
	if q.head > 1024 && q.head*2 > len(q.waiting) {
		q.waiting = q.waiting[:copy(q.waiting, q.waiting[q.head:])]
		q.head = 0
	}
	q.waiting = append(q.waiting, p)
}

// pop returns the first if it is due.
func (q *queue) pop(now time.Duration) (pending, bool) {
	if q.head == len(q.waiting) || q.waiting[q.head].at > now {
		return pending{}, false
	}
	q.head++
	return q.waiting[q.head-1], true
}

// arm makes e be looked at again when its answer has not come.
func (r *resends) arm(e *exchange, now time.Duration) {
	e.resend = now + r.first<<e.tries
	r.queues[e.tries].push(pending{e.number, e.resend})
}

// due returns the number of an exchange that is to be looked at, if e.resend is still that time.
func (r *resends) due(now time.Duration) (pending, bool) {
	for i := range r.queues {
		if p, ok := r.queues[i].pop(now); ok {
			return p, true
		}
	}
	return pending{}, false
}
