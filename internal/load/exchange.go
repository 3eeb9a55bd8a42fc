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

// exchange is one conversation with the servers. All times count from the start of the crowd.
type exchange struct {
	number  uint64 // 1 is the first
	client  uint32
	stage   stage
	renewal bool
	overdue bool  // some message of it was sent again
	anew    bool  // the server that offered did not answer, and the client looks for one once more
	tries   uint8 // how often the message of this stage was sent again
	due     time.Duration
	begun   time.Duration // when it really began, which secs counts from
	said    time.Duration // when the message of this stage was sent last
	resend  time.Duration // when it is sent again
	addr    uint32
	server  uint32
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

// fit forgets all exchanges and makes room for as many as can be open at the rate when each is open for that time.
func (x *exchanges) fit(total, rate float64, open time.Duration) {
	size := 1024
	for size < maxOpen && float64(size) < min(total, rate*open.Seconds()) {
		size *= 2
	}
	if len(x.ring) < size || len(x.ring) > 4*size {
		x.ring = make([]exchange, size)
		return
	}
	clear(x.ring)
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
